"""A small board for tests: honest about time, and nothing on it allocates once it is made."""

import sys

if sys.implementation.name == "cpython":
    sys.path.append(__file__.rsplit("/", 2)[0] + "/cpython")

from fakes.files import Files
from fakes.network import Network, Visitor, Wlan
from fakes.sensing import Converter, QuietConverter, Time

__all__ = [
    "Converter",
    "Files",
    "Hardware",
    "Network",
    "Pin",
    "QuietConverter",
    "Time",
    "Visitor",
    "Wlan",
    "board_circuit",
    "circuit",
    "configuration",
    "run",
    "secrets",
]


class Pin:
    def __init__(self, number, value):
        self.number = number
        self.level = value
        self.edges = 0

    def __call__(self, level):
        self.edges += level != self.level
        self.level = level


class Hardware:
    def __init__(self, converter=None, server=None):
        self.time = converter.time if converter else Time()
        self.i2c = converter or QuietConverter(self.time)
        self.files = Files()
        self.network = Network(server)
        self.station = Wlan()
        self.reset = "power_on"
        self.rtc = b""
        self.pins = {}
        self.fed = 0
        self.restarts = 0

    def pin(self, number, value):
        self.pins[number] = Pin(number, value)
        return self.pins[number]

    def wlan(self):
        return self.station

    def randint(self, low, _high):
        return low

    def memory(self, content=None):
        """The RTC memory: what was written last."""
        if content is not None:
            self.rtc = bytes(content)
        return self.rtc

    def restart(self):
        self.restarts += 1

    def heap_free(self):
        return 20_000

    def feed(self):
        self.fed += 1


def circuit(**given):
    """A circuit's configuration as a board would have it, merged with `given`."""
    merged = {
        "name": "load",
        "phase": 1,
        "pin": 16,
        "channel": 0,
        "rated_ma": 10_000,
        "limit_ma": 10_000,
        "priority": 4,
        "kind": "deferrable",
        "safe": "keep",
        "default": "on",
        "sensor": "ct",
        "ct_ma_per_v": 30_000,
        "spiky_percent": 32,
        "shunt_uohm": 0,
        "price_ceiling_eur_mwh": 2_748,
        "price_hysteresis_eur_mwh": 10,
        "breaking_ma": 80_000,
        "no_load_s": 0,
        "min_on_s": 0,
        "min_off_s": 0,
    }
    merged.update(given)
    return merged


def board_circuit(i):
    """Circuit i of a board's configuration file, behind a contactor of 10 A in category AC-3."""
    return {
        "name": "load %d" % i,
        "pin": (16, 14, 12, 13)[i],
        "channel": i,
        "rated_ma": 10_000,
        "contactor": True,
        "breaking_ma": 80_000,
        "priority": i + 1,
        "min_off_s": 0,
        "safe": "on",
    }


def configuration(**given):
    """A whole configuration: four circuits on L1 of a 25 A feeder, priorities 1 to 4."""
    from node import config

    board = {
        "id": "flat-1",
        "feeder": {"rating_ma": [25_000, 0, 0], "safe_limit_ma": [20_000, 0, 0]},
        "circuits": [board_circuit(i) for i in range(4)],
        "timing": {"boot_delay_s": [0, 0]},
        "link": {"host": "192.168.1.10"},
    }
    board.update(given)
    return config.merge(board)


def secrets(key, site_key=b"", charge_key=b""):
    """Secrets as `config.load_secrets` gives them."""
    return {"key": key, "site_key": site_key, "charge_key": charge_key, "wifi_password": ""}


def run(app, hardware, duration_ms):
    """Ticks for `duration_ms`."""
    tick_us = app.tick_ms * 1000
    end_us = hardware.time.now_us + duration_ms * 1000
    due_us = hardware.time.now_us + tick_us
    while due_us <= end_us:
        hardware.time.now_us = max(due_us, hardware.time.now_us)
        app.tick()
        due_us += tick_us
    hardware.time.now_us = max(end_us, hardware.time.now_us)
