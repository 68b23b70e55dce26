"""The link, end to end over a fake socket: reports, answers, refusals, and every way to fail."""

import binascii
import unittest

import coordinator
import fakes
from link_board import Board
from node.link.report import REPORT_BYTES
from node.link.signing import Signer, _are_equal

# fmt: off
KEYS = [
    "beacon", "boot", "circuits", "epoch", "events", "fw", "heap_free", "lease_seq", "limit_ma",
    "lost", "minutes", "refused", "reset", "rev", "rssi_dbm", "seq", "tick", "up_s",
    "v",
]
# fmt: on


def priced(price):
    """A plan with nothing but a price."""
    return {"start": 1, "step_s": 9, "slots": [], "overrides": [], "price": price}


class Signing(unittest.TestCase):
    def test_rfc_4231(self):
        # RFC 4231, cases 1 and 2.
        for key, data, digest in (
            (b"\x0b" * 20, b"Hi There", b"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da7"),
            (b"Jefe", b"what do ya want for nothing?", b"5bdcc146bf60754e6a042426089575c75a00"),
        ):
            self.assertEqual(Signer(key).sign(data)[: len(digest)], digest)
            self.assertEqual(Signer(key).sign(data[:3], data[3:])[: len(digest)], digest)

    def test_a_signature_is_32_bytes_in_hex(self):
        self.assertEqual(len(binascii.unhexlify(Signer(coordinator.KEY).sign(b""))), 32)

    def test_comparison(self):
        for left, right, equal in ((b"ab", b"ab", 1), (b"ab", b"ac", 0), (b"ab", b"abc", 0)):
            self.assertEqual(_are_equal(left, right), bool(equal))


class Reports(Board):
    def test_the_report_is_as_the_protocol_says(self):
        self.run_s(65)
        report = self.coordinator.reports[-1]
        self.assertEqual(sorted(report), KEYS)
        self.assertEqual((report["v"], report["boot"], report["reset"]), (1, 1, "power_on"))
        self.assertEqual((report["epoch"], report["rev"]), (3, 7))
        self.assertEqual(report["limit_ma"], [12_000, 0, 0])
        self.assertEqual(report["lost"], [0, 0])
        circuit = report["circuits"][0]
        self.assertTrue(abs(circuit[0] - 1_650) < 100 and circuit[1] <= 160, circuit)
        self.assertEqual(circuit[2:], ["ok", 1, "plan"])

    def test_the_signal_is_told_where_it_is_known(self):
        self.run_s(5)
        self.assertEqual(self.coordinator.reports[-1]["rssi_dbm"], -61)
        self.hardware.station.signal_dbm = 31  # what the SDK says when it does not know
        self.run_s(12)
        self.assertTrue("rssi_dbm" not in self.coordinator.reports[-1])

    def test_sequences_rise_and_a_new_plan_is_acknowledged_at_once(self):
        self.run_s(5)
        sent = [(r["seq"], r["epoch"], r["rev"]) for r in self.coordinator.reports]
        self.assertEqual(sent, [(1, 0, 0), (2, 3, 7)])

    def first_request(self, padding):
        """Headers and body of a first report of the longest names, with a longer reset cause."""
        requests = []
        self.setUp()
        self.hardware.network.server = lambda request: (
            requests.append(request) or self.coordinator(request)
        )
        self.hardware.reset += "x" * padding
        self.start(id="a" * 32, link={"host": "255.255.255.255", "port": 65_535})
        self.run_s(3)
        self.assertTrue(self.client.answers >= 1, self.client.last_error)
        return requests[0].split(b"\r\n\r\n", 1)

    def test_the_longest_report_fits_behind_the_longest_headers(self):
        longest = REPORT_BYTES - 6  # of the 8 bytes kept free for the end, "]}" takes 2
        _head, body = self.first_request(0)
        head, body = self.first_request(longest - len(body))
        self.assertTrue(head.startswith(b"POST /api/v1/boards/" + b"a" * 32 + b"/reports HTTP"))
        self.assertTrue(b"Host: 255.255.255.255:65535\r\nContent-Type" in head)
        self.assertEqual((len(head) + 4, len(body)), (261, longest))

    def test_the_fullest_report_fits(self):
        for _ in range(30):
            self.node.events.add("state_lost", 3, 1 << 30)
        self.node.minutes.sample(0, 40, [900_000] * 4, [1] * 4)
        for minute in range(1, 6):
            self.node.minutes.sample(60 * minute + 59, 60_000, [900_000] * 4, [1] * 4)
        self.node.storage.boot = 1 << 30
        for i in range(4):
            self.node.readings.last_ma[i] = 1 << 29
            self.node.readings._age_ms[i] = 100_000_000
        self.run_s(3)
        report = self.coordinator.reports[0]
        self.assertEqual((len(report["events"]), len(report["minutes"])), (6, 4))


class Answers(Board):
    def test_a_plan_is_obeyed_and_an_off_order_is_stored_before_it_is_acknowledged(self):
        self.coordinator.slots = ["0", "1", "-", ""]
        self.coordinator.overrides = [[1, 0, 0]]
        stored_at_report = []
        answer = self.coordinator.answer

        def noting(report):
            stored_at_report.append(self.node.storage.off[:])
            return answer(report)

        self.coordinator.answer = noting
        self.run_s(5)
        self.assertEqual(list(self.node.relays.closed), [0, 0, 1, 1])
        self.assertEqual(self.node.relays.reason, ["plan", "override", "default", "default"])
        self.assertEqual(stored_at_report, [[], [(1, 0)]])

    def test_an_off_order_survives_a_restart_without_a_coordinator(self):
        self.coordinator.overrides = [[1, 0, 0]]
        self.run_s(5)
        self.hardware.network.flags = 0
        self.start()
        self.run_s(5)
        self.assertEqual(self.node.storage.boot, 2)
        self.assertEqual(self.node.relays.reason[1], "override")

    def test_an_order_for_maintenance_is_flagged_told_and_carried_out_once(self):
        self.run_s(5)
        self.coordinator.changes = {"maintenance": 1}
        while "/maintenance" not in self.hardware.files.content:
            self.assertEqual(self.hardware.restarts, 0)
            fakes.run(self.node, self.hardware, self.node.tick_ms)
        self.run_s(2)
        told = [event[2] for report in self.coordinator.reports for event in report["events"]]
        self.assertEqual(told[-1], "maintenance")
        self.assertEqual(told.count("maintenance"), 1)
        self.assertTrue(self.hardware.restarts > 0)
        self.assertEqual(self.hardware.pins[5].level, 0)

    def test_maintenance_comes_also_when_nobody_hears_that_it_will(self):
        self.coordinator.changes = {"maintenance": 1, "ack_event": 0}
        self.run_s(28)
        self.assertEqual((self.hardware.restarts, self.hardware.pins[5].level), (0, 1))
        self.run_s(5)
        self.assertTrue(self.hardware.restarts > 0)

    def test_a_current_that_a_contact_cannot_break_puts_a_reset_off_for_a_minute(self):
        self.run_s(5)
        self.coordinator.changes = {"maintenance": 1, "ack_event": 0}
        self.run_s(5)
        self.node.relays.watch = lambda _i, _readings, _current_ma: None
        self.node.relays.unbreakable[0] = 1
        self.run_s(80)
        self.assertEqual((self.hardware.restarts, self.hardware.pins[5].level), (0, 1))
        self.run_s(20)
        self.assertTrue(self.hardware.restarts > 0)

    def test_a_refusal_is_a_sign_of_life_and_silence_is_none(self):
        for flags, is_wedged in ((8, False), (0, True)):
            self.run_s(5)
            self.hardware.network.flags = flags
            self.node.clock.up_s += 21_600
            self.assertFalse(self.node.wifi.is_wedged(False, self.client.heard_s))
            self.node.clock.up_s += 900
            self.run_s(40)
            heard_s = self.client.heard_s
            self.assertEqual(self.node.wifi.is_wedged(True, heard_s), is_wedged)

    def test_of_a_silent_coordinator_a_gateway_tells_that_the_wifi_works(self):
        gateway, own = ("192.168.1.1", 80), ("192.168.1.10", 8087)
        for silent, is_wedged in (((own,), False), ((own, gateway), True)):
            self.start_slow()
            network = self.hardware.network
            self.run_s(5)
            network.silent, network.flags = silent, 8
            self.run_s(280)
            self.assertEqual(self.client.heard_s < 30, is_wedged)
            self.assertTrue(0 < network.asked.count(gateway) < network.asked.count(own))

    def test_nothing_is_sent_to_a_gateway_and_the_coordinator_is_found_again(self):
        self.start_slow()
        network = self.hardware.network
        self.run_s(5)
        network.silent = (("192.168.1.10", 8087),)
        self.run_s(200)
        reports = len(self.coordinator.reports)
        self.assertTrue("only the gateway answers" in self.errors(60))
        self.assertEqual(len(self.coordinator.reports), reports)
        network.silent = ()
        self.run_s(60)
        self.assertTrue(len(self.coordinator.reports) > reports)

    def errors(self, seconds):
        """What the link has told of its errors in that time."""
        told = set()
        for _ in range(seconds):
            self.run_s(1)
            told.add(self.client.last_error)
        return " ".join(told)

    def test_no_flag_no_maintenance(self):
        self.run_s(5)
        self.hardware.files.full = True
        self.coordinator.changes = {"maintenance": 1}
        self.run_s(60)
        self.assertTrue("no space" in self.client.last_error)
        self.assertEqual(self.hardware.restarts, 0)

    def test_an_off_order_that_has_ended_leaves_flash_without_a_coordinator(self):
        self.coordinator.overrides = [[1, 0, coordinator.NOW + 30], [2, 0, 0]]
        self.run_s(5)
        self.hardware.network.flags = 0
        self.assertEqual(self.node.storage.off, [(1, coordinator.NOW + 30), (2, 0)])
        self.run_s(60)
        self.assertEqual(self.node.relays.reason[1:3], ["plan", "override"])
        self.start()
        self.assertEqual(self.node.storage.off, [(2, 0)])
        self.run_s(5)
        self.assertEqual(self.node.relays.reason[1:3], ["safe_link", "override"])

    def test_an_ended_order_that_cannot_be_removed_costs_nothing_else(self):
        self.coordinator.overrides = [[1, 0, coordinator.NOW + 30]]
        self.run_s(5)
        self.hardware.files.full = True
        self.run_s(60)
        self.assertEqual(self.node.relays.reason[1], "plan")
        self.assertTrue(len(self.coordinator.reports) > 5)
        self.assertEqual((self.client.errors, len(self.node.storage.off)), (0, 1))
        self.hardware.files.full = False
        self.run_s(15)
        self.assertEqual(self.node.storage.off, [])

    def test_an_off_order_of_a_circuit_that_is_gone_stays_in_flash(self):
        self.node.storage.remember(3, [(1, 0)])
        self.start(circuits=[fakes.board_circuit(0)])
        self.coordinator.slots = ["1"]
        self.hardware.network.flags = 0
        self.run_s(15)
        self.assertEqual(self.node.storage.off, [(1, 0)])

    def test_an_older_plan_is_refused_and_ends_no_order(self):
        self.coordinator.overrides = [[1, 0, 0]]
        self.run_s(5)
        self.coordinator.rev = 6
        self.coordinator.overrides = []
        self.run_s(20)
        self.assertEqual(self.client.last_error, "MessageError: rev 6 is below 7")
        self.assertEqual(self.node.relays.reason[1], "override")
        self.assertEqual(self.node.storage.off, [(1, 0)])

    def test_lease_and_validity_run_from_the_send_however_late_the_answer(self):
        self.hardware.network.chunk = 24  # about three seconds there and back
        while not self.client.answers:
            fakes.run(self.node, self.hardware, self.node.tick_ms)
        sent_s = self.coordinator.reports[0]["up_s"]
        self.assertTrue(self.node.clock.up_s - sent_s >= 2)
        planning = self.node.planning
        ends_s = planning._lease_end_s, planning.valid_end_s
        self.assertEqual(ends_s, (sent_s + 30, sent_s + 900))

    def test_a_lower_epoch_is_refused_across_restarts(self):
        self.run_s(5)
        self.coordinator.epoch = 2
        self.start()
        self.expect_error("epoch 2 is below 3", refused=True)

    def test_a_flash_that_cannot_be_written_means_no_obedience(self):
        self.hardware.files.full = True
        self.expect_error("OSError")

    def test_unreadable_orders_are_cured_by_the_complete_list(self):
        self.hardware.files.content["/state.json"] = b"nonsense"
        self.start()
        self.start()
        self.assertTrue(self.node.storage.damaged)
        self.run_s(5)
        self.assertEqual(self.node.relays.reason, ["plan"] * 4)
        self.hardware.network.flags = 0
        self.start()
        self.run_s(5)
        self.assertEqual(self.node.relays.reason, ["safe_link"] * 4)

    def test_an_answer_without_the_list_cures_nothing(self):
        self.hardware.files.content["/state.json"] = b"nonsense"
        self.coordinator.epoch = self.coordinator.rev = 0
        for _ in range(2):
            self.start()
            self.run_s(5)
            self.assertTrue(self.client.answers >= 1)
            self.assertEqual(self.node.relays.reason, ["safe_boot"] * 4)

    def test_the_largest_answer_is_taken_and_a_larger_one_is_not(self):
        for body_bytes, last_error in ((1536, ""), (1537, "MessageError: answer: too long")):
            self.setUp()
            self.coordinator.body_bytes = body_bytes
            self.run_s(2)
            self.assertEqual(self.client.last_error, last_error)
            self.assertEqual(self.client.answers >= 1, last_error == "")

    def test_a_replay_refusal_raises_the_boot_counter(self):
        problem = {"type": "https://example.org/problems/replayed", "last_boot": 41}
        self.coordinator.refusal = (409, problem)
        self.run_s(2)
        self.assertEqual(self.node.storage.boot, 42)
        self.coordinator.refusal = None
        self.run_s(15)
        self.assertEqual(self.coordinator.reports[-1]["boot"], 42)
        self.assertTrue(self.client.answers >= 2)

    def test_other_refusals_are_named_and_change_nothing(self):
        self.coordinator.refusal = (503, {"type": "x/store-unavailable"})
        self.expect_error("status 503", refused=False)


class Failures(Board):
    def test_wrong_answers_change_nothing(self):
        for changes in (
            {"seq": 999},
            {"boot": 0},
            {"v": 2},
            {"time": 5},
            {"valid_s": -1},
            {"lease_ma": [1, 2]},
            {"lease_ma": [1, 2, "3"]},
            {"lease_s": True},
            {"epoch": None},
            {"ack_minutes": 4},
            {"ack_minutes": [[1]]},
            {"ack_minutes": [["x", 1]]},
            {"ack_minutes": [[1, True]]},
            {"ack_minutes": [[1, 2], [-1, 2]]},
            {"ack_minutes": [[1, 1 << 31]]},
            {"ack_minutes": [[1, None]]},
            {"beacon": -1},
            {"maintenance": 0},
            {"maintenance": True},
            {"plan": None},
            {"plan": {"start": 1, "step_s": 0, "slots": [], "overrides": []}},
            {"plan": {"start": 1, "step_s": 9, "slots": ["1"], "overrides": []}},
            {"plan": {"start": 1, "step_s": 9, "slots": ["x"] * 4, "overrides": []}},
            {"plan": {"start": 1, "step_s": 9, "slots": [], "overrides": [[4, 0, 0]]}},
            {"plan": {"start": 1, "step_s": 9, "slots": [], "overrides": [[0, 2, 0]]}},
            {"plan": {"start": 1, "step_s": 9, "slots": [], "overrides": [[0, 0, 0]] * 2}},
            {"plan": priced(None)},
            {"plan": priced([])},
            {"plan": priced([1, 900, ""])},
            {"plan": priced([1, 900, "###"])},
            {"plan": priced([1, 900, "#" * 194])},
            {"plan": priced([1, 900, '#"'])},
            {"plan": priced([1, 900, "#\\"])},
            {"plan": priced([1, 900, [35, 35]])},
            {"plan": priced([-1, 900, "##"])},
            {"plan": priced([1, 0, "##"])},
        ):
            self.setUp()
            self.coordinator.changes = changes
            self.expect_error("MessageError", refused=True, duration_s=4)

    def test_unsigned_or_changed_answers(self):
        for spoil in (
            lambda body, signed: (body, b"0" * 64),
            lambda body, signed: (body, b""),
            lambda body, signed: (body[:-1], signed),
            lambda body, signed: (body + b" ", signed),
            lambda body, signed: (b"", signed),
        ):
            self.setUp()
            self.coordinator.spoil = spoil
            self.expect_error("not signed", refused=True, duration_s=4)

    def test_an_answer_fits_no_other_report(self):
        self.run_s(5)
        answered = []

        def again(request):
            answered.append(self.coordinator(request))
            return answered[0]

        self.hardware.network.server = again
        self.coordinator.rev = 8
        answers = self.client.answers
        self.run_s(30)
        self.assertTrue(len(answered) >= 2)
        self.assertEqual(self.node.planning.rev, 8)
        self.assertEqual(self.client.answers - answers, 1)
        self.assertEqual(self.client.refused, len(answered) - 1)
        self.assertTrue("not signed" in self.client.last_error)

    def test_garbage_instead_of_an_answer(self):
        for garbage, kind in (
            (b"", "MessageError: answer: no end of headers"),
            (b"\x00" * 100, "MessageError: answer: no end of headers"),
            (b"x" * 5000, "MessageError: answer: too long"),
            (b"HTTP/1.1 200 OK\r\n\r\n", "MessageError: answer 200: not signed"),
            (b"HTTP/1.1\r\n\r\n", "MessageError: answer: no status"),
            (b"HTTP/1.1 OK\r\n\r\n", "MessageError: answer: no status"),
            (b"\r\n\r\n", "MessageError: answer: no status"),
        ):
            self.setUp()
            self.hardware.network.server = lambda _request, garbage=garbage: garbage
            self.expect_error(kind, refused=True, duration_s=4)

    def test_a_server_that_never_answers(self):
        self.hardware.network.server = lambda _request: None
        self.expect_error("OSError")

    def test_a_refused_connection(self):
        self.hardware.network.flags = 8
        self.expect_error("OSError")

    def test_no_socket_left(self):
        def no_socket():
            raise OSError(23, "no socket")

        self.hardware.network.socket = no_socket
        self.expect_error("no socket")

    def test_a_byte_at_a_time_still_works(self):
        self.hardware.network.chunk = 40
        self.run_s(6)
        self.assertTrue(self.client.answers >= 1)


if __name__ == "__main__":
    unittest.main()
