"""`network` of the ESP8266 port: a station that connects when the virtual network is up."""

import _board

STA_IF = 0
AP_IF = 1
STAT_IDLE = 0
STAT_CONNECTING = 1
STAT_GOT_IP = 5


class WLAN:
    IF_STA = STA_IF
    IF_AP = AP_IF

    def __init__(self, interface=STA_IF):
        self.interface = interface

    def active(self, on=None):
        if on is None:
            return bool(_board.call("wlan_active", self.interface, -1, 0))
        _board.call("wlan_active", self.interface, int(on), 0)

    def connect(self, ssid=None, key=None):
        _board.text("wlan_connect", ssid or "", key or "")

    def disconnect(self):
        _board.text("wlan_disconnect", "", "")

    def isconnected(self):
        return self.status() == STAT_GOT_IP

    def status(self, what=None):
        if what not in (None, "rssi"):
            raise ValueError("unknown status param")
        return _board.call("wlan_status", self.interface, 0 if what is None else 1, 0)

    def ifconfig(self, *config):
        return ("192.168.4.2", "255.255.255.0", "192.168.4.1", "192.168.4.1")

    def config(self, *names, **values):
        if names == ("mac",):
            return b"\x5c\xcf\x7f\x00\x00\x01"
        if names == ("rssi",):
            return self.status("rssi")
        return None


def hostname(name=None):
    return "headroom"
