"""Talks to the rig's firmware over its REPL, whoever carries the bytes."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hil_tests.rig.filter import volts_at_full_swing
from hil_tests.targets.interface import RelayEdge

FIRMWARE = Path(__file__).parent / "firmware" / "rig.py"
_FULL = 65_535
_TICKS = 1 << 30  # where the rig's ms start anew


class RigError(Exception):
    """The rig cannot do what is asked, or is not what was expected; says why."""


@dataclass(frozen=True)
class Wiring:
    """How a rig is built and wired, as rig.toml has it; GPIO numbers of the rig.

    ``ct_amps_per_volt``: of the sensors that it stands in for. ``power`` -1: none.
    """

    loads: Sequence[int] = (0, 2, 4, 5)
    contacts: Sequence[int] = (12, 13, 14, 16)
    mains_hz: int = 50
    steps: int = 2
    carrier_hz: int = 1000
    look_ms: int = 5
    power: int = -1
    timers: Sequence[int] = (-1, -1)
    ct_amps_per_volt: float = 30.0

    @property
    def most_a(self) -> float:
        """The highest current that it can feign."""
        return volts_at_full_swing(self.steps, self.mains_hz) * self.ct_amps_per_volt


class RigClient:
    """See interface.Rig. ``exec`` runs code on the rig, ``now_s`` is the target's time."""

    def __init__(
        self, wiring: Wiring, run: Callable[[str], str], now_s: Callable[[], float]
    ) -> None:
        self.wiring = wiring
        self._run, self._now_s = run, now_s
        self._edges: list[RelayEdge] = []
        self._known = 0
        self._run(
            "from rig import Rig\n"
            f"rig = Rig({list(wiring.loads)}, {list(wiring.contacts)}, {wiring.mains_hz}, "
            f"{wiring.steps}, {wiring.carrier_hz}, {wiring.look_ms}, {wiring.power}, "
            f"{tuple(wiring.timers)})"
        )

    def set_load(self, circuit: int, amps: float) -> None:
        """See Rig. Raises RigError."""
        most_a = self.wiring.most_a
        if not 0 <= amps <= most_a:
            raise RigError(
                f"circuit {circuit}: {amps} A asked for, the rig gives 0 to {most_a:.1f}"
            )
        self._run(f"rig.load({circuit}, {round(amps / most_a * _FULL)})")

    def relays(self) -> list[int]:
        """See Rig."""
        found: list[int] = ast.literal_eval(self._run("print(rig.contacts())"))
        return found

    def edges(self) -> list[RelayEdge]:
        """See Rig. Raises RigError if there were more than it can keep since the last time."""
        code = f"print((rig.now_ms(), rig.edges_after({self._known})))"
        now_ms, new = ast.literal_eval(self._run(code))
        now_s = self._now_s()
        for number, at_ms, relay, closed in new:
            if number != self._known:
                raise RigError(f"edges {self._known} to {number - 1} were overwritten unseen")
            self._known += 1
            age_ms = (now_ms - at_ms) % _TICKS
            self._edges.append(RelayEdge(now_s - age_ms / 1000, relay, bool(closed)))
        return list(self._edges)

    def power(self, is_on: bool) -> None:
        """The supply of the board under test. Raises RuntimeError where no pin switches it."""
        self._run(f"rig.power({int(is_on)})")

    def stop(self) -> None:
        """No current."""
        self._run("rig.stop()")
