"""A virtual board in real time that reports to a coordinator in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headroom.device.configuration import Link, board_config
from headroom.site import load_site

from boards.virtual.board import Fitting, VirtualBoard, board_files
from boards.virtual.network import Network
from boards.virtual.plant import Constant
from boards.virtual.realtime import RealTime
from tools.demo.coordinator import Coordinator

TIMING = {"boot_delay_s": [1, 1], "restore_wait_s": 3, "restore_cap_s": 6, "retry_s": 10}
LOAD_A = 2.0


@contextmanager
def board_in_real_time(
    coordinator: Coordinator, site: Path, board_id: str, key: str, network: Network, http_port: int
) -> Iterator[RealTime]:
    """A board of a site with a load on each circuit; ``http_port`` 0 = no HTTP of its own."""
    link = Link(*coordinator.addresses.boards, http_port=http_port)
    config = board_config(load_site(site), board_id, link, TIMING)
    board = VirtualBoard(Fitting.for_config(config), network)
    board.install(board_files(config, {"key": key}))
    for index in range(len(config["circuits"])):
        board.set_load(index, Constant(LOAD_A))
    clock = RealTime(board)
    clock.start()
    try:
        yield clock
    finally:
        clock.stop()
        board.close()
