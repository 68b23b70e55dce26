"""A virtual board in simulated time: it can all that is asked, at any moment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from headroom.coordinator import Settings

from boards.virtual.board import VirtualBoard
from boards.virtual.plant import Constant
from hil_tests.targets.interface import RelayEdge, Rig
from hil_tests.world import World


class VirtualTarget:
    """The first board of a site, provisioned and without power; see interface.Target."""

    def __init__(
        self,
        site: dict[str, Any],
        folder: Path,
        timing: dict[str, Any] | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.world = World(site, folder, settings)
        board_id = self.world.site.boards[0].id
        virtual = self.world.add_board(board_id, timing=timing)
        self._virtual = virtual
        self.board = _Board(virtual)
        self.rig: Rig = VirtualRig(virtual)
        self.coordinator = _Coordinator(self.world, board_id)
        self.cannot: dict[str, str] = {}

    def now_s(self) -> float:
        """See Target."""
        return self._virtual.now_us / 1e6

    def unix_s(self) -> float:
        """See Target."""
        return self.world.unix_s()

    def run(self, seconds: float) -> None:
        """See Target."""
        self.world.run(seconds)

    def run_until(self, condition: Callable[[], bool], within_s: float) -> float:
        """See Target."""
        return self.world.run_until(condition, within_s)

    def close(self) -> None:
        """See Target."""
        self.world.close()


class _Board:
    """See interface.Board."""

    def __init__(self, board: VirtualBoard) -> None:
        self._board = board
        self.power_off = board.power_off
        self.reset = board.reset
        self.exec = board.exec

    def power_on(self) -> None:
        self._board.power_on()

    def serial_text(self) -> str:
        return self._board.serial_log.decode(errors="replace")

    def put_file(self, name: str, content: bytes) -> None:
        if self._board.powered:
            self.exec(f"f = open({name!r}, 'wb'); f.write({content!r}); f.close()")
        else:
            self._board.install({name: content})


class VirtualRig:
    """See interface.Rig; it looks at the plant, not at what the firmware says."""

    def __init__(self, board: VirtualBoard) -> None:
        self._board = board

    def set_load(self, circuit: int, amps: float) -> None:
        """See Rig."""
        self._board.set_load(circuit, Constant(amps))

    def unplug_sensor(self, circuit: int, is_unplugged: bool) -> None:
        """See Rig."""
        self._board.set_sensor_fault(circuit, "unplugged" if is_unplugged else "none")

    def relays(self) -> list[int]:
        """See Rig."""
        return [int(c.contact.at(self._board.now_us)) for c in self._board.plant.circuits]

    def edges(self) -> list[RelayEdge]:
        """See Rig."""
        return contact_edges(self._board)

    def cut_network(self, is_down: bool) -> None:
        """See Rig."""
        self._board.network.faults.down = is_down


def contact_edges(board: VirtualBoard) -> list[RelayEdge]:
    """Every change of a contact by now, in their order."""
    found = []
    for relay, circuit in enumerate(board.plant.circuits):
        steps = zip(circuit.contact.times_us, circuit.contact.values, strict=True)
        was = 0.0
        for at_us, closed in steps:
            if closed != was and at_us <= board.now_us:
                found.append(RelayEdge(at_us / 1e6, relay, bool(closed)))
            was = closed
    return sorted(found, key=lambda edge: edge.at_s)


class _Coordinator:
    """See interface.Coordinator."""

    def __init__(self, world: World, board_id: str) -> None:
        self._world, self._board_id = world, board_id
        self.state = world.state
        self.put = world.put

    def get(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = self._world.api.get(f"/api/v1/{path}").get_json()
        return found

    def order(self, circuit: int, what: str, body: dict[str, Any] | None) -> None:
        self._world.order(self._board_id, circuit, what, body)
