"""The serial port as an adaptor on this machine's loopback: RFC 2217, which carries the rate and
the lines DTR and RTS besides the data. pyserial opens it as ``rfc2217://``.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from serial.rfc2217 import IAC, IAC_DOUBLED, PortManager

from boards.virtual.adaptor import Adaptor
from boards.virtual.outlet import Outlet


class RemotePort:
    """A far end of the cable to the module.

    ``on_data`` gets what a client sends and the rate it sends at, ``drive`` the levels of EN and
    GPIO0.
    """

    def __init__(
        self,
        on_data: Callable[[bytes, int], None],
        drive: Callable[[bool, bool], None],
        port: int = 0,
    ) -> None:
        self.adaptor = Adaptor(drive)
        self.agreed = 0  # how often a client has set the rate, which it does with all else
        self.outlet = Outlet(port, self._greet, self.adaptor.release)
        self._on_data = on_data
        self._settings = _Settings(self)
        self._manager: PortManager | None = None

    @property
    def url(self) -> str:
        """What to give to esptool, mpremote and any program that uses pyserial."""
        return f"rfc2217://{self.outlet.address}"

    @property
    def baud(self) -> int:
        """The rate that the client has set."""
        return self._settings.baudrate

    @property
    def waitable(self) -> list[socket.socket]:
        """What becomes readable when there is something to do."""
        return self.outlet.waitable

    def serve(self) -> None:
        """Do what the client has asked for by now."""
        data = self.outlet.read()
        if data:
            assert self._manager is not None
            for byte in self._manager.filter(data):
                self._settings.received += byte
            self.deliver()

    def write(self, data: bytes) -> None:
        """Send to the client; without one it is lost, as on a cable."""
        self.outlet.write(data.replace(IAC, IAC_DOUBLED))

    def close(self) -> None:
        """Close the port."""
        self.outlet.close()

    def deliver(self) -> None:
        """Pass on what has come so far, before the rate or a line changes."""
        data = bytes(self._settings.received)
        self._settings.received.clear()
        if data:
            self._on_data(data, self.baud)

    def _greet(self) -> None:
        self._settings = _Settings(self)
        self._manager = PortManager(self._settings, self._settings)


class _Settings:
    """What pyserial's server side sets, as it would on a serial port of this machine."""

    bytesize, parity, stopbits = 8, "N", 1
    xonxoff = rtscts = break_condition = False
    cts = dsr = cd = True
    ri = False

    def __init__(self, port: RemotePort) -> None:
        self.received = bytearray()
        self._port = port
        self._baud = 9600

    @property
    def baudrate(self) -> int:
        return self._baud

    @baudrate.setter
    def baudrate(self, baud: int) -> None:
        self._port.deliver()
        self._port.agreed += 1
        self._baud = baud

    @property
    def dtr(self) -> bool:
        return self._port.adaptor.dtr

    @dtr.setter
    def dtr(self, asserted: bool) -> None:
        self._port.deliver()
        self._port.adaptor.set_dtr(asserted)

    @property
    def rts(self) -> bool:
        return self._port.adaptor.rts

    @rts.setter
    def rts(self, asserted: bool) -> None:
        self._port.deliver()
        self._port.adaptor.set_rts(asserted)

    def write(self, data: bytes) -> None:
        """The server's own words to the client."""
        self._port.outlet.write(data)

    def reset_input_buffer(self) -> None:
        """What the module has said is with the client already: nothing is kept here."""

    def reset_output_buffer(self) -> None:
        """What the client has said is with the module already."""
        self._port.deliver()
