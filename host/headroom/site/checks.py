"""What has to be right of a site as a whole; each fault is one line with a way out."""

from collections import Counter
from collections.abc import Iterator, Mapping

from headroom.phases import PHASES, PhaseMa
from headroom.site.bad_sensors import bad_sensors
from headroom.site.model import Board, Feeder, Site


def faults(site: Site) -> list[str]:
    """Every fault; those of the tree hide what can only be said of a whole one."""
    return [*_repeated_ids(site), *_misplaced(site)] or [
        *_missing_phases(site),
        *_bad_meters(site),
        *bad_sensors(site),
        *_unsafe(site),
    ]


def safe_totals_ma(site: Site) -> Mapping[str, PhaseMa]:
    """Current on each feeder when every board is on its safe limit and meters say nothing."""
    return site.tree().with_uncontrolled((b.feeder, b.safe_limit_ma) for b in site.boards)


def _repeated_ids(site: Site) -> Iterator[str]:
    for kind, ids in (
        ("feeder", Counter(feeder.id for feeder in site.feeders)),
        ("board", Counter(board.id for board in site.boards)),
    ):
        for name in sorted(name for name, times in ids.items() if times > 1):
            yield f"{kind} {name}: the id is used more than once; rename one"


def _misplaced(site: Site) -> Iterator[str]:
    """Feeders and boards that hang on nothing."""
    parents = {feeder.id: feeder.parent for feeder in site.feeders}
    known = ", ".join(sorted(parents))
    for feeder in site.feeders:
        if feeder.parent is not None and feeder.parent not in parents:
            yield f"feeder {feeder.id}: parent {feeder.parent} is not among {known}"
        elif _is_in_a_circle(feeder.id, parents):
            yield (
                f"feeder {feeder.id}: parent {feeder.parent} hangs on it in turn; leave out "
                f"the parent of the one that is fed by the grid"
            )
    for board in site.boards:
        if board.feeder not in parents:
            yield f"board {board.id}: feeder {board.feeder} is not among {known}"


def _is_in_a_circle(feeder: str, parents: dict[str, str | None]) -> bool:
    above, steps = parents[feeder], 0
    while above is not None and above != feeder and steps < len(parents):
        above, steps = parents.get(above), steps + 1
    return above == feeder


def _missing_phases(site: Site) -> Iterator[str]:
    """Feeders and circuits on a phase that what feeds them does not have."""
    for feeder in site.feeders:
        if feeder.parent is None:
            continue
        parent = site.feeder(feeder.parent)
        for phase in feeder.phases:
            if phase not in parent.phases:
                yield (
                    f"feeder {feeder.id}: its parent {parent.id} has no {phase}; give it a "
                    f"rating there or leave {phase} out"
                )
    for board in site.boards:
        yield from _circuits_without_phase(site.feeder(board.feeder), board)


def _circuits_without_phase(feeder: Feeder, board: Board) -> Iterator[str]:
    for circuit in board.circuits:
        if circuit.phase not in feeder.phases:
            yield (
                f"board {board.id}, circuit {circuit.name}: feeder {feeder.id} has no "
                f"{circuit.phase}; give it a rating there or choose another phase"
            )


def _bad_meters(site: Site) -> Iterator[str]:
    for feeder in site.feeders:
        meter = feeder.meter
        if meter is None:
            continue
        for phase, rise, most in zip(PHASES, meter.rise_ma, meter.max_ma, strict=True):
            if rise > most:
                yield (
                    f"feeder {feeder.id} {phase}: meter.rise_ma {rise} is above meter.max_ma "
                    f"{most}; lower rise_ma"
                )


def _unsafe(site: Site) -> Iterator[str]:
    """Feeders that would be above their rating when all boards run on their safe limits."""
    safe_ma = safe_totals_ma(site)
    for feeder in site.feeders:
        for phase, safe, rating in zip(PHASES, safe_ma[feeder.id], feeder.rating_ma, strict=True):
            if safe > rating:
                yield (
                    f"feeder {feeder.id} {phase}: safe limits of its boards and uncontrolled "
                    f"load sum to {safe} mA, above the rating {rating} mA; lower safe_limit_ma "
                    f"or uncontrolled_ma by {safe - rating}"
                )
