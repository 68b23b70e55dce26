"""Calibration at the REPL: the line through two points, what is refused, and where it is kept."""

import json
import random
import sys
import unittest

import fakes
import node
from node import app, calibrate
from node.storage import sealed, unsealed
from test_ina226 import Bus

PATH = "/calibration.json"


class Sleeping:
    """Lets the node tick while a command sleeps."""

    def __init__(self, board, hardware):
        self.sleep_ms = lambda duration_ms: fakes.run(board, hardware, duration_ms)


class Calibrating(unittest.TestCase):
    def setUp(self):
        random.seed(1)
        self.files = fakes.Files()
        calibrate._points.clear()
        self.lines = []
        calibrate.print = lambda *words, end="\n": self.lines.append(" ".join(map(str, words)))
        self.start()

    def tearDown(self):
        del calibrate.print
        app.current = None
        sys.modules["node.calibrate"] = node.calibrate = calibrate

    def start(self, **changed):
        """A board whose first CT reads 4 % high and 60 mA above zero."""
        converter = fakes.Converter(fakes.Time(), 0.03)
        converter.noise = lambda: random.randint(-1, 1)
        self.hardware = fakes.Hardware(converter)
        self.hardware.files = self.files
        config = fakes.configuration()
        config["circuits"][0].update(changed)
        self.left = calibrate.apply(config["circuits"], self.files)
        self.node = app.current = app.App(config, None, self.hardware)
        self.node.start()
        calibrate.time = Sleeping(self.node, self.hardware)

    def true(self, true_ma):
        self.hardware.i2c.set_ma(0, true_ma * 104 // 100 + 60)
        fakes.run(self.node, self.hardware, 500)

    def refused(self, function, *arguments):
        with self.assertRaises(calibrate.CalibrationError) as caught:
            function(*arguments)
        return str(caught.exception)

    def calibrated(self):
        for true_ma in (2_000, 9_000):
            self.true(true_ma)
            calibrate.point(0, true_ma)
        calibrate.store(0)

    def shows(self, true_ma):
        self.true(true_ma)
        return self.node.readings.last_ma[0]

    def test_two_points_make_a_line_in_force_at_once_and_after_a_start(self):
        self.assertTrue(self.shows(5_000) > 5_230)
        self.calibrated()
        self.assertTrue(abs(self.shows(5_000) - 5_000) < 30)
        self.start()
        self.assertEqual(self.left, [])
        self.assertTrue(abs(self.shows(5_000) - 5_000) < 30)

    def test_the_arithmetic_is_printed(self):
        self.calibrated()
        text = "\n".join(self.lines)
        self.assertTrue("circuit 0: measured 21" in text and "mA, true 2000 mA" in text, text)
        self.assertTrue("gain = (9000 - 2000) / (" in text and "ppm" in text)
        self.assertTrue("offset = 2000 - gain x 21" in text)

    def test_calibrating_again_starts_from_what_is_in_force(self):
        self.calibrated()
        self.calibrated()
        self.assertTrue(abs(self.shows(5_000) - 5_000) < 30)

    def test_what_a_person_may_mistype_is_named(self):
        self.true(2_000)
        self.assertTrue("there are 0 to 3" in self.refused(calibrate.point, 4, 2_000))
        for true_ma in (0, -1, 2.0, "2000"):
            self.assertTrue("whole mA" in self.refused(calibrate.point, 0, true_ma))
        self.assertTrue("0 of 2 points" in self.refused(calibrate.store, 4))
        app.current = None
        self.assertTrue("does not run" in self.refused(calibrate.point, 0, 2_000))

    def test_one_point_is_no_line(self):
        self.true(2_000)
        calibrate.point(0, 2_000)
        self.assertTrue("1 of 2 points" in self.refused(calibrate.store, 0))

    def test_points_too_close_are_named(self):
        self.true(2_000)
        calibrate.point(0, 2_000)
        self.true(4_000)
        message = self.refused(calibrate.point, 0, 4_000)
        self.assertTrue("tenth of the range, 3000 mA" in message, message)
        # A larger load takes the place of the older point.
        self.true(9_000)
        calibrate.point(0, 9_000)
        calibrate.store(0)

    def test_an_impossible_gain_is_named(self):
        self.true(2_000)
        calibrate.point(0, 3_400)
        self.true(9_000)
        self.assertTrue("no sensor is off by that" in self.refused(calibrate.point, 0, 15_300))
        self.assertTrue("gain of 16" in self.refused(calibrate.store, 0))
        self.assertFalse(PATH in self.files.content)

    def test_an_impossible_offset_is_named(self):
        self.true(2_000)
        calibrate.point(0, 3_000)
        self.true(9_000)
        self.assertTrue("is above 600" in self.refused(calibrate.point, 0, 10_000))

    def test_readings_that_change_are_refused(self):
        self.true(2_000)
        count = self.hardware.i2c.count
        began_us = self.hardware.time.now_us

        def rising(channel, from_us, to_us):
            self.hardware.i2c.peak[0] = 800 + (from_us - began_us) // 10_000
            return count(channel, from_us, to_us)

        self.hardware.i2c.count = rising
        self.assertTrue("differ by more than 3 %" in self.refused(calibrate.point, 0, 2_000))

    def test_a_sensor_that_is_not_ok_is_refused(self):
        self.hardware.i2c.set_ma(0, 0)
        fakes.run(self.node, self.hardware, 500)
        self.assertTrue("sensor is below_range" in self.refused(calibrate.point, 0, 2_000))

    def test_a_waveform_correction_raises_and_stays(self):
        self.calibrated()
        self.true(5_000)
        calibrate.waveform(0, 5_350)
        self.assertTrue(abs(self.shows(5_000) - 5_350) < 30)
        self.start()
        self.assertTrue(abs(self.shows(5_000) - 5_350) < 30)

    def test_a_waveform_correction_ends_the_raise_for_spikes_until_the_next_line(self):
        self.true(5_000)
        calibrate.waveform(0, 5_350)
        self.assertEqual(self.node.sensors[0].spiky_ms[0], -1)
        self.start()
        self.assertEqual(list(self.node.sensors[0].spiky_ms), [-1, 0, 0, 0])
        self.calibrated()
        self.assertEqual(self.node.sensors[0].spiky_ms[0], 0)
        self.start()
        self.assertEqual(self.node.sensors[0].spiky_ms[0], 0)

    def test_a_refused_waveform_correction_leaves_the_raise(self):
        self.true(5_000)
        self.refused(calibrate.waveform, 0, 4_900)
        self.assertEqual(self.node.sensors[0].spiky_ms[0], 0)

    def test_what_was_stored_without_a_word_on_waveforms_is_a_line(self):
        line = json.dumps({"Ct 0": [30_000, 28_846, -58]})
        self.files.content[PATH] = sealed(line).encode()
        self.start()
        self.assertEqual(self.left, [])
        self.assertTrue(abs(self.shows(5_000) - 5_000) < 30)

    def test_a_waveform_correction_never_lowers(self):
        self.true(5_000)
        for true_ma in (4_900, 8_000):
            self.assertTrue("1000 to 1500" in self.refused(calibrate.waveform, 0, true_ma))

    def test_it_belongs_to_the_input_and_to_its_range(self):
        self.calibrated()
        self.start(ct_ma_per_v=50_000)
        self.assertEqual(self.left[0][0], 0)
        self.assertTrue("range of 30000 mA, not of 50000" in self.left[0][1])
        self.true(5_000)
        calibrate.waveform(0, self.node.readings.last_ma[0] + 100)
        self.start(ct_ma_per_v=50_000)
        self.assertEqual(self.left, [])
        self.start(channel=7)
        self.assertEqual(self.node.sensors[0].scale_ma[0], 30_000)

    def test_a_shunt_is_calibrated_alike(self):
        bus = Bus()
        part = bus.add(0x40)
        self.hardware.i2c = bus
        bus.time = self.hardware.time
        circuits = [dict(fakes.board_circuit(0), sensor="ina226", shunt_uohm=2_000)]
        for _ in range(2):
            config = fakes.configuration(circuits=circuits)
            self.assertEqual(calibrate.apply(config["circuits"], self.files), [])
            self.node = app.current = app.App(config, None, self.hardware)
            self.node.start()
            calibrate.time = Sleeping(self.node, self.hardware)
            # The shunt is 2 % above what is printed on it.
            for true_ma in (2_000, 9_000):
                part[1] = true_ma * 102 * 2 // 250
                fakes.run(self.node, self.hardware, 500)
                calibrate.point(0, true_ma)
            calibrate.store(0)
            fakes.run(self.node, self.hardware, 500)
            self.assertTrue(abs(self.node.readings.last_ma[0] - 9_000) <= 3)
        self.assertTrue(b'"Ina226 0"' in self.files.content[PATH])

    def test_a_damaged_file_is_not_used_and_named(self):
        self.calibrated()
        content = self.files.content[PATH]
        for damaged in (b"", b"{}", content.replace(b"30000", b"30001"), None):
            self.files.content[PATH] = damaged or b""
            self.files.broken = () if damaged is not None else (PATH,)
            self.start()
            self.assertEqual(self.left[0][0], -1)
            self.assertTrue("calibrate anew" in self.left[0][1])
            self.assertEqual(self.node.sensors[0].scale_ma[0], 30_000)

    def test_the_file_names_the_input(self):
        self.calibrated()
        stored = json.loads(unsealed(self.files.content[PATH].decode()))
        self.assertEqual(list(stored), ["Ct 0"])
        nominal_ma, scale_ma, offset_ma, spiky_ms = stored["Ct 0"]
        self.assertEqual(spiky_ms, 0)
        self.assertEqual(nominal_ma, 30_000)
        self.assertTrue(abs(scale_ma - 28_846) < 150)
        self.assertTrue(-100 < offset_ma < -20)


if __name__ == "__main__":
    unittest.main()
