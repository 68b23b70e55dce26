"""`machine` of the ESP8266 port, as far as firmware uses it, over the virtual board's hardware."""

import sys

import _board
import board_gc
import uctypes

PWRON_RESET = 0
HARD_RESET = 6
SOFT_RESET = 4
WDT_RESET = 1
DEEPSLEEP_RESET = 5

_addressof = uctypes.addressof
_i2c_read = _board.i2c_read
_i2c_write = _board.i2c_write
_pin_write = _board.pin_write
_pin_read = _board.pin_read
_feed = _board.wdt_feed


def _checked(result):
    if result < 0:
        raise OSError(-result)
    return result


class Pin:
    IN = 0
    OUT = 1
    OPEN_DRAIN = 2
    PULL_UP = 1

    def __init__(self, id, mode=-1, pull=-1, value=-1):
        self.id = id
        if mode >= 0:
            self.init(mode, pull, value)

    def init(self, mode, pull=-1, value=-1):
        if mode == Pin.OUT and self.id == 16 and value < 0:
            value = 1  # the port drives GPIO16 high when it is made an output without a value
        _checked(_board.pin_mode(self.id, int(mode != Pin.IN), value))

    def value(self, level=None):
        if level is None:
            return _pin_read(self.id)
        _pin_write(self.id, 1 if level else 0)

    __call__ = value

    def on(self):
        _pin_write(self.id, 1)

    def off(self):
        _pin_write(self.id, 0)


class PWM:
    def __init__(self, dest, freq=500, duty_u16=0):
        if not 1 <= freq <= 1000 or dest.id == 16:
            raise ValueError("invalid pin or frequency")
        self._id = dest.id
        self.duty_u16(duty_u16)

    def duty_u16(self, duty):
        _board.call("pwm", self._id, duty, 0)

    def deinit(self):
        _board.call("pwm", self._id, -1, 0)


class I2C:
    def __init__(self, id=-1, scl=None, sda=None, freq=400000):
        _checked(_board.call("i2c_pins", scl.id, sda.id, 0))

    def readfrom_into(self, address, buf, stop=True):
        _checked(_i2c_read(address, _addressof(buf), len(buf)))

    def writeto(self, address, buf, stop=True):
        return _checked(_i2c_write(address, _addressof(buf), len(buf)))

    def readfrom(self, address, nbytes, stop=True):
        buf = bytearray(nbytes)
        self.readfrom_into(address, buf)
        return bytes(buf)

    def writeto_mem(self, address, register, buf, addrsize=8):
        self.writeto(address, bytes((register,)) + bytes(buf))

    def readfrom_mem_into(self, address, register, buf, addrsize=8):
        self.writeto(address, bytes((register,)))
        self.readfrom_into(address, buf)

    def scan(self):
        nothing = bytearray(1)
        return [a for a in range(8, 120) if _i2c_write(a, _addressof(nothing), 0) >= 0]


SoftI2C = I2C


class Timer:
    ONE_SHOT = 0
    PERIODIC = 1
    _running = {}

    def __init__(self, id=-1, **options):
        if id != -1:
            raise ValueError("timer id must be -1")
        self._id = id_of(self)
        if options:
            self.init(**options)

    def init(self, mode=1, period=-1, freq=-1, callback=None):
        if freq > 0:
            period = 1000 // freq
        self._callback = callback
        Timer._running[self._id] = self
        _board.timer_start(self._id, period, int(mode == Timer.PERIODIC))

    def deinit(self):
        Timer._running.pop(self._id, None)
        _board.timer_stop(self._id)


id_of = id


def _dispatch(timer_id):
    board_gc.mark(0)
    timer = Timer._running.get(timer_id)
    if timer is not None and timer._callback is not None:
        try:
            timer._callback(timer)
        except Exception as error:
            sys.print_exception(error)
    board_gc.mark(2)
    board_gc.collect()  # takes effect when this returns; the chip collects when memory is short


_board.on_timer(_dispatch)


class WDT:
    def __init__(self, id=0, timeout=5000):
        if id != 0 or timeout != 5000:
            raise ValueError("only WDT id 0 with timeout 5000")
        _board.wdt_start()

    def feed(self):
        board_gc.mark(1)
        _feed()


class RTC:
    def memory(self, data=None):
        if data is None:
            buf = bytearray(492)
            length = _checked(_board.receive("rtc_read", 0, _addressof(buf), 492))
            return bytes(buf[:length])
        if len(data) > 492:
            raise ValueError("buffer too long")
        _checked(_board.send("rtc_write", 0, _addressof(data), len(data)))

    def datetime(self, when=None):
        return (2000, 1, 1, 5, 0, 0, _board.uptime_s() % 60, 0)


def reset():
    _board.reset("soft")


def soft_reset():
    _board.reset("soft_reboot")


def reset_cause():
    return _board.call("reset_cause", 0, 0, 0)


def unique_id():
    buf = bytearray(4)
    _board.receive("unique_id", 0, _addressof(buf), 4)
    return bytes(buf)


def freq(hz=None):
    if hz is None:
        return 160000000


def idle():
    _board.sleep_us(1000)


def disable_irq():
    return 0


def enable_irq(state):
    pass
