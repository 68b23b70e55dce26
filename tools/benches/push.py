"""From an override that the API has accepted to the edge at the relay's pin.

All in real time: `headroom serve` with beacons, and virtual boards that run the firmware, each
with a loopback address of its own. Orders come at random moments, so some meet a board in the
middle of a report, or soon after one. Each message to a board is under way for 3 ms; what a bad
Wi-Fi takes comes on top.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from headroom.device.configuration import Keys, Link, board_config
from headroom.site import Site, load_site

from boards.virtual.board import Fitting, VirtualBoard, board_files
from boards.virtual.network import loopback_network
from boards.virtual.pins import Edge
from boards.virtual.realtime import RealTime
from tools.benches.figure import Figure, Options, percentile
from tools.benches.progress import progress
from tools.demo.coordinator import Coordinator

MOST_P95_S = 1.0
CIRCUITS = 4
TIMING = {"boot_delay_s": [1, 1]}
READY_WITHIN_S = 60.0
ARRIVES_WITHIN_S = 20.0
LOOK_S = 0.02


@dataclass(frozen=True)
class Scale:
    """Boards beside each other, orders for each of them, and the least and most s between two."""

    boards: int
    orders: int
    gap_s: tuple[float, float]


# None comes before its relay may switch again.
FULL, QUICK = Scale(4, 15, (2.5, 14.0)), Scale(4, 3, (2.5, 5.0))


@dataclass(frozen=True)
class Order:
    """What is ordered of a circuit, so long after all boards were ready."""

    at_s: float
    board: str
    circuit: int
    closed: bool


def measure(options: Options) -> Iterator[Figure]:
    """Every order's time; it is an error if one does not arrive."""
    scale = QUICK if options.quick else FULL
    orders = random_orders(scale, options.seed)
    with (
        progress("push", len(orders)) as advance,
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), scale) as bench,
    ):
        took_s = bench.play(orders, advance)
        behind_s = bench.most_behind_s
    yield from figures(options.command("push"), took_s, behind_s)


def figures(command: str, took_s: Sequence[float], behind_s: float) -> Iterator[Figure]:
    """Median, 95th percentile and longest, and how far the boards can be trusted in real time."""
    what = f"override accepted to the relay's edge, {len(took_s)} at random moments"
    median_s, p95_s = percentile(took_s, 0.5), percentile(took_s, 0.95)
    yield Figure("push", f"{what}: median", round(median_s, 2), "s", command)
    yield Figure("push", f"{what}: 95th percentile", round(p95_s, 2), "s", command, MOST_P95_S)
    yield Figure("push", f"{what}: longest", round(max(took_s), 2), "s", command)
    yield Figure("push", "boards behind real time, most", round(behind_s, 3), "s", command)


def random_orders(scale: Scale, seed: int) -> list[Order]:
    """In the order of their time; each changes what the one before has made of its circuit."""
    moments = random.Random(seed)
    orders = []
    for number in range(scale.boards):
        at_s, closed = 0.0, [True] * CIRCUITS
        for _ in range(scale.orders):
            at_s += moments.uniform(*scale.gap_s)
            circuit = moments.randrange(CIRCUITS)
            closed[circuit] = not closed[circuit]
            orders.append(Order(at_s, board_id(number), circuit, closed[circuit]))
    return sorted(orders, key=lambda order: order.at_s)


def board_id(number: int) -> str:
    """Of the boards counted from 0."""
    return f"flat-{number + 1}"


def site_file(board_count: int) -> str:
    """Boards that report as seldom as boards do by default."""
    circuits = "".join(
        f'[[boards.circuits]]\nname = "circuit {n}"\nphase = "L1"\nrated_ma = 10_000\n'
        f'priority = {n + 1}\nkind = "deferrable"\nsafe = "on"\nmin_off_s = 1\n'
        for n in range(CIRCUITS)
    )
    boards = "".join(
        f'[[boards]]\nid = "{board_id(n)}"\nfeeder = "riser"\nsafe_limit_ma = {{ L1 = 4_000 }}\n'
        f"report_s = 10\n{circuits}"
        for n in range(board_count)
    )
    return (
        f'site = {{ name = "bench" }}\n[[feeders]]\nid = "riser"\n'
        f"rating_ma = {{ L1 = 63_000 }}\n{boards}"
    )


class Bench:
    """A coordinator and the boards that report to it."""

    def __init__(self, coordinator: Coordinator, runners: dict[str, RealTime]) -> None:
        self._page = coordinator.addresses.page
        self._token = Path(coordinator.addresses.token_file).read_text().strip()
        self._runners = runners

    @property
    def most_behind_s(self) -> float:
        """How far a board's clock was behind the wall's since orders began."""
        return max(runner.most_behind_s for runner in self._runners.values())

    def play(self, orders: Sequence[Order], advance: Callable[[], None]) -> list[float]:
        """Give each order at its time; how long each took to its edge, in s."""
        await_that(self._all_ready, READY_WITHIN_S, "boards did not get ready")
        for runner in self._runners.values():
            runner.most_behind_s = 0.0
        begun_s = time.monotonic()
        accepted_s = []
        for order in orders:
            time.sleep(max(0.0, begun_s + order.at_s - time.monotonic()))
            self._put_override(order)
            accepted_s.append(time.monotonic())
            advance()
        took_s = []
        for order, from_s in zip(orders, accepted_s, strict=True):
            await_that(partial(self._edge_s, order, from_s), ARRIVES_WITHIN_S, f"{order}")
            took_s.append((self._edge_s(order, from_s) or 0.0) - from_s)
        return took_s

    def _all_ready(self) -> bool:
        """Whether each board has closed its relays and acknowledged its first plan."""
        boards = json.loads(self._call("GET", "state"))["boards"]
        return all(
            board["plan"]["acknowledged"] and all(c["closed"] for c in board["circuits"])
            for board in boards
        )

    def _put_override(self, order: Order) -> None:
        path = f"boards/{order.board}/circuits/{order.circuit}/override"
        self._call("PUT", path, {"state": "on" if order.closed else "off", "until": None})

    def _edge_s(self, order: Order, after_s: float) -> float | None:
        """When the pin was first switched so after that time, on this machine's clock."""
        runner = self._runners[order.board]
        pins = runner.board.pins
        pin, level = pins.map.relay_pins[order.circuit], pins.map.active == order.closed

        def is_it(edge: Edge) -> bool:
            what = (edge.what, edge.index, edge.level)
            return what == ("pin", pin, level) and runner.wall_s(edge.at_us) > after_s

        return next((runner.wall_s(edge.at_us) for edge in pins.edges if is_it(edge)), None)

    def _call(self, method: str, path: str, body: object = None) -> bytes:
        request = urllib.request.Request(
            f"{self._page}api/v1/{path}",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            content: bytes = response.read()
            return content


@contextmanager
def running(folder: Path, scale: Scale) -> Iterator[Bench]:
    """A coordinator with beacons and boards in real time, until the block is left."""
    path = folder / "site.toml"
    path.write_text(site_file(scale.boards))
    site = load_site(path)
    coordinator = Coordinator(path, folder)
    with ExitStack() as stack:
        stack.callback(coordinator.stop)
        runners = {}
        for number, entry in enumerate(site.boards):
            board = make_board(site, coordinator, folder, number)
            stack.enter_context(closing(board))
            runners[entry.id] = RealTime(board)
        for runner in runners.values():
            runner.start()
            stack.callback(runner.stop)
        yield Bench(coordinator, runners)


def make_board(site: Site, coordinator: Coordinator, folder: Path, number: int) -> VirtualBoard:
    """A provisioned board with nothing behind its relays."""
    name = board_id(number)
    key = coordinator.add_board(name, folder / f"{name}.key")
    config = board_config(site, name, Link(*coordinator.addresses.boards), TIMING)
    # Others than the demo's, which may run beside.
    network = loopback_network(f"127.0.2.{number + 1}", number)
    board = VirtualBoard(Fitting.for_config(config, seed=number), network)
    keys = Keys(bytes.fromhex(key), bytes.fromhex(coordinator.site_key()))
    board.install(board_files(config, keys.secrets()))
    return board


def await_that(condition: Callable[[], object], within_s: float, what: str) -> None:
    """Wait until it holds; raises RuntimeError with ``what`` where it does not come to."""
    deadline_s = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline_s:
            raise RuntimeError(f"{what}: not within {within_s:g} s")
        time.sleep(LOOK_S)
