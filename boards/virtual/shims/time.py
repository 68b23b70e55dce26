"""`time` of the ESP8266 port on the virtual board's clock.

The epoch is 2000-01-01. Clock and ticks start at every start of the chip: power-on or reset, not a
soft reboot.
"""

import _board

ticks_ms = _board.ticks_ms
ticks_us = _board.ticks_us
ticks_cpu = _board.ticks_us
sleep_us = _board.sleep_us

# Both are small integers, as all that is reckoned with them: the C function allocates nothing.
_MASK = (1 << 30) - 1
_HALF = 1 << 29


def ticks_add(ticks, delta):
    return (ticks + delta) & _MASK


def ticks_diff(end, start):
    return ((end - start + _HALF) & _MASK) - _HALF


def sleep_ms(ms):
    sleep_us(ms * 1000)


def sleep(seconds):
    sleep_us(int(seconds * 1000000))


def time():
    return _board.uptime_s()


def time_ns():
    return _board.uptime_s() * 1000000000


def gmtime(seconds=None):
    seconds = time() if seconds is None else seconds
    return (
        2000,
        1,
        1 + seconds // 86400,
        seconds // 3600 % 24,
        seconds // 60 % 60,
        seconds % 60,
        5,
        1,
    )


localtime = gmtime
