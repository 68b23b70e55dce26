"""Currents on the three phases as one value, in mA."""

from collections.abc import Iterable
from typing import Literal, get_args

Phase = Literal["L1", "L2", "L3"]
PHASES: tuple[Phase, ...] = get_args(Phase)
PhaseMa = tuple[int, int, int]
ZERO_MA: PhaseMa = (0, 0, 0)


def phase_index(phase: Phase) -> int:
    """Place of a phase in a PhaseMa."""
    return PHASES.index(phase)


def by_phase(currents: Iterable[tuple[Phase, int]]) -> PhaseMa:
    """The sum of currents on each phase."""
    sums = dict.fromkeys(PHASES, 0)
    for phase, current in currents:
        sums[phase] += current
    return (sums["L1"], sums["L2"], sums["L3"])


def highest(values: Iterable[PhaseMa]) -> PhaseMa:
    """The largest current on each phase; zero of nothing."""
    l1, l2, l3 = zip(ZERO_MA, *values, strict=True)
    return (max(l1), max(l2), max(l3))


def total(values: Iterable[PhaseMa]) -> PhaseMa:
    """The sum of currents on each phase."""
    l1, l2, l3 = zip(ZERO_MA, *values, strict=True)
    return (sum(l1), sum(l2), sum(l3))


def lowest(a: PhaseMa, b: PhaseMa) -> PhaseMa:
    """The smaller current on each phase."""
    return (min(a[0], b[0]), min(a[1], b[1]), min(a[2], b[2]))


def plus(a: PhaseMa, b: PhaseMa) -> PhaseMa:
    """Both together on each phase."""
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2])


def minus(a: PhaseMa, b: PhaseMa) -> PhaseMa:
    """What is left of `a` without `b` on each phase; may be negative."""
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2])
