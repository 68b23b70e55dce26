"""Minutes of circuits from reports and journals, and of feeders from those of circuits; pure.

A journal minute begins when its board has been up for whole minutes, not on the clock's minute. It
counts as the clock's minute that most of it lies in.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from headroom.phases import PHASES, Phase, PhaseMa
from headroom.protocol.messages import MEASURED, CircuitReading, Minute, Report

MINUTE_S = 60
QUARTER_S = 900


class CircuitStep(NamedTuple):
    """One circuit from `unix_s` on: `covered_s` of it measured, `closed_s` with its relay closed.

    From the board's journal its mean and maximum are of every window that it measured; else they
    are of the readings that reports carried.
    """

    board: str
    circuit: int
    step_s: int
    unix_s: int
    mean_ma: int
    max_ma: int
    closed_s: int
    covered_s: int
    from_journal: bool


class FeederStep(NamedTuple):
    """One feeder phase from `unix_s` on: uncontrolled load and the circuits behind it.

    Uncontrolled load counts as it was measured, and as the most that it may be where it was not.
    `max_ma` is the sum of the circuits' maxima, which need not have been at the same moment.
    `unmeasured` of its circuits are not in the sums.
    """

    feeder: str
    phase: Phase
    step_s: int
    unix_s: int
    mean_ma: int
    max_ma: int
    covered_s: int
    unmeasured: int


class UncontrolledStep(NamedTuple):
    """What a feeder phase carried from `unix_s` on beside circuits, as it was measured."""

    feeder: str
    phase: Phase
    step_s: int
    unix_s: int
    mean_ma: int
    max_ma: int


class FeederLoad(NamedTuple):
    """What makes up a feeder: its circuits with their phase, by (board, circuit); and the rest."""

    feeder: str
    phases: tuple[Phase, ...]
    circuits: Mapping[tuple[str, int], Phase]
    mean_uncontrolled_ma: PhaseMa
    max_uncontrolled_ma: PhaseMa


def minute_of(unix_s: int) -> int:
    """The start of the clock's minute."""
    return unix_s - unix_s % MINUTE_S


def quarter_of(unix_s: int) -> int:
    """The start of the clock's quarter of an hour."""
    return unix_s - unix_s % QUARTER_S


class _Sum:
    """Of the readings of one circuit in one minute."""

    __slots__ = ("closed", "count", "current_ma", "max_ma")

    def __init__(self) -> None:
        self.count = self.current_ma = self.max_ma = self.closed = 0

    def add(self, reading: CircuitReading) -> None:
        self.count += 1
        self.current_ma += reading.current_ma
        self.max_ma = max(self.max_ma, reading.current_ma)
        self.closed += reading.closed


class ReportedMinutes:
    """Minutes of circuits from reports, which it does not keep: a large site has many.

    Readings that were not measured do not count.
    """

    def __init__(self) -> None:
        self._sums: defaultdict[tuple[str, int, int], _Sum] = defaultdict(_Sum)

    def add(self, board: str, received_unix_s: int, report: Report) -> None:
        """Take in a report that came in then."""
        unix_s = minute_of(received_unix_s)
        for circuit, reading in enumerate(report.circuits):
            if reading.sensor in MEASURED:
                self._sums[board, circuit, unix_s].add(reading)

    def steps(self, every_s: Callable[[str], int]) -> Iterator[CircuitStep]:
        """What they say; `every_s`: how long a report of a board stands for."""
        for (board, circuit, unix_s), of_minute in self._sums.items():
            covered_s = min(MINUTE_S, every_s(board) * of_minute.count)
            yield CircuitStep(
                board=board,
                circuit=circuit,
                step_s=MINUTE_S,
                unix_s=unix_s,
                mean_ma=of_minute.current_ma // of_minute.count,
                max_ma=of_minute.max_ma,
                closed_s=covered_s * of_minute.closed // of_minute.count,
                covered_s=covered_s,
                from_journal=False,
            )


def steps_of_minute(
    board: str, circuits: int, minute: Minute, began_unix_s: int
) -> list[CircuitStep]:
    """A journal minute as one of each circuit that the board has."""
    unix_s = minute_of(began_unix_s + MINUTE_S // 2)
    return [
        CircuitStep(board, circuit, MINUTE_S, unix_s, *values, MINUTE_S, from_journal=True)
        for circuit, values in enumerate(minute.by_circuit()[:circuits])
    ]


def feeder_steps(loads: Iterable[FeederLoad], steps: Sequence[CircuitStep]) -> list[FeederStep]:
    """One minute of every feeder phase from that minute of circuits; none where none is known."""
    by_circuit = {(step.board, step.circuit): step for step in steps}
    found = (_feeder_step(load, phase, by_circuit) for load in loads for phase in load.phases)
    return [step for step in found if step]


def _feeder_step(
    load: FeederLoad, phase: Phase, by_circuit: Mapping[tuple[str, int], CircuitStep]
) -> FeederStep | None:
    circuits = [name for name, on_phase in load.circuits.items() if on_phase == phase]
    steps = [by_circuit[name] for name in circuits if name in by_circuit]
    if not steps:
        return None
    index = PHASES.index(phase)
    return FeederStep(
        feeder=load.feeder,
        phase=phase,
        step_s=MINUTE_S,
        unix_s=steps[0].unix_s,
        mean_ma=load.mean_uncontrolled_ma[index] + sum(step.mean_ma for step in steps),
        max_ma=load.max_uncontrolled_ma[index] + sum(step.max_ma for step in steps),
        covered_s=max(step.covered_s for step in steps),
        unmeasured=len(circuits) - len(steps),
    )
