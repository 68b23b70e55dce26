"""The virtual board's serial port: a terminal device of this machine, and a TCP port that pyserial
opens as ``socket://``.
"""

from __future__ import annotations

import contextlib
import os
import pty
import socket
import tty

from boards.virtual.outlet import Outlet


class SerialPort:
    """Two ends of one cable: what either one types reaches the board, what it says goes to both.

    The device is there because mpremote's ``repl`` waits for a file descriptor, which pyserial's
    ``socket://`` does not have.
    """

    def __init__(self, port: int = 0) -> None:
        self.outlet = Outlet(port)
        # The far end is held open here too: without that, reading fails once a client has gone.
        self._terminal, self._far_end = pty.openpty()
        tty.setraw(self._far_end)
        os.set_blocking(self._terminal, False)

    @property
    def device(self) -> str:
        """The terminal device: for ``mpremote ... repl`` and terminal programs."""
        return os.ttyname(self._far_end)

    @property
    def url(self) -> str:
        """What to give to pyserial programs that wait for no file descriptor."""
        return f"socket://{self.outlet.address}"

    @property
    def waitable(self) -> list[socket.socket | int]:
        """What becomes readable when there is something to do."""
        return [self._terminal, *self.outlet.waitable]

    def read(self) -> bytes:
        """What has been typed by now."""
        with contextlib.suppress(BlockingIOError):
            return os.read(self._terminal, 4096)
        return self.outlet.read()

    def write(self, data: bytes) -> None:
        """Send to whoever listens; without anybody it is lost, as on a cable."""
        with contextlib.suppress(BlockingIOError):  # its buffer is full: nobody reads there
            os.write(self._terminal, data)
        self.outlet.write(data)

    def close(self) -> None:
        """Close the port."""
        self.outlet.close()
        os.close(self._far_end)
        os.close(self._terminal)
