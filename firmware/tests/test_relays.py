"""Edges, minimum times, the gate, and the start."""

import unittest

import fakes
from node.journal import Events
from node.relays import REASONS, Relays
from node.safety import Safety
from node.ticks import Clock


class Board(unittest.TestCase):
    def make(self, active=1, **circuit):
        self.time = fakes.Time()
        self.clock = Clock(self.time)
        self.events = Events(self.clock)
        self.pin = fakes.Pin(16, 1 - active)
        self.gate = fakes.Pin(5, 0)
        circuits = [fakes.circuit(**circuit)]
        self.relays = Relays(circuits, [self.pin], self.gate, active, self.events, self.clock)
        self.relays.enable()

    def later(self, passed_s):
        self.time.pass_ms(1000 * passed_s)
        self.clock.advance()

    def test_the_gate_rises_with_every_pin_off(self):
        self.make()
        self.assertEqual((self.pin.level, self.gate.level, self.pin.edges), (0, 1, 0))
        self.relays.disable()
        self.assertEqual(self.gate.level, 0)

    def test_active_low_boards(self):
        self.make(active=0)
        self.relays.wish(0, 1, "plan")
        self.assertEqual(self.pin.level, 0)
        self.relays.open(0, "override")
        self.assertEqual(self.pin.level, 1)

    def test_minimum_off_binds_everyone_and_starts_with_the_board(self):
        self.make(min_off_s=10)
        self.later(9)
        self.relays.wish(0, 1, "override")
        self.assertEqual((self.pin.level, self.relays.reason[0]), (0, "hold"))
        self.later(1)
        self.relays.wish(0, 1, "override")
        self.assertEqual((self.pin.level, self.relays.reason[0]), (1, "override"))

    def test_minimum_on_binds_wishes_but_no_opener(self):
        self.make(min_on_s=60)
        self.relays.wish(0, 1, "plan")
        self.later(59)
        self.relays.wish(0, 0, "plan")
        self.assertEqual((self.pin.level, self.relays.reason[0]), (1, "hold"))
        self.relays.open(0, "shed_feeder")
        self.assertEqual((self.pin.level, self.relays.reason[0]), (0, "shed_feeder"))

    def test_edges_are_events_with_their_reason(self):
        self.make()
        self.relays.wish(0, 1, "plan")
        self.relays.wish(0, 1, "default")
        self.relays.open(0, "shed_feeder")
        self.relays.open(0, "shed_feeder")
        self.relays.wish(0, 1, "plan")
        self.relays.wish(0, 0, "plan")
        kinds = [self.events.record(k)[2:] for k in range(self.events.stored)]
        shed, plan = REASONS.index("shed_feeder"), REASONS.index("plan")
        expected = [("close", plan), ("shed", shed), ("restore", plan), ("open", plan)]
        self.assertEqual(kinds, [(kind, 0, reason) for kind, reason in expected])


class Start(unittest.TestCase):
    def test_circuits_return_one_at_a_time_by_priority(self):
        circuits = [fakes.circuit(priority=p) for p in (4, 1, 3)]
        safety = Safety(circuits, [2, 10], lambda low, high: (low + high) // 2, False)
        order = []
        for up_s in range(30):
            for i in range(3):
                if i not in order and safety.opener(i, up_s) is None:
                    order.append(i)
                    self.assertEqual(up_s, 6 * len(order))
        self.assertEqual(order, [1, 2, 0])
        self.assertEqual(safety.opener(1, 0), "hold")

    def test_unknown_orders_keep_everything_open(self):
        safety = Safety([fakes.circuit()], [0, 0], lambda low, _high: low, True)
        self.assertEqual(safety.opener(0, 10_000), "safe_boot")


class Uptime(unittest.TestCase):
    def test_counts_on_when_the_ticks_wrap(self):
        time = fakes.Time(((1 << 30) - 500) * 1000)
        clock = Clock(time)
        for _ in range(100):
            time.pass_ms(99)
            clock.advance()
        self.assertEqual(clock.up_s, 9)
        self.assertEqual(clock.gap_ms, 99)

    def test_a_long_stop_is_one_bounded_step(self):
        time = fakes.Time()
        clock = Clock(time)
        time.pass_ms(7_000)
        clock.advance()
        self.assertEqual((clock.up_s, clock.gap_ms, clock.step_ms), (7, 7_000, 500))


if __name__ == "__main__":
    unittest.main()
