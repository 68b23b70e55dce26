"""The time, and converters that take theirs."""

import math

TICKS_WRAP = 1 << 30


class Time:
    """A clock that only tests and sleeping move; wraps as the board's does."""

    def __init__(self, start_us=0):
        self.now_us = start_us

    def ticks_us(self):
        return self.now_us % TICKS_WRAP

    def ticks_ms(self):
        return self.now_us // 1000 % TICKS_WRAP

    def ticks_diff(self, later, earlier):
        return (later - earlier + TICKS_WRAP // 2) % TICKS_WRAP - TICKS_WRAP // 2

    def sleep_us(self, wait_us):
        self.now_us += wait_us

    def pass_ms(self, passed_ms):
        self.now_us += passed_ms * 1000


class Converter:
    """An ADS1115 on an I2C bus, for sines: each conversion is the sine's mean over its time.

    Runs on microseconds as small integers: amplitude and bias are in counts.
    """

    BYTE_US = 95  # bit-banged at 160 MHz, the address is one too

    def __init__(self, time, rate_error=0.0, mains_hz=50):
        self.time = time
        self.second_us = 1e6 / (1 + rate_error)
        self.mains_hz = mains_hz
        self.phase = 0.0
        self.bias = [13200.0] * 4
        self.peak = [0.0] * 4
        self.noise = lambda: 0
        self.absent = False
        self._pointer = 0
        self._config = 0x0583
        self._begun_us = None

    def writeto(self, _address, data):
        self._transfer(len(data))
        self._pointer = data[0]
        if len(data) == 3:
            self._config = data[1] << 8 | data[2]
            runs = not self._config & 0x0100 or self._config & 0x8000
            self._begun_us = self.time.now_us + 25 if runs else None

    def readfrom_into(self, _address, buffer):
        value = self._conversion() if self._pointer == 0 else self._status()
        self._transfer(len(buffer))
        buffer[0] = value >> 8 & 0xFF
        buffer[1] = value & 0xFF

    def _transfer(self, length):
        if self.absent:
            raise OSError(19, "no device")
        self.time.now_us += self.BYTE_US * (1 + length)

    def _length_us(self):
        return self.second_us / (860 if self._config & 0xE0 else 8)

    def _status(self):
        done = self.time.now_us >= self._begun_us + self._length_us()
        return self._config & 0x7FFF | (0x8000 if done else 0)

    def _conversion(self):
        length_us = self._length_us()
        k = int((self.time.now_us - self._begun_us) / length_us)
        if k < 1:
            return 0
        end_us = self._begun_us + k * length_us
        return self.count((self._config >> 12) & 3, end_us - length_us, end_us)

    def count(self, channel, from_us, to_us):
        turn = 2 * math.pi * self.mains_hz / 1e6
        low, high = turn * from_us + self.phase, turn * to_us + self.phase
        mean = (math.cos(low) - math.cos(high)) / (high - low)
        count = self.bias[channel] + self.peak[channel] * mean + self.noise()
        return max(0, min(26400, int(count + 0.5)))

    def set_ma(self, channel, current_ma, ct_ma_per_v=30_000):
        self.peak[channel] = current_ma / ct_ma_per_v * 8000 * math.sqrt(2)


class QuietConverter:
    """Conversions from a table, at no cost and with no allocation: for counting bytes."""

    def __init__(self, time):
        self.time = time
        self._k = 0
        self._is_polled = False
        # About 1.65 A.
        self._table = [13200, 13600, 13825, 13725, 13375, 12975, 12625, 12575, 12850, 13175]
        self._config = 0

    def writeto(self, _address, data):
        if len(data) == 3:
            self._config = data[1]
            self._is_polled = False

    def readfrom_into(self, _address, buffer):
        self._k = (self._k + 1) % 7919
        value = self._table[self._k % 10]
        if not self._config & 1:
            buffer[0] = value >> 8
            buffer[1] = value & 0xFF
        else:
            buffer[0] = 0x80 if self._is_polled else 0
            self._is_polled = True
            self.time.now_us += 20_000
