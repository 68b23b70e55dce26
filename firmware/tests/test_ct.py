"""What may be believed of a window of a current transformer's input."""

import random
import unittest

import fakes
from node.sensing.ct import Ct
from node.ticks import Clock


class Window:
    """Stands for a measured window."""

    count = 17
    peak_percent = 11

    def __init__(self):
        self.mean = 13_200
        self.low = 12_000
        self.high = 14_400
        self.total = 224_400
        self.ma = 1_000

    def finish(self, _gain, _shift):
        self.total += 1
        return self.ma

    def gain_of(self, _scale_ma):
        return 1, 0


def sensor(**circuit):
    converter = fakes.Converter(fakes.Time(), 0.03)
    hardware = fakes.Hardware(converter)
    clock = Clock(hardware.time)
    return Ct([fakes.circuit(**circuit)], 50, hardware, clock), converter


class Plausibility(unittest.TestCase):
    def setUp(self):
        self.window = Window()
        self.ct, _ = sensor()
        self.ct._adc.window = lambda _channel, _sums: True
        self.ct._rms = self.window

    def state(self):
        return self.ct.measure(0, 160)

    def freeze(self):
        self.window.finish = lambda _gain, _shift: self.window.ma
        self.state()

    def test_a_good_window(self):
        self.assertEqual((self.state(), self.ct.current_ma), ("ok", 1_000))

    def test_off_its_bias_is_missing(self):
        for mean in (0, 3_199, 23_201, 26_400):
            self.window.mean = mean
            self.assertEqual(self.state(), "missing")

    def test_at_a_rail_is_saturated_and_at_least_the_range(self):
        for low, high in ((40, 20_000), (5_000, 26_360)):
            self.window.low, self.window.high = low, high
            self.window.ma = 25_000
            self.assertEqual((self.state(), self.ct.current_ma), ("saturated", 30_000))
        self.window.ma = 34_000
        self.assertEqual((self.state(), self.ct.current_ma), ("saturated", 34_000))

    def test_the_upper_rail_follows_the_bias(self):
        self.window.mean = 12_000
        for _ in range(30):
            self.state()
        self.window.high = 23_970
        self.assertEqual(self.state(), "saturated")

    def test_counts_outside_the_supply_are_impossible(self):
        for low, high in ((-41, 14_400), (12_000, 28_801), (-32_768, 32_767)):
            self.window.low, self.window.high = low, high
            self.assertEqual(self.state(), "impossible")

    def test_a_mean_that_moves_without_a_swing_is_impossible_as_a_ct_passes_no_dc(self):
        self.window.low, self.window.high = 8_000, 8_010
        self.window.mean = 8_005
        for _ in range(20):
            self.assertEqual(self.state(), "impossible")
        # A current that begins within the window moves the mean by less than it swings.
        self.window.low, self.window.high, self.window.mean = 13_190, 24_000, 16_700
        self.assertEqual(self.state(), "ok")

    def test_a_bias_within_its_tolerance_is_believed_from_the_start(self):
        self.window.low, self.window.high, self.window.mean = 12_540, 12_550, 12_545
        self.assertEqual(self.state(), "ok")

    def test_one_conversion_with_all_the_energy_is_impossible(self):
        self.window.peak_percent = 91
        self.window.ma = 3_001
        self.assertEqual(self.state(), "impossible")
        # Small rectifiers do that, and so do the last bits of an idle input.
        for current_ma, state in ((3_000, "ok"), (20, "below_range")):
            self.window.ma = current_ma
            self.assertEqual(self.state(), state)

    def test_the_same_window_again_and_again_is_frozen(self):
        self.freeze()
        for _ in range(9):
            self.assertEqual(self.state(), "ok")
        for _ in range(3):
            self.state()
        self.assertEqual(self.state(), "frozen")

    def test_a_change_thaws(self):
        self.freeze()
        for _ in range(20):
            self.state()
        self.assertEqual(self.state(), "frozen")
        self.window.total += 1
        self.assertEqual(self.state(), "ok")

    def test_below_the_useful_range_is_zero_and_says_so(self):
        self.window.ma = 149
        self.assertEqual((self.state(), self.ct.current_ma), ("below_range", 0))
        self.window.ma = 150
        self.assertEqual((self.state(), self.ct.current_ma), ("ok", 150))

    def test_a_window_cut_short_is_none(self):
        self.ct._adc.window = lambda _channel, _sums: False
        self.assertTrue(self.state() is None)


class Spikes(unittest.TestCase):
    """A circuit whose windows have crest factors beyond a sine's."""

    def setUp(self):
        self.window = Window()
        self.start()

    def start(self, **circuit):
        self.ct, _ = sensor(**circuit)
        self.ct._adc.window = lambda _channel, _sums: True
        self.ct._rms = self.window

    def run_for(self, duration_ms, spiky):
        """(state, current) after windows 160 ms apart."""
        self.window.peak_percent = 25 if spiky else 23
        for _ in range(duration_ms // 160):
            state = self.ct.measure(0, 160)
        return state, self.ct.current_ma

    def test_three_seconds_of_them_are_told_and_raise_the_current(self):
        self.assertEqual(self.run_for(3_000, spiky=True), ("ok", 1_000))
        self.assertEqual(self.run_for(320, spiky=True), ("spiky", 1_320))

    def test_it_is_taken_back_after_three_seconds_of_sines(self):
        self.run_for(10_000, spiky=True)
        self.assertEqual(self.run_for(2_900, spiky=False), ("spiky", 1_320))
        self.assertEqual(self.run_for(320, spiky=False), ("ok", 1_000))

    def test_a_start_of_a_motor_is_none(self):
        for _ in range(10):
            self.assertEqual(self.run_for(2_000, spiky=True), ("ok", 1_000))
            self.run_for(2_000, spiky=False)

    def test_windows_that_miss_the_spikes_do_not_hide_them(self):
        for _ in range(20):
            self.run_for(800, spiky=True)
            state = self.run_for(320, spiky=False)
        self.assertEqual(state, ("spiky", 1_320))

    def test_one_window_after_long_blindness_is_not_enough(self):
        self.window.peak_percent = 25
        self.assertEqual(self.ct.measure(0, 60_000), "ok")

    def test_a_pause_of_the_load_is_no_end(self):
        self.run_for(4_000, spiky=True)
        self.window.ma = 100
        self.assertEqual(self.run_for(60_000, spiky=False), ("below_range", 0))
        self.window.ma = 1_000
        self.assertEqual(self.run_for(160, spiky=True), ("spiky", 1_320))

    def test_the_circuits_setting_is_the_raise_and_0_only_tells(self):
        self.start(spiky_percent=0)
        self.assertEqual(self.run_for(4_000, spiky=True), ("spiky", 1_000))

    def test_a_stored_correction_for_the_waveform_is_enough(self):
        self.start(spiky_ms=-1)
        self.assertEqual(self.run_for(60_000, spiky=True), ("ok", 1_000))


class OnTheConverter(unittest.TestCase):
    def test_calibration_is_scale_and_offset(self):
        random.seed(1)
        ct, converter = sensor(scale_ma=33_000, offset_ma=-50)
        converter.noise = lambda: random.randint(-1, 1)
        converter.set_ma(0, 10_000)
        self.assertEqual(ct.measure(0, 0), "ok")
        self.assertTrue(abs(ct.current_ma - 10_950) < 50, ct.current_ma)

    def test_a_bit_lost_on_the_bus_is_impossible_and_a_real_sine_is_not(self):
        random.seed(1)
        ct, converter = sensor()
        converter.noise = lambda: random.randint(-1, 1)
        ct.find()
        for current_ma in (0, 1_000, 10_000):
            converter.set_ma(0, current_ma)
            self.assertTrue(ct.measure(0, 0) in ("ok", "below_range"))
        converter.set_ma(0, 0)
        count = converter.count
        left = [8]

        def once_wrong(*at):
            left[0] -= 1
            return count(*at) ^ (0 if left[0] else 1 << 12)

        converter.count = once_wrong
        self.assertEqual(ct.measure(0, 0), "impossible")

    def test_a_converter_that_never_answered_is_looked_for_every_2_s(self):
        ct, converter = sensor()
        converter.absent = True
        for _ in range(3):
            with self.assertRaises(OSError):
                ct.measure(0, 0)
        converter.absent = False
        with self.assertRaises(OSError):
            ct.measure(0, 0)
        converter.time.pass_ms(2_000)
        ct._clock.advance()
        self.assertTrue(ct.find())


if __name__ == "__main__":
    unittest.main()
