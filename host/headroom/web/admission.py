"""A listener that takes so many connections, and so many of one address, and no more."""

import socket
from typing import Any

import structlog
from waitress.server import TcpWSGIServer

log = structlog.get_logger()

# Above what any listener takes: waitress counts the connections of all of them together, and
# whoever holds the page's open would keep boards out.
SHARED_LIMIT = 1 << 20


class LimitedServer(TcpWSGIServer):  # type: ignore[misc]
    """Above `most` in all new ones wait; above `most_of_one` of their address they are closed."""

    most: int
    most_of_one: int

    def __init__(self, *arguments: Any, most: int, most_of_one: int, **more: Any) -> None:
        self.most, self.most_of_one = most, most_of_one
        self._crowding: set[str] = set()
        super().__init__(*arguments, **more)

    def readable(self) -> bool:
        return bool(super().readable()) and len(self.active_channels) < self.most

    def accept(self) -> tuple[socket.socket, Any] | None:
        accepted: tuple[socket.socket, Any] | None = super().accept()
        if accepted is None:
            return None
        connection, (host, *_) = accepted
        if self._connections_of(host) < self.most_of_one:
            self._crowding.discard(host)
            return accepted
        connection.close()
        self._tell(host)
        return None

    def _connections_of(self, host: str) -> int:
        return sum(channel.addr[0] == host for channel in self.active_channels.values())

    def _tell(self, host: str) -> None:
        if host not in self._crowding:
            self._crowding.add(host)
            log.warning("an address has too many connections", host=host, most=self.most_of_one)
