"""The share rule: how much of a feeder phase each board should have.

Everyone keeps its safe limit. What is left goes to needs first, the smallest first so that a
modest need is never starved by a large one (max-min fairness). What no need claims is split
evenly, so the whole limit is in use and a load that starts has room before the next report.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Want:
    """What one board asks of one phase: a safe limit it always has, and what it needs, in mA."""

    board: str
    safe_ma: int
    need_ma: int


def share(available_ma: int, wants: Sequence[Want]) -> dict[str, int]:
    """Targets in mA; they sum to `available_ma` unless the safe limits alone exceed it."""
    safe = {want.board: want.safe_ma for want in wants}
    spare_ma = max(0, available_ma - sum(safe.values()))
    beyond_safe = {want.board: max(0, want.need_ma - want.safe_ma) for want in wants}
    granted = _fill(spare_ma, beyond_safe)
    even = _split(spare_ma - sum(granted.values()), list(safe))
    return {board: safe[board] + granted[board] + even[board] for board in safe}


def _fill(spare_ma: int, claims_ma: Mapping[str, int]) -> dict[str, int]:
    """Meet claims from the smallest up; those that do not fit share what is left evenly."""
    given: dict[str, int] = {}
    waiting = sorted(claims_ma, key=lambda board: (claims_ma[board], board))
    while waiting:
        fair_ma = spare_ma // len(waiting)
        if claims_ma[waiting[0]] > fair_ma:
            return given | _split(spare_ma, waiting)
        board = waiting.pop(0)
        given[board] = claims_ma[board]
        spare_ma -= given[board]
    return given


def _split(amount_ma: int, boards: Sequence[str]) -> dict[str, int]:
    """Equal parts to the mA; the first boards take the remainder."""
    if not boards:
        return {}
    part_ma, rest_ma = divmod(amount_ma, len(boards))
    return {board: part_ma + (place < rest_ma) for place, board in enumerate(boards)}
