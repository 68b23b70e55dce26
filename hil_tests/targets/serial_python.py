"""A MicroPython board at a serial port, by mpremote's own transport."""

from __future__ import annotations

from contextlib import suppress

from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

BAUD = 115_200


class SerialPython:
    """Runs Python beside whatever runs there; nothing is reset by it."""

    def __init__(self, port: str) -> None:
        """``port`` is a device, or an address that pyserial opens. Raises TransportError."""
        self._port = port
        self._transport = SerialTransport(port, BAUD, exclusive=False)
        self._heard = b""

    def exec(self, code: str) -> str:
        """What it printed. Raises RuntimeError with the board's own words."""
        self.serial_text()
        try:
            self._transport.enter_raw_repl(soft_reset=False)
            output: bytes = self._transport.exec(code)
        except TransportError as error:
            raise RuntimeError(f"{self._port}: {error}") from error
        finally:
            with suppress(TransportError):
                self._transport.exit_raw_repl()
        return output.decode().replace("\r\n", "\n")

    def put_file(self, name: str, content: bytes) -> None:
        """Write a file. Raises RuntimeError."""
        self.exec(f"f = open({name!r}, 'wb')\nf.write({content!r})\nf.close()")

    def serial_text(self) -> str:
        """What it has said by now when nobody asked."""
        serial = self._transport.serial
        waiting = serial.in_waiting
        if waiting:
            self._heard += serial.read(waiting)
        return self._heard.decode(errors="replace")

    def hold_in_reset(self, is_held: bool) -> None:
        """By the adaptor's line RTS, as esptool does. Raises OSError where there is none."""
        serial = self._transport.serial
        serial.dtr = False
        serial.rts = is_held

    def close(self) -> None:
        """Let go of the port."""
        self._transport.close()
