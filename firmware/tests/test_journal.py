"""The rings of minutes and events in RAM: content, acknowledgement, overflow."""

import unittest

import fakes
from node import journal
from node.journal import Events, Minutes
from node.ticks import Clock


class MinuteRing(unittest.TestCase):
    def records(self, minutes):
        content = minutes.read()
        return [journal._unpack(1, content, at)[1:] for at in range(0, len(content), 24)]

    def fill(self, minutes, count, first=0):
        for minute in range(first, first + count + 1):
            for k in range(3):
                minutes.sample(60 * minute + 20 * k, 20_000, [1000 * k, 4_000], [1, 0])

    def test_a_minute_holds_mean_maximum_and_closed_time(self):
        minutes = Minutes(2)
        self.fill(minutes, 1)
        self.assertEqual(minutes.stored, 1)
        record = self.records(minutes)[0]
        self.assertEqual(record, (0, 1000, 4000, 0, 0, 2000, 4000, 0, 0, 60, 0, 0, 0))

    def test_acknowledged_by_number_in_any_order(self):
        minutes = Minutes(2)
        self.fill(minutes, 4)
        minutes.acknowledge(1)
        self.assertEqual(minutes.stored, 4)
        self.assertEqual([record[0] for record in self.records(minutes)], [0, 2, 3])
        minutes.acknowledge(0)
        self.assertEqual([record[0] for record in self.records(minutes)], [2, 3])
        minutes.acknowledge(99)
        self.assertEqual(minutes.stored, 2)

    def test_forgotten_from_the_oldest_on_with_what_is_acknowledged_behind(self):
        minutes = Minutes(2)
        self.fill(minutes, 6)
        minutes.acknowledge(3)
        minutes.pop(3)
        self.assertEqual([record[0] for record in self.records(minutes)], [4, 5])
        minutes.pop(9)
        self.assertEqual(minutes.stored, 0)

    def test_overflow_loses_the_oldest_and_is_counted(self):
        minutes = Minutes(2)
        self.fill(minutes, 35)
        self.assertEqual((minutes.stored, minutes.lost), (16, 19))
        self.assertEqual([record[0] for record in self.records(minutes)], list(range(19, 35)))

    def test_the_largest_currents_fit(self):
        minutes = Minutes(1)
        minutes.sample(0, 40, [900_000], [1])
        minutes.sample(60, 40, [0], [1])
        self.assertEqual(self.records(minutes)[0][5], 4 * 65_535)


class EventRing(unittest.TestCase):
    def setUp(self):
        self.events = Events(Clock(fakes.Time()))

    def test_numbers_rise_from_one(self):
        self.events.add("shed", 2, 3)
        self.events.add("plan", -1, 9)
        self.assertEqual(self.events.record(0), (1, 0, "shed", 2, 3))
        self.assertEqual(self.events.record(1), (2, 0, "plan", -1, 9))

    def test_acknowledged_up_to(self):
        for _ in range(5):
            self.events.add("open")
        self.events.acknowledge(3)
        self.assertEqual([self.events.record(k)[0] for k in range(2)], [4, 5])
        self.events.acknowledge(1)
        self.assertEqual(self.events.stored, 2)
        self.events.acknowledge(1000)
        self.assertEqual(self.events.stored, 0)

    def test_overflow_is_counted(self):
        for _ in range(30):
            self.events.add("open")
        self.assertEqual((self.events.stored, self.events.lost), (24, 6))
        self.assertEqual(self.events.record(0)[0], 7)


if __name__ == "__main__":
    unittest.main()
