"""A TCP port of this machine's loopback, behind which a serial port's far end is."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable


class Outlet:
    """One client at a time; others are turned away, as a serial port is that is in use.

    ``on_connect`` and ``on_drop`` are told when one comes and goes.
    """

    def __init__(
        self,
        port: int = 0,
        on_connect: Callable[[], None] = lambda: None,
        on_drop: Callable[[], None] = lambda: None,
    ) -> None:
        self._on_connect = on_connect
        self._on_drop = on_drop
        self._client: socket.socket | None = None
        self._listener: socket.socket | None = _listen(port)
        self._port = self._listener.getsockname()[1]

    @property
    def address(self) -> str:
        """``HOST:PORT``, the same as long as it lives."""
        return f"127.0.0.1:{self._port}"

    @property
    def waitable(self) -> list[socket.socket]:
        """What becomes readable when there is something to do."""
        return [end for end in (self._listener, self._client) if end is not None]

    def read(self) -> bytes:
        """What the client has sent by now; takes the next client once that has gone."""
        # All that it has sent counts before it counts as gone.
        if data := self._receive():
            return data
        self._accept()
        return b""

    def _receive(self) -> bytes:
        if self._client is None:
            return b""
        try:
            data = self._client.recv(1 << 16)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._drop()
        return data

    def write(self, data: bytes) -> None:
        """Send to the client; without one it is lost, as on a cable."""
        if self._client is None:
            return
        try:
            self._client.setblocking(True)
            self._client.sendall(data)
            self._client.setblocking(False)
        except OSError:
            self._drop()

    def close(self) -> None:
        """Nobody is connected any more, and nobody can."""
        self._drop()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def reopen(self) -> None:
        """It is there again, under the same address."""
        if self._listener is None:
            self._listener = _listen(self._port)

    def _accept(self) -> None:
        if self._listener is None:
            return
        with contextlib.suppress(BlockingIOError):
            client, _ = self._listener.accept()
            if self._client is not None:
                client.close()
                return
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._client = client
            self._on_connect()

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
            self._on_drop()


def _listen(port: int) -> socket.socket:
    listener = socket.create_server(("127.0.0.1", port))
    listener.setblocking(False)
    return listener
