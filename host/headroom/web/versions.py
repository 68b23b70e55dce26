"""The live state in versions: which of its parts are newer than what somebody knows; pure.

Only the newest state is kept, with the version at which each part came to be as it is. So whoever
has missed many versions is told each part once, and nobody's pace costs memory.
"""

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]
# A key of the state; and where that is a list of feeders or boards, the id of one of them.
_Part = tuple[str, str | None]
# These are told one by one; anything else as a whole.
_LISTS = ("feeders", "boards")


class Versions:
    """States one after another. The first has version 1; who knows nothing has version 0."""

    def __init__(self) -> None:
        self.version = 0
        self.state = Document()
        self._parts: dict[_Part, Any] = {}
        self._changed_at: dict[_Part, int] = {}
        self._whole_at = 1

    def take(self, state: Document) -> bool:
        """The state as it is now; whether that makes a new version."""
        parts = dict(_parts(state))
        before = self._parts
        changed = [part for part in parts if part not in before or parts[part] != before[part]]
        is_other = list(parts) != list(before)
        self.state, self._parts = state, parts
        if not changed and not is_other:
            return False
        self.version += 1
        self._changed_at.update(dict.fromkeys(changed, self.version))
        if is_other:
            self._whole_at = self.version
        return True

    def since(self, version: int) -> Document | None:
        """What is newer than a version, and the time; None if only the whole state tells it."""
        if not self._whole_at <= version <= self.version:
            return None
        new = [part for part in self._parts if self._changed_at[part] > version]
        document = {"unix_s": self.state["unix_s"]}
        for key in _LISTS:
            ids = {of for name, of in new if name == key}
            document[key] = [item for item in self.state[key] if item["id"] in ids]
        return document | {name: self.state[name] for name, of in new if of is None}


def _parts(state: Document) -> Iterator[tuple[_Part, Any]]:
    """What is compared: all but the time, and how long ago a board was heard."""
    for key, value in state.items():
        if key in _LISTS:
            for item in value:
                yield (key, item["id"]), {k: v for k, v in item.items() if k != "age_s"}
        elif key != "unix_s":
            yield (key, None), value
