"""Charge orders at the board itself: what is obeyed, once, and what is refused."""

import json

import fakes
from link_board import CHARGE_KEY
from node.link.signing import Signer
from test_server import Served, unframed

FILE = "/state.json"


def order(counter, circuit=1, minutes=60, key=CHARGE_KEY, board=b"flat-1", **changed):
    """The request of a charge order."""
    body = {"v": 1, "counter": counter, "circuit": circuit, "minutes": minutes}
    body.update(changed)
    return signed(json.dumps(body).encode(), key, board)


def signed(body, key=CHARGE_KEY, board=b"flat-1"):
    signature = Signer(key).sign(b"charge\n", board, b"\n", body)
    head = b"POST /charge HTTP/1.1\r\nContent-Length: %d\r\nHeadroom-Signature: %s\r\n\r\n"
    return head % (len(body), signature) + body


class Charge(Served):
    def setUp(self):
        super().setUp()
        self.coordinator.slots = ["0"] * 4
        self.start(http={"port": 8080, "charge_hours": 12})
        self.server = self.client.server
        self.run_s(3)
        self.assertEqual(self.node.relays.reason, ["plan"] * 4)

    def restart(self):
        """A power cut."""
        self.start(http={"port": 8080, "charge_hours": 12})
        self.server = self.client.server
        self.run_s(3)

    def state(self, i):
        return self.node.relays.closed[i], self.node.relays.reason[i]


class Obeyed(Charge):
    def test_it_closes_the_circuit_for_its_time_and_is_reported(self):
        status, _head, body = self.ask(order(7, minutes=1))
        self.assertEqual(status, 200)
        self.assertEqual(json.loads(body), {"counter": 7, "circuit": 1, "seconds": 60})
        self.assertEqual([self.state(i) for i in (0, 1)], [(0, "plan"), (1, "override")])
        self.run_s(15)
        events = [event for report in self.coordinator.reports for event in report["events"]]
        self.assertTrue([1, 60] in [event[3:] for event in events if event[2] == "charge"])
        self.assertEqual(self.state(1), (1, "override"))
        self.run_s(45)
        self.assertEqual(self.state(1), (0, "plan"))

    def test_no_minutes_end_it(self):
        self.ask(order(7))
        self.ask(order(8, minutes=0))
        self.assertEqual(self.state(1), (0, "plan"))

    def test_openers_beat_it(self):
        self.coordinator.overrides = [[1, 0, 0]]
        self.coordinator.rev += 1
        self.run_s(15)
        self.assertEqual(self.ask(order(7))[0], 200)
        self.assertEqual(self.state(1), (0, "override"))
        self.coordinator.overrides = []
        self.coordinator.rev += 1
        self.run_s(15)
        self.assertEqual(self.state(1), (1, "override"))

    def test_overload_beats_it(self):
        self.ask(order(7))
        self.node.shedding.shed(1, "shed_feeder", 5_000, self.node.clock.up_s)
        self.run_s(1)
        self.assertEqual(self.state(1), (0, "shed_feeder"))

    def test_its_counter_is_in_flash_before_it_is_obeyed(self):
        self.hardware.files.full = True
        self.expect_problem(order(7), 503, "store-unavailable")
        self.assertEqual(self.state(1), (0, "plan"))
        self.hardware.files.full = False
        self.assertEqual(self.ask(order(7))[0], 200)

    def test_a_body_in_pieces_is_one(self):
        whole = order(7)
        visitor = self.visit(*[whole[k : k + 9] for k in range(0, len(whole), 9)])
        self.run_s(3)
        self.assertEqual(unframed(visitor.got)[0], 200)


class Refused(Charge):
    def test_a_replay_and_a_stale_counter_also_after_a_power_cut(self):
        self.assertEqual(self.ask(order(7))[0], 200)
        for stale in (order(7), order(6), order(7, circuit=2)):
            self.server.responses.clear()
            self.assertEqual(self.expect_problem(stale, 409, "replayed")["last_counter"], 7)
        self.restart()
        self.expect_problem(order(7), 409, "replayed")
        self.assertEqual(self.state(1), (0, "plan"))
        self.assertEqual(self.ask(order(8))[0], 200)

    def test_what_is_not_signed_for_this_board(self):
        for request in (
            order(7, key=bytes(32)),
            order(7, board=b"flat-2"),
            order(7).replace(b'"counter": 7', b'"counter": 8'),
            order(7).replace(b"Headroom-Signature", b"Other"),
            order(7).replace(b"Headroom-Signature: ", b"Headroom-Signature: 0"),
        ):
            self.setUp()
            self.expect_problem(request, 401, "unsigned")
            self.assertEqual(self.node.storage.charge, [1, "", 0])

    def test_what_is_not_as_the_protocol_says(self):
        for request, named in (
            (signed(b"{"), "body"),
            (signed(b"\xff\xfe"), "body"),
            (signed(b"[]"), "body"),
            (signed(b"{}"), ""),
            (order(0), "counter"),
            (order(1 << 40), "counter"),
            (order("7"), "counter"),
            (order(True), "counter"),
            (order(7, circuit=-1), "circuit"),
            (order(7, circuit=4), "circuit"),
            (order(7, minutes=721), "minutes"),
            (order(7, minutes=-1), "minutes"),
            (order(7, minutes=None), "minutes"),
            (order(7, v=2), "v"),
            (order(7, hours=2), "hours"),
        ):
            self.setUp()
            problem = self.expect_problem(request, 400, "malformed")
            self.assertTrue(problem["detail"].startswith(named), problem["detail"])

    def test_a_circuit_that_the_board_has_not(self):
        circuits = [fakes.board_circuit(i) for i in range(2)]
        self.coordinator.slots = ["0"] * 2
        self.start(http={"port": 8080}, circuits=circuits)
        self.server = self.client.server
        self.run_s(3)
        self.expect_problem(order(7, circuit=2), 404, "no-such-circuit")

    def test_a_board_without_a_charge_key_obeys_nobody(self):
        self.server.key = b""
        self.expect_problem(order(7, key=b""), 403, "no-charge-key")

    def test_a_new_key_ends_the_old_one_and_starts_its_own_count(self):
        self.ask(order(1_000_000))
        self.server.key = bytes(32)
        self.expect_problem(order(1_000_001), 401, "unsigned")
        self.assertEqual(self.ask(order(1, key=bytes(32)))[0], 200)

    def test_damage_in_flash_obeys_nothing_under_the_same_key(self):
        self.ask(order(7))
        self.hardware.files.content[FILE] = b"nonsense"
        self.restart()
        self.expect_problem(order(8), 409, "replayed")
        self.restart()
        self.expect_problem(order(9), 409, "replayed")
        self.server.key = bytes(32)
        self.assertEqual(self.ask(order(1, key=bytes(32)))[0], 200)


class Revoked(Charge):
    def plan(self, **fields):
        """A newer plan with these fields."""
        answer = self.coordinator.answer

        def changed(report):
            given = answer(report)
            if "plan" in given:
                given["plan"].update(fields)
            return given

        self.coordinator.answer = changed
        self.coordinator.rev += 1
        self.run_s(15)
        self.coordinator.answer = answer

    def test_the_coordinator_ends_what_was_ordered_and_what_would_be(self):
        self.ask(order(7))
        self.plan(charge=0)
        self.assertEqual(self.state(1), (0, "plan"))
        self.expect_problem(order(8), 403, "revoked")
        self.plan(charge=1)
        self.assertEqual(self.ask(order(9))[0], 200)

    def test_it_is_durable_before_the_plan_is_acknowledged(self):
        self.hardware.files.full = True
        self.plan(charge=0)
        self.assertTrue("OSError" in self.client.last_error)
        last = self.coordinator.reports[-1]
        self.assertTrue(last["rev"] < self.coordinator.rev)

    def test_it_survives_a_power_cut_without_a_coordinator(self):
        self.plan(charge=0)
        self.hardware.network.flags = 0
        self.restart()
        self.assertEqual(self.node.planning.rev, 0)
        # The visitor waits while the board tries in vain to report.
        self.expect_problem(order(8), 403, "revoked", duration_s=12)

    def test_plans_that_change_nothing_of_it_write_nothing(self):
        self.plan()
        writes = self.hardware.files.writes
        self.plan(charge=1)
        self.plan()
        self.assertEqual(self.hardware.files.writes, writes)
