"""Group commit: everything that waits is made durable together, with one sync of the disk."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


class GroupCommit(Generic[Item, Outcome]):
    """Hands what callers submit to `work`, from a thread of its own, all that waits at a time.

    While one group is synced the next one gathers. So a lone caller waits for nobody, and the more
    there are, the less a sync costs each. `work` gives an outcome for each item, in their order,
    once they are durable; what it raises is raised to every caller of the group.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Outcome]]) -> None:
        self._work = work
        self._changed = threading.Condition()
        self._waiting: list[tuple[Item, Future[Outcome]]] = []
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="group commit", daemon=True)
        self._thread.start()

    def submit(self, item: Item) -> Outcome:
        """The outcome of an item, once its group is durable. Call it from any thread."""
        outcome: Future[Outcome] = Future()
        with self._changed:
            if self._closed:
                raise RuntimeError("nothing is committed any more: the coordinator was closed")
            self._waiting.append((item, outcome))
            self._changed.notify()
        return outcome.result()

    def close(self) -> None:
        """Finish what was submitted, and end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while group := self._gather():
            try:
                outcomes = self._work([item for item, _ in group])
            except Exception as error:
                for _, waiting in group:
                    waiting.set_exception(error)
            else:
                for (_, waiting), outcome in zip(group, outcomes, strict=True):
                    waiting.set_result(outcome)

    def _gather(self) -> list[tuple[Item, Future[Outcome]]]:
        """All that waits, at least one; nothing once it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            group, self._waiting = self._waiting, []
            return group
