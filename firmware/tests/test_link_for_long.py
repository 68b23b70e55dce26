"""The link over minutes and hours, on a board of one circuit with the slowest ticks there are."""

import unittest

from link_board import Board


class Long(Board):
    def setUp(self):
        super().setUp()
        self.start_slow()

    def test_events_and_minutes_arrive_and_none_is_acknowledged_twice(self):
        self.run_s(400)
        minutes = [tuple(m[:2]) for r in self.coordinator.reports for m in r["minutes"]]
        self.assertEqual(minutes, [(1, minute) for minute in range(6)])
        events = [e[0] for r in self.coordinator.reports for e in r["events"]]
        self.assertEqual(events, sorted(set(events)))
        self.assertEqual((self.node.minutes.stored, self.node.events.stored), (0, 0))

    def test_what_piles_up_without_a_coordinator_arrives_afterwards(self):
        self.hardware.network.flags = 0
        self.run_s(20 * 60 + 5)
        self.assertEqual(self.coordinator.reports, [])
        self.assertTrue(self.client.errors > 10)
        self.assertTrue(self.sockets_open() <= 1)
        while self.client._busy:  # a report delivered and given up at once would come twice
            self.run_s(1)
        self.hardware.network.flags = 4
        self.run_s(200)
        minutes = [m[1] for r in self.coordinator.reports for m in r["minutes"]]
        self.assertEqual(minutes[:20], list(range(20)))
        self.assertEqual(len(set(minutes)), len(minutes))

    def test_the_plan_expires_into_the_safe_state(self):
        self.run_s(5)
        self.hardware.network.flags = 0
        self.run_s(890)
        self.assertFalse(self.node.planning.expired)
        self.assertEqual(self.node.planning.limit_ma[0], 20_000)
        self.run_s(12)
        self.assertTrue(self.node.planning.expired)
        self.assertEqual(self.node.relays.reason, ["safe_link"])

    def test_waits_grow_to_the_interval_of_reports(self):
        self.hardware.network.flags = 8
        self.run_s(14)
        self.assertEqual(self.client.errors, 3)
        self.run_s(600)
        self.assertTrue(50 <= self.client.errors <= 64, self.client.errors)


if __name__ == "__main__":
    unittest.main()
