"""Beacons: what makes the board report at once, what is refused, and what a flood may cost."""

import unittest

import coordinator
import fakes
from link_board import Board
from node.link.signing import Signer

SITE_KEY = bytes(range(100, 132))
KNOWN = 40


def beacon(counter, key=SITE_KEY):
    """A datagram as PROTOCOL.md says."""
    text = b"%09d" % counter
    return text + Signer(key).sign(b"beacon\n", text)


class Beacons(Board):
    site_key = SITE_KEY

    def setUp(self):
        super().setUp()
        self.coordinator.changes = {"beacon": KNOWN}
        self.run_s(5)  # two reports: the second acknowledges the plan
        self.reports = len(self.coordinator.reports)

    def hear(self, *datagrams):
        self.hardware.network.heard.queue.extend(datagrams)

    def new_reports(self):
        return len(self.coordinator.reports) - self.reports

    def last(self):
        return self.coordinator.reports[-1]["beacon"]

    def test_one_makes_the_board_report_at_once_and_say_that_it_heard(self):
        self.assertEqual((self.reports, self.last()), (2, [0, 0]))
        self.hear(beacon(KNOWN + 1))
        self.run_s(1)
        self.assertEqual((self.new_reports(), self.last()), (1, [KNOWN + 1, 0]))
        self.run_s(5)
        self.assertEqual(self.new_reports(), 1)

    def test_nothing_else_comes_of_it(self):
        planning = self.node.planning
        before = planning.epoch, planning.rev, planning.lease_seq, list(planning.limit_ma)
        self.hardware.network.flags = 0  # no answer to the report
        self.hear(beacon(KNOWN + 1))
        self.run_s(3)
        after = planning.epoch, planning.rev, planning.lease_seq, list(planning.limit_ma)
        self.assertEqual((before, self.node.relays.reason), (after, ["plan"] * 4))
        self.assertEqual(self.node.clock.up_s, 8)

    def test_replays_and_forgeries_are_refused_and_counted(self):
        good = beacon(KNOWN + 5)
        for datagram in (
            beacon(KNOWN),
            beacon(0),
            beacon(KNOWN + 5, key=coordinator.KEY),
            good[:-1],
            good + b"0",
            good[:9] + b"0" * 64,
            b"%09d" % (KNOWN + 6) + good[9:],
            b"x" * 73,
            b"-00000001" + good[9:],
            b"\x00",
            b"\xff" * 1500,
        ):
            self.hear(datagram)
        self.run_s(2)
        self.assertEqual((self.new_reports(), self.client.beacon.refused), (0, 11))
        self.hear(good, good, beacon(KNOWN + 4))
        self.coordinator.changes = {"beacon": KNOWN + 5}
        self.run_s(3)
        self.assertEqual((self.new_reports(), self.last()[0]), (1, KNOWN + 5))
        self.assertEqual(self.client.beacon.refused, 13)

    def test_until_an_answer_has_carried_the_counter_beacons_are_passed_over(self):
        for changes in ({}, {"beacon": KNOWN}):
            self.coordinator.changes = changes
            self.start()
            fakes.run(self.node, self.hardware, self.node.tick_ms)
            self.hear(beacon(KNOWN + 1))
            self.run_s(5)
            self.reports = len(self.coordinator.reports)
            self.hear(beacon(KNOWN + 2))
            self.run_s(2)
            self.assertEqual(self.new_reports(), 1 if changes else 0)
            self.assertEqual(self.client.beacon.heard, KNOWN + 2 if changes else 0)
            self.assertEqual(self.client.beacon.refused, 0)

    def test_an_answer_sets_what_counts_as_old(self):
        self.hear(beacon(999_999_999))  # whoever has the site's key could silence all others
        self.run_s(2)
        self.assertEqual(self.new_reports(), 1)
        self.hear(beacon(KNOWN + 1))
        self.run_s(4)
        self.assertEqual((self.new_reports(), self.last()), (2, [KNOWN + 1, 0]))

    def test_membership_is_dropped_and_taken_anew_every_minute_or_sooner(self):
        joined = self.hardware.network.joined
        member = bytes([239, 255, 72, 82, 0, 0, 0, 0])
        self.assertEqual(joined, [(0x400, member)])
        self.assertEqual(self.hardware.network.heard.port, 8088)
        self.run_s(180)
        self.assertEqual(joined[1:], [(0x401, member), (0x400, member)] * 4)

    def test_a_group_that_cannot_be_joined_costs_neither_unicast_nor_reports(self):
        self.hardware.network.join_error = OSError(22)
        self.start()
        self.reports = len(self.coordinator.reports)
        self.run_s(65)
        self.assertTrue(self.new_reports() >= 5)
        self.assertTrue("OSError" in self.client.last_error)
        self.reports = len(self.coordinator.reports)
        self.hear(beacon(KNOWN + 1))
        self.run_s(2)
        self.assertEqual(self.last(), [KNOWN + 1, 0])

    def test_one_that_comes_in_beside_a_report_counts_once(self):
        self.run_s(6)
        while not self.client._busy:
            fakes.run(self.node, self.hardware, self.node.tick_ms)
        self.coordinator.changes = {"beacon": KNOWN + 1}  # sent before this answer
        self.hear(beacon(KNOWN + 1))
        self.reports = len(self.coordinator.reports)
        self.run_s(5)
        self.assertEqual((self.last(), self.new_reports()), ([KNOWN + 1, 0], 2))
        self.hear(beacon(KNOWN + 1))
        self.run_s(3)
        self.assertEqual((self.client.beacon.refused, self.new_reports()), (1, 2))

    def test_one_that_two_answers_knew_is_old(self):
        self.coordinator.changes = {"beacon": KNOWN + 1}
        self.run_s(22)
        self.hear(beacon(KNOWN + 1))
        self.run_s(2)
        self.assertEqual((self.client.beacon.heard, self.client.beacon.refused), (0, 1))

    def test_a_coordinator_that_sends_none_any_more_is_asked_for_nothing(self):
        self.coordinator.changes = {}
        self.run_s(12)
        self.reports = len(self.coordinator.reports)
        self.hear(beacon(KNOWN + 1))
        self.run_s(3)
        self.assertEqual((self.new_reports(), self.client.beacon.refused), (0, 0))


class NoSiteKey(Board):
    def test_no_socket_is_opened(self):
        self.run_s(2)
        self.assertTrue(self.hardware.network.heard is None)
        self.assertEqual(self.coordinator.reports[-1]["beacon"], [0, 0])


class Floods(Board):
    """Each tick at most one datagram, and after a few reports no more than one in two seconds."""

    site_key = SITE_KEY

    def flood(self, datagrams):
        """For 20 s, ten datagrams a tick, of which the socket's queue holds four."""
        self.run_s(5)
        self.hardware.network.server = self.noting(self.coordinator)
        self.sent_us = []
        heard = self.hardware.network.heard
        least_read = 99
        for _ in range(20_000 // self.node.tick_ms):
            heard.queue = [next(datagrams) for _ in range(4)]
            fakes.run(self.node, self.hardware, self.node.tick_ms)
            least_read = min(least_read, len(heard.queue))
        self.assertTrue(least_read >= 3)
        self.assertEqual(self.node.dropped, 0)
        sent_us = self.sent_us
        return [sent_us[k] - sent_us[k - 1] for k in range(1, len(sent_us))]

    def noting(self, server):
        def note(request):
            self.sent_us.append(self.hardware.time.now_us)
            return server(request)

        return note

    def test_of_garbage(self):
        def garbage():
            while True:
                yield b"\x5a" * 73

        self.coordinator.changes = {"beacon": 1}
        gaps_us = self.flood(garbage())
        self.assertTrue(1 <= len(gaps_us) <= 2)
        self.assertTrue(self.client.beacon.refused > 300)

    def test_of_one_valid_beacon_replayed(self):
        def replays():
            one = beacon(2)
            self.coordinator.changes = {"beacon": 2}  # every answer knows what was sent
            while True:
                yield one

        self.coordinator.changes = {"beacon": 1}
        gaps_us = self.flood(replays())
        self.assertTrue(self.client.beacon.refused > 300)
        self.assertTrue(1 <= len(gaps_us) <= 2)

    def test_of_ever_new_valid_beacons(self):
        def ever_new():
            counter = 1
            while True:
                counter += 1
                yield beacon(counter)

        self.coordinator.changes = {"beacon": 1}
        gaps_us = self.flood(ever_new())
        self.assertTrue(4 <= len(gaps_us) <= 14, gaps_us)
        self.assertTrue(min(gaps_us[5:]) >= 2_000_000, gaps_us)

    def test_orders_close_upon_each_other_wait_for_nothing(self):
        self.coordinator.changes = {"beacon": KNOWN}
        self.run_s(20)
        reports = len(self.coordinator.reports)
        for k in range(3):
            self.hardware.network.heard.queue.append(beacon(KNOWN + 1 + k))
            self.run_s(1)
            self.assertEqual(len(self.coordinator.reports), reports + 1 + k)


if __name__ == "__main__":
    unittest.main()
