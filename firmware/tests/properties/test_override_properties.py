"""Override OFF, once obeyed, is obeyed: whatever is ordered, lost on the link, or cut."""

import random

import coordinator
import fakes
from hypothesis import given
from hypothesis import strategies as st
from twin import Board

LASTS_MS = 240_000
CIRCUITS = 4


class Watch:
    """Follows which circuits the board has been told to keep off, and looks at each tick."""

    def __init__(self, board, server):
        self._board = board
        self._server = server
        self.off = set()
        self.ordered = {server.rev: set()}
        self.obeyed = 0
        self._told = set()
        self._ticks = 0

    def look(self):
        board = self._board
        # A circuit is switched in its turn: after one scan each must be as it was told.
        self._ticks += 1
        if self._ticks == CIRCUITS:
            self.off = self._told
        for i in self.off:
            assert board.plant.contact[i][-1][1] == 0, (i, board.now_ms)
        rev = board.node.planning.rev
        if rev in self.ordered and self.ordered[rev] != self._told:
            self._told = self.ordered[rev]
            self._ticks = 0
            self.off = self.off & self._told
            self.obeyed += 1


def order(server, watch, chance):
    """A new plan: some circuits off, some on, some as the schedule has them."""
    states = [chance.choice((0, 0, 1, None)) for _ in range(CIRCUITS)]
    server.overrides = [[i, state, 0] for i, state in enumerate(states) if state is not None]
    server.slots = ["".join(chance.choice("01-") for _ in range(8)) for _ in range(CIRCUITS)]
    server.rev += 1
    watch.ordered[server.rev] = {i for i, state in enumerate(states) if state == 0}


@given(st.integers(0, 1 << 20))
def test_override_off_is_obeyed_across_power_cuts(seed):
    chance = random.Random(seed)
    server = coordinator.Coordinator()
    loads = [[(0, chance.randint(0, 12_000))] for _ in range(CIRCUITS)]
    config = {
        "circuits": [fakes.board_circuit(i) for i in range(CIRCUITS)],
        "timing": {"boot_delay_s": [0, 3], "restore_wait_s": 5, "retry_s": 20},
        "link": {"host": "192.168.1.10", "report_s": 2},
    }
    board = Board(loads, chance, server, **config)
    watch = Watch(board, server)
    board.each_tick.append(watch.look)
    while board.now_ms < LASTS_MS:
        board.run_to(board.now_ms + chance.randint(40, 9_000))
        what = chance.random()
        if what < 0.4:
            order(server, watch, chance)
        elif what < 0.7:
            board.cut()
            watch.look()
        else:
            board.hardware.network.flags = chance.choice((0, 4, 4))
    assert watch.obeyed
