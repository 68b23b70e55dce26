"""Bench `leases`: random histories of boards, coordinators and a bad network; how many broke the
lease rule. See `tools.lease_histories`.
"""

from __future__ import annotations

from collections.abc import Iterator

from tools.benches.figure import Figure, Options
from tools.benches.progress import progress
from tools.lease_histories import History, Violation

HISTORIES = 20_000
QUICK = 100
STEPS = 120


def measure(options: Options) -> Iterator[Figure]:
    """Histories, their steps, and those in which a feeder could have carried too much."""
    command = options.command("leases")
    count = QUICK if options.quick else HISTORIES
    first = (options.seed - 1) * HISTORIES
    broken: list[str] = []
    with progress("histories", count) as advance:
        for seed in range(first, first + count):
            broken += breaks_the_rule(seed)
            advance()
    yield Figure("leases", "histories", count, "histories", command)
    yield Figure("leases", "steps, each checked at every feeder", count * STEPS, "steps", command)
    yield Figure("leases", "histories that broke the rule", len(broken), "histories", command, 0)
    for how in broken:
        yield Figure("leases", "broken", how, "", command)


def breaks_the_rule(seed: int) -> list[str]:
    """How a feeder came to carry too much in the history of that seed, if one did."""
    history = History(seed)
    try:
        for _ in range(STEPS):
            history.step()
    except Violation as violation:
        return [str(violation)]
    return []
