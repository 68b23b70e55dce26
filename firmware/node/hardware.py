"""The edge: everything of the chip that the node is handed, in one place."""

import gc
import os
import random
import select
import socket
import time

import machine
import network

from node import app, drop

# What reset_cause() counts: the reasons of the SDK's rst_info.
_RESETS = ("power_on", "wdt", "exception", "wdt", "soft", "deep_sleep", "hard")
# From the chip's start to here; a soft reboot of the interpreter comes later.
_CHIP_START_MS = 5_000


class Files:
    def open(self, path, mode="r"):
        return open(path, mode)

    def rename(self, old, new):
        os.rename(old, new)

    def remove(self, path):
        os.remove(path)

    def names(self, folder):
        """The names of its files; it is made where there is none."""
        try:
            return os.listdir(folder)
        except OSError:
            os.mkdir(folder)
            return []


class Network:
    def socket(self):
        return socket.socket()

    def datagrams(self, port):
        """A UDP socket of that port, which does not block."""
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            one.setblocking(False)
            one.bind(("0.0.0.0", port))
        except OSError:
            one.close()
            raise
        return one

    def poller(self):
        return select.poll()

    def randint(self, low, high):
        """From `low` to `high`, of up to 65 536 numbers: the port has no random.randint."""
        return low + random.getrandbits(16) % (high - low + 1)


class Hardware:
    def __init__(self, pins):
        self.time = time
        self.files = Files()
        self.network = Network()
        self.randint = self.network.randint
        self.reset = _RESETS[machine.reset_cause()]
        if time.ticks_ms() > _CHIP_START_MS:
            self.reset = "soft"  # the chip runs on, and still tells why it started
        self.memory = machine.RTC().memory
        scl, sda = machine.Pin(pins["scl"]), machine.Pin(pins["sda"])
        self.i2c = machine.I2C(scl=scl, sda=sda, freq=400_000)
        self._watchdog = None

    def pin(self, number, value):
        """An output that is `value` from its first moment."""
        return machine.Pin(number, machine.Pin.OUT, value=value)

    def wlan(self):
        return network.WLAN(network.STA_IF)

    def restart(self):
        """A requested reset of the chip. Does not return."""
        machine.reset()

    def heap_free(self):
        gc.collect()
        return gc.mem_free()

    def watch(self):
        """From here on the board starts anew unless fed: every 1.5 s at least."""
        self._watchdog = machine.WDT()

    def feed(self):
        if self._watchdog:
            self._watchdog.feed()


def run():
    """Starts the node; returns at once. Says why not when the configuration does not allow it."""
    settings, secrets, uncalibrated = _configuration()
    if not settings:
        return
    machine.freq(160_000_000)
    hardware = Hardware(settings["pins"])
    board = app.App(settings, secrets, hardware)
    board.start()
    for i, why in uncalibrated:
        board.events.add("uncalibrated", i)
        print("headroom: circuit %d," % i, why)
    app.current = board
    board.timer = machine.Timer(-1)
    hardware.watch()
    board.timer.init(period=board.tick_ms, mode=machine.Timer.PERIODIC, callback=board.tick)
    print("headroom: %s runs, boot %d" % (settings["id"], board.storage.boot))


def _configuration():
    """(configuration, secrets, [(circuit, why its calibration is not used)]).

    The configuration is None when it is bad. Without secrets the board still protects; it only
    talks to nobody.
    """
    from node import calibrate, config

    settings = secrets = None
    uncalibrated = []
    try:
        settings = config.load("/config.json")
        uncalibrated = calibrate.apply(settings["circuits"] + settings["meters"], Files())
        secrets = config.load_secrets("/secrets.json")
    except config.ConfigError as error:
        print("headroom: %s," % ("no link" if settings else "not started"), error)
    # Their rules are needed once a start: 4 KiB of heap back.
    drop(config)
    drop(calibrate)
    return settings, secrets, uncalibrated
