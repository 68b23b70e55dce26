"""A board's simulated time, and what is to happen at which moment of it."""

from __future__ import annotations

import heapq
import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable


class BoardInTime(ABC):
    """The part of a virtual board that lets time pass; ``now_us`` is its time."""

    def __init__(self) -> None:
        self.now_us = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._event_count = itertools.count()

    @abstractmethod
    def _pass_until(self, until_us: float) -> None:
        """Have the processor run up to a time."""

    def at(self, at_us: float, action: Callable[[], None]) -> None:
        """Do something at a time; now if the time has passed."""
        heapq.heappush(self._events, (at_us, next(self._event_count), action))

    def run(self, seconds: float) -> None:
        """Let that much time pass."""
        self.run_until_us(self.now_us + seconds * 1e6)

    def run_until(
        self, condition: Callable[[], bool], within_s: float, step_s: float = 0.02
    ) -> float:
        """Let time pass until a condition holds; returns how long. Raises TimeoutError."""
        start_us = self.now_us
        while not condition():
            if self.now_us - start_us >= within_s * 1e6:
                raise TimeoutError(
                    f"not within {within_s} s: {getattr(condition, '__doc__', None) or condition}"
                )
            self.run(step_s)
        return (self.now_us - start_us) / 1e6

    def run_until_us(self, target_us: float) -> None:
        """Let time pass up to a time; a callback under way then is finished first."""
        while self.now_us < target_us:
            self._run_events(self.now_us, move=False)
            until = min(target_us, self._events[0][0] if self._events else target_us)
            self._pass_until(until)
            self._run_events(self.now_us, move=False)

    def _run_events(self, until_us: float, move: bool = True) -> None:
        while self._events and self._events[0][0] <= until_us:
            at_us, _, action = heapq.heappop(self._events)
            if move:
                self.now_us = max(self.now_us, at_us)
            action()
        if move:
            self.now_us = max(self.now_us, until_us)
