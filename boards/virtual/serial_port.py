"""The virtual board's serial port: a terminal device of this machine, and a TCP port that pyserial
opens as ``socket://``.
"""

from __future__ import annotations

import contextlib
import os
import pty
import socket
import tty


class SerialPort:
    """Two ends of one cable: what either one types reaches the board, what it says goes to both.

    The TCP port listens on loopback, for one client at a time; a newer one takes over. The device
    is there because mpremote's ``repl`` waits for a file descriptor, which pyserial's ``socket://``
    does not have.
    """

    def __init__(self, port: int = 0) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self._listener.setblocking(False)
        self._client: socket.socket | None = None
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
        return f"socket://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def waitable(self) -> list[socket.socket | int]:
        """What becomes readable when there is something to do."""
        return [self._terminal, self._listener, *([self._client] if self._client else [])]

    def read(self) -> bytes:
        """What has been typed by now."""
        with contextlib.suppress(BlockingIOError):
            return os.read(self._terminal, 4096)
        self._accept()
        if self._client is None:
            return b""
        try:
            data = self._client.recv(4096)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._drop()
        return data

    def write(self, data: bytes) -> None:
        """Send to whoever listens; without anybody it is lost, as on a cable."""
        with contextlib.suppress(BlockingIOError):  # its buffer is full: nobody reads there
            os.write(self._terminal, data)
        if self._client is None:
            return
        try:
            self._client.setblocking(True)
            self._client.sendall(data)
            self._client.setblocking(False)
        except OSError:
            self._drop()

    def close(self) -> None:
        """Close the port."""
        self._drop()
        self._listener.close()
        os.close(self._far_end)
        os.close(self._terminal)

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            client, _ = self._listener.accept()
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._drop()
            self._client = client

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
