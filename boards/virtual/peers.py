"""The far ends of the board's connections: programs here, driven by a test, or real ones."""

from __future__ import annotations

import errno
import io
import socket
import sys
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol


class Peer(Protocol):
    """The far end of one connection."""

    def send(self, data: bytes) -> int:
        """Bytes from the board; returns how many of them it takes now."""
        ...

    def receive(self) -> bytes | None:
        """Bytes for the board that have come by now; None once the peer has closed.

        Raises OSError.
        """
        ...

    def close(self) -> None:
        """The board has closed."""
        ...


class TcpPeer:
    """A program on the host: one that the board connected to, or that connected to the board."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._socket.setblocking(False)

    @classmethod
    def connect(cls, address: tuple[str, int], source: str = "") -> TcpPeer:
        """Connect to a server; ``source`` is the address of the host that the board then has."""
        return cls(socket.create_connection(address, timeout=1.0, source_address=(source, 0)))

    def send(self, data: bytes) -> int:
        """See Peer."""
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0

    def receive(self) -> bytes | None:
        """See Peer."""
        try:
            return self._socket.recv(65536) or None
        except BlockingIOError:
            return b""

    def close(self) -> None:
        """See Peer."""
        self._socket.close()


class Caller:
    """A client of the board in simulated time, driven by a test."""

    def __init__(self) -> None:
        self.received = b""
        self.takes = True  # False: it reads nothing of what the board sends
        self.closed = False  # the board has closed, or has never accepted
        self._to_board: deque[bytes] = deque()
        self._ended = False
        self._reset = False

    def tell(self, data: bytes) -> None:
        """Send bytes to the board."""
        self._to_board.append(data)

    def end(self) -> None:
        """Send no more, and say so."""
        self._ended = True

    def reset(self) -> None:
        """Break the connection off."""
        self._reset = True

    def send(self, data: bytes) -> int:
        """See Peer."""
        self._check()
        if not self.takes:
            return 0
        self.received += data
        return len(data)

    def receive(self) -> bytes | None:
        """See Peer."""
        self._check()
        if self._to_board:
            return self._to_board.popleft()
        return None if self._ended else b""

    def close(self) -> None:
        """See Peer."""
        self.closed = True

    def _check(self) -> None:
        if self._reset:
            raise ConnectionResetError(errno.ECONNRESET, "reset by the client")


class WsgiPeer:
    """A WSGI application in this process: the request is answered when its last byte has come.

    ``remote`` is the address that the application sees.
    """

    def __init__(self, app: Callable[..., Any], remote: str = "192.168.4.2") -> None:
        self._app = app
        self._remote = remote
        self._request = b""
        self._response: bytes | None = b""

    def send(self, data: bytes) -> int:
        """See Peer."""
        self._request += data
        head, end, body = self._request.partition(b"\r\n\r\n")
        if not end:
            return len(data)
        lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:])
        length = int({k.lower(): v for k, v in headers.items()}.get("content-length", "0"))
        if len(body) >= length:
            self._response = self._answer(lines[0], headers, body[:length])
        return len(data)

    def receive(self) -> bytes | None:
        """See Peer."""
        response, self._response = self._response, (None if self._response else self._response)
        return response

    def close(self) -> None:
        """See Peer."""

    def _answer(self, request_line: str, headers: dict[str, str], body: bytes) -> bytes:
        method, path, _ = request_line.split(" ")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "REMOTE_ADDR": self._remote,
            "SERVER_NAME": "virtual",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        head: list[str] = []

        def start_response(status: str, fields: list[tuple[str, str]], *_: object) -> None:
            head[:] = [f"HTTP/1.1 {status}", *(f"{k}: {v}" for k, v in fields)]

        chunks = self._app(environ, start_response)
        content = b"".join(chunks)
        if hasattr(chunks, "close"):
            chunks.close()
        return "\r\n".join([*head, "", ""]).encode("latin-1") + content
