"""Control allocates nothing, tick after tick. Counted on MicroPython, where bytes are exact."""

import gc
import sys
import unittest

import fakes
from node import app

ON_MICROPYTHON = sys.implementation.name == "micropython"


class Still:
    """Time that costs nothing: 0 bytes even for its own numbers."""

    def __init__(self):
        self.now_ms = 0

    def ticks_ms(self):
        return self.now_ms

    def ticks_us(self):
        return self.now_us

    def ticks_diff(self, later, earlier):
        return later - earlier

    def sleep_us(self, wait_us):
        self.now_us += wait_us

    now_us = 0


@unittest.skipUnless(ON_MICROPYTHON, "needs gc.mem_alloc")
class Control(unittest.TestCase):
    def setUp(self):
        self.time = Still()
        self.node = self.make()
        self.tick(40)

    def make(self, **config):
        self.converter = fakes.QuietConverter(self.time)
        hardware = fakes.Hardware(self.converter)
        node = app.App(fakes.configuration(**config), None, hardware)
        node.start()
        node.upkeep.step = lambda: True  # what comes after control may allocate
        return node

    def tick(self, times):
        """Bytes that `times` ticks allocated together.

        One count for all of them: it walks the whole heap. Without collection it only grows, so
        what one tick allocates stays in it.
        """
        gc.disable()
        before = gc.mem_alloc()
        for _ in range(times):
            self.time.now_ms += self.node.tick_ms
            self.node.tick()
        allocated = gc.mem_alloc() - before
        gc.enable()
        return allocated

    def test_counting_works(self):
        before = gc.mem_alloc()
        kept = bytearray(100)
        self.assertTrue(gc.mem_alloc() - before >= len(kept))

    def test_one_allocation_among_many_ticks_is_counted(self):
        feed = self.node._feed
        self.node._feed = lambda: feed() if self.time.now_ms % 2_000 else bytearray(1)
        self.assertTrue(self.tick(100) > 0)

    def test_idle_ticks_and_the_turn_of_minutes(self):
        self.assertEqual(self.tick(4000), 0)
        self.assertTrue(self.node.minutes.stored >= 2)

    def test_a_meter_beside_three_circuits(self):
        circuits = [fakes.board_circuit(i) for i in range(3)]
        self.node = self.make(circuits=circuits, meters=[{"channel": 3}])
        self.tick(40)
        self.assertEqual(self.tick(1000), 0)

    def test_shedding_waiting_and_returning(self):
        self.node.planning._safe_limit_ma[0] = 4_000
        self.assertEqual(self.tick(200), 0)
        self.assertTrue(0 in list(self.node.relays.closed))
        self.node.planning._safe_limit_ma[0] = 25_000
        self.assertEqual(self.tick(1500), 0)
        self.assertFalse(0 in list(self.node.relays.closed))

    def test_currents_near_the_rails(self):
        for table in ([0, 26_400] * 5, [100, 26_300] * 5, [13_200, 13_201] * 5):
            converter = fakes.QuietConverter(self.time)
            converter._table = table
            self.node.sensors[0]._adc._read = converter.readfrom_into
            self.assertEqual(self.tick(100), 0)

    def test_contacts_that_do_not_do_as_told(self):
        """Currents beyond a contact, lost loads and welded contacts come and go."""
        node = self.node
        drawing = self.converter._table
        for i in range(4):
            node.relays._breaking_ma[i] = 1_000
            node.relays._no_load_s[i] = 3
            node.protection._limit_ma[i] = 1_000
            node.protection._calm_ma[3 + i] = -1
        self.assertEqual(self.tick(200), 0)
        self.assertTrue("breaking" in node.events._kind)
        self.converter._table = [13_200, 13_201, 13_199, 13_200, 13_202] * 2
        self.assertEqual(self.tick(2_000), 0)
        self.assertTrue("no_load" in node.events._kind)
        node.planning._give_order(0, 0, 0)
        self.assertEqual(self.tick(100), 0)
        self.converter._table = drawing
        self.assertEqual(self.tick(200), 0)
        self.assertTrue(node.relays.welded[0])

    def test_a_plan_in_force(self):
        planning = self.node.planning
        planning.valid_end_s = 100_000
        for i in range(4):
            planning._slots[i] = b"1-01" * 24
        planning._slot_s = 1
        planning.charge_end_s[1] = 20
        planning._prices = b"#$[[" * 48
        planning._price_s = 1
        for i in range(4):
            planning._ceiling[i] = 600 * i - 500
        self.assertEqual(self.tick(1000), 0)

    def test_a_plan_without_prices(self):
        """Its prices began as long ago as the board can reckon, a second each."""
        planning = self.node.planning
        planning.valid_end_s = 100_000
        planning._price_s = 1
        planning._price_start_unix = 0
        planning._set_time(1_790_000_000, 1)
        self.assertEqual(self.tick(100), 0)


if __name__ == "__main__":
    unittest.main()
