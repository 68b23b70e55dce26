"""What counts when a window says something, and what when nothing may be believed."""

import unittest

import fakes
from node.journal import Events
from node.sensing.readings import STATES, Readings
from node.ticks import Clock


class Trust(unittest.TestCase):
    def setUp(self):
        self.readings = Readings([fakes.circuit()])
        self.take("ok", 1_000)

    def take(self, state, current_ma=0, step_ms=160):
        self.readings.grow_older(step_ms)
        self.readings.take(0, state, current_ma)

    def counted_ma(self, closed=1, since_edge_ms=10_000):
        return self.readings.current_ma(0, closed, since_edge_ms)

    def test_a_good_window(self):
        self.assertEqual(self.readings.state, ["ok"])
        self.assertEqual((self.readings.last_ma[0], self.readings.age_ms(0)), (1_000, 0))

    def test_zero_below_the_range_and_a_saturated_current_are_readings(self):
        for state, current_ma in (("below_range", 0), ("saturated", 30_000), ("spiky", 1_320)):
            self.take(state, current_ma)
            self.assertTrue(self.readings.is_trusted(0))
            self.assertEqual((self.counted_ma(), self.readings.age_ms(0)), (current_ma, 0))

    def test_any_other_state_keeps_the_last_good_current(self):
        for state in ("missing", "frozen", "impossible"):
            self.take("ok", 1_000)
            self.take(state)
            self.assertFalse(self.readings.is_trusted(0))
            self.assertEqual((self.counted_ma(), self.readings.age_ms(0)), (1_000, 160))

    def test_no_window_changes_nothing(self):
        self.take(None)
        self.assertEqual((self.readings.state[0], self.readings.age_ms(0)), ("ok", 160))

    def test_the_last_good_value_holds_for_500_ms(self):
        self.readings.take(0, "missing", 0)
        self.readings.grow_older(500)
        self.assertEqual(self.counted_ma(), 1_000)
        self.assertFalse(self.readings.is_assumed(0))
        self.readings.grow_older(1)
        self.assertEqual(self.counted_ma(), 10_000)
        self.assertEqual(self.counted_ma(closed=0), 0)
        self.assertEqual(self.readings.state, ["missing"])

    def test_going_blind_in_an_overload_does_not_end_it(self):
        self.take("ok", 15_000)
        for _ in range(5):
            self.take("missing")
        self.assertEqual(self.counted_ma(closed=1), 15_000)
        self.assertEqual(self.counted_ma(closed=0), 0)

    def test_without_any_window_it_turns_stale(self):
        for state in ("ok", "below_range", "saturated", "spiky"):
            self.take(state, 1_000)
            self.readings.grow_older(501)
            self.assertEqual(self.readings.state, ["stale"])

    def test_a_reading_from_before_the_contact_opened_does_not_count(self):
        self.assertEqual(self.counted_ma(closed=0, since_edge_ms=40), 0)
        self.assertEqual(self.counted_ma(closed=0, since_edge_ms=200), 1_000)


class Telling(unittest.TestCase):
    """The event `sensor` of two circuits, of which the second is always well."""

    def setUp(self):
        self.time = fakes.Time()
        self.clock = Clock(self.time)
        self.events = Events(self.clock)
        circuits = [fakes.circuit(), fakes.circuit()]
        self.readings = Readings(circuits)

    def run_for(self, duration_ms, *states):
        """Scans of two ticks of 40 ms, with these states of circuit 0 in turn."""
        for k in range(duration_ms // 80):
            for i in range(2):
                self.time.pass_ms(40)
                self.clock.advance()
                self.readings.grow_older(40)
                self.readings.take(i, "ok" if i else states[k % len(states)], 1_000)
                self.readings.tell(i, self.events, self.clock.up_s)

    def told(self):
        """(second, state) of each event."""
        told = [self.events.record(k) for k in range(self.events.stored)]
        self.assertEqual([one[2:4] for one in told], [("sensor", 0)] * len(told))
        return [(one[1], STATES[one[4]]) for one in told]

    def test_readings_as_usual_are_not_told(self):
        self.run_for(10_000, "ok", "below_range", "saturated")
        self.assertEqual(self.told(), [])

    def test_a_fault_is_told_when_it_counts_and_so_is_its_end(self):
        for state in ("missing", "frozen", "impossible"):
            self.setUp()
            self.run_for(5_000, "ok")
            self.run_for(70_000, state)
            self.run_for(5_000, "ok")
            self.assertEqual(self.told(), [(5, state), (75, "ok")])

    def test_what_nothing_renews_is_told_as_stale(self):
        self.run_for(5_000, "ok")
        self.run_for(5_000, None)
        self.assertEqual(self.told(), [(5, "stale")])

    def test_spikes_are_told_at_once(self):
        self.run_for(5_000, "ok")
        self.run_for(80, "spiky")
        self.assertEqual(self.told(), [(5, "spiky")])

    def test_a_lost_window_is_not_told(self):
        self.run_for(60_000, "ok", "missing", "missing", None)
        self.assertEqual(self.told(), [])

    def test_a_sensor_that_comes_and_goes_is_told_once_a_minute_at_most(self):
        for _ in range(300):
            self.run_for(1_000, "missing")
            self.run_for(1_000, "ok")
        told_s = [at_s for at_s, _ in self.told()]
        self.assertTrue(len(told_s) <= 11, told_s)
        for k in range(1, len(told_s)):
            self.assertTrue(told_s[k] - told_s[k - 1] >= 60)

    def test_the_last_word_is_what_lasts(self):
        self.run_for(1_000, "missing")
        self.run_for(70_000, "ok")
        self.assertEqual(self.told()[-1], (60, "ok"))


if __name__ == "__main__":
    unittest.main()
