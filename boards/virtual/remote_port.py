"""A serial adaptor on this machine's loopback: RFC 2217, which carries the rate and the lines DTR
and RTS besides the data. pyserial opens it as ``rfc2217://``.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from serial.rfc2217 import IAC, IAC_DOUBLED, PortManager

from boards.virtual.adaptor import Adaptor
from boards.virtual.line_faults import LineFaults


class RemotePort:
    """One end of the cable to the module; one client at a time, a newer one takes over.

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
        self.faults = LineFaults()
        self._on_data = on_data
        self._listener: socket.socket | None = socket.create_server(("127.0.0.1", port))
        self._listener.setblocking(False)
        self._port = self._listener.getsockname()[1]
        self._client: socket.socket | None = None
        self._settings = _Settings(self)
        self._manager: PortManager | None = None

    @property
    def url(self) -> str:
        """What to give to esptool, mpremote and any program that uses pyserial."""
        return f"rfc2217://127.0.0.1:{self._port}"

    @property
    def baud(self) -> int:
        """The rate that the client has set."""
        return self._settings.baudrate

    @property
    def waitable(self) -> list[socket.socket]:
        """What becomes readable when there is something to do."""
        return [end for end in (self._listener, self._client) if end is not None]

    def serve(self) -> None:
        """Do what clients have asked for by now."""
        self._accept()
        if self._client is None:
            return
        try:
            data = self._client.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._take(data)
        else:
            self._drop()

    def write(self, data: bytes) -> None:
        """Send to the client; without one it is lost, as on a cable."""
        self._send(self.faults.to_host.pass_on(data).replace(IAC, IAC_DOUBLED))

    def unplug(self) -> None:
        """The adaptor disappears, with whoever is connected."""
        self._drop()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def plug(self) -> None:
        """It is there again, under the same address."""
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self._port))
            self._listener.setblocking(False)

    def close(self) -> None:
        """Close the port for good."""
        self.unplug()

    def deliver(self) -> None:
        """Pass on what has come before the rate or a line changes."""
        data = bytes(self._settings.received)
        self._settings.received.clear()
        if data:
            self._on_data(self.faults.to_chip.pass_on(data), self.baud)

    def _take(self, data: bytes) -> None:
        assert self._manager is not None
        for byte in self._manager.filter(data):
            self._settings.received += byte
        self.deliver()
        if self.faults.passes(len(data)):
            self.unplug()

    def _send(self, data: bytes) -> None:
        if self._client is None:
            return
        try:
            self._client.setblocking(True)
            self._client.sendall(data)
            self._client.setblocking(False)
        except OSError:
            self._drop()

    def _accept(self) -> None:
        if self._listener is None:
            return
        try:
            client, _ = self._listener.accept()
        except BlockingIOError:
            return
        self._drop()
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client = client
        self._settings = _Settings(self)
        self._manager = PortManager(self._settings, self._settings)

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
            self.adaptor.release()


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
        self._port._send(data)

    def reset_input_buffer(self) -> None:
        """What the module has said is with the client already: nothing is kept here."""

    def reset_output_buffer(self) -> None:
        """What the client has said is with the module already."""
        self._port.deliver()
