"""What a soak happens to: one board with its coordinator, and the loads behind its relays."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from headroom.coordinator import Settings

from boards.virtual.plant import Constant
from hil_tests.conftest import flat_circuits, one_board_site
from hil_tests.fault_matrix.rig import BOARD
from hil_tests.soak.crossing import Crossing
from hil_tests.world import World, start_is_good
from tools.benches.disturbances import WEB_PORT, Disturbances

LIMIT_A, RATING_A, RATED_A = 10.0, 16.0, 10.0
REPORT_S = 10
CEILING_EUR_MWH = 300
CRITICAL = 3
# Four of the highest fit under the limit with the 5 % that a return asks for.
_BASE_A = (0.3, 2.2)


class Bench:
    """The board with all its waits as they are by default, and a person who orders things."""

    def __init__(self, folder: Path, seed: int) -> None:
        circuits = flat_circuits()
        for circuit in circuits[1:3]:
            circuit["price_ceiling_eur_mwh"] = CEILING_EUR_MWH
        site = one_board_site(circuits, round(LIMIT_A * 1000))
        site["boards"][0]["report_s"] = REPORT_S
        self.draw = random.Random(seed)
        self.world = World(site, folder / "data", Settings(), beacons=True)
        self.crossing = Crossing(self.world, random.Random(seed + 1))
        self.board = self.world.add_board(
            BOARD, http_port=WEB_PORT, charge_key=bytes(range(32)), seed=seed, watch_heap=True
        )
        self.people = Disturbances(self.world, BOARD, seed + 2)
        self.backup = folder / "backup.db"
        # Called when that has been restored: what was acknowledged since is given up.
        self.judge_restore: Callable[[], None] = lambda: None
        for index in range(len(circuits)):
            self.set_usual_load(index)

    def set_usual_load(self, circuit: int) -> None:
        """Something that fits."""
        self.board.set_load(circuit, Constant(round(self.draw.uniform(*_BASE_A), 3)))

    def start_is_good(self) -> None:
        """Else six restarts, which a soak has each hour, would keep the board in ``safe_boot``."""
        if self.board.powered and self.node_runs():
            # Without room for the command, or without flash, the start stays what it is.
            with suppress(RuntimeError):
                start_is_good(self.board)

    def node_runs(self) -> bool:
        """Not so in maintenance, and while it starts."""
        code = "import sys; a = sys.modules.get('node.app'); print(bool(a and a.current))"
        return self.board.exec(code) == "True\n"

    def contacts(self) -> list[int]:
        """The truth about the contacts."""
        return [int(c.contact.at(self.board.now_us)) for c in self.board.plant.circuits]
