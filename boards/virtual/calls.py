"""What the program on the board asks of the rest of it: pins, files, sockets, what the chip keeps
over a reset.

``t`` is always the simulated time of the call, in us.
"""

from __future__ import annotations

from typing import Any

from boards.virtual.files import Files
from boards.virtual.flash import Flash, PowerLost
from boards.virtual.network import Network
from boards.virtual.pins import Pins
from boards.virtual.plant import Plant

# machine.reset_cause() of the ESP8266 port, which counts as the SDK's rst_info does: 1 is the
# hardware watchdog, which the SDK feeds and which is not modelled; 2 and 3 have no names there.
RESET_CAUSES = {"power_on": 0, "exception": 2, "wdt": 3, "soft": 4, "deep_sleep": 5, "hard": 6}

RTC_MEMORY_BYTES = 492
_ENODEV, _EINVAL = -19, -22


class Calls:
    """Answers the processor's calls.

    ``cause`` is why the chip started, ``watchdog`` its watchdog as the clock reports it (None if
    none was made), ``seed`` that of the present run.
    """

    def __init__(
        self, board: dict[str, Any], unique_id: int, pins: Pins, plant: Plant, network: Network
    ) -> None:
        self.board = board
        self.unique_id = unique_id
        self.pins = pins
        self.plant = plant
        self.network = network
        self.cause = "power_on"
        self.seed = 0
        self.rtc = bytes(0)
        self.watchdog: dict[str, float] | None = None
        self._flash: Flash | None = None
        self._files: Files | None = None

    def mount(self, flash: Flash) -> None:
        """The processor starts: its file system, with no file open."""
        self._flash, self._files = flash, Files(flash)
        flash.take_busy_us()

    def unmount(self) -> None:
        """The processor has ended."""
        if self._files is not None:
            self._files.detach()
            self._files = None

    def serve(self, name: str, args: list[Any], t: float) -> dict[str, Any]:
        """Serve one call. Raises PowerLost when the flash's power went in it."""
        if name in ("pin_mode", "pin_write"):
            return self._serve_pin(name, args, t)
        handler = getattr(self, f"_call_{name}", None)
        if handler is not None:
            return {"r": handler(t, *args)}
        assert self._files is not None
        assert self._flash is not None
        result = self._files.call(name, *args)
        if not self._flash.powered:
            raise PowerLost
        return {"r": result, "us": self._flash.take_busy_us()}

    def _serve_pin(self, name: str, args: list[Any], t: float) -> dict[str, Any]:
        if name == "pin_mode":
            self.pins.set_mode(int(args[0]), bool(args[1]), int(args[2]), t)
        else:
            self.pins.write(int(args[0]), int(args[1]), t)
        return {"r": 0, "changes": self.plant.follow(self.pins, t)}

    def _call_pin_read(self, t: float, pin: int) -> int:
        return self.pins.read(pin, t)

    def _call_pwm(self, t: float, pin: int, duty: int, _: int) -> int:
        self.pins.set_pwm(pin, duty, t)
        return 0

    def _call_i2c_pins(self, _t: float, scl: int, sda: int, *_: int) -> int:
        wired = (self.board["scl_pin"], self.board["sda_pin"])
        return 0 if (scl, sda) == wired else _ENODEV

    def _call_reset_cause(self, _t: float, *_: int) -> int:
        return RESET_CAUSES[self.cause]

    def _call_watchdog_made(self, _t: float, start_us: float, reset_us: float) -> int:
        # Told at once and not with the next report: a program that never returns gives none.
        self.watchdog = {"startUs": start_us, "resetUs": reset_us}
        return 0

    def _call_random_seed(self, _t: float, *_: str) -> str:
        return str(self.seed)

    def _call_unique_id(self, _t: float, *_: int) -> str:
        return self.unique_id.to_bytes(4, "little").decode("latin-1")

    def _call_rtc_read(self, _t: float, _handle: int, _size: int) -> str:
        return self.rtc.decode("latin-1")

    def _call_rtc_write(self, _t: float, _handle: int, data: str) -> int:
        if len(data) > RTC_MEMORY_BYTES:
            return _EINVAL
        self.rtc = data.encode("latin-1")
        return 0

    def _call_wlan_active(self, t: float, interface: int, on: int, _: int) -> int:
        return self.network.wlan_active(interface, on, t)

    def _call_wlan_connect(self, t: float, _ssid: str, _key: str) -> int:
        return self.network.wlan_connect(t)

    def _call_wlan_disconnect(self, _t: float, *_: str) -> int:
        return self.network.wlan_disconnect()

    def _call_wlan_status(self, t: float, interface: int, what: int, _: int) -> int:
        return self.network.wlan_status(interface, what, t)

    def _call_socket(self, t: float, *_: int) -> int:
        return self.network.socket(t)

    def _call_datagram_socket(self, _t: float, *_: int) -> int:
        return self.network.datagram_socket()

    def _call_bind(self, _t: float, handle: int, _host: str, port: int) -> int:
        return self.network.bind(handle, port)

    def _call_listen(self, _t: float, handle: int, backlog: int, *_: int) -> int:
        return self.network.listen(handle, backlog)

    def _call_accept(self, t: float, handle: int, *_: int) -> int:
        return self.network.accept(handle, t)

    def _call_membership(self, t: float, handle: int, group: str, join: int) -> int:
        return self.network.membership(handle, group, join, t)

    def _call_send_to(self, _t: float, handle: int, host: str, port: int) -> int:
        return self.network.send_to(handle, host, port)

    def _call_source(self, _t: float, handle: int, *_: int) -> str:
        host, port = self.network.source(handle)
        return f"{host}:{port}"

    def _call_connect(self, t: float, handle: int, host: str, port: int) -> int:
        return self.network.connect(handle, host, port, t)

    def _call_poll(self, t: float, handle: int, *_: int) -> int:
        return self.network.poll(handle, t)

    def _call_send(self, t: float, handle: int, data: str) -> int:
        return self.network.send(handle, data.encode("latin-1"), t)

    def _call_recv(self, t: float, handle: int, size: int) -> str | int:
        result = self.network.recv(handle, size, t)
        return result.decode("latin-1") if isinstance(result, bytes) else result

    def _call_close(self, _t: float, handle: int, *_: int) -> int:
        return self.network.close(handle)
