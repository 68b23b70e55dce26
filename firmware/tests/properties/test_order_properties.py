"""Whatever is ordered, leased, priced, lost on the link, cut, or cannot be measured any more."""

import random

import coordinator
import fakes
from hypothesis import given
from hypothesis import strategies as st
from test_protection_properties import REACTION_MS, TOLERANCE_MA
from twin import Board

LASTS_MS = 150_000
KINDS = ("critical", "deferrable", "deferrable", "thermal")
CEILING_EUR_MWH = 100
MIN_ON_S, MIN_OFF_S = 8, 12
# A whole second of the board's clock, a scan, and what a contact takes.
CLOCK_MS = 1_300
BLIND_MS = 500 + REACTION_MS
RATED_MA = 10_000


class Server(coordinator.Coordinator):
    """The coordinator with a price in its plan, for all of it."""

    price_eur_mwh = 0

    def answer(self, report):
        answer = super().answer(report)
        if "plan" in answer:
            first, second = divmod(self.price_eur_mwh + 500, 57)
            answer["plan"]["price"] = [
                coordinator.NOW,
                900,
                chr(35 + first) + chr(35 + second),
            ]
        return answer


class Watch:
    """Looks at each tick whether the truth is as the board's orders, limits and rules have it."""

    def __init__(self, board, server):
        self._board, self._server = board, server
        self.price_of = {server.rev: 0}
        self.over = 0
        self._since_ms = {}
        self._blind_ms = {}
        self._opened_ms = [0] * 4

    def look(self):
        self._critical_is_not_shed()
        self._compressors_rest()
        self._excess_is_short()
        self._dear_is_off()

    def note_start(self):
        """After a cut the board knows nothing of what was before it."""
        self._since_ms.clear()
        self._opened_ms = [self._board.now_ms] * 4

    def _lasts_ms(self, what, holds):
        """For how long `holds` has been true."""
        now_ms = self._board.now_ms
        if not holds:
            self._since_ms.pop(what, None)
        return now_ms - self._since_ms.setdefault(what, now_ms) if holds else 0

    def _critical_is_not_shed(self):
        for i, kind in enumerate(KINDS):
            assert kind != "critical" or not self._board.node.shedding.reason[i]

    def _compressors_rest(self):
        """A minimum off time holds whoever asks, boots included."""
        for i in range(4):
            at_ms, closed = self._board.plant.contact[i][-1]
            if not closed:
                self._opened_ms[i] = max(self._opened_ms[i], at_ms)
            elif self._opened_ms[i]:
                assert at_ms - self._opened_ms[i] >= MIN_OFF_S * 1000 - CLOCK_MS, i
                self._opened_ms[i] = 0

    def _excess_is_short(self):
        """What is measured, and the rating of what is not, stays within the limit in force."""
        board = self._board
        counted = [self._counted_ma(i) for i in range(4)]
        limit_ma = board.node.planning.limit_ma[0] + TOLERANCE_MA
        is_over = sum(counted) > limit_ma
        self.over += is_over
        kept = sum(ma for ma, kind in zip(counted, KINDS, strict=True) if kind == "critical")
        lasts_ms = self._lasts_ms("excess", is_over and kept <= limit_ma)
        assert lasts_ms <= board.settings["timing"]["limit_s"] * 1000 + REACTION_MS

    def _counted_ma(self, i):
        board = self._board
        blind_ms = self._lasts_ms(("blind", i), i in board.blind)
        flows_ma = board.plant.current_ma(i, board.now_ms)
        if not blind_ms:
            return flows_ma
        closed = board.plant.contact[i][-1][1]
        return RATED_MA * closed if blind_ms > BLIND_MS else 0

    def _dear_is_off(self):
        """Above its ceiling a circuit is off after its minimum on time, but for an order."""
        node = self._board.node
        planning = node.planning
        price = self.price_of.get(planning.rev, 0)
        for i in (1, 3):
            is_dear = price > CEILING_EUR_MWH and not planning.expired
            is_dear = is_dear and planning.reason[i] != "override"
            lasts_ms = self._lasts_ms(("dear", i), is_dear)
            if lasts_ms > MIN_ON_S * 1000 + CLOCK_MS:
                assert not self._board.plant.contact[i][-1][1], i


def change(board, server, watch, chance):
    """Something else is ordered, leased, priced, blind, or lost."""
    what = chance.random()
    if what < 0.4:
        states = [chance.choice((0, 1, None, None)) for _ in range(4)]
        server.overrides = [[i, state, 0] for i, state in enumerate(states) if state is not None]
        server.slots = ["".join(chance.choice("11-0") for _ in range(8)) for _ in range(4)]
        server.price_eur_mwh = chance.choice((20, CEILING_EUR_MWH, 250))
        server.rev += 1
        watch.price_of[server.rev] = server.price_eur_mwh
    elif what < 0.65:
        lease_s = chance.choice((3, 10, 30))
        server.changes = {"lease_ma": [chance.randint(4_000, 16_000), 0, 0], "lease_s": lease_s}
    elif what < 0.8:
        board.blind = {i for i in range(4) if chance.random() < 0.3}
    elif what < 0.9:
        board.hardware.network.flags = chance.choice((0, 4, 4))
    else:
        board.cut()
        watch.note_start()


def board_of(chance, server):
    """A board on one phase, with loads that change every few seconds."""
    loads = []
    for _ in range(4):
        at_ms, steps = 0, []
        while at_ms < LASTS_MS:
            steps.append((at_ms, chance.randint(0, 7_000)))
            at_ms += chance.randint(2_000, 20_000)
        loads.append(steps)
    circuits = [fakes.board_circuit(i) for i in range(4)]
    for circuit, kind in zip(circuits, KINDS, strict=True):
        circuit.update(kind=kind, min_on_s=MIN_ON_S, min_off_s=MIN_OFF_S, safe="on")
    for i in (1, 3):
        circuits[i]["price_ceiling_eur_mwh"] = CEILING_EUR_MWH
    return Board(
        loads,
        chance,
        server,
        feeder={"rating_ma": [16_000, 0, 0], "safe_limit_ma": [8_000, 0, 0]},
        circuits=circuits,
        timing={"boot_delay_s": [0, 3], "restore_wait_s": 5, "retry_s": 20},
        link={"host": "192.168.1.10", "report_s": 2},
    )


@given(st.integers(0, 1 << 20))
def test_limits_prices_and_minimum_times_hold_whatever_is_ordered(seed):
    chance = random.Random(seed)
    server = Server()
    board = board_of(chance, server)
    watch = Watch(board, server)
    board.each_tick.append(watch.look)
    while board.now_ms < LASTS_MS:
        board.run_to(board.now_ms + chance.randint(40, 12_000))
        change(board, server, watch, chance)
    assert watch.over
    assert server.reports
