"""What counts when a window says something, and what when nothing may be believed."""

import unittest

import fakes
from node.sensing.readings import Readings


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
        self.assertEqual((self.readings.last_ma[0], self.readings.age_ms[0]), (1_000, 0))

    def test_zero_below_the_range_and_a_saturated_current_are_readings(self):
        for state, current_ma in (("below_range", 0), ("saturated", 30_000)):
            self.take(state, current_ma)
            self.assertTrue(self.readings.is_trusted(0))
            self.assertEqual((self.counted_ma(), self.readings.age_ms[0]), (current_ma, 0))

    def test_any_other_state_keeps_the_last_good_current(self):
        for state in ("missing", "frozen", "impossible"):
            self.take("ok", 1_000)
            self.take(state)
            self.assertFalse(self.readings.is_trusted(0))
            self.assertEqual((self.counted_ma(), self.readings.age_ms[0]), (1_000, 160))

    def test_no_window_changes_nothing(self):
        self.take(None)
        self.assertEqual((self.readings.state[0], self.readings.age_ms[0]), ("ok", 160))

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
        for state in ("ok", "below_range", "saturated"):
            self.take(state, 1_000)
            self.readings.grow_older(501)
            self.assertEqual(self.readings.state, ["stale"])

    def test_a_reading_from_before_the_contact_opened_does_not_count(self):
        self.assertEqual(self.counted_ma(closed=0, since_edge_ms=40), 0)
        self.assertEqual(self.counted_ma(closed=0, since_edge_ms=200), 1_000)


if __name__ == "__main__":
    unittest.main()
