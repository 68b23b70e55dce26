"""Minutes in flash: what is written when, what comes back, what is lost and said so."""

import unittest

import fakes
from node.journal import Blocks, Events, Minutes
from node.storage import Storage
from node.ticks import Clock


class Node:
    """The parts of a node that keep minutes, from one start to the next."""

    def __init__(self, files):
        self.files = files
        self.start()

    def start(self):
        self.up_s = 0
        self.minutes = Minutes(2)
        self.events = Events(Clock(fakes.Time()))
        self.storage = Storage(self.files, "/state.json")
        self.storage.count_boot()
        self.blocks = Blocks(self.files, self.minutes, self.storage, self.events)

    def run(self, minutes):
        """Ticks of 20 s, with as many pieces of flash work as there are in so long."""
        for _ in range(3 * minutes):
            self.up_s += 20
            self.minutes.sample(self.up_s, 20_000, [self.up_s, 0], [1, 0])
            self.settle()

    def settle(self):
        pieces = 0
        while self.blocks.step(self.up_s):
            pieces += 1
        return pieces

    def waiting(self):
        return [minute[:2] for minute in self.blocks.read(4)]

    def deliver(self):
        """Everything, four a report as the link does; the ids in the order of their delivery."""
        delivered = []
        names = self.waiting()
        while names or self.settle():
            delivered += names
            self.blocks.ack_minutes = [list(name) for name in names]
            self.settle()
            names = self.waiting()
        return delivered


class Journal(unittest.TestCase):
    def setUp(self):
        self.files = fakes.Files()
        self.node = Node(self.files)

    def names(self):
        return sorted(self.files.names("/journal"))

    def test_nothing_is_written_while_minutes_are_acknowledged_in_time(self):
        writes = self.files.writes
        for _ in range(20):
            self.node.run(10)
            self.node.deliver()
        self.assertEqual((self.files.writes, self.names()), (writes, []))

    def test_half_a_day_comes_back_in_order_and_leaves_nothing(self):
        self.node.run(12 * 60)
        self.assertTrue(self.node.minutes.stored < 14)
        self.assertEqual(self.node.deliver(), [(1, minute) for minute in range(720)])
        self.assertEqual((self.names(), self.node.minutes.lost), ([], 0))

    def test_what_a_record_says_comes_back_unchanged(self):
        self.node.run(2)
        before = self.node.blocks.read(4)
        self.node.run(12)
        self.assertEqual(self.names(), ["0"])
        self.assertEqual(self.node.blocks.read(4)[: len(before)], before)

    def test_at_no_moment_could_a_power_cut_take_more_than_15_minutes(self):
        for _ in range(200):
            self.node.run(1)
            at_once = Node(self.files)  # what a start at this moment would find
            kept = 14 * len(self.names())
            self.assertEqual(len(at_once.blocks.read(14)), min(kept, 14))
            self.assertTrue(self.node.up_s // 60 - kept <= 14)

    def test_minutes_of_earlier_starts_come_first_under_their_own_boot(self):
        self.node.run(31)
        self.node.start()
        self.node.run(15)
        self.node.start()
        self.node.run(3)
        first, second = [(1, m) for m in range(28)], [(2, m) for m in range(14)]
        self.assertEqual(self.node.deliver(), first + second + [(3, 0), (3, 1), (3, 2)])

    def test_only_what_is_acknowledged_leaves(self):
        self.node.run(14)
        self.node.blocks.ack_minutes = [[1, 2], [7, 3], [1, 99]]
        self.node.settle()
        names = [minute[1] for minute in self.node.blocks.read(14)]
        self.assertEqual(names, [0, 1] + list(range(3, 14)))
        self.node.start()  # the file does not know what was acknowledged: it comes once more
        self.assertEqual(len(self.node.blocks.read(14)), 14)

    def test_what_was_acknowledged_out_of_order_is_not_written(self):
        self.node.run(13)
        self.node.blocks.ack_minutes = [[1, 4]]
        self.node.run(1)
        self.assertEqual(self.names(), ["0"])
        delivered = [minute for _, minute in self.node.deliver()]
        self.assertEqual(delivered, [0, 1, 2, 3] + list(range(5, 14)))
        self.assertEqual(self.names(), [])

    def test_an_answer_that_crosses_the_writing_acknowledges_what_is_in_flash(self):
        self.node.run(13)
        report = self.node.waiting()
        self.node.run(1)
        self.assertEqual(self.names(), ["0"])
        self.node.blocks.ack_minutes = [list(name) for name in report]
        self.node.settle()
        self.assertEqual(self.node.waiting()[0], (1, 4))

    def test_one_piece_a_step(self):
        self.node.run(13)
        self.node.minutes.sample(14 * 60, 20_000, [0, 0], [0, 0])
        self.assertEqual(self.node.settle(), 3)
        self.assertEqual(self.node.settle(), 0)

    def test_a_full_ring_loses_the_oldest_and_says_so_also_after_a_start(self):
        self.node.run(14 * 56)
        self.assertEqual(self.node.minutes.lost, 0)
        self.node.run(28)
        self.assertEqual((len(self.names()), self.node.minutes.lost), (56, 28))
        self.assertEqual(self.node.waiting()[0], (1, 28))
        self.node.start()
        self.assertEqual(self.node.minutes.lost, 28)

    def test_a_damaged_block_is_lost_alone(self):
        self.node.run(42)
        content = self.files.content["/journal/1"]
        for damage in (content[:100], content[:50] + b"~" + content[51:], b"~" * 300):
            self.files.content["/journal/1"] = damage
            self.node.start()
            delivered = [minute for _, minute in self.node.deliver()]
            self.assertEqual(delivered, list(range(14)) + list(range(28, 42)))
            self.assertEqual(self.node.minutes.lost, len(damage) // 24)
            self.setUp()
            self.node.run(42)

    def test_damage_of_the_newest_is_counted_once(self):
        self.node.run(14)
        self.files.content["/journal/0"] = b"~" * 352
        self.node.start()
        self.assertEqual((self.node.deliver(), self.node.minutes.lost), ([], 14))

    def test_a_block_that_was_cut_short_while_new_is_passed_over(self):
        self.node.run(14)
        self.files.content["/journal/1"] = b""
        self.node.start()
        self.assertEqual(len(self.node.deliver()), 14)
        self.assertEqual((self.names(), self.node.minutes.lost), ([], 0))

    def test_a_block_that_cannot_be_read_is_lost_and_said_so(self):
        self.node.run(28)
        self.files.broken = ("/journal/0",)
        delivered = [minute for _, minute in self.node.deliver()]
        self.assertEqual(delivered, list(range(14, 28)))
        self.assertEqual(self.node.minutes.lost, 14)

    def test_a_flash_that_fails_costs_only_what_ram_cannot_hold(self):
        self.files.full = True
        self.node.run(14)
        self.assertEqual(self.node.events.record(0)[2], "flash_failed")
        self.assertEqual((self.node.minutes.stored, self.node.minutes.lost), (14, 0))
        self.node.run(60)
        self.assertTrue(self.node.minutes.lost > 40)
        # One try in a quarter of an hour: neither events nor erases go on without bound.
        self.assertTrue(self.node.events.stored <= 6)
        self.files.full = False
        self.node.run(15)
        delivered = self.node.deliver()
        self.assertEqual(delivered[-1][1] - delivered[0][1], len(delivered) - 1)
        self.assertEqual(delivered[0][1], self.node.minutes.lost)

    def test_foreign_files_do_not_matter(self):
        self.files.content["/journal/notes.txt"] = b"mine"
        self.node.start()
        self.node.run(14)
        self.assertEqual(len(self.node.deliver()), 14)
        self.assertEqual(self.names(), ["notes.txt"])

    def test_in_a_hurry_everything_is_written(self):
        self.node.run(4)
        self.node.blocks.flush = True
        self.node.settle()
        self.assertEqual(self.node.minutes.stored, 0)
        self.node.start()
        self.assertEqual(self.node.deliver(), [(1, minute) for minute in range(4)])


if __name__ == "__main__":
    unittest.main()
