"""What may be believed of a window, and what counts when nothing may."""

import unittest

import fakes
from node.sensing.readings import Readings


class Window:
    """Stands for a measured window."""

    def __init__(self):
        self.mean = 13_200
        self.low = 12_000
        self.high = 14_400
        self.total = 224_400
        self.ma = 1_000

    def measure(self):
        self.total += 1

    def gain_of(self, _ct_ma_per_v):
        return 1, 0

    def current_ma(self, _gain, _shift):
        return self.ma


class Plausibility(unittest.TestCase):
    def setUp(self):
        self.window = Window()
        self.readings = Readings([fakes.circuit()])
        self.readings.use(self.window)
        self.take()

    def take(self, step_ms=160):
        self.readings.grow_older(step_ms)
        self.readings.take(0)

    def freeze(self):
        self.window.measure = lambda: None
        self.take()

    def counted_ma(self, closed=1, since_edge_ms=10_000):
        return self.readings.current_ma(0, closed, since_edge_ms)

    def test_a_good_window(self):
        self.assertEqual(self.readings.state, ["ok"])
        self.assertEqual((self.readings.last_ma[0], self.readings.age_ms[0]), (1_000, 0))

    def test_off_its_bias_is_missing(self):
        for mean in (0, 3_199, 23_201, 26_400):
            self.window.mean = mean
            self.take()
            self.assertEqual(self.readings.state, ["missing"])
            self.assertEqual(self.readings.last_ma[0], 1_000)

    def test_at_a_rail_is_saturated_and_at_least_the_range(self):
        for low, high in ((40, 20_000), (5_000, 26_360)):
            self.window.low, self.window.high = low, high
            self.window.ma = 25_000
            self.take()
            self.assertEqual(self.readings.state, ["saturated"])
            self.assertEqual(self.readings.last_ma[0], 30_000)
        self.window.ma = 34_000
        self.take()
        self.assertEqual(self.readings.last_ma[0], 34_000)

    def test_the_upper_rail_follows_the_bias(self):
        self.window.mean = 12_000
        for _ in range(30):
            self.take()
        self.window.high = 23_970
        self.take()
        self.assertEqual(self.readings.state, ["saturated"])

    def test_the_same_window_again_and_again_is_frozen(self):
        self.freeze()
        for _ in range(8):
            self.take()
        self.assertEqual(self.readings.state, ["ok"])
        for _ in range(3):
            self.take()
        self.assertEqual(self.readings.state, ["frozen"])

    def test_a_change_thaws(self):
        self.freeze()
        for _ in range(20):
            self.take()
        self.assertEqual(self.readings.state, ["frozen"])
        self.window.total += 1
        self.take()
        self.assertEqual(self.readings.state, ["ok"])

    def test_below_the_useful_range_is_zero(self):
        self.window.ma = 149
        self.take()
        self.assertEqual(self.readings.last_ma[0], 0)
        self.window.ma = 150
        self.take()
        self.assertEqual(self.readings.last_ma[0], 150)

    def test_the_last_good_value_holds_for_500_ms(self):
        self.readings.lost(0)
        self.readings.grow_older(500)
        self.assertEqual(self.counted_ma(), 1_000)
        self.assertFalse(self.readings.is_assumed(0))
        self.readings.grow_older(1)
        self.assertEqual(self.counted_ma(), 10_000)
        self.assertEqual(self.counted_ma(closed=0), 0)
        self.assertEqual(self.readings.state, ["missing"])

    def test_going_blind_in_an_overload_does_not_end_it(self):
        self.window.ma = 15_000
        self.take()
        self.window.mean = 0
        for _ in range(5):
            self.take()
        self.assertEqual(self.readings.state, ["missing"])
        self.assertEqual(self.counted_ma(closed=1), 15_000)
        self.assertEqual(self.counted_ma(closed=0), 0)

    def test_without_any_window_it_turns_stale(self):
        self.readings.grow_older(501)
        self.assertEqual(self.readings.state, ["stale"])

    def test_a_reading_from_before_the_contact_opened_does_not_count(self):
        self.assertEqual(self.counted_ma(closed=0, since_edge_ms=40), 0)
        self.assertEqual(self.counted_ma(closed=0, since_edge_ms=200), 1_000)


if __name__ == "__main__":
    unittest.main()
