"""Which minutes of a board are missing, and why; pure.

A board delivers its journal in order. So what is missing before a minute that has come will not
come any more; what is missing after the newest may.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from headroom.history.steps import MINUTE_S
from headroom.protocol.messages import ResetCause

Cause = Literal["overflow", "power_cut", "reset", "not_delivered"]

# The minute that runs, and one that a report is yet to bring.
_UNDER_WAY_S = 150
# What ends with the supply is in no flash yet: up to a quarter of an hour of minutes.
_WITHOUT_SUPPLY: tuple[ResetCause, ...] = ("power_on", "hard", "deep_sleep")


class Boot(NamedTuple):
    """One run of a board: when it began, and why."""

    number: int
    started_unix_s: int
    reset: ResetCause


class Gap(NamedTuple):
    """A time of which nothing is known, from when to when, in Unix seconds.

    overflow: the journal was full, or could not be read back. power_cut, reset: the board was off
    or starting, and what was not yet in flash went with it. not_delivered: it may still come.
    """

    start_unix_s: int
    end_unix_s: int
    cause: Cause


def gaps(
    boots: Sequence[Boot], minutes: Mapping[int, Sequence[int]], now_unix_s: int
) -> list[Gap]:
    """The gaps of a board between the first of `boots` and now; both in rising order.

    `minutes` has the numbers of those that are stored, by boot.
    """
    found: list[Gap] = []
    newest = max((boot for boot, numbers in minutes.items() if numbers), default=0)
    for boot, after in pairwise(boots):
        found += _of_ended(boot, minutes.get(boot.number, ()), after, after.number <= newest)
    if boots:
        found += _of_running(boots[-1], minutes.get(boots[-1].number, ()), now_unix_s)
    return found


def _of_ended(boot: Boot, numbers: Sequence[int], after: Boot, delivered: bool) -> Iterator[Gap]:
    yield from _holes(boot, numbers)
    last_unix_s = _end_of_last(boot, numbers)
    if after.started_unix_s - last_unix_s >= MINUTE_S:
        cut: Cause = "power_cut" if after.reset in _WITHOUT_SUPPLY else "reset"
        yield Gap(last_unix_s, after.started_unix_s, cut if delivered else "not_delivered")


def _of_running(boot: Boot, numbers: Sequence[int], now_unix_s: int) -> Iterator[Gap]:
    yield from _holes(boot, numbers)
    last_unix_s = _end_of_last(boot, numbers)
    if now_unix_s - last_unix_s >= _UNDER_WAY_S:
        yield Gap(last_unix_s, now_unix_s, "not_delivered")


def _holes(boot: Boot, numbers: Iterable[int]) -> Iterator[Gap]:
    """Before and between minutes that have come: these were overwritten undelivered."""
    for before, after in pairwise((-1, *numbers)):
        if after > before + 1:
            start_unix_s = boot.started_unix_s + MINUTE_S * (before + 1)
            yield Gap(start_unix_s, boot.started_unix_s + MINUTE_S * after, "overflow")


def _end_of_last(boot: Boot, numbers: Sequence[int]) -> int:
    return boot.started_unix_s + MINUTE_S * (numbers[-1] + 1 if numbers else 0)
