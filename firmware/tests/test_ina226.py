"""The INA226's driver: set-up, scale, sign, both ends of its range, and what is no reading."""

import sys
import unittest

import fakes
from node import app
from node.sensing.ina226 import Ina226


class Bus:
    """INA226 parts on a bus, by address: registers as written and read, and nothing else."""

    def __init__(self):
        self.time = fakes.Time()
        self.parts = {}
        self._pointer = {}

    def add(self, address, shunt=0):
        part = {0: 0x4127, 1: shunt, 6: 0x0008, 0xFE: 0x5449, 0xFF: 0x2260}
        self.parts[address] = part
        return part

    def writeto(self, address, data):
        part = self._part(address)
        self._pointer[address] = data[0]
        if len(data) == 3:
            part[data[0]] = data[1] << 8 | data[2]

    def readfrom_into(self, address, buffer):
        value = self._part(address)[self._pointer[address]]
        buffer[0] = value >> 8 & 0xFF
        buffer[1] = value & 0xFF

    def _part(self, address):
        if address not in self.parts:
            raise OSError(19, "no device")
        return self.parts[address]


def circuit(**given):
    given.setdefault("shunt_uohm", 2_000)
    return fakes.circuit(sensor="ina226", **given)


def sensor(bus, *circuits, tick_ms=40):
    hardware = fakes.Hardware()
    hardware.i2c = bus
    return Ina226(list(circuits) or [circuit()], tick_ms, hardware)


class Measuring(unittest.TestCase):
    def setUp(self):
        self.bus = Bus()
        self.part = self.bus.add(0x40)
        self.sensor = sensor(self.bus)
        self.assertTrue(self.sensor.measure(0, 0) is None)

    def measured(self, shunt):
        self.part[1] = shunt & 0xFFFF
        return self.sensor.measure(0, 160), self.sensor.current_ma

    def test_current_is_the_shunts_voltage_over_its_resistance(self):
        # 2.5 uV a count over 2 mOhm: 1.25 mA.
        for shunt, current_ma in ((4_000, 5_000), (32_766, 40_957), (33, 41)):
            self.assertEqual(self.measured(shunt), ("ok", current_ma))

    def test_either_direction_is_load(self):
        self.assertEqual(self.measured(-4_000), ("ok", 5_000))

    def test_either_end_of_the_range_is_saturated_and_at_least_full_scale(self):
        for shunt in (32_767, -32_767, -32_768):
            self.assertEqual(self.measured(shunt), ("saturated", 40_960))

    def test_an_overflow_of_its_arithmetic_is_saturated(self):
        self.part[6] |= 4
        self.assertEqual(self.measured(4_000), ("saturated", 40_960))

    def test_what_its_offset_could_fake_is_zero_and_says_so(self):
        for shunt in (0, 32, -32):
            self.assertEqual(self.measured(shunt), ("below_range", 0))

    def test_standing_still_at_any_number_is_no_fault(self):
        for shunt in (0, 4_000):
            states = {self.measured(shunt)[0] for _ in range(100)}
            self.assertEqual(len(states), 1)

    def test_without_a_new_mean_it_is_frozen(self):
        self.part[6] &= ~8
        self.assertTrue(self.sensor.measure(0, 160) is None)
        self.assertEqual(self.sensor.measure(0, 501), "frozen")

    def test_calibration_is_scale_and_offset(self):
        self.sensor = sensor(self.bus, circuit(scale_ma=42_000, offset_ma=-10))
        self.sensor.measure(0, 0)
        self.assertEqual(self.measured(4_000), ("ok", 4_000 * 42_000 // 32_768 - 10))

    def test_small_and_large_shunts(self):
        for shunt_uohm in (50, 75, 750, 100_000, 1_000_000):
            self.sensor = sensor(self.bus, circuit(shunt_uohm=shunt_uohm))
            exact_ma = 20_000 * 2_500 / shunt_uohm
            state, current_ma = self.measured(20_000)
            self.assertEqual(state, "ok")
            self.assertTrue(abs(current_ma - exact_ma) <= 1 + exact_ma / 10_000, shunt_uohm)


class SettingUp(unittest.TestCase):
    def setUp(self):
        self.bus = Bus()

    def test_each_channel_has_its_address_and_the_longest_mean_that_fits_a_tick(self):
        circuits = [circuit(channel=channel) for channel in range(4)]
        for tick_ms, setting in ((25, 0x4525), (37, 0x4525), (38, 0x452D), (40, 0x452D)):
            parts = [self.bus.add(0x40 + channel) for channel in range(4)]
            ina226 = sensor(self.bus, *circuits, tick_ms=tick_ms)
            for i in range(4):
                ina226.measure(i, 0)
            self.assertEqual([part[0] for part in parts], [setting] * 4)

    def test_a_part_that_is_not_there_is_an_oserror(self):
        with self.assertRaises(OSError):
            sensor(self.bus).measure(0, 0)

    def test_another_part_at_its_address_is_refused(self):
        for register in (0xFE, 0xFF):
            self.bus.add(0x40)[register] = 0
            with self.assertRaises(OSError):
                sensor(self.bus).measure(0, 0)

    def test_after_a_power_cut_of_its_own_it_is_set_up_anew(self):
        self.bus.add(0x40)
        ina226 = sensor(self.bus)
        ina226.measure(0, 0)
        part = self.bus.add(0x40, shunt=9_999)
        self.assertTrue(ina226.measure(0, 160) is None)
        self.assertEqual(part[0], 0x452D)
        self.assertEqual(ina226.measure(0, 160), "ok")


class InTheNode(unittest.TestCase):
    def started(self, circuits):
        hardware = fakes.Hardware()
        hardware.i2c = Bus()
        hardware.i2c.time = hardware.time
        for channel in range(4):
            hardware.i2c.add(0x40 + channel, shunt=800 * (channel + 1))
        node = app.App(fakes.configuration(circuits=circuits), None, hardware)
        node.start()
        return node, hardware

    def test_four_direct_current_circuits_are_measured_and_protected(self):
        circuits = [dict(fakes.board_circuit(i), sensor="ina226") for i in range(4)]
        for one in circuits:
            one["shunt_uohm"] = 2_000
        node, hardware = self.started(circuits)
        fakes.run(node, hardware, 1000)
        self.assertEqual(node.readings.state, ["ok"] * 4)
        self.assertEqual(list(node.readings.last_ma), [1_000, 2_000, 3_000, 4_000])
        hardware.i2c.parts[0x42][1] = 16_000
        fakes.run(node, hardware, 1000)
        self.assertEqual(list(node.relays.closed), [1, 1, 0, 1])

    @unittest.skipUnless(sys.implementation.name == "micropython", "needs gc.mem_alloc")
    def test_its_ticks_allocate_nothing(self):
        import gc

        circuits = [dict(fakes.board_circuit(i), sensor="ina226") for i in range(4)]
        for one in circuits:
            one["shunt_uohm"] = 2_000
        node, hardware = self.started(circuits)
        fakes.run(node, hardware, 2000)
        ready = hardware.i2c.parts
        gc.disable()
        before = gc.mem_alloc()
        for count in range(400):
            ready[0x41][6] = 0 if count % 100 > 50 else 8
            ready[0x42][1] = count * 80 & 0x7FFF
            for i in range(4):
                node.readings.take(i, node.sensors[i].measure(i, 160), node.sensors[i].current_ma)
        allocated = gc.mem_alloc() - before
        gc.enable()
        self.assertEqual(allocated, 0)


if __name__ == "__main__":
    unittest.main()
