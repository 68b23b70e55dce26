"""What a test may ask of a board under test, whatever it is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class RelayEdge:
    """A relay that opened or closed, as the rig has seen it; ``at_s`` in the target's own time."""

    at_s: float
    relay: int
    closed: bool


class Board(Protocol):
    """The board under test, by its supply, its reset line and its serial port."""

    def power_off(self) -> None:
        """Cut its supply."""

    def power_on(self) -> None:
        """Give it supply."""

    def reset(self) -> None:
        """Pull its reset line."""

    def exec(self, code: str) -> str:
        """Run Python at its REPL beside the node; what it printed. Raises RuntimeError."""

    def serial_text(self) -> str:
        """What it has printed by now."""

    def put_file(self, name: str, content: bytes) -> None:
        """Write a file into its flash; seen by its next start."""


class Rig(Protocol):
    """What stands around the board: currents into its sensors, and who looks at its contacts."""

    def set_load(self, circuit: int, amps: float) -> None:
        """That much flows behind a relay, while its contact is closed, from now on."""

    def unplug_sensor(self, circuit: int, is_unplugged: bool) -> None:
        """Pull the plug of its current transformer, or put it back."""

    def relays(self) -> list[int]:
        """Which contacts are closed now."""

    def edges(self) -> list[RelayEdge]:
        """Every change of a contact since the target was made."""

    def cut_network(self, is_down: bool) -> None:
        """Nothing passes between board and coordinator, or all does again."""


class Coordinator(Protocol):
    """The coordinator of the board's site."""

    def state(self) -> dict[str, Any]:
        """The document behind the dashboard."""

    def get(self, path: str) -> dict[str, Any]:
        """Anything else that its API tells; ``path`` is what comes after /api/v1/."""

    def order(self, circuit: int, what: str, body: dict[str, Any] | None) -> None:
        """Order an ``override`` or a ``schedule`` of a circuit; None cancels it."""

    def put(self, path: str, body: dict[str, Any]) -> None:
        """Give an order for the site or the board."""


class Target(Protocol):
    """A board under test with all around it, in a time of its own.

    ``cannot`` names what it is not able to, each with the reason: ``power``, ``reset``,
    ``network``, ``unplug``.
    """

    @property
    def board(self) -> Board:
        """Off until somebody powers it on, where the target can."""

    @property
    def rig(self) -> Rig:
        """See Rig."""

    @property
    def coordinator(self) -> Coordinator:
        """See Coordinator."""

    @property
    def cannot(self) -> Mapping[str, str]:
        """See above."""

    def now_s(self) -> float:
        """Its time."""

    def unix_s(self) -> float:
        """The coordinator's date."""

    def run(self, seconds: float) -> None:
        """Let that much time pass."""

    def run_until(self, condition: Callable[[], bool], within_s: float) -> float:
        """Let time pass until a condition holds; how long it took in s. Raises TimeoutError."""

    def close(self) -> None:
        """End it."""


def contact_changes(rig: Rig, relay: int, after_s: float = 0.0) -> list[tuple[float, bool]]:
    """One contact's changes after a time: (s after it, closed)."""
    changes = [edge for edge in rig.edges() if edge.relay == relay and edge.at_s > after_s]
    return [(edge.at_s - after_s, edge.closed) for edge in changes]
