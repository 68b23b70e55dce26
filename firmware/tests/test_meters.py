"""A sensor without relay: measured and reported like a circuit's, and nothing is done about it."""

import random
import unittest

import fakes
from link_board import Board
from node import app, status

METER = {"name": "main", "channel": 3, "ct_ma_per_v": 100_000}
CIRCUITS = [fakes.board_circuit(i) for i in range(3)]


def kinds(node):
    return [node.events.record(k)[2] for k in range(node.events.stored)]


class Measuring(unittest.TestCase):
    def setUp(self):
        random.seed(1)
        self.converter = fakes.Converter(fakes.Time(), 0.03)
        self.converter.noise = lambda: random.randint(-1, 1)
        self.hardware = fakes.Hardware(self.converter)
        config = fakes.configuration(circuits=CIRCUITS, meters=[METER])
        self.node = app.App(config, None, self.hardware)
        self.node.start()
        for channel in range(3):
            self.converter.set_ma(channel, 2_000)

    def measure(self, current_ma, duration_ms=10_000):
        self.converter.set_ma(3, current_ma, METER["ct_ma_per_v"])
        fakes.run(self.node, self.hardware, duration_ms)

    def test_it_is_measured_and_counts_nowhere(self):
        self.measure(90_000)  # of a feeder of 25 A
        readings = self.node.readings
        self.assertTrue(abs(readings.last_ma[3] - 90_000) < 1_500, readings.last_ma[3])
        self.assertEqual(readings.state, ["ok"] * 4)
        load_ma = self.node.protection.load_ma[0]
        self.assertTrue(abs(load_ma - 6_000) < 100, load_ma)
        self.assertEqual(list(self.node.relays.closed), [1, 1, 1])

    def test_a_board_of_one_circuit_may_measure_three_phases(self):
        meters = [dict(METER, channel=channel, phase=channel) for channel in (1, 2, 3)]
        feeder = {"rating_ma": [25_000] * 3, "safe_limit_ma": [5_000] * 3}
        config = fakes.configuration(circuits=CIRCUITS[:1], meters=meters, feeder=feeder)
        self.node = app.App(config, None, self.hardware)
        self.node.start()
        self.measure(20_000)
        self.assertEqual(self.node.readings.state, ["ok"] * 4)
        self.assertEqual(list(self.node.relays.closed), [1])

    def test_a_current_that_stays_is_no_welded_contact_and_none_is_no_lost_load(self):
        for current_ma in (20_000, 0):
            self.measure(current_ma)
        self.assertEqual(set(kinds(self.node)), {"close"})

    def test_one_that_fails_is_told_and_changes_nothing(self):
        self.measure(20_000, 2_000)
        self.converter.bias[3] = 0.0
        self.measure(0)
        self.assertEqual(self.node.readings.state, ["ok", "ok", "ok", "missing"])
        event = self.node.events.record(self.node.events.stored - 1)
        self.assertEqual(event[2:], ("sensor", 3, 4))
        self.assertEqual(list(self.node.relays.closed), [1, 1, 1])

    def test_a_saturated_one_is_no_overload(self):
        self.measure(300_000)
        self.assertEqual(self.node.readings.state[3], "saturated")
        self.assertEqual(list(self.node.relays.closed), [1, 1, 1])

    def test_circuits_are_shed_as_without_it(self):
        self.measure(20_000, 1_000)
        for channel in range(3):
            self.converter.set_ma(channel, 9_500)
        self.measure(20_000, 4_500)
        self.assertEqual(list(self.node.relays.closed), [1, 1, 1])
        while all(self.node.relays.closed):
            self.measure(20_000, 40)
        self.converter.set_ma(2, 0)
        self.measure(20_000, 5_000)
        self.assertEqual(list(self.node.relays.closed), [1, 1, 0])
        self.assertEqual(self.node.relays.reason[2], "shed_feeder")

    def test_a_person_sees_it(self):
        self.measure(20_000, 1_000)
        words = status.lines(self.node)[4].split()
        self.assertEqual(words[0::2], ["main", "ok", "meter"])


class Reporting(Board):
    def setUp(self):
        super().setUp()
        self.coordinator.slots = ["1"] * 3
        self.start(circuits=CIRCUITS, meters=[METER])

    def test_the_report_names_its_input(self):
        self.run_s(5)
        report = self.coordinator.reports[-1]
        self.assertEqual(len(report["circuits"]), 3)
        (channel, current_ma, age_ms, state) = report["meters"][0]
        self.assertEqual((len(report["meters"]), channel, state), (1, 3, "ok"))
        self.assertTrue(abs(current_ma - 5_500) < 300 and age_ms <= 160, report["meters"])

    def test_the_fullest_report_of_one_circuit_and_three_meters_fits(self):
        self.coordinator.slots = ["1"]
        meters = [dict(METER, channel=channel) for channel in (1, 2, 3)]
        self.start(circuits=CIRCUITS[:1], meters=meters)
        for _ in range(30):
            self.node.events.add("state_lost", 3, 1 << 30)
        self.node.minutes.sample(0, 40, [900_000], [1])
        for minute in range(1, 6):
            self.node.minutes.sample(60 * minute + 59, 60_000, [900_000], [1])
        self.node.storage.boot = 1 << 30
        for i in range(4):
            self.node.readings.last_ma[i] = 1 << 29
            self.node.readings._age_ms[i] = 100_000_000
            self.node.readings.state[i] = "impossible"
        self.run_s(3)
        report = self.coordinator.reports[0]
        self.assertEqual([len(report[key]) for key in ("meters", "events", "minutes")], [3, 6, 4])


if __name__ == "__main__":
    unittest.main()
