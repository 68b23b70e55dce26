"""`make demo`: the coordinator, and three virtual boards on one feeder, on measured loads."""

from __future__ import annotations

import fcntl
import secrets
import shutil
import signal
import socket
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click
from headroom.data_dir import write_private
from headroom.device.configuration import Keys, Link, board_config
from headroom.protocol.signing import KEY_BYTES
from headroom.site import Site, load_site
from rich.console import Console

from boards.virtual.board import Fitting, VirtualBoard, board_files
from boards.virtual.network import loopback_network
from boards.virtual.realtime import RealTime
from tools.demo.coordinator import Coordinator
from tools.demo.figures import Figures, measure
from tools.demo.loads import load_traces

SITE = Path(__file__).parent / "site.toml"

# Waits short enough that sheds and returns are seen within a minute; a house uses minutes.
TIMING = {"boot_delay_s": [1, 2], "restore_wait_s": 3, "restore_cap_s": 12, "retry_s": 20}
PROGRESS_S = 5.0
PAGE_PORT = 8080
# The boards' own HTTP: each on a loopback address of its own.
HTTP_PORT = 8081

console = Console(highlight=False)


def make_boards(
    site: Site, coordinator: Coordinator, folder: Path, http_port: int
) -> dict[str, VirtualBoard]:
    """A provisioned board for each flat, with its measured loads behind the relays."""
    address = coordinator.addresses.boards
    traces = load_traces()
    boards = {}
    for seed, entry in enumerate(site.boards, start=1):
        key = coordinator.add_board(entry.id, folder / f"{entry.id}.key")
        link = Link(*address, http_port=http_port)
        config = board_config(site, entry.id, link, TIMING)
        network = loopback_network(loopback_address(seed), seed)
        # Each converter is off by a few percent, as real ones are.
        fitting = Fitting.for_config(config, seed=seed, rate_error=0.03 * (seed - 2))
        board = VirtualBoard(fitting, network)
        charge_key = secrets.token_bytes(KEY_BYTES)
        write_private(folder / f"{entry.id}.charge.key", charge_key.hex() + "\n")
        site_key = bytes.fromhex(coordinator.site_key())
        keys = Keys(bytes.fromhex(key), site_key, charge_key)
        board.install(board_files(config, keys.secrets()))
        for circuit, trace in enumerate(traces[entry.id]):
            board.set_load(circuit, trace)
        boards[entry.id] = board
    return boards


def loopback_address(seed: int) -> str:
    """A board's own address on this machine."""
    return f"127.0.1.{seed}"


def usual_or_free(host: str, usual_port: int) -> int:
    """The usual port, or any free one where something listens there already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, usual_port))
        except OSError:
            probe.bind((host, 0))
        return int(probe.getsockname()[1])


class Stop:
    """Ctrl-C and SIGTERM end the demo in good order."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True


def show_progress(boards: dict[str, VirtualBoard], limit_a: float) -> None:
    """One line: what the feeder carries, and which relays are closed."""
    feeder_a = sum(b.plant.phase_amps(1, b.now_us) for b in boards.values())
    seconds = min(b.now_us for b in boards.values()) / 1e6
    relays = "  ".join(
        name + " " + "".join("●" if c.contact.at(b.now_us) else "○" for c in b.plant.circuits)
        for name, b in boards.items()
    )
    console.print(f"{seconds:6.0f} s   feeder {feeder_a:5.1f} of {limit_a:.0f} A   {relays}")


def play(
    runners: Collection[RealTime],
    boards: dict[str, VirtualBoard],
    limit_a: float,
    seconds: float,
    stop: Stop,
) -> None:
    """Let it run for that long, or until somebody stops it."""
    end = time.monotonic() + seconds if seconds else float("inf")
    shown = 0.0
    while not stop.asked and time.monotonic() < end and all(r.alive for r in runners):
        if time.monotonic() - shown >= PROGRESS_S:
            shown = time.monotonic()
            show_progress(boards, limit_a)
        time.sleep(0.1)


def announce(coordinator: Coordinator, runners: Mapping[str, RealTime], http_port: int) -> None:
    """Say where to look."""
    console.print(f"[bold]dashboard[/]   {coordinator.addresses.page}")
    if console.is_terminal:  # what goes to a file stays there
        console.print(f"sign in     {coordinator.sign_in_link()}", soft_wrap=True)
    for seed, (name, runner) in enumerate(runners.items(), start=1):
        console.print(f"{name} serial  mpremote connect {runner.serial.device} resume repl")
        console.print(f"{name} itself  http://{loopback_address(seed)}:{http_port}/metrics")
    console.print(f"token file  {coordinator.addresses.token_file}")
    console.print(f"log         {coordinator.log}\n")


def show_result(figures: Figures, path: Path) -> None:
    """The figures in short."""
    console.print(
        f"\n{figures.boards} boards, {figures.reports_stored} reports stored, "
        f"{figures.reports_lost} lost, {figures.plans_applied} plans applied, "
        f"{figures.sheds} sheds, {figures.restores} restores\n"
        f"highest {figures.highest_a} A; longest above {figures.limit_a:.0f} A: "
        f"{figures.longest_above_limit_ms:.0f} ms; a board above its own lease: "
        f"{figures.longest_board_above_its_lease_ms:.0f} ms of "
        f"{figures.protection_allows_ms} allowed\nfigures in {path}"
    )
    for failure in figures.failures:
        console.print(f"[bold red]failed:[/] {failure}")


@contextmanager
def only_demo(folder: Path) -> Iterator[None]:
    """Keep a second demo from emptying the folder of one that runs."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise click.ClickException(
                f"a demo runs in {folder} already; stop it, or give this one another --folder"
            ) from None
        yield


def run(folder: Path, seconds: float) -> Figures:
    """Set everything up, play, take it down, measure."""
    stop = Stop()
    site = load_site(SITE)
    limit_a = site.feeders[0].limit_ma[0] / 1000
    coordinator = Coordinator(SITE, folder, page_port=usual_or_free("127.0.0.1", PAGE_PORT))
    try:
        http_port = usual_or_free(loopback_address(1), HTTP_PORT)
        boards = make_boards(site, coordinator, folder, http_port)
        runners = {name: RealTime(board) for name, board in boards.items()}
        announce(coordinator, runners, http_port)
        for runner in runners.values():
            runner.start()
        play(runners.values(), boards, limit_a, seconds, stop)
        for runner in runners.values():
            runner.stop()
    finally:
        coordinator.stop()
    safe_a = {board.id: board.safe_limit_ma[0] / 1000 for board in site.boards}
    behind_s = max(runner.most_behind_s for runner in runners.values())
    figures = measure(boards, safe_a, limit_a, coordinator.data / "headroom.db", behind_s)
    for board in boards.values():
        board.close()
    return figures


@click.command()
@click.option("--for", "seconds", type=float, default=0, help="Stop after that many seconds.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("build/demo"),
    help="Where the coordinator keeps its data; emptied first.",
)
@click.option(
    "--json", "json_path", type=click.Path(path_type=Path), default=Path("build/demo.json")
)
def main(seconds: float, folder: Path, json_path: Path) -> None:
    """Play measured loads of three flats, 60 times faster, against real firmware in real time.

    Ends with exit code 1 if an acknowledged report was lost, or if a board was above its limit for
    longer than its protection allows.
    """
    with only_demo(folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        figures = run(folder, seconds)
    json_path.parent.mkdir(parents=True, exist_ok=True)
    json_path.write_text(figures.as_json())
    show_result(figures, json_path)
    sys.exit(1 if figures.failures else 0)


if __name__ == "__main__":
    main()
