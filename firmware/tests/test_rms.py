"""True RMS against an exact computation, over parts, phases, mains frequencies and amplitudes."""

import gc
import math
import random
import sys
import unittest

import fakes
from node.sensing.ads1115 import Ads1115
from node.sensing.rms import TrueRms, averaging_ppm, square_root


def measured(current_ma, rate_error, mains_hz, phase, bias=13_200.0, noise=None, real_hz=None):
    """(TrueRms, current in mA) of one window taken through driver and converter."""
    converter = fakes.Converter(fakes.Time(), rate_error, real_hz or mains_hz)
    converter.phase = phase
    converter.bias[1] = bias
    converter.set_ma(1, current_ma)
    if noise:
        converter.noise = noise
    adc = Ads1115(converter, converter.time)
    adc.measure_rate()
    rms = TrueRms(mains_hz, adc.conversion_ns)
    rms.bias = 13_200
    assert adc.window(1, rms)
    return rms, rms.finish(*rms.gain_of(30_000))


class SquareRoot(unittest.TestCase):
    def test_is_the_floor(self):
        for value in list(range(300)) + [random.randrange(1 << 30) for _ in range(2000)]:
            root = square_root(value)
            self.assertTrue(root * root <= value < (root + 1) * (root + 1), value)

    def test_at_its_ends(self):
        self.assertEqual(square_root((1 << 30) - 1), (1 << 15) - 1)
        self.assertEqual(square_root(-5), 0)


class Averaging(unittest.TestCase):
    def test_is_x_over_sin_x(self):
        for mains_hz in (50, 60):
            for conversion_ns in (1_050_000, 1_162_791, 1_290_000):
                x = math.pi * mains_hz * conversion_ns / 1e9
                exact_ppm = x / math.sin(x) * 1e6
                self.assertTrue(abs(averaging_ppm(mains_hz, conversion_ns) - exact_ppm) < 30)


class Accuracy(unittest.TestCase):
    def check(self, current_ma, tolerance, rounds=150):
        worst = 0
        random.seed(7)
        for _ in range(rounds):
            for mains_hz in (50, 60):
                rate_error = random.uniform(-0.1, 0.1)
                phase = random.uniform(0, 2 * math.pi)
                bias = random.uniform(13_100, 13_300)
                _, got_ma = measured(current_ma, rate_error, mains_hz, phase, bias)
                worst = max(worst, abs(got_ma - current_ma) / current_ma)
        print("%6d mA: worst of %d windows %.2f %%" % (current_ma, 2 * rounds, 100 * worst))
        self.assertTrue(worst < tolerance, worst)

    def test_full_range(self):
        self.check(30_000, 0.01)

    def test_middle(self):
        self.check(6_000, 0.01)

    def test_small(self):
        self.check(300, 0.015)

    def test_mean_over_phases_has_no_bias(self):
        for rate_error in (-0.1, -0.03, 0.0, 0.07, 0.1):
            total_ma = 0
            for k in range(64):
                total_ma += measured(10_000, rate_error, 50, k * 2 * math.pi / 64)[1]
            self.assertTrue(abs(total_ma / 64 - 10_000) < 25, (rate_error, total_ma / 64))

    def test_the_wrong_mains_frequency_costs_some_percent_and_nothing_tells(self):
        for mains_hz, real_hz in ((50, 60), (60, 50)):
            error_ma = []
            for k in range(64):
                phase = k * 2 * math.pi / 64
                error_ma.append(measured(10_000, 0, mains_hz, phase, real_hz=real_hz)[1] - 10_000)
            most, mean = max(map(abs, error_ma)) / 100, sum(error_ma) / 6_400
            values = (real_hz, mains_hz, most, mean)
            print("%d Hz read as %d: a window up to %.1f %% off, the mean %.1f %%" % values)
            self.assertTrue(most < 15 and abs(mean) < 3)

    def test_offset_alone_is_no_current(self):
        for bias in (12_600.0, 13_200.4, 13_800.7):
            rms, current_ma = measured(0, 0.04, 50, 0, bias)
            self.assertTrue(current_ma <= 2, current_ma)
            self.assertTrue(abs(rms.mean - bias) < 1.1)

    def test_noise_of_one_count_stays_below_the_floor(self):
        noise = lambda: random.choice((-1, 0, 1))  # noqa: E731
        for _ in range(50):
            self.assertTrue(measured(0, 0.0, 50, 0, noise=noise)[1] < 150)


class Peak(unittest.TestCase):
    """Pulses in each half cycle, `width` conversions wide, among 20."""

    def share(self, width):
        rms = TrueRms(50, 1_000_000)
        rms.bias = 13_200
        for k in range(rms.count):
            sign = 1 if k % 20 < 10 else -1
            rms.add(13_200 + sign * 4_000 * (k % 10 < width))
        rms.finish(*rms.gain_of(30_000))
        return rms.peak_percent

    def test_is_what_one_conversion_has_of_the_energy(self):
        self.assertEqual([self.share(width) for width in (1, 2, 5, 10)], [50, 25, 10, 5])

    def test_of_a_level_is_nothing(self):
        self.assertEqual(self.share(0), 0)

    def test_of_a_sine_is_two_parts_of_all_at_any_phase_and_size(self):
        for mains_hz in (50, 60):
            for current_ma in (150, 1_000, 20_000):
                for k in range(40):
                    rms, _ = measured(current_ma, 0.1 - k / 200, mains_hz, k * math.pi / 20)
                    self.assertTrue(rms.peak_percent * rms.count < 250)


# Bias, least and largest: rail to rail, at a rail, and what only a bus that fails can say.
_WORST = (
    (13_200, 0, 26_400),
    (13_200, 26_400, 0),
    (3_200, 0, 0),
    (23_200, 0, 26_400),
    (13_200, -32_768, 32_767),
    (3_200, -32_768, 32_767),
)


@unittest.skipUnless(sys.implementation.name == "micropython", "needs gc.mem_alloc")
class SmallIntegers(unittest.TestCase):
    """No value leaves 30 bits: one that does is an allocation in every window on the board."""

    def worst_windows(self, full_ma):
        """The most bytes that one of them allocates, and the most that it reads."""
        most_bytes = most_ma = 0
        for mains_hz in (50, 60):
            rms = TrueRms(mains_hz, 1_046_000)
            gain, shift = rms.gain_of(full_ma)
            for bias, low, high in _WORST:
                rms.bias = bias
                gc.disable()
                before = gc.mem_alloc()
                rms.begin()
                for i in range(rms.count):
                    rms.add(high if i & 1 else low)
                current_ma = rms.finish(gain, shift)
                most_bytes = max(most_bytes, gc.mem_alloc() - before)
                gc.enable()
                most_ma = max(most_ma, current_ma)
        return most_bytes, most_ma

    def test_worst_windows_stay_small(self):
        for full_ma in (100, 30_000, 200_000):
            most_bytes, most_ma = self.worst_windows(full_ma)
            self.assertEqual(most_bytes, 0)
            self.assertTrue(3.9 * full_ma < most_ma < 4.2 * full_ma, most_ma)


if __name__ == "__main__":
    unittest.main()
