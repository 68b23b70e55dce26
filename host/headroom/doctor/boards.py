"""What is wrong with each board, from the store, from the running server and from the board."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from headroom.coordinator.live import STALE_INTERVALS
from headroom.doctor.board_health import Health, ask_boards
from headroom.findings import Finding
from headroom.site import Board, Site
from headroom.store.boards import BoardRecord

BOARD_HTTP_PORT = 80

_REFUSED = {
    "unsigned": (
        "were not signed with its key",
        "write the key that is registered here into its secrets.json, or register its own with "
        "`headroom board add {id} --key-file`",
    ),
    "malformed": (
        "do not fit the site file",
        "it has other circuits there, or firmware of another release; provision it again",
    ),
    "replayed": (
        "were not newer than its last one",
        "two boards use this name and key, or its flash was set back; give each a key of its own, "
        "or wait: a board jumps above by itself",
    ),
    "superseded": (
        "came to a server whose store another has taken over",
        "stop one of the two coordinators",
    ),
}
_HEALTH = {
    "ok": (
        "it answers at {host} and says that it is well",
        "it sends its reports elsewhere: set link.host and link.port in its config.json to this "
        "coordinator's, and check that nothing between them blocks that port",
    ),
    "failing": (
        "it answers at {host} and says: {said}",
        "mend that first, then check link.host and link.port in its config.json",
    ),
    "closed": (
        "something is at {host}, where its own HTTP is off or on another port",
        "check over serial what `app.current.status()` says of its link, and link.host and "
        "link.port in its config.json",
    ),
    "silent": (
        "nothing answers at {host}, from where it last reported ({said})",
        "check its power and Wi-Fi; over serial, `app.current.status()` says what its link does",
    ),
    "stranger": (
        "what answers at {host}, from where it last reported, is no board",
        "it may have another address now: check its power and Wi-Fi, and over serial "
        "`app.current.status()`",
    ),
}


@dataclass(frozen=True)
class _Known:
    """A board, and all that is known of it; health None where nobody was asked."""

    board: Board
    record: BoardRecord
    refused: Mapping[str, int]
    health: Health | None
    served_unix_s: float
    now_unix_s: float

    @property
    def thing(self) -> str:
        return f"board {self.board.id}"

    @property
    def is_silent(self) -> bool:
        heard_unix_s = self.record.received_unix_s
        longest_s = STALE_INTERVALS * self.board.report_s
        return heard_unix_s is None or self.served_unix_s - heard_unix_s > longest_s

    @property
    def silence(self) -> str:
        if self.record.received_unix_s is None:
            return "has never been heard with a right signature"
        age_s = round(self.now_unix_s - self.record.received_unix_s)
        return (
            f"was heard {age_s} s ago and reports every {self.board.report_s} s; it keeps to its "
            "safe limit by itself"
        )


def last_heard_unix_s(records: Mapping[str, BoardRecord], now_unix_s: float) -> float:
    """When a server that runs no more last heard any board; now if it never did."""
    heard = [r.received_unix_s for r in records.values() if r.received_unix_s is not None]
    return min(max(heard, default=now_unix_s), now_unix_s)


def examine_boards(
    site: Site,
    records: Mapping[str, BoardRecord],
    refused: Mapping[str, Mapping[str, int]],
    served_and_now_unix_s: tuple[float, float],
    http_port: int = BOARD_HTTP_PORT,
    outdated: Collection[str] = (),
) -> Iterator[Finding]:
    """Every board of the site, asked at the address that it last reported from.

    `refused` has the reports that the running server refused, by board id and problem. A board is
    silent if it was not heard for long when a server last ran. `outdated` boards run by a
    configuration of before a change of the site.
    """
    hosts = {b.id: r.host for b in site.boards if (r := records.get(b.id)) and r.host}
    health = ask_boards(hosts, http_port)
    for board in site.boards:
        record = records.get(board.id)
        if record is None:
            yield _without_key(board)
        else:
            of_board = refused.get(board.id, {})
            times = served_and_now_unix_s
            yield from _board(_Known(board, record, of_board, health.get(board.id), *times))
        if board.id in outdated:
            yield _outdated(board)
    for board_id in sorted(set(records) - {board.id for board in site.boards}):
        yield Finding(
            "warning",
            f"board {board_id}",
            "has a key here and is not on the site; its reports are refused, and if it still has "
            "power nobody counts its safe limit",
            "switch it off, or add it by API or to the site file",
        )


def _outdated(board: Board) -> Finding:
    return Finding(
        "warning",
        f"board {board.id}",
        "the site was changed, and it may still run by its earlier configuration; both safe "
        "limits count",
        f"provision it again: headroom board provision {board.id}",
    )


def _without_key(board: Board) -> Finding:
    return Finding(
        "error",
        f"board {board.id}",
        "has no key here, so nothing it sends is accepted",
        f"`headroom board add {board.id} --new-key {board.id}.key`, and put that key into "
        "its /secrets.json",
    )


def _board(known: _Known) -> Iterator[Finding]:
    refused = list(_refused(known))
    if known.is_silent:
        for what, way_out in refused:
            yield Finding("error", known.thing, f"{known.silence}; {what}", way_out)
        if not refused:
            yield _silent(known)
        return
    for what, way_out in refused:
        yield Finding("warning", known.thing, what, way_out)
    if known.health and known.health.kind == "failing":
        what = f"reports, and says of itself: {known.health.said}"
        yield Finding("warning", known.thing, what, "see what the page says of that circuit")


def _refused(known: _Known) -> Iterator[tuple[str, str]]:
    """What was refused, and the way out."""
    for problem, count in known.refused.items():
        if problem in _REFUSED:
            why, way_out = _REFUSED[problem]
            what = f"{count} reports in its name were refused since the server's start: they {why}"
            yield what, way_out.format(id=known.board.id)


def _silent(known: _Known) -> Finding:
    if known.health is None:
        way_out = (
            "check that it has power and Wi-Fi, that link.host and link.port in its config.json "
            "are this coordinator's, and that the key in its secrets.json is the one registered"
        )
        return Finding("error", known.thing, known.silence, way_out)
    what, way_out = _HEALTH[known.health.kind]
    told = what.format(host=known.record.host, said=known.health.said)
    return Finding("error", known.thing, f"{known.silence}; {told}", way_out)
