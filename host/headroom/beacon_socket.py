"""The socket that beacons leave by: to boards one by one, and to the multicast group of a site."""

import ipaddress
import socket
from types import TracebackType
from typing import Self

import structlog

from headroom.web.address import Address, ListenError

log = structlog.get_logger()


class BeaconSocket:
    """Sends to port `group.port`; from the interface of `source` where it names one.

    Raises ListenError for what is no multicast group and for an interface that is not there. A
    datagram that cannot be sent is logged: what it would tell of comes with the next report.
    """

    def __init__(self, group: Address, source: str) -> None:
        if not _is_group(group.host):
            raise ListenError(f"beacon {group}: not a multicast group, such as 239.255.72.82:8088")
        self._group = group
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        # Boards are in the coordinator's own network.
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        interface = _interface(source)
        try:
            if interface:
                self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
        except OSError as error:
            self._socket.close()
            raise ListenError(f"beacon: cannot send from {source}: {error.strerror}") from error

    def send(self, data: bytes, host: str) -> None:
        """See coordinator.beacons.Transport."""
        try:
            self._socket.sendto(data, (host, self._group.port))
        except OSError as error:
            log.warning("beacon not sent", host=host, error=str(error))

    def send_to_group(self, data: bytes) -> None:
        """See coordinator.beacons.Transport."""
        self.send(data, self._group.host)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._socket.close()


def _is_group(host: str) -> bool:
    try:
        return ipaddress.IPv4Address(host).is_multicast
    except ValueError:
        return False


def _interface(source: str) -> bytes:
    """The interface's address as the socket wants it; empty = the system's choice."""
    try:
        address = ipaddress.IPv4Address(source)
    except ValueError:
        return b""
    return b"" if address.is_unspecified else address.packed
