"""Monitor, maintenance, logs and the support archive, on the serial line of a board that runs."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
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


def nobody(host: str, port: int) -> Peer:
    raise ConnectionRefusedError(f"{host}:{port}")


@pytest.fixture
def module() -> Iterator[Module]:
    """A provisioned board with two amperes behind its only relay, and no coordinator."""
    site = parse_site(one_board_site([circuit("heater", safe="on")]))
    config = board_config(site, "flat-1", Link("10.0.0.1", 8087), {"boot_delay_s": [1, 1]})
    module = Module(fitting=Fitting.for_config(config), network=Network(nobody))
    module.board.flash.image[: len(stand_in())] = stand_in()
    install(module.board.flash, board_files(config, KEYS.secrets(PASSWORD)), firmware_image())
    module.board.set_load(0, Constant(2.0))
    with module:
        yield module


def run(module: Module, *arguments: str) -> Result:
    """A command of `headroom board` on its port."""
    return CliRunner().invoke(main, ["board", *arguments, "--port", module.plain_port])


def test_a_node_is_watched_without_being_stopped(module: Module) -> None:
    while True:  # the test's limit ends it
        told = run(module, "monitor", "--once", "--json")
        assert told.exit_code == 0, told.output
        now = json.loads(told.output)
        if now["circuits"][0]["closed"] and now["circuits"][0]["current_ma"] > 1900:
            break
    assert now["circuits"][0] | {"current_ma": 0} == {
        "name": "heater",
        "current_ma": 0,
        "sensor": "ok",
        "closed": True,
        "reason": "safe_link",
    }
    assert now["boot"] == 1
    assert now["heap_free"] > 4096
    shown = run(module, "monitor", "--once").output
    assert "flat-1" in shown
    assert "closed" in shown
    assert module.do(lambda board: len(board.resets)) == 1


def test_maintenance_is_entered_and_left(module: Module) -> None:
    assert "in maintenance" in run(module, "maintenance", "in").output
    assert b"neither node nor watchdog" in module.do(lambda board: bytes(board.serial_log))
    told = run(module, "monitor", "--once")
    assert told.exit_code == 2
    assert "no node runs on the board" in told.output
    assert "headroom board maintenance out" in told.output
    assert "its node runs" in run(module, "maintenance", "out").output


def test_what_it_prints_is_shown_with_the_place_in_the_firmware(module: Module) -> None:
    trace = """print('  File "node/app.py", line 7123, in _a')"""
    once = f"init(period=300, mode=0, callback=lambda _: {trace})"
    module.do(lambda board: board.exec(f"import machine; machine.Timer(-1).{once}"))
    told = run(module, "logs", "--for-s", "5")
    assert told.exit_code == 0, told.output
    assert 'File "node/app.py", line 7123 (firmware/node/' in told.output


def test_the_archive_has_everything_but_secrets(module: Module, tmp_path: Path) -> None:
    leak = f"open('/calibration.json','w').write({json.dumps(PASSWORD + KEYS.site.hex())})"
    module.do(lambda board: board.exec(leak))
    path = tmp_path / "report.zip"
    told = run(module, "support", str(path))
    assert told.exit_code == 0, told.output
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as packed:
        content = {name: packed.read(name) for name in packed.namelist()}
    assert {"board/config.json", "board/rom/build.json", "board/node.json", "machine.json"} <= set(
        content
    )
    assert json.loads(content["board/config.json"])["id"] == "flat-1"
    assert content["board/calibration.json"] == b"[removed][removed]"
    everything = b"".join(content.values()).lower()
    secrets = json.loads(board_secrets(module))
    assert len(secrets) == 4
    for secret in secrets.values():
        assert secret.lower().encode() not in everything


def board_secrets(module: Module) -> str:
    """What the board really has as secrets."""
    return module.do(lambda board: board.read_file("secrets.json").decode())
