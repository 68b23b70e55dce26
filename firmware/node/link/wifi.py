"""Keeps the board in its network: asks to connect when it is not, and never waits for it."""

from micropython import const

# The interpreter retries by itself; asking again helps only when it has given up.
_ASK_AGAIN_S = const(20)


class Wifi:
    def __init__(self, wlan, ssid, password, clock):
        self._wlan = wlan
        self._ssid = ssid
        self._password = password
        self._clock = clock
        self._asked_s = -_ASK_AGAIN_S

    def step(self):
        """Whether there is a network now."""
        if not self._ssid or self._wlan.isconnected():
            return True
        if self._clock.up_s - self._asked_s >= _ASK_AGAIN_S:
            self._asked_s = self._clock.up_s
            self._wlan.active(True)
            self._wlan.connect(self._ssid, self._password)
        return False
