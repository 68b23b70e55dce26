"""Load for `ingest`: signed reports of many boards.

    python -m tools.benches.report_load HOST:PORT BOARDS CONNECTIONS ROUNDS SECONDS RATE

A process of its own, so that it takes none of the server's interpreter. It signs ROUNDS reports of
each board before it starts, and keeps its connections open. First comes one report of every board,
which brings it a plan, and then RATE reports a second for SECONDS. With RATE 0 the first ones come
as fast as they are answered, and so do the ones after them; after that comes the highest rate, in
steps of that one, that is answered in time.

Prints a line when every board has its plan, and then one JSON object of loads. A latency is that
from the moment that a report was due, at random moments of that rate, to the last byte of its
answer; as fast as it goes, from its first byte sent.
"""

from __future__ import annotations

import json
import math
import random
import selectors
import socket
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import accumulate, count, islice, takewhile

from headroom.protocol.signing import sign_report

from tools.benches.figure import percentile

# A board reports every 10 s and finishes a minute every sixth time.
_REPORTS_A_MINUTE = 6
_ANSWERED = b"HTTP/1.1 200 "
_LENGTH = b"\r\ncontent-length: "


# Of the rate as fast as it goes.
_OFFERED = (0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
IN_TIME_MS = 100
_CONNECTION_S = 60


@dataclass
class Load:
    """How many reports a second were sent for so long, and how late each was answered."""

    rate: float
    seconds: float
    latencies_ms: list[float] = field(default_factory=list)


def board_id(number: int) -> str:
    """Of the boards counted from 0."""
    return f"board-{number}"


def board_key(number: int) -> bytes:
    """Not random: the server's store and this process need to have the same."""
    return number.to_bytes(32, "big")


def report(boot: int, seq: int, epoch: int = 0) -> bytes:
    """One report of a board with four circuits that obeys its last lease, and its first plan in
    that epoch; epoch 0 = it has had no answer yet.
    """
    minute = [boot, seq // _REPORTS_A_MINUTE, *[700] * 8, *[60] * 4]
    document = {
        "v": 1,
        "boot": boot,
        "seq": seq,
        "up_s": 10 * seq,
        "fw": "0.1.0",
        "reset": "power_on",
        "epoch": epoch,
        "rev": 1 if epoch else 0,
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
    """One request after the other, each when the one before has been answered."""

    def __init__(self, address: tuple[str, int], requests: Iterator[bytes]) -> None:
        self.socket = socket.create_connection(address, _CONNECTION_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.body = b""
        self._requests = requests
        self._received = b""
        self._due_s = 0.0

    def send(self, due_s: float) -> None:
        """Send the next request, which was due then. Raises RuntimeError if there is none."""
        following = next(self._requests, None)
        if following is None:
            raise RuntimeError("no reports are left: prepare more of them")
        self._received = b""
        self._due_s = due_s
        self.socket.sendall(following)

    def receive(self) -> float | None:
        """Latency in ms once the answer is whole, None before; RuntimeError on a refusal."""
        self._received += self.socket.recv(65536)
        head, ended, self.body = self._received.partition(b"\r\n\r\n")
        if not ended:
            return None
        if not head.startswith(_ANSWERED):
            raise RuntimeError(f"refused: {self._received.decode()}")
        if len(self.body) < int(head.lower().partition(_LENGTH)[2].partition(b"\r\n")[0]):
            return None
        return round(1000 * (time.perf_counter() - self._due_s), 2)


class Connections:
    """All connections to the server; those that wait for no answer are ``idle``."""

    def __init__(self, address: tuple[str, int], streams: list[Iterator[bytes]]) -> None:
        self.idle = deque(_Connection(address, stream) for stream in streams)
        self.answered = 0
        self._size = len(streams)
        self._selector = selectors.DefaultSelector()
        for connection in self.idle:
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)

    @property
    def waiting(self) -> bool:
        """Whether an answer is to come."""
        return len(self.idle) < self._size

    def send(self, due_s: float) -> None:
        """Send a report by the connection that has been idle for longest."""
        self.idle.popleft().send(due_s)

    def receive(self, within_s: float) -> list[float]:
        """The latencies of the answers that come until then."""
        latencies_ms = []
        for key, _ in self._selector.select(within_s):
            latency_ms = key.data.receive()
            if latency_ms is not None:
                latencies_ms.append(latency_ms)
                self.idle.append(key.data)
        self.answered += len(latencies_ms)
        return latencies_ms


def as_fast_as_it_goes(connections: Connections, enough: int, seconds: float) -> Load:
    """Every connection busy until so much is answered or that time is over."""
    latencies_ms: list[float] = []
    begun_s = now_s = time.perf_counter()
    while now_s < begun_s + seconds and len(latencies_ms) < enough:
        while connections.idle:
            connections.send(time.perf_counter())
        latencies_ms += connections.receive(1.0)
        now_s = time.perf_counter()
    load = Load(len(latencies_ms) / (now_s - begun_s), now_s - begun_s, latencies_ms)
    while connections.waiting:
        connections.receive(1.0)
    return load


def random_moments(rate: float) -> Iterator[float]:
    """Seconds from now on, so many in each, for ever."""
    source = random.Random(round(rate))
    return accumulate(source.expovariate(rate) for _ in count())


def at_moments(connections: Connections, rate: float, moments: Iterator[float]) -> Load:
    """A report due at each, whether or not the ones before have been answered."""
    latencies_ms: list[float] = []
    due: deque[float] = deque()
    begun_s = now_s = time.perf_counter()
    coming = (begun_s + moment_s for moment_s in moments)
    next_s = next(coming, math.inf)
    while next_s < math.inf or due or connections.waiting:
        while next_s <= now_s:
            due.append(next_s)
            next_s = next(coming, math.inf)
        while due and connections.idle:
            connections.send(due.popleft())
        wait_s = min(1.0, next_s - time.perf_counter())
        latencies_ms += connections.receive(max(0.0, wait_s))
        now_s = time.perf_counter()
    return Load(rate, now_s - begun_s, latencies_ms)


def at_a_rate(connections: Connections, rate: float, seconds: float) -> Load:
    """Reports due at random moments for so long."""
    moments = takewhile(lambda moment_s: moment_s < seconds, random_moments(rate))
    return at_moments(connections, rate, moments)


def in_time(connections: Connections, most_rate: float, seconds: float) -> Load:
    """At the highest rate at which 99 of 100 are answered in time; else the lowest tried."""
    for share in _OFFERED:
        load = at_a_rate(connections, share * most_rate, seconds)
        if percentile(load.latencies_ms, 0.99) < IN_TIME_MS:
            break
    return load


def learned_epoch(address: tuple[str, int]) -> int:
    """The epoch that the first board hears of; 1 where answers have none."""
    connection = _Connection(address, iter([request(0, report(1, 1))]))
    connection.send(time.perf_counter())
    while connection.receive() is None:
        pass
    connection.socket.close()
    return int(json.loads(connection.body).get("epoch", 1))


def streams(boards: int, connections: int, rounds: int, epoch: int) -> list[Iterator[bytes]]:
    """For each connection the reports of its boards, round after round, all signed."""
    bodies = [report(1, 2), *(report(1, 2 + n, epoch) for n in range(1, rounds))]
    return [
        iter([request(n, body) for body in bodies for n in range(first, boards, connections)])
        for first in range(connections)
    ]


def main(address: str, boards: str, connections: str, rounds: str, *duration: str) -> None:
    """Prepare, drive, print."""
    host, _, port = address.rpartition(":")
    server = (host, int(port))
    seconds, rate = map(float, duration)
    number = int(boards)
    prepared = streams(number, int(connections), int(rounds), learned_epoch(server))
    opened = Connections(server, prepared)
    if rate:
        first = at_moments(opened, rate, islice(random_moments(rate), number))
    else:
        first = as_fast_as_it_goes(opened, number, math.inf)
    print("all have a plan", flush=True)
    if rate:
        loads = [first, at_a_rate(opened, rate, seconds)]
    else:
        most = as_fast_as_it_goes(opened, sys.maxsize, seconds)
        loads = [most, in_time(opened, most.rate, seconds / 2)]
    print(json.dumps({"answered": opened.answered, "loads": [*map(asdict, loads)]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
