"""What a node that runs tells over the serial line, without being stopped.

Asked in pieces: each is compiled on the board and leaves garbage, which has to fit beside the
node. Nothing gets a name there, because names cost the board memory for as long as it runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from headroom.device.errors import DeviceError
from headroom.device.serial_line import BoardError, SerialLine

NODE = "__import__('node.app').app.current"
_CIRCUITS = (
    f"(lambda a:[(a.names[i],a.readings.last_ma[i],a.readings.state[i],bool(a.relays.closed[i]),"
    f"a.relays.reason[i])for i in range(a.relays.count)])({NODE})"
)
_SUPPLY = (
    f"(lambda a:(list(a.protection.load_ma),list(a.planning.limit_ma),a.planning.expired,"
    f"a.planning.epoch,a.planning.rev))({NODE})"
)
_HEALTH = (
    f"(lambda a:(a.clock.up_s,a.storage.boot,a.reset,a.tick_ms,a.longest_us,a.dropped,"
    f"a.heap_free()))({NODE})"
)
_LINK = f"(lambda c:c and(c.answers,c.errors,c.last_error))({NODE}.client)"
_BAD_CONFIG = "ConfigError: "
_EVENT = f"{NODE}.events.record({{}})"


@dataclass(frozen=True)
class Circuit:
    """One circuit now."""

    name: str
    current_ma: int
    sensor: str
    closed: bool
    reason: str


@dataclass(frozen=True)
class Event:
    """What the coordinator has not yet confirmed; circuit -1 = of the board."""

    number: int
    up_s: int
    kind: str
    circuit: int
    value: int


@dataclass(frozen=True)
class Snapshot:
    """A node at one moment. `link` is (answers, errors, last error), None without secrets."""

    circuits: tuple[Circuit, ...]
    load_ma: tuple[int, ...]
    limit_ma: tuple[int, ...]
    plan_expired: bool
    epoch: int
    rev: int
    link: tuple[int, int, str] | None
    events: tuple[Event, ...]
    up_s: int
    boot: int
    reset: str
    tick_ms: int
    longest_us: int
    dropped: int
    heap_free: int


def runs(line: SerialLine) -> bool:
    """Whether a node runs on the board."""
    try:
        return bool(line.eval(f"{NODE} is not None"))
    except BoardError:
        return False


def require_node(line: SerialLine) -> None:
    """Raises DeviceError where none runs, with why and what to do."""
    if not runs(line):
        why, way_out = why_none(line)
        raise DeviceError(f"{line.port}: no node runs on the board: {why}", way_out)


def why_none(line: SerialLine) -> tuple[str, str]:
    """Why no node runs on the board, and the way out."""
    files = line.eval("__import__('os').listdir('/')")
    if "maintenance" in files:
        return "it is in maintenance", "headroom board maintenance out"
    if "config.json" not in files:
        return "it is not provisioned", "headroom board provision"
    try:
        line.exec("__import__('node.config').config.load('/config.json')")
    except BoardError as error:
        if _BAD_CONFIG in error.traceback:
            why = error.traceback.partition(_BAD_CONFIG)[2].removeprefix("/config.json: ")
            return f"/config.json: {why}", "headroom board provision"
        return error.traceback, "headroom board update; or, where that fails, headroom board flash"
    return (
        "it has not been started since its reset, or has failed",
        "press reset and read what it prints: headroom board logs",
    )


def snapshot(line: SerialLine) -> Snapshot:
    """The node now. Raises DeviceError."""
    load_ma, limit_ma, expired, epoch, rev = line.eval(_SUPPLY)
    return Snapshot(
        tuple(Circuit(*values) for values in line.eval(_CIRCUITS)),
        tuple(load_ma),
        tuple(limit_ma),
        expired,
        epoch,
        rev,
        line.eval(_LINK),
        tuple(_events(line)),
        *line.eval(_HEALTH),
    )


def _events(line: SerialLine) -> Iterator[Event]:
    for k in range(line.eval(f"{NODE}.events.stored")):
        try:
            yield Event(*line.eval(_EVENT.format(k)))
        except BoardError:
            return  # confirmed meanwhile
