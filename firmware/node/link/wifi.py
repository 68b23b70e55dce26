"""Keeps the board in its network: asks to connect when it is not, and never waits for it.

The chip's Wi-Fi can hang, whatever it says of itself; only a reset of the chip ends that. A
coordinator that refuses connections shows that it does not hang, and where it is silent, switched
off for instance, so does the gateway, or any client of the board's own server. Where all of them
are silent one short reset is tried, and rarely.
"""

from micropython import const

# The interpreter retries by itself; asking again helps only when it has given up.
_ASK_AGAIN_S = const(20)
# A start resets the Wi-Fi, too: 6 h of uptime first make it at most one reset every 6 h.
_APART_S = const(21_600)
_CUT_OFF_S = const(900)


class Wifi:
    def __init__(self, wlan, ssid, password, clock):
        self._wlan = wlan
        self._ssid = ssid
        self._password = password
        self._clock = clock
        self._asked_s = -_ASK_AGAIN_S
        self._heard_s = 0

    def step(self):
        """Whether there is a network now."""
        if not self._ssid or self._wlan.isconnected():
            return True
        if self._clock.up_s - self._asked_s >= _ASK_AGAIN_S:
            self._asked_s = self._clock.up_s
            self._wlan.active(True)
            self._wlan.connect(self._ssid, self._password)
        return False

    def rssi_dbm(self):
        """Strength of the access point's signal; 0 = not known: the SDK then says 31."""
        return min(self._wlan.status("rssi"), 0)

    def gateway(self):
        return self._wlan.ifconfig()[2]

    def is_wedged(self, is_cut_off, heard_s):
        """Whether a reset of the chip is the one thing left; asked at least every few seconds.

        `is_cut_off`: no plan holds any more, and every circuit is in its safe state. `heard_s` is
        the uptime when the client last heard anything.
        """
        up_s = self._clock.up_s
        self._heard_s = max(self._heard_s, heard_s) if is_cut_off else up_s
        return up_s >= _APART_S and up_s - self._heard_s >= _CUT_OFF_S
