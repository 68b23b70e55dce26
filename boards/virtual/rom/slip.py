"""SLIP (RFC 1055): packets on a serial line."""

from __future__ import annotations

END, ESCAPE = 0xC0, 0xDB
_ESCAPED = {0xDC: END, 0xDD: ESCAPE}


def frame(packet: bytes) -> bytes:
    """A packet as it goes over the line."""
    escaped = packet.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
    return b"\xc0" + escaped + b"\xc0"


class Unframer:
    """Takes packets out of what comes over the line.

    An end also begins the next packet, and empty ones count for nothing: so it finds the packets
    again after noise.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The packets that are complete with ``data``."""
        *whole, self._rest = (self._rest + data).split(bytes((END,)))
        return [_unescape(packet) for packet in whole if packet]


def _unescape(packet: bytes) -> bytes:
    first, *others = packet.split(bytes((ESCAPE,)))
    return first + b"".join(
        bytes((_ESCAPED.get(part[0], part[0]),)) + part[1:] for part in others if part
    )
