"""The network between a real board and its coordinator: a listener that passes bytes on, and that
a test can cut.
"""

from __future__ import annotations

import selectors
import socket
import socketserver
import threading
from contextlib import suppress

_LOOK_S = 0.1


class Forwarder:
    """Listens on ``address`` and passes all on to ``onward``; ``is_cut``: nothing passes, and
    nobody says so.
    """

    def __init__(self, address: tuple[str, int], onward: tuple[str, int]) -> None:
        self.is_cut = False
        forwarder = self

        class Connection(socketserver.BaseRequestHandler):
            """One of the board's."""

            def handle(self) -> None:
                """Both ways, until one end closes."""
                with suppress(OSError), socket.create_connection(onward) as far:
                    forwarder.pass_on(self.request, far)

        class Listener(socketserver.ThreadingTCPServer):
            """For boards that start anew and ask again."""

            allow_reuse_address = True
            daemon_threads = True

        self._listener = Listener(address, Connection)
        self.address: tuple[str, int] = self._listener.server_address[:2]  # type: ignore[assignment]
        self._thread = threading.Thread(target=self._listener.serve_forever, daemon=True)
        self._thread.start()

    def pass_on(self, near: socket.socket, far: socket.socket) -> None:
        """Until one end closes; what comes while it is cut is lost."""
        with selectors.DefaultSelector() as ready:
            ready.register(near, selectors.EVENT_READ, (near, far))
            ready.register(far, selectors.EVENT_READ, (far, near))
            while True:
                for key, _ in ready.select(_LOOK_S):
                    source, sink = key.data
                    data = source.recv(4096)
                    if not data:
                        return
                    if not self.is_cut:
                        sink.sendall(data)

    def close(self) -> None:
        """Listen no more."""
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()
