"""The converter's driver: its rate, its windows, and what it does when the part misbehaves."""

import unittest

import fakes
from node.sensing.ads1115 import Ads1115


def driver(rate_error=0.0):
    converter = fakes.Converter(fakes.Time(), rate_error)
    return Ads1115(converter, converter.time), converter


class Rate(unittest.TestCase):
    def test_is_measured_within_half_a_percent(self):
        for percent in range(-10, 11):
            adc, _ = driver(percent / 100)
            adc.measure_rate()
            exact_ns = 1e9 / 860 / (1 + percent / 100)
            self.assertTrue(abs(adc.conversion_ns / exact_ns - 1) < 0.005, percent)

    def test_takes_bounded_time_when_nothing_ever_finishes(self):
        adc, converter = driver()
        converter._length_us = lambda: 1e9
        with self.assertRaises(OSError):
            adc.measure_rate()
        self.assertTrue(converter.time.now_us < 200_000)

    def test_that_no_part_can_have_is_refused(self):
        adc, converter = driver()
        converter._length_us = lambda: 90_000
        with self.assertRaises(OSError):
            adc.measure_rate()


class Taken:
    """Takes a window's conversions as they come."""

    count = 17

    def begin(self):
        self.samples = []

    def add(self, sample):
        self.samples.append(sample)


class Window(unittest.TestCase):
    def window(self, adc, channel=0):
        """(whether it is whole, its conversions)"""
        taken = Taken()
        return adc.window(channel, taken), taken.samples

    def note_begin(self, adc, converter):
        write = adc._write

        def noting(address, data):
            write(address, data)
            if converter._begun_us is not None:
                self.begun_us = converter._begun_us

        adc._write = noting

    def test_holds_consecutive_conversions_of_its_input(self):
        for rate_error in (-0.1, 0.0, 0.1):
            adc, converter = driver(rate_error)
            adc.measure_rate()
            converter.set_ma(2, 8_000)
            self.note_begin(adc, converter)
            whole, samples = self.window(adc, 2)
            self.assertEqual((whole, len(samples)), (True, 17))
            length_us = 1e6 / 860 / (1 + rate_error)
            begun_us = self.begun_us
            for k in range(17):
                from_us = begun_us + k * length_us
                self.assertEqual(samples[k], converter.count(2, from_us, from_us + length_us))

    def test_leaves_the_part_powered_down(self):
        adc, converter = driver()
        adc.measure_rate()
        self.window(adc)
        self.assertTrue(converter._config & 0x0100)

    def test_stops_when_the_processor_was_away(self):
        adc, converter = driver()
        adc.measure_rate()
        read = adc._read
        reads = []

        def slow_read(address, buffer):
            reads.append(1)
            if len(reads) == 5:
                converter.time.sleep_us(3_000)
            read(address, buffer)

        adc._read = slow_read
        whole, samples = self.window(adc)
        self.assertEqual((whole, len(samples)), (False, 5))

    def test_raises_when_the_part_is_gone_and_works_again_after(self):
        adc, converter = driver()
        adc.measure_rate()
        converter.absent = True
        with self.assertRaises(OSError):
            self.window(adc)
        converter.absent = False
        self.assertTrue(self.window(adc)[0])

    def test_negative_counts_have_their_sign(self):
        adc, converter = driver()
        adc.measure_rate()
        converter.count = lambda *_: -3
        self.assertEqual(self.window(adc)[1], [-3] * 17)


if __name__ == "__main__":
    unittest.main()
