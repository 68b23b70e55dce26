"""First of all the relays: their pins to off, their coils without supply.

The pins are those of the ESP12F relay module and stand here, so that nothing has to be read or
parsed before: an output made without a value would be high, which on this board is on. The file
goes onto every board as it is; a test holds it to boards/esp12f_relay_x4/board.toml.
"""

from machine import Pin

GATE_PIN = 5
RELAY_PINS = (16, 14, 12, 13)
OFF = 0

Pin(GATE_PIN, Pin.OUT, value=0)
for _pin in RELAY_PINS:
    Pin(_pin, Pin.OUT, value=OFF)

import network  # noqa: E402

# The interpreter opens an access point with a public password at its first start.
network.WLAN(network.AP_IF).active(False)
