"""Makes series of the reports that came in, a minute of them at a time.

What a minute's reports say, and what late journal minutes in them say of earlier ones, is written
in place of what was known before; so a step that was cut short is simply done again.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from headroom.history.steps import (
    MINUTE_S,
    CircuitStep,
    FeederLoad,
    feeder_steps,
    minute_of,
    quarter_of,
    steps_of_minute,
    steps_of_reports,
)
from headroom.site import Site
from headroom.store import Store, arrivals, figures, series
from headroom.store.arrivals import Arrival

T = TypeVar("T")
# Of a board that has left the site.
_REPORT_S = 10
# Transactions are short, so that no report waits long for its own.
_ROWS_AT_ONCE = 500
_BOARDS_AT_ONCE = 50


class Recorder:
    """Works through the reports in their order."""

    def __init__(self, site: Callable[[], Site], store: Store) -> None:
        """`site` gives it as it is configured now."""
        self._site = site
        self._store = store

    def step(self, now_unix_s: float) -> bool:
        """Take in the next minute of reports if it is over; whether there was one.

        Raises StoreUnavailableError.
        """
        with self._store.read() as db:
            cursor = figures.history_cursor(db)
            first_unix_s = arrivals.next_arrival_unix_s(db, cursor)
            if first_unix_s is None or not _is_over(first_unix_s, now_unix_s):
                return False
            came = arrivals.arrivals(db, cursor, minute_of(first_unix_s) + MINUTE_S)
            started = arrivals.boot_starts(
                db, {(a.board, minute.boot) for a in came for minute in a.report.minutes}
            )
        self._record([*self._of_readings(came), *_of_journals(came, started)])
        with self._store.write() as db:
            figures.move_history_cursor(db, came[-1].id)
        return True

    def _of_readings(self, came: Iterable[Arrival]) -> Iterator[CircuitStep]:
        by_board: dict[str, list[Arrival]] = defaultdict(list)
        for arrival in came:
            by_board[arrival.board].append(arrival)
        for board_id, of_board in by_board.items():
            board = self._site().board(board_id)
            reports = [(arrival.received_unix_s, arrival.report) for arrival in of_board]
            yield from steps_of_reports(board_id, board.report_s if board else _REPORT_S, reports)

    def _record(self, steps: Sequence[CircuitStep]) -> None:
        """Store circuits' minutes, and all that is made of them; of two the later one counts."""
        newest = {(step.board, step.circuit, step.unix_s): step for step in steps}
        for part in _parts(list(newest.values()), _ROWS_AT_ONCE):
            with self._store.write() as db:
                series.put_circuit_steps(db, part)
        for unix_s in sorted({step.unix_s for step in steps}):
            with self._store.write() as db:
                minutes = series.circuit_minutes_at(db, unix_s)
                series.put_feeder_steps(db, feeder_steps(_loads(self._site()), minutes))
        boards_of: dict[int, set[str]] = defaultdict(set)
        for step in steps:
            boards_of[quarter_of(step.unix_s)].add(step.board)
        for unix_s, boards in boards_of.items():
            self._record_quarter(unix_s, sorted(boards))

    def _record_quarter(self, unix_s: int, boards: Sequence[str]) -> None:
        for part in _parts(boards, _BOARDS_AT_ONCE):
            with self._store.write() as db:
                series.make_circuit_quarters(db, unix_s, part)
        with self._store.write() as db:
            series.make_feeder_quarters(db, unix_s)


def _is_over(unix_s: int, now_unix_s: float) -> bool:
    """Also of a report that came in at a time which the clock has gone back from."""
    return not minute_of(unix_s) <= now_unix_s < minute_of(unix_s) + MINUTE_S


def _of_journals(
    came: Iterable[Arrival], started: Mapping[tuple[str, int], int]
) -> Iterator[CircuitStep]:
    """Minutes of boots that are dated; of the others nobody knows when they were."""
    for arrival in came:
        for minute in arrival.report.minutes:
            started_unix_s = started.get((arrival.board, minute.boot))
            if started_unix_s is not None:
                began_unix_s = started_unix_s + MINUTE_S * minute.minute
                circuits = len(arrival.report.circuits)
                yield from steps_of_minute(arrival.board, circuits, minute, began_unix_s)


def _loads(site: Site) -> list[FeederLoad]:
    tree = site.tree()
    return [
        FeederLoad(
            feeder.id,
            feeder.phases,
            {
                (board.id, number): circuit.phase
                for board in site.boards
                if feeder.id in tree.chain_of(board.id)
                for number, circuit in enumerate(board.circuits)
            },
            tree.uncontrolled_ma[feeder.id],
        )
        for feeder in site.feeders
    ]


def _parts(values: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    return (values[at : at + most] for at in range(0, len(values), most))
