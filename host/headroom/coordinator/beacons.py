"""Beacons: ask boards to report at once, so that an order need not wait for the next report.

A beacon carries nothing but a counter. What is new reaches a board only in the answer to its own
report; so whatever report of a board comes in after the order, the board need not be asked again.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import structlog

from headroom.coordinator.clock import Clock
from headroom.protocol.signing import sign_beacon
from headroom.store import Store, StoreUnavailableError, figures

log = structlog.get_logger()

# Sent at once, and again after each of these waits, until the board has reported.
_REPEATS_S = (1.0, 2.0, 4.0)
# Counters are taken from the store in blocks, so that a beacon waits for no disk.
_BLOCK = 1000
# How often a thread looks whether a repeat is due.
_LOOK_S = 0.1


class Transport(Protocol):
    """Sends datagrams; one that cannot be sent is its own to report."""

    def send(self, data: bytes, host: str) -> None:
        """To one board."""

    def send_to_group(self, data: bytes) -> None:
        """To every board that listens."""


@dataclass(frozen=True)
class _Asked:
    """A board that shall report: beacons sent so far, and when the next is due."""

    sent: int
    due_s: float


class Beacons:
    """Which boards are to be asked, and when. Its methods may be called from any thread."""

    def __init__(self, key: bytes, store: Store, clock: Clock, transport: Transport) -> None:
        self._key = key
        self._store = store
        self._clock = clock
        self._transport = transport
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._ended = False
        self._asked: dict[str, _Asked] = {}
        self._hosts: dict[str, str] = {}
        with store.read() as db:
            # What an earlier start took and did not use is never used.
            self._counter = self._reserved = figures.last_beacon(db)

    @property
    def counter(self) -> int:
        """The counter of the newest beacon; everything up to it is old."""
        return self._counter

    def ask(self, board_ids: Iterable[str]) -> None:
        """Have these boards report at once."""
        with self._lock:
            now_s = self._clock.monotonic_s()
            self._asked |= {board_id: _Asked(0, now_s) for board_id in board_ids}
        self._wake.set()

    def reported(self, board_id: str, host: str | None) -> None:
        """A report came in from `host`, whose answer will tell the board what is new by now."""
        with self._lock:
            self._asked.pop(board_id, None)
            if host:
                self._hosts[board_id] = host

    def step(self) -> None:
        """Send what is due: to each board at its address, to the group where that may not do."""
        now_s = self._clock.monotonic_s()
        with self._lock:
            due = [board_id for board_id, asked in self._asked.items() if asked.due_s <= now_s]
            if due and self._send(due):
                for board_id in due:
                    self._count(board_id, now_s)

    def run(self) -> None:
        """Send what is due until `end` is called."""
        while not self._ended:
            self._wake.wait(_LOOK_S if self._asked else None)
            self._wake.clear()
            self.step()

    def end(self) -> None:
        """Make `run` return."""
        self._ended = True
        self._wake.set()

    def _send(self, due: list[str]) -> bool:
        """Whether there were counters to send with."""
        hosts = [self._hosts[board_id] for board_id in due if board_id in self._hosts]
        # The group makes every board of the site report.
        asks_all = len(hosts) < len(due) or any(self._asked[one].sent for one in due)
        try:
            self._reserve(len(hosts) + 1)
        except StoreUnavailableError as error:
            log.warning("no beacon sent", error=str(error))
            self._asked.clear()
            return False
        for host in hosts:
            self._transport.send(self._next(), host)
        if asks_all:
            self._transport.send_to_group(self._next())
        return True

    def _count(self, board_id: str, now_s: float) -> None:
        asked = self._asked[board_id]
        if asked.sent == len(_REPEATS_S):
            del self._asked[board_id]
            return
        self._asked[board_id] = _Asked(asked.sent + 1, now_s + _REPEATS_S[asked.sent])

    def _next(self) -> bytes:
        self._counter += 1
        return sign_beacon(self._key, self._counter)

    def _reserve(self, count: int) -> None:
        if self._counter + count > self._reserved:
            with self._store.write() as db:
                self._reserved = figures.take_beacons(db, count + _BLOCK)
