"""What survives a power cut, and what a damaged file leads to."""

import unittest

import fakes
from node import app
from node.storage import Storage


class State(unittest.TestCase):
    def setUp(self):
        self.files = fakes.Files()

    def load(self):
        return Storage(self.files, "/state.json")

    def test_a_new_board_starts_from_nothing(self):
        state = self.load()
        self.assertEqual((state.boot, state.epoch, state.off, state.damaged), (0, 0, [], None))

    def test_everything_comes_back(self):
        state = self.load()
        state.count_boot()
        state.remember(4, [(2, 1_790_000_000), (0, 0)])
        state = self.load()
        self.assertEqual((state.boot, state.epoch), (1, 4))
        self.assertEqual(state.off, [(2, 1_790_000_000), (0, 0)])

    def test_the_boot_counter_jumps_above(self):
        state = self.load()
        state.count_boot(above=70)
        self.assertEqual(self.load().boot, 71)

    def test_nothing_new_writes_nothing(self):
        state = self.load()
        state.remember(4, [(2, 0)])
        writes = self.files.writes
        state.remember(4, [(2, 0)])
        self.assertEqual(self.files.writes, writes)

    def test_a_failed_write_changes_nothing(self):
        state = self.load()
        state.remember(4, [])
        self.files.full = True
        with self.assertRaises(OSError):
            state.remember(5, [(1, 0)])
        self.assertEqual((state.epoch, state.off), (4, []))
        self.assertEqual(self.load().epoch, 4)

    def test_every_damage_is_seen(self):
        self.load().remember(4, [(2, 0)])
        good = self.files.content["/state.json"]
        for at in range(0, len(good) - 1, 3):
            for bad in (good[:at], good[:at] + b"~" + good[at + 1 :]):
                self.files.content["/state.json"] = bad
                state = self.load()
                self.assertTrue(state.damaged, bad)
                self.assertEqual((state.boot, state.epoch, state.off), (0, 0, []))

    def test_what_is_there_and_cannot_be_read_is_damaged(self):
        """Bytes that are no text, and a flash that answers with an error other than 'no file'."""
        self.load().remember(4, [(2, 0)])
        self.files.broken = ("/state.json",)
        self.assertTrue("/state.json" in self.load().damaged)
        self.files.broken = ()
        self.assertEqual(self.load().damaged, None)
        self.files.content["/state.json"] = b"\xff\xfe" + bytes(range(128, 256))
        state = self.load()
        self.assertTrue(state.damaged)
        self.assertEqual((state.boot, state.epoch, state.off), (0, 0, []))

    def test_a_doubt_outlives_starts_and_epochs_until_the_complete_list_comes(self):
        self.files.content["/state.json"] = b"nonsense"
        self.load().count_boot()
        state = self.load()
        self.assertTrue(state.damaged)
        state.count_boot(above=8)
        state.remember(4)
        state = self.load()
        self.assertTrue(state.damaged)
        self.assertEqual((state.boot, state.epoch, state.off), (9, 4, []))
        state.remember(4, [])
        self.assertEqual((state.damaged, self.load().damaged), (None, None))

    def test_an_answer_without_a_list_keeps_the_orders(self):
        state = self.load()
        state.remember(4, [(2, 0)])
        state.remember(5)
        state = self.load()
        self.assertEqual((state.epoch, state.off), (5, [(2, 0)]))


class Orders(unittest.TestCase):
    """Override OFF across a restart."""

    def test_a_stored_off_order_holds_before_any_relay_closes(self):
        hardware = fakes.Hardware()
        Storage(hardware.files, "/state.json").remember(1, [(1, 0)])
        node = app.App(fakes.configuration(), None, hardware)
        node.start()
        fakes.run(node, hardware, 2_000)
        self.assertEqual(list(node.relays.closed), [1, 0, 1, 1])
        self.assertEqual(node.relays.reason[1], "override")
        self.assertEqual(hardware.pins[14].edges, 0)

    def test_a_flash_that_cannot_be_written_costs_the_link_and_no_protection(self):
        hardware = fakes.Hardware()
        hardware.files.full = True
        node = app.App(fakes.configuration(), fakes.secrets(bytes(32)), hardware)
        node.start()
        fakes.run(node, hardware, 2_000)
        self.assertEqual(list(node.relays.closed), [1] * 4)
        self.assertEqual(hardware.network.sockets, [])

    def test_orders_that_cannot_be_read_keep_everything_open_start_after_start(self):
        hardware = fakes.Hardware()
        hardware.files.content["/state.json"] = b"nonsense"
        for start in range(1, 4):
            node = app.App(fakes.configuration(), None, hardware)
            node.start()
            fakes.run(node, hardware, 2_000)
            self.assertEqual(list(node.relays.closed), [0] * 4)
            self.assertEqual(node.relays.reason, ["safe_boot"] * 4)
            self.assertEqual(node.storage.boot, start)
            self.assertEqual(hardware.fed, 2_000 // node.tick_ms * start)


if __name__ == "__main__":
    unittest.main()
