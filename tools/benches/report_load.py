"""Load for `ingest`: signed reports of many boards, as fast as they are answered.

    python -m tools.benches.report_load HOST:PORT BOARDS CONNECTIONS SECONDS ROUNDS

A process of its own, so that it takes none of the server's interpreter. It signs ROUNDS reports of
each board before it starts, and keeps its connections open. The first report of every board, which
brings it a plan, is warm-up. Prints one JSON object; latencies are from the first byte sent to the
last received.
"""

from __future__ import annotations

import json
import math
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from headroom.protocol.signing import sign_report

# A board reports every 10 s and finishes a minute every sixth time.
_REPORTS_A_MINUTE = 6
_ANSWERED = b"HTTP/1.1 200 "
_LENGTH = b"\r\ncontent-length: "


@dataclass
class Load:
    """What came of it: all that was answered, and the latencies of what came after the warm-up."""

    seconds: float
    answered: int = 0
    latencies_ms: list[float] = field(default_factory=list)


def board_id(number: int) -> str:
    """Of the boards counted from 0."""
    return f"board-{number}"


def board_key(number: int) -> bytes:
    """Not random: the server's store and this process need to have the same."""
    return number.to_bytes(32, "big")


def report(boot: int, seq: int) -> bytes:
    """One report of a board with four circuits that obeys its last lease."""
    minute = [boot, seq // _REPORTS_A_MINUTE, *[700] * 8, *[60] * 4]
    document = {
        "v": 1,
        "boot": boot,
        "seq": seq,
        "up_s": 10 * seq,
        "fw": "0.1.0",
        "reset": "power_on",
        "epoch": 1,
        "rev": 1,
        "limit_ma": [16_000, 16_000, 16_000],
        "lease_seq": seq - 1,
        "circuits": [[1000 + 7 * (seq % 50), 20, "ok", 1, "default"]] * 4,
        "events": [],
        "minutes": [minute] if seq % _REPORTS_A_MINUTE == 0 else [],
        "lost": [0, 0],
        "heap_free": 8000,
        "rssi_dbm": -63,
        "beacon": [0, 0],
        "tick": [31, 0],
        "refused": 0,
    }
    return json.dumps(document, separators=(",", ":")).encode()


def request(number: int, body: bytes) -> bytes:
    """The report as it goes over the wire."""
    name = board_id(number)
    head = (
        f"POST /api/v1/boards/{name}/reports HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"Headroom-Signature: {sign_report(board_key(number), name, body)}\r\n\r\n"
    )
    return head.encode() + body


class _Connection:
    """Sends one request after the other, each when the one before has been answered."""

    def __init__(self, address: tuple[str, int], requests: Iterator[bytes]) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._requests = requests
        self._received = b""
        self._sent_s = 0.0

    def send_next(self) -> bool:
        """Whether there was another to send."""
        following = next(self._requests, None)
        if following is None:
            return False
        self._received = b""
        self._sent_s = time.perf_counter()
        self.socket.sendall(following)
        return True

    def receive(self) -> float | None:
        """Latency in ms once the answer is whole, None before; RuntimeError on a refusal."""
        self._received += self.socket.recv(65536)
        head, ended, body = self._received.partition(b"\r\n\r\n")
        if not ended:
            return None
        if not head.startswith(_ANSWERED):
            raise RuntimeError(f"refused: {self._received.decode()}")
        if len(body) < int(head.lower().partition(_LENGTH)[2].partition(b"\r\n")[0]):
            return None
        return 1000 * (time.perf_counter() - self._sent_s)


def drive(
    address: tuple[str, int], streams: list[Iterator[bytes]], warm_up: int, seconds: float
) -> Load:
    """Keep a connection busy with each stream, for so long after so many answers."""
    selector = selectors.DefaultSelector()
    for stream in streams:
        connection = _Connection(address, stream)
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.send_next()
    ends_s = math.inf
    load = Load(seconds)
    while time.perf_counter() < ends_s:
        for key, _ in selector.select(1.0):
            latency_ms = key.data.receive()
            if latency_ms is None:
                continue
            load.answered += 1
            if load.answered > warm_up:
                load.latencies_ms.append(round(latency_ms, 2))
            elif load.answered == warm_up:
                ends_s = time.perf_counter() + seconds
            if not key.data.send_next():
                raise RuntimeError("no reports are left: prepare more of them")
    return load


def streams(boards: int, connections: int, rounds: int) -> list[Iterator[bytes]]:
    """For each connection the reports of its boards, round after round, all signed."""
    bodies = [report(1, seq) for seq in range(1, rounds + 1)]
    return [
        iter([request(n, body) for body in bodies for n in range(first, boards, connections)])
        for first in range(connections)
    ]


def main(address: str, boards: str, connections: str, seconds: str, rounds: str) -> None:
    """Prepare, drive, print."""
    host, _, port = address.rpartition(":")
    prepared = streams(int(boards), int(connections), int(rounds))
    load = drive((host, int(port)), prepared, int(boards), float(seconds))
    print(json.dumps(asdict(load)))


if __name__ == "__main__":
    main(*sys.argv[1:])
