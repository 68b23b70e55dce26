"""Limits of a site that cannot be enforced, whatever boards and coordinator do; pure."""

from collections.abc import Iterator, Mapping

from headroom.findings import Finding
from headroom.phases import PHASES, Phase, PhaseMa, by_phase, highest, phase_index
from headroom.site.checks import safe_totals_ma
from headroom.site.model import Board, Feeder, Site

# From which multiple of its rating on a characteristic may trip at once (IEC 60898-1), in order.
_SLUGGISHNESS = {"B": 5, "C": 10, "D": 20}


def unenforceable(site: Site) -> list[Finding]:
    """Everything about the site that a person should know before trusting it."""
    findings: list[Finding] = []
    safe_ma, most_ma = safe_totals_ma(site), _critical_totals_ma(site)
    for feeder in site.feeders:
        findings += _limit_without_coordinator(feeder, safe_ma[feeder.id])
        findings += [*_critical_load(feeder, most_ma[feeder.id]), *_selectivity(site, feeder)]
        findings += _meter(feeder)
    for board in site.boards:
        findings += [*_board_above_safe_limit(board), *_circuits(site.feeder(board.feeder), board)]
    return findings


def _limit_without_coordinator(feeder: Feeder, safe_ma: PhaseMa) -> Iterator[Finding]:
    for phase, safe, limit in zip(PHASES, safe_ma, feeder.limit_ma, strict=True):
        if safe > limit:
            yield Finding(
                "error",
                f"feeder {feeder.id} {phase}",
                f"limit_ma {limit} cannot be kept: safe limits and uncontrolled load "
                f"sum to {safe}",
                f"lower safe_limit_ma of its boards by {safe - limit} in all, or raise limit_ma",
            )


def _critical_totals_ma(site: Site) -> Mapping[str, PhaseMa]:
    """Current on each feeder with every board on its safe limit, or above it by critical load."""
    return site.tree().with_uncontrolled(
        (board.feeder, highest([board.safe_limit_ma, _critical_by_phase_ma(board)]))
        for board in site.boards
    )


def _critical_load(feeder: Feeder, totals_ma: PhaseMa) -> Iterator[Finding]:
    """Critical circuits are never shed: they may draw what they are rated for all at once."""
    for phase, most_ma, rating_ma in zip(PHASES, totals_ma, feeder.rating_ma, strict=True):
        if most_ma > rating_ma > 0:
            yield Finding(
                "error",
                f"feeder {feeder.id} {phase}",
                f"uncontrolled load, safe limits and critical circuits may reach {most_ma} mA, "
                f"above rating_ma {rating_ma}, and nothing of it may be shed",
                "make circuits other than critical, lower their rated_ma, or move them",
            )


def _board_above_safe_limit(board: Board) -> Iterator[Finding]:
    critical = _critical_by_phase_ma(board)
    for phase, safe, critical_ma in zip(PHASES, board.safe_limit_ma, critical, strict=True):
        if critical_ma > safe:
            yield Finding(
                "warning",
                f"board {board.id} {phase}",
                f"without a lease its critical circuits may draw {critical_ma} mA, above "
                f"safe_limit_ma {safe}, and cannot be shed",
                f"raise safe_limit_ma to {critical_ma} if the feeder allows, or make one of them "
                "another kind",
            )
        on_ma = sum(c.rated_ma for c in board.circuits if c.phase == phase and c.safe == "on")
        if critical_ma <= safe < on_ma:
            yield Finding(
                "warning",
                f"board {board.id} {phase}",
                f"circuits with safe = on are rated {on_ma} mA together, above safe_limit_ma "
                f"{safe}: without a coordinator some of them are shed",
                "set safe = off where that is right, or raise safe_limit_ma",
            )


def _circuits(feeder: Feeder, board: Board) -> Iterator[Finding]:
    for circuit in board.circuits:
        rating_ma = feeder.rating_ma[phase_index(circuit.phase)]
        if circuit.rated_ma > rating_ma:
            yield Finding(
                "error",
                f"board {board.id}, circuit {circuit.name}",
                f"rated_ma {circuit.rated_ma} is above the rating {rating_ma} mA of feeder "
                f"{feeder.id} {circuit.phase}: its breaker trips before the circuit is overloaded",
                "lower rated_ma to what the circuit's own breaker carries",
            )


def _selectivity(site: Site, feeder: Feeder) -> Iterator[Finding]:
    """The breaker next to a fault should trip, and not the one above it."""
    if feeder.parent is None:
        return
    parent = site.feeder(feeder.parent)
    for phase in feeder.phases:
        own, above = _rating(feeder, phase), _rating(parent, phase)
        if own > above or _magnetic_ma(feeder, phase) >= _magnetic_ma(parent, phase):
            yield Finding(
                "warning",
                f"feeder {feeder.id} {phase}",
                f"its breaker ({feeder.breaker} {own} mA) may let that of {parent.id} "
                f"({parent.breaker} {above} mA) trip first, and everything behind goes dark",
                "lower its rating or characteristic, or raise that of the feeder above",
            )


def _meter(feeder: Feeder) -> Iterator[Finding]:
    if feeder.meter is not None and not any(feeder.meter.rise_ma):
        yield Finding(
            "warning",
            f"feeder {feeder.id}, meter",
            "rise_ma is 0: when the metered load rises, the feeder is above its limit until "
            "leases have followed, at worst as long as a lease runs",
            "set rise_ma to what it may rise by in that time",
        )


def _critical_by_phase_ma(board: Board) -> PhaseMa:
    return by_phase((c.phase, c.rated_ma) for c in board.circuits if c.kind == "critical")


def _rating(feeder: Feeder, phase: Phase) -> int:
    return feeder.rating_ma[phase_index(phase)]


def _magnetic_ma(feeder: Feeder, phase: Phase) -> int:
    return _rating(feeder, phase) * _SLUGGISHNESS[feeder.breaker]
