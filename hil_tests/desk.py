"""A provisioned board on the desk: in real time, on a serial port, with no coordinator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from click.testing import CliRunner, Result
from headroom.cli import main
from headroom.device.configuration import Keys, Link, board_config
from headroom.site import parse_site

from boards.virtual.files import install
from boards.virtual.fitting import Fitting, board_files, firmware_image
from boards.virtual.module import Module
from boards.virtual.network import Network, Peer
from boards.virtual.plant import Constant
from boards.virtual.rom.image import stand_in
from hil_tests.conftest import circuit, one_board_site

KEYS = Keys(bytes(range(32)), bytes(range(32, 64)), bytes(range(64, 96)))
PASSWORD = 'correct "horse" battery'


@contextmanager
def provisioned() -> Iterator[Module]:
    """A board with two amperes behind its only relay."""
    site = parse_site(one_board_site([circuit("heater", safe="on")]))
    config = board_config(site, "flat-1", Link("10.0.0.1", 8087), {"boot_delay_s": [1, 1]})
    module = Module(fitting=Fitting.for_config(config), network=Network(_nobody))
    module.board.flash.image[: len(stand_in())] = stand_in()
    install(module.board.flash, board_files(config, KEYS.secrets(PASSWORD)), firmware_image())
    module.board.set_load(0, Constant(2.0))
    with module:
        yield module


def run(module: Module, *arguments: str, port: str = "") -> Result:
    """A command of `headroom board` on its port, by default the one without DTR and RTS."""
    port = port or module.plain_port
    return CliRunner().invoke(main, ["board", *arguments, "--port", port])


def put_load(module: Module, amps: float) -> None:
    """Another load behind its relay."""
    module.do(lambda board: board.set_load(0, Constant(amps)))


def _nobody(host: str, port: int) -> Peer:
    raise ConnectionRefusedError(f"{host}:{port}")
