"""Starts that fail, safe_boot and its tries, and what a warm reset does not clear."""

import binascii
import hashlib
import unittest

import fakes
from node import app, starts, status
from node.protection import Protection
from node.safety import Safety
from node.storage import Storage, keep

MINUTE_S = 60
DAY_S = 86_400


class Starts:
    """A board's starts, one after the other, on a flash that keeps what they were."""

    def __init__(self):
        self.files = fakes.Files()

    def start(self, reset, ran_s=0):
        self.storage = Storage(self.files, "/state.json")
        self.safety = Safety([fakes.circuit()], [0, 0], lambda low, _high: low, False)
        starts.start(self.safety, self.storage, reset, ran_s)
        self.storage.count_boot()
        return self.safety.wait_s

    def run(self, up_s):
        """Until that uptime, marked as the node does."""
        for now_s in range(0, up_s + 1, 20):
            self.mark(now_s)

    def mark(self, now_s):
        start = starts.update(self.safety, self.storage, now_s)
        if start:
            self.storage.write(start)

    def fail(self, times, reset="wdt", ran_s=100):
        """So many failures in a row; gives what the last start has to wait."""
        for _ in range(times):
            wait_s = self.start(reset, ran_s)
            self.run(ran_s)
        return wait_s


class Guard(unittest.TestCase):
    def setUp(self):
        self.board = Starts()
        self.board.start("power_on")

    def test_five_failures_are_borne_and_the_sixth_leads_to_safe_boot(self):
        self.assertEqual(self.board.fail(5), 0)
        self.assertEqual(self.board.fail(1), 900)

    def test_exceptions_count_and_what_was_requested_does_not(self):
        self.assertEqual(self.board.fail(6, "exception"), 900)
        for reset in ("soft", "hard", "deep_sleep"):
            self.setUp()
            self.assertEqual(self.board.fail(40, reset), 0)

    def test_power_ons_count_only_after_a_start_that_had_not_become_good(self):
        self.assertEqual(self.board.fail(6, "power_on"), 900)
        self.setUp()
        for _ in range(40):
            self.board.run(11 * MINUTE_S)
            self.assertEqual(self.board.start("power_on"), 0)

    def test_a_start_is_good_after_10_minutes_and_not_before(self):
        for up_s, good in ((590, 0), (600, 1)):
            self.setUp()
            self.board.run(up_s)
            self.assertEqual(Storage(self.board.files, "/state.json").starts[0], good)

    def test_good_is_written_once(self):
        self.board.run(11 * MINUTE_S)
        writes = self.board.files.writes
        self.board.run(3 * DAY_S)
        self.assertEqual(self.board.files.writes, writes)

    def test_failures_a_quarter_of_an_hour_apart_count_too(self):
        """Each start is up for longer than 10 minutes, and yet they are too many in a day."""
        self.assertEqual(self.board.fail(6, "wdt", ran_s=15 * MINUTE_S), 900)

    def test_failures_are_forgotten_after_24_h_of_uptime(self):
        self.assertEqual(self.board.fail(5), 0)
        self.board.run(DAY_S + 600)
        self.assertEqual(self.board.fail(5, ran_s=100), 0)
        self.setUp()
        self.board.fail(5)
        self.board.run(DAY_S - 1200)
        self.assertEqual(self.board.start("wdt", DAY_S - 1200), 900)

    def test_one_try_after_15_then_60_then_240_minutes(self):
        wait_s = self.board.fail(6)
        waits = []
        for _ in range(4):
            waits.append(wait_s // MINUTE_S)
            self.assertEqual(self.board.safety.opener(0, wait_s - 1), "safe_boot")
            self.assertEqual(self.board.safety.opener(0, wait_s), None)
            self.board.run(wait_s + 120)
            wait_s = self.board.start("wdt", wait_s + 120)
        self.assertEqual(waits, [15, 60, 240, 240])

    def test_a_start_that_ends_before_its_try_waits_as_long_again(self):
        self.board.fail(6)
        self.board.run(600)
        self.assertEqual(self.board.start("power_on"), 900)

    def test_a_requested_reset_ends_no_try_and_no_wait(self):
        self.board.fail(6)
        self.assertEqual(self.board.start("soft", 60), 900)
        self.board.run(1000)
        self.assertEqual(self.board.start("soft", 1000), 0)
        self.assertEqual(self.board.start("hard", 30), 0)
        self.assertEqual(self.board.start("wdt", 30), 3600)

    def test_a_try_that_goes_well_for_a_day_clears_all(self):
        self.board.fail(6)
        self.board.run(900 + 600)
        self.assertNotEqual(self.board.storage.starts[0], 1)
        self.board.run(DAY_S + 900)
        self.assertEqual(self.board.storage.starts[:2], [1, 0])
        self.assertEqual(len(self.board.storage.starts), 3)
        self.assertEqual(self.board.fail(5), 0)

    def test_a_state_without_starts_is_that_of_a_good_board(self):
        """As a firmware from before wrote it."""
        line = '{"boot": 7, "epoch": 2, "off": []}'
        digest = binascii.hexlify(hashlib.sha256(line.encode()).digest())
        self.board.files.content["/state.json"] = line.encode() + b"\n" + digest + b"\n"
        self.assertEqual(self.board.start("power_on"), 0)
        self.assertEqual((self.board.storage.boot, self.board.storage.starts), (8, [0, 0, 600]))

    def test_a_state_with_too_few_numbers_is_damaged(self):
        self.board.storage.write([1])
        self.assertTrue("starts" in Storage(self.board.files, "/state.json").damaged)


class Node(unittest.TestCase):
    """On the whole node."""

    def start(self, hardware, reset, **circuit):
        hardware.reset = reset
        circuits = [dict(fakes.board_circuit(i), **circuit) for i in range(4)]
        node = app.App(fakes.configuration(circuits=circuits), None, hardware)
        node.start()
        return node

    def test_in_safe_boot_nothing_closes_until_the_try_and_everybody_is_told(self):
        hardware = fakes.Hardware()
        for _ in range(6):
            node = self.start(hardware, "wdt")
        self.assertEqual(node.events.record(0)[2:], ("safe_boot", -1, 900))
        fakes.run(node, hardware, 5_000)
        self.assertEqual(node.relays.reason, ["safe_boot"] * 4)
        self.assertEqual(list(node.relays.closed), [0] * 4)
        line = "reset wdt, failed starts 6, safe_boot for 895 s more"
        self.assertTrue(line in status.lines(node), status.lines(node))
        node.clock.up_s = 899
        fakes.run(node, hardware, 3_000)
        self.assertEqual(list(node.relays.closed), [1] * 4)
        self.assertEqual(hardware.fed, 8_000 // node.tick_ms)

    def test_the_try_is_in_flash_before_what_it_switches_on_can_end_it(self):
        hardware = fakes.Hardware()
        for _ in range(6):
            node = self.start(hardware, "wdt")
        for up_s in (59, 860, 897):
            node.clock.up_s = up_s
            fakes.run(node, hardware, 120)
            self.assertEqual(Storage(hardware.files, "/state.json").starts[:2], [0, 0])
        node.clock.up_s = 898
        fakes.run(node, hardware, 120)
        self.assertEqual(node.relays.reason, ["safe_boot"] * 4)
        self.assertEqual(Storage(hardware.files, "/state.json").starts[:2], [2, 1])
        self.assertEqual(self.start(hardware, "wdt").safety.wait_s, 3600)

    def test_after_safe_boot_circuits_come_back_one_at_a_time(self):
        safety = Safety([fakes.circuit(), fakes.circuit()], [5, 5], lambda low, _high: low, False)
        safety.wait_s = 900
        seen = [[safety.opener(i, up_s) for i in range(2)] for up_s in (899, 903, 905, 910)]
        self.assertEqual(seen, [["safe_boot"] * 2, ["hold", "hold"], [None, "hold"], [None, None]])

    def test_a_spent_budget_is_still_spent_after_a_warm_reset_and_not_after_a_power_cut(self):
        hardware = fakes.Hardware()
        node = self.start(hardware, "power_on")
        fakes.run(node, hardware, 2_000)
        spent = (1 << 28) - 1000
        node.protection.guards[0].budget = spent
        node.protection.guards[5].budget = 4321
        fakes.run(node, hardware, 2_000)
        for reset in ("wdt", "exception", "soft", "hard"):
            node = self.start(hardware, reset)
            self.assertTrue(0 <= spent - node.protection.guards[0].budget < 200_000)
            self.assertTrue(node.protection.guards[5].budget <= 4321)
        node = self.start(hardware, "power_on")
        self.assertEqual([g.budget for g in node.protection.guards if g], [0] * 5)

    def test_what_keep_keeps_outlives_a_warm_reset(self):
        hardware = fakes.Hardware()
        hardware.rtc = b""
        node = self.start(hardware, "power_on")
        fakes.run(node, hardware, 500)
        node.planning.on[2] = 0
        keep(hardware.memory, 5, node.protection.guards, node.planning.on, 0)
        self.assertEqual(list(self.start(hardware, "wdt").planning.on), [1, 1, 0, 1])
        self.assertEqual(list(self.start(hardware, "power_on").planning.on), [1, 1, 1, 1])

    def test_what_was_ordered_on_at_the_board_ends_with_a_warm_reset(self):
        hardware = fakes.Hardware()
        hardware.rtc = b""
        node = self.start(hardware, "power_on", safe="keep")
        node.planning.on[2] = 0
        node.planning.charge_end_s[2] = 600
        fakes.run(node, hardware, 3_000)
        self.assertEqual(list(node.relays.closed), [1, 1, 1, 1])
        node = self.start(hardware, "wdt", safe="keep")
        fakes.run(node, hardware, 3_000)
        self.assertEqual(list(node.relays.closed), [1, 1, 0, 1])

    def test_a_flash_that_fails_is_asked_again_after_a_quarter_of_an_hour(self):
        hardware = fakes.Hardware()
        node = self.start(hardware, "power_on")
        hardware.files.full = True
        node.clock.up_s = 610
        fakes.run(node, hardware, 2_000)
        events = [node.events.record(k)[2] for k in range(node.events.stored)]
        self.assertEqual(events.count("flash_failed"), 1)
        hardware.files.full = False
        node.clock.up_s = 610 + 890
        fakes.run(node, hardware, 2_000)
        self.assertEqual(Storage(hardware.files, "/state.json").starts[0], 0)
        node.clock.up_s += 20
        fakes.run(node, hardware, 2_000)
        self.assertEqual(Storage(hardware.files, "/state.json").starts[0], 1)

    def test_rtc_memory_is_written_once_a_second(self):
        hardware = fakes.Hardware()
        writes = []
        memory = hardware.memory
        hardware.memory = lambda *content: writes.append(1) if content else memory()
        fakes.run(self.start(hardware, "power_on"), hardware, 10_000)
        self.assertEqual(len(writes), 10)


class Warm(unittest.TestCase):
    def setUp(self):
        self.hardware = fakes.Hardware()
        feeder = {"rating_ma": [16_000, 0, 0]}
        self.make = lambda: Protection(feeder, [fakes.circuit()] * 2, 5).guards
        self.guards = self.make()
        self.guards[0].budget, self.guards[4].budget = (1 << 28), 77
        self.on = bytearray([1, 0])
        keep(self.hardware.memory, 123_456, self.guards, self.on, True)

    def load(self, reset="wdt"):
        guards, on = self.make(), bytearray(2)
        ran = starts.load(self.hardware.memory, reset, guards, on)
        return ran, [guard and guard.budget for guard in guards], list(on)

    def test_everything_comes_back(self):
        budgets = [1 << 28, None, None, 0, 77, None, None]
        self.assertEqual(self.load(), ((123_456, 1), budgets, [1, 0]))

    def test_nothing_of_a_memory_with_one_bit_wrong_is_believed(self):
        nothing = ((0, 0), [0, None, None, 0, 0, None, None], [0, 0])
        good = self.hardware.rtc
        for at in range(len(good)):
            self.hardware.rtc = good[:at] + bytes([good[at] ^ 0x10]) + good[at + 1 :]
            self.assertEqual(self.load(), nothing)
        for other in (b"", good[:-1], good + b"x", b"\xff" * 492):
            self.hardware.rtc = other
            self.assertEqual(self.load(), nothing)

    def test_nor_after_a_power_cut(self):
        self.assertEqual(self.load("power_on")[0], (0, 0))


if __name__ == "__main__":
    unittest.main()
