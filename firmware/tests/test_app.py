"""The whole node on a small fake board: one tick's order, and what a person would see."""

import random
import unittest

import fakes
from node import app, status


def started(converter=None, **config):
    converter = converter or fakes.Converter(fakes.Time(), 0.03)
    converter.noise = lambda: random.randint(-1, 1)
    hardware = fakes.Hardware(converter)
    node = app.App(fakes.configuration(**config), None, hardware)
    node.start()
    return node, hardware


class Protecting(unittest.TestCase):
    def setUp(self):
        random.seed(1)

    def relays(self, node):
        return list(node.relays.closed)

    def test_circuits_come_on_in_their_safe_state(self):
        node, hardware = started()
        fakes.run(node, hardware, 1000)
        self.assertEqual(self.relays(node), [1, 1, 1, 1])
        self.assertEqual(hardware.pins[5].level, 1)
        self.assertEqual(node.relays.reason, ["safe_link"] * 4)

    def test_currents_are_measured(self):
        node, hardware = started()
        for channel in range(4):
            hardware.i2c.set_ma(channel, 1000 * (channel + 1))
        fakes.run(node, hardware, 1000)
        for i in range(4):
            self.assertTrue(abs(node.readings.last_ma[i] - 1000 * (i + 1)) < 15 * (i + 1))
        self.assertEqual(node.readings.state, ["ok"] * 4)

    def test_twice_the_limit_sheds_the_lower_priorities_within_1_s(self):
        node, hardware = started()
        fakes.run(node, hardware, 1000)
        loads = {0: 9_900, 1: 9_900, 2: 9_900, 3: 9_900}
        for channel, current_ma in loads.items():
            hardware.i2c.set_ma(channel, current_ma)
        fakes.run(node, hardware, 960)
        self.assertEqual(self.relays(node), [1, 1, 0, 0])
        self.assertEqual(node.relays.reason[2:], ["shed_feeder"] * 2)

    def test_one_circuit_at_twice_its_limit_opens_alone_and_gets_a_trial(self):
        node, hardware = started()
        fakes.run(node, hardware, 1000)
        hardware.i2c.set_ma(2, 19_900)
        fakes.run(node, hardware, 960)
        self.assertEqual(self.relays(node), [1, 1, 0, 1])
        self.assertEqual(node.relays.reason[2], "shed_circuit")
        hardware.i2c.set_ma(2, 0)
        fakes.run(node, hardware, 28_000)
        self.assertEqual(node.relays.closed[2], 0)
        fakes.run(node, hardware, 4_000)
        self.assertEqual(node.relays.closed[2], 1)

    def test_a_trial_that_overloads_is_shed_within_1_s_and_waits_longer(self):
        node, hardware = started()
        fakes.run(node, hardware, 1000)
        hardware.i2c.set_ma(2, 12_000)
        fakes.run(node, hardware, 5_000)
        self.assertEqual(node.relays.closed[2], 0)
        hardware.i2c.set_ma(2, 0)
        while not node.relays.closed[2]:
            fakes.run(node, hardware, node.tick_ms)
        hardware.i2c.set_ma(2, 12_000)
        fakes.run(node, hardware, 960)
        self.assertEqual(node.relays.closed[2], 0)
        hardware.i2c.set_ma(2, 0)
        fakes.run(node, hardware, 55_000)
        self.assertEqual(node.relays.closed[2], 0)
        fakes.run(node, hardware, 8_000)
        self.assertEqual(node.relays.closed[2], 1)

    def test_without_a_converter_loads_count_as_rated(self):
        node, hardware = started()
        fakes.run(node, hardware, 1000)
        hardware.i2c.absent = True
        fakes.run(node, hardware, 7_000)
        self.assertEqual(node.readings.state, ["missing"] * 4)
        self.assertEqual(self.relays(node), [1, 1, 0, 0])
        self.assertEqual(node.relays.reason[3], "safe_sensor")

    def test_a_converter_that_comes_late_is_used(self):
        converter = fakes.Converter(fakes.Time(), 0.03)
        converter.absent = True
        node, hardware = started(converter)
        fakes.run(node, hardware, 1000)
        converter.absent = False
        converter.set_ma(0, 5_000)
        fakes.run(node, hardware, 4000)
        self.assertTrue(abs(node.readings.last_ma[0] - 5000) < 50)

    def test_the_watchdog_is_fed_by_every_tick(self):
        node, hardware = started()
        fakes.run(node, hardware, 4000)
        self.assertEqual(hardware.fed, 100)
        self.assertEqual(node.dropped, 0)

    def test_late_ticks_are_dropped_and_counted(self):
        node, hardware = started()
        fakes.run(node, hardware, 400)
        hardware.time.pass_ms(100)
        node.tick()
        self.assertEqual(node.dropped, 2)
        fed = hardware.fed
        node.tick()
        self.assertEqual(hardware.fed, fed)

    def test_status_prints(self):
        node, hardware = started()
        for channel in range(4):
            hardware.i2c.set_ma(channel, 1000 * (channel + 1))
        fakes.run(node, hardware, 2000)
        node.relays.open(3, "override")
        lines = status.lines(node)
        self.assertEqual(lines[0].split(), ["circuit", "mA", "sensor", "relay", "reason"])
        for i in range(4):
            words = lines[1 + i].split()
            self.assertEqual(words[:3], ["load", str(i), str(node.readings.last_ma[i])])
            state = ["open", "override"] if i == 3 else ["closed", "safe_link"]
            self.assertEqual(words[3:], ["ok"] + state)
        load_ma = list(node.protection.load_ma)
        self.assertEqual(lines[5], "load mA %s limit mA [20000, 0, 0]" % load_ma)
        self.assertEqual(lines[6:8], ["plan 0.0 expired", "up 2 s, boot 1"])
        self.assertEqual(lines[8], "reset power_on, failed starts 0")
        self.assertEqual(lines[9], "longest tick %d us, dropped 0" % node.longest_us)
        self.assertEqual(len(lines), 10)

    def test_status_tells_of_the_link(self):
        hardware = fakes.Hardware()
        hardware.network.flags = 8
        node = app.App(fakes.configuration(), fakes.secrets(bytes(32)), hardware)
        node.start()
        fakes.run(node, hardware, 1000)
        line = status.lines(node)[-1]
        self.assertEqual(line, "answers 0, errors 1 %s" % node.client.last_error)


if __name__ == "__main__":
    unittest.main()
