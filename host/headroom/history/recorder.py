"""Makes series of the reports that came in, a minute of them at a time.

What a minute's reports say, and what late journal minutes in them say of earlier ones, is written
in place of what was known before; so a step that was cut short is simply done again.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple, TypeVar

import structlog
from sqlalchemy import Connection

from headroom.allocation.tree import Tree
from headroom.history.steps import (
    MINUTE_S,
    CircuitStep,
    FeederLoad,
    ReportedMinutes,
    UncontrolledStep,
    feeder_steps,
    minute_of,
    quarter_of,
    steps_of_minute,
)
from headroom.phases import PHASES, Phase, PhaseMa, by_phase
from headroom.protocol.messages import Report
from headroom.site import Site
from headroom.store import Store, arrivals, figures, series
from headroom.store.arrivals import Arrival
from headroom.store.boards import read_stored

log = structlog.get_logger()
T = TypeVar("T")
Rest = Callable[[], None]
# Of a board that has left the site.
_REPORT_S = 10
# Transactions are short, so that no report waits long for its own.
_ROWS_AT_ONCE = 500


class _Received(NamedTuple):
    board: str
    received_unix_s: int
    report: Report


def _go_on() -> None:
    """Without a rest."""


class Recorder:
    """Works through the reports in their order."""

    def __init__(self, site: Callable[[], Site], store: Store) -> None:
        """`site` gives it as it is configured now."""
        self._site = site
        self._store = store

    def step(self, now_unix_s: float, rest: Rest = _go_on) -> bool:
        """Take in the next minute of reports if it is over; whether there was one.

        `rest` is called after each piece of the work. Raises StoreUnavailableError.
        """
        with self._store.read() as db:
            cursor = figures.history_cursor(db)
            first_unix_s = arrivals.next_arrival_unix_s(db, cursor)
            if first_unix_s is None or not _is_over(first_unix_s, now_unix_s):
                return False
            last_id = arrivals.last_before(db, cursor, minute_of(first_unix_s) + MINUTE_S)
        self._record(self._steps(cursor, last_id, rest), rest)
        with self._store.write() as db:
            figures.move_history_cursor(db, last_id)
        return True

    def _steps(self, after_id: int, last_id: int, rest: Rest) -> list[CircuitStep]:
        """What reports say of circuits' minutes, one of each: a journal knows best."""
        reported = ReportedMinutes()
        of_journals: list[CircuitStep] = []
        while after_id < last_id:
            with self._store.read() as db:
                came = arrivals.arrivals(db, after_id, last_id, _ROWS_AT_ONCE)
                received = list(_read(came))
                of_journals += _of_journals(db, received)
            for one in received:
                reported.add(*one)
            after_id = came[-1].id
            rest()
        every_s = {board.id: board.report_s for board in self._site().boards}
        of_reports = reported.steps(lambda board: every_s.get(board, _REPORT_S))
        steps = chain(of_reports, of_journals)
        return list({(step.board, step.circuit, step.unix_s): step for step in steps}.values())

    def _record(self, steps: Sequence[CircuitStep], rest: Rest) -> None:
        """Store circuits' minutes, and all that is made of them."""
        self._put(series.put_circuit_steps, steps, rest)
        site = self._site()
        for unix_s in sorted({step.unix_s for step in steps}):
            with self._store.read() as db:
                minutes = series.circuit_minutes_at(db, unix_s)
                uncontrolled = series.uncontrolled_minutes_at(db, unix_s)
            of_feeders = feeder_steps(_loads(site, uncontrolled), minutes)
            self._put(series.put_feeder_steps, of_feeders, rest)
        boards_of: dict[int, set[str]] = defaultdict(set)
        for step in steps:
            boards_of[quarter_of(step.unix_s)].add(step.board)
        for unix_s, boards in boards_of.items():
            self._record_quarter(unix_s, boards, rest)

    def _record_quarter(self, unix_s: int, boards: Collection[str], rest: Rest) -> None:
        """Nobody else writes series, so that they are read before the transactions that write."""
        with self._store.read() as db:
            of_circuits = series.circuit_quarters(db, unix_s, boards)
            of_feeders = series.feeder_quarters(db, unix_s)
        self._put(series.put_circuit_steps, of_circuits, rest)
        self._put(series.put_feeder_steps, of_feeders, rest)

    def _put(
        self, put: Callable[[Connection, Sequence[T]], None], steps: Sequence[T], rest: Rest
    ) -> None:
        for first in range(0, len(steps), _ROWS_AT_ONCE):
            with self._store.write() as db:
                put(db, steps[first : first + _ROWS_AT_ONCE])
            rest()


def _is_over(unix_s: int, now_unix_s: float) -> bool:
    """Also of a report that came in at a time which the clock has gone back from."""
    return not minute_of(unix_s) <= now_unix_s < minute_of(unix_s) + MINUTE_S


def _read(came: Iterable[Arrival]) -> Iterator[_Received]:
    for arrival in came:
        report = read_stored(arrival.body)
        if report is None:
            log.warning("the series go on without a stored report", board=arrival.board)
        else:
            yield _Received(arrival.board, arrival.received_unix_s, report)


def _of_journals(db: Connection, reports: Sequence[_Received]) -> Iterator[CircuitStep]:
    """Minutes of boots that are dated; of the others nobody knows when they were."""
    named = {(one.board, minute.boot) for one in reports for minute in one.report.minutes}
    started = arrivals.boot_starts(db, named)
    for board, _, report in reports:
        for minute in report.minutes:
            started_unix_s = started.get((board, minute.boot))
            if started_unix_s is not None:
                began_unix_s = started_unix_s + MINUTE_S * minute.minute
                yield from steps_of_minute(board, len(report.circuits), minute, began_unix_s)


def _loads(site: Site, uncontrolled: Sequence[UncontrolledStep]) -> list[FeederLoad]:
    """The feeders in a minute of which that is known of their uncontrolled load."""
    tree = site.tree()
    circuits: dict[str, dict[tuple[str, int], Phase]] = {feeder.id: {} for feeder in site.feeders}
    for board in site.boards:
        for feeder_id in tree.chain_of(board.id):
            phases = {(board.id, n): circuit.phase for n, circuit in enumerate(board.circuits)}
            circuits[feeder_id] |= phases
    mean_ma = _uncontrolled_ma(site, tree, {s[:2]: s.mean_ma for s in uncontrolled})
    max_ma = _uncontrolled_ma(site, tree, {s[:2]: s.max_ma for s in uncontrolled})
    return [
        FeederLoad(f.id, f.phases, circuits[f.id], mean_ma[f.id], max_ma[f.id])
        for f in site.feeders
    ]


def _uncontrolled_ma(
    site: Site, tree: Tree, known_ma: Mapping[tuple[str, Phase], int]
) -> Mapping[str, PhaseMa]:
    """Of each feeder and all that hang on it; the most that it may be where nothing is known."""
    own_ma = (
        (
            feeder.id,
            by_phase(
                (phase, known_ma.get((feeder.id, phase), most_ma))
                for phase, most_ma in zip(PHASES, feeder.most_uncontrolled_ma, strict=True)
            ),
        )
        for feeder in site.feeders
    )
    return tree.summed(own_ma)
