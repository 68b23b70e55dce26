"""Bench `coordinators`: random histories of real coordinators, real firmware and a bad network;
how many broke a rule. See `tools.coordinator_histories`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import structlog

from tools.benches.figure import Figure, Options
from tools.benches.progress import progress
from tools.coordinator_histories import STEPS, History, Violation

HISTORIES = 3000
QUICK = 20
_AT_ONCE = 10


def measure(options: Options) -> Iterator[Figure]:
    """Histories, their steps and answers, and those in which a rule did not hold."""
    count = QUICK if options.quick else HISTORIES
    first = (options.seed - 1) * HISTORIES
    broken: list[str] = []
    answered, began_s = 0, time.monotonic()
    with progress("histories", count) as advance, ProcessPoolExecutor() as pool:
        for of_one, ways in pool.map(play, range(first, first + count), chunksize=_AT_ONCE):
            answered += of_one
            broken += ways
            advance()
    rate = count / (time.monotonic() - began_s)

    def figure(what: str, value: float | str, unit: str, target: float | None = None) -> Figure:
        return options.figure("coordinators", what, value, unit, target)

    yield figure("histories", count, "histories")
    yield figure("steps, each checked at every feeder", count * STEPS, "steps")
    yield figure("reports answered", answered, "reports")
    yield figure("histories a second", round(rate, 1), "1/s")
    yield figure("histories that broke a rule", len(broken), "histories", 0)
    for how in broken:
        yield figure("broken", how, "")


def play(seed: int) -> tuple[int, list[str]]:
    """How many reports were answered in that history, and how a rule came to be broken, if so."""
    # Thousands of refusals are what they are made of.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    history = History(seed)
    try:
        try:
            for _ in range(STEPS):
                history.step()
        finally:
            history.close()
    except Violation as violation:
        return history.answered, [str(violation)]
    return history.answered, []
