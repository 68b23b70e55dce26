"""The time after a start in which nobody knows what was granted before.

After a restart the store knows every lease that boards may hold; after a restore from backup, or
when another coordinator has acted in between, it does not. Both look alike. So until every board
has shown that it holds what this term granted, or every lease of an earlier one has run out, a
board gets at most what the book knows of it and what it says itself that it holds: then no board
gets more than it had, and what they had together was within the limits.
"""

from collections.abc import Iterable

from headroom.allocation.book import Grant
from headroom.phases import PhaseMa


class Settling:
    """Whether leases of an earlier term may be about; `epoch` is the present one."""

    def __init__(self, epoch: int, boards: Iterable[str], until_s: float) -> None:
        """`until_s`: when the last of them has run out on any clock."""
        self._epoch = epoch
        self._until_s = until_s
        self._unheard = set(boards)
        self._granted: dict[tuple[str, tuple[int, int]], PhaseMa] = {}

    def granted(self, grant: Grant) -> None:
        """This term granted it."""
        if self._unheard:
            self._granted[grant.board, grant.pair] = grant.lease_ma

    def heard(self, board: str, epoch: int, in_force: tuple[int, int], limit_ma: PhaseMa) -> None:
        """What a report says: the epoch that its board knows, which lease it holds, how much.

        Its amount too, because a report of an earlier term may come again and be answered anew.
        """
        if epoch == self._epoch and self._granted.get((board, in_force)) == limit_ma:
            self._unheard.discard(board)

    def is_over(self, now_s: float) -> bool:
        """Whether boards hold nothing but what this term granted."""
        return not self._unheard or now_s >= self._until_s
