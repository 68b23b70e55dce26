"""A board gets its name, key and configuration, and shows that its coordinator knows it.

Everything is written beside what is there and read back before anything is in force, so that a
cable that is pulled leaves the board as it was. Run again, it begins anew.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from headroom.device import firmware, romfs
from headroom.device.chip import Progress
from headroom.device.errors import DeviceError
from headroom.device.node import NODE
from headroom.device.serial_line import BoardError, SerialLine

CONFIG, SECRETS = "config.json", "secrets.json"
WIFI = "wifi_password"  # among the secrets
_NEW = ".new"
_LOOK_S = 0.5
_TAKE_OVER = """\
import json
with open({old!r}) as f: old = json.load(f)
with open({new!r}) as f: new = json.load(f)
for key in {keys!r}: new[key] = old[key]
with open({new!r}, 'w') as f: json.dump(new, f)
with open({new!r}) as f: assert json.load(f) == new, 'reads back otherwise'
del f, old, new, key
"""


@dataclass(frozen=True)
class RoundTrip:
    """What the board says of its coordinator's answers to it."""

    answers: int
    boot: int


def files(config: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, bytes]:
    """What provisioning puts on a board, by name."""
    return {
        CONFIG: json.dumps(config, separators=(",", ":")).encode(),
        SECRETS: json.dumps(secrets).encode(),
        **firmware.boot_files(),
    }


def firmware_of(line: SerialLine) -> romfs.Build:
    """Which firmware is on a board. Raises DeviceError."""
    content = line.read(f"/rom/{romfs.BUILD}")
    if content is None:
        raise DeviceError(
            f"{line.port}: there is no firmware of this project on the board",
            "write it first: headroom board flash IMAGE",
        )
    return romfs.Build.parse(content)


def provision(
    line: SerialLine,
    content: Mapping[str, bytes],
    kept: Iterable[str],
    register: Callable[[], None],
    progress: Progress,
) -> None:
    """Put files on a board, have its key registered, and start it anew with them. `kept`
    are names of its present secrets that stay; they do not leave it.

    Raises DeviceError; whatever it says, the board's earlier files are in force until `register`
    has returned, and where it fails nothing of the new ones stays.
    """
    with contextlib.ExitStack() as undo:
        undo.callback(_discard, line, content)
        for name, body in content.items():
            progress.step(f"write /{name}")
            line.write(f"/{name}{_NEW}", body)
        _take_over(line, tuple(kept))
        register()
        undo.pop_all()
    progress.step("put it in force, and start the board anew")
    for name in content:
        line.exec(f"import os; os.rename('/{name}{_NEW}', '/{name}')")
    line.exec("import os; 'maintenance' in os.listdir('/') and os.remove('/maintenance')")
    line.reset()


def _take_over(line: SerialLine, keys: tuple[str, ...]) -> None:
    if keys:
        line.exec(_TAKE_OVER.format(keys=keys, old=f"/{SECRETS}", new=f"/{SECRETS}{_NEW}"))


def _discard(line: SerialLine, names: Iterable[str]) -> None:
    drafts = [f"{name}{_NEW}" for name in names]
    with contextlib.suppress(DeviceError):  # why it failed is told already
        line.exec(f"import os\nfor n in {drafts!r}:\n if n in os.listdir('/'): os.remove('/' + n)")


def round_trip(line: SerialLine, within_s: float, progress: Progress) -> RoundTrip:
    """Wait until the board has accepted an answer that its coordinator signed.

    Raises DeviceError, with what the board says of its link.
    """
    progress.step("wait for a signed answer of the coordinator")
    deadline = time.monotonic() + within_s
    said = "its node does not run"
    while time.monotonic() < deadline:
        state = _link(line)
        if state is not None:
            answers, boot, said, joined = state
            if answers:
                return RoundTrip(answers, boot)
            if not joined:
                said = "it has not joined the Wi-Fi"
        time.sleep(_LOOK_S)
    raise DeviceError(
        f"{line.port}: provisioned, but no answer of the coordinator within {within_s:.0f} s: "
        f"{said or 'it has sent nothing yet'}",
        "check the Wi-Fi's name and password (--wifi-password-file), the address of "
        "--coordinator, and that the coordinator listens there; then provision again",
    )


def require_heard(board: Mapping[str, Any], boot: int, reports_before: int) -> None:
    """Raises DeviceError unless a coordinator's document of a board is of a report of this very
    start, and newer than what it had before.
    """
    health = board["health"]
    if board["reports"] <= reports_before or health is None or health["boot"] != boot:
        raise DeviceError(
            f"{board['id']}: another coordinator has answered it than the one behind --api",
            "give --coordinator and --api of the same server",
        )


def _link(line: SerialLine) -> tuple[int, int, str, bool] | None:
    """(answers, boot, last error, joined the Wi-Fi) of a node; None where none runs."""
    try:
        found: tuple[int, int, str, bool] = line.eval(
            f"(lambda a: (a.client.answers, a.storage.boot, a.client.last_error, "
            f"__import__('network').WLAN(0).isconnected()))({NODE})"
        )
    except BoardError:
        return None
    return found
