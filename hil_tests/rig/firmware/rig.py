"""What runs on the rig: PWM into the sensor inputs, and an eye on each relay's contact.

A mains cycle is a table of steps. A timer puts the next step of each channel into its PWM's duty,
which a filter turns into the current transformer's voltage. Where the PWM is fast (RP2040, ESP32)
the steps make a sine; an ESP8266 has 1 kHz and timers in whole ms: two steps make a square wave
through the filter, whose RMS is known (`hil_tests/rig/filter.py`).

A load flows only while its relay's contact is closed, which the rig sees by itself.

Everything is called from the host over the REPL and answers by what it prints or returns.
"""

import math
import time

from machine import PWM, Pin, Timer

_FULL = 65535
_EDGES = 256


class Rig:
    def __init__(
        self,
        loads,
        contacts,
        mains_hz=50,
        steps=2,
        carrier_hz=1000,
        look_ms=5,
        power=-1,
        timers=(-1, -1),
    ):
        """`loads` and `contacts`: GPIO numbers, one of each per circuit. `power`: a pin that
        switches the board's supply; -1 = none. `timers`: the ids of two that are free.
        """
        if steps == 2 and 1000 % (mains_hz * steps):
            raise ValueError("mains_hz %d: two steps need whole ms" % mains_hz)
        self.count = len(loads)
        self._pins = loads
        self._carrier_hz = carrier_hz
        self._pwm = [None] * self.count
        self._contacts = [Pin(pin, Pin.IN) for pin in contacts]
        self._power = Pin(power, Pin.OUT, value=0) if power >= 0 else None
        self._closed = bytearray(self.count)
        self._swing = [0] * self.count
        self._table = table(steps)
        self._step = 0
        # Of the newest edges: when (ms of this board), relay and state.
        self._at_ms = [0] * _EDGES
        self._what = bytearray(_EDGES)
        self.edges = 0
        self._timers = [Timer(id) for id in timers]
        self._timers[0].init(freq=mains_hz * steps, mode=Timer.PERIODIC, callback=self._drive)
        self._timers[1].init(period=look_ms, mode=Timer.PERIODIC, callback=self._look)

    def stop(self):
        """No current, no timer."""
        for timer in self._timers:
            timer.deinit()
        for i in range(self.count):
            self._rest(i)

    def load(self, i, swing):
        """Circuit i's swing from now on, in 1/65535 of what the PWM can do from its middle."""
        if not 0 <= swing <= _FULL:
            raise ValueError("swing %d: 0 to %d" % (swing, _FULL))
        self._swing[i] = swing

    def power(self, on):
        """The supply of the board under test."""
        if self._power is None:
            raise ValueError("no pin switches the board's supply")
        self._power.value(on)

    def now_ms(self):
        return time.ticks_ms()

    def contacts(self):
        """Which are closed, as 0 and 1."""
        return [pin.value() for pin in self._contacts]

    def edges_after(self, n):
        """[(number, ms, relay, closed)] of the edges from number `n` on that are still kept."""
        first = max(n, self.edges - _EDGES)
        found = []
        for k in range(first, self.edges):
            what = self._what[k % _EDGES]
            found.append((k, self._at_ms[k % _EDGES], what >> 1, what & 1))
        return found

    def _drive(self, _timer):
        self._step = (self._step + 1) % len(self._table)
        level = self._table[self._step]
        for i in range(self.count):
            if self._swing[i] and self._closed[i]:
                if self._pwm[i] is None:
                    self._pwm[i] = PWM(Pin(self._pins[i]), freq=self._carrier_hz)
                self._pwm[i].duty_u16((_FULL + self._swing[i] * level // 1000) // 2)
            elif self._pwm[i] is not None:
                self._rest(i)

    def _rest(self, i):
        """The pin is let go: what the sensor's bias makes of it is no current."""
        if self._pwm[i] is not None:
            self._pwm[i].deinit()
            self._pwm[i] = None
            Pin(self._pins[i], Pin.IN)

    def _look(self, _timer):
        for i in range(self.count):
            closed = self._contacts[i].value()
            if closed != self._closed[i]:
                self._closed[i] = closed
                at = self.edges % _EDGES
                self._at_ms[at] = time.ticks_ms()
                self._what[at] = i << 1 | closed
                self.edges += 1


def table(steps):
    """One cycle in permille of the swing; two steps are a square wave."""
    if steps == 2:
        return [1000, -1000]
    return [round(1000 * math.sin(2 * math.pi * k / steps)) for k in range(steps)]
