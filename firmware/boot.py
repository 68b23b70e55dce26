"""First of all the relays: their pins to off, their coils without supply.

The pins are those of the ESP12F relay module and stand here, so that nothing has to be read or
parsed before: an output made without a value would be high, which on this board is on. The file
goes onto every board as it is; a test holds it to boards/esp12f_relay_x4/board.toml.
"""

from machine import Pin

GATE_PIN = 5
RELAY_PINS = (16, 14, 12, 13)
OFF = 0

# Only a node that has run since the chip's start has raised it.
_was_running = Pin(GATE_PIN)()
Pin(GATE_PIN, Pin.OUT, value=0)
for _pin in RELAY_PINS:
    Pin(_pin, Pin.OUT, value=OFF)

import network  # noqa: E402

# The interpreter opens an access point with a public password at its first start.
network.WLAN(network.AP_IF).active(False)

import os  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402

# A soft reboot of the interpreter ends the node, but nothing ends its watchdog: unless fed it
# resets the chip in 3 s. mpremote without `resume` leads here, and no main.py runs after it. Where
# that happens twice only the clock tells: the chip gets here sooner after its start.
if (_was_running or time.ticks_ms() > 5_000) and "maintenance" not in os.listdir("/"):
    from machine import WDT, Timer

    _watchdog = WDT()

    def _feed(timer):
        app = sys.modules.get("node.app")
        if app and app.current:
            timer.deinit()  # it feeds for itself
        else:
            _watchdog.feed()

    _timer = Timer(-1)
    _timer.init(period=500, mode=Timer.PERIODIC, callback=_feed)
    print("headroom: soft reboot, all relays off; main.py or a reset starts the node again")
