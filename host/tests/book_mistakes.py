"""Mistakes of the lease book made on purpose: every kind of random histories has to find them."""

from dataclasses import replace

from headroom.allocation.book import Acknowledgement, Grant, LeaseBook
from headroom.phases import ZERO_MA, PhaseMa

_grant, _acknowledge = LeaseBook.grant, LeaseBook.acknowledge


def forgets_older_grants(
    self: LeaseBook, board: str, pair: tuple[int, int], wanted: PhaseMa, lease_s: int, now_s: float
) -> Grant:
    self._keep(board, [])
    return _grant(self, board, pair, wanted, lease_s, now_s)


def ignores_the_current(self: LeaseBook, ack: Acknowledgement, now_s: float) -> None:
    _acknowledge(self, replace(ack, measured_ma=ZERO_MA), now_s)
