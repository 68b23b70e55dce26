"""Monitor, maintenance, logs and the support archive, on the serial line of a board that runs."""

from __future__ import annotations

import base64
import io
import json
import secrets
import shutil
import socket
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from operator import methodcaller
from pathlib import Path

import pytest
from click.testing import Result
from headroom.device import calibration, firmware, romfs
from headroom.device.errors import DeviceError
from headroom.device.node import NODE
from headroom.device.serial_line import attached
from headroom.device.update import update

from boards.virtual.board import VirtualBoard
from boards.virtual.fitting import firmware_image
from boards.virtual.flash import ROMFS_START, SECTOR_BYTES
from boards.virtual.line_faults import Damage
from boards.virtual.module import Module
from boards.virtual.tests.mpremote import mpremote
from hil_tests.desk import KEYS, PASSWORD, provisioned, put_load, run

pytestmark = pytest.mark.requirement("tools")

READ = f"{NODE}.readings.last_ma[0]"


@pytest.fixture
def module() -> Iterator[Module]:
    with provisioned() as module:
        yield module


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


# pyserial's RFC 2217 client starts its thread in the old way.
@pytest.mark.filterwarnings("ignore:set(Daemon|Name).. is deprecated")
def test_a_network_port_that_another_program_has_is_left_to_it(module: Module) -> None:
    host, _, port = module.port.removeprefix("rfc2217://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as other:
        assert other.recv(1)
        told = run(module, "logs", port=module.port)
        assert told.exit_code == 2
        assert "if another program is connected to it, close that" in told.output
    assert run(module, "monitor", "--once", port=module.port).exit_code == 0


def test_maintenance_is_entered_and_left(module: Module) -> None:
    assert "in maintenance" in run(module, "maintenance", "in").output
    assert b"neither node nor watchdog" in module.do(lambda board: bytes(board.serial_log))
    told = run(module, "monitor", "--once")
    assert told.exit_code == 2
    assert "no node runs on the board: it is in maintenance" in told.output
    assert "headroom board maintenance out" in told.output
    left = json.loads(run(module, "maintenance", "out", "--json").stdout)
    assert left == {"port": module.plain_port, "maintenance": False}


def prints(module: Module, text: str) -> None:
    """Has its program print a line eight times in 2.4 s, and then no more: it would be taken for
    an answer to what is asked at the prompt.
    """
    again = f"lambda _, left=[1]*8: left and left.pop() and print({text!r})"
    once = f"init(period=300, mode=1, callback={again})"
    module.do(lambda board: board.exec(f"import machine; machine.Timer(-1).{once}"))


def test_what_it_prints_is_shown_with_the_place_in_the_firmware(module: Module) -> None:
    prints(module, '  File "node/app.py", line 7123, in _a')
    told = run(module, "logs", "--for-s", "1")
    assert told.exit_code == 0, told.output
    assert 'File "node/app.py", line 7123 (firmware/node/' in told.output
    lines = [
        json.loads(line)
        for line in run(module, "logs", "--for-s", "1", "--json").stdout.splitlines()
    ]
    assert "line 7123 (firmware/node/" in lines[0]["line"]
    assert abs(lines[0]["unix_s"] - time.time()) < 60


@pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")  # by pyserial
def test_what_is_no_text_at_a_start_is_named(module: Module) -> None:
    told = run(module, "logs", "--reset", "--for-s", "5", port=module.port)
    assert "characters that are no text: the boot ROM at 74880 baud" in told.output
    assert "headroom: flat-1 runs, boot 2" in told.output
    assert "\ufffd" not in told.output
    assert "\0" not in told.output
    refused = run(module, "logs", "--reset", "--for-s", "5")
    assert refused.exit_code == 2
    assert "carries no reset line" in refused.output


def support(module: Module, path: Path, *more: str) -> tuple[Result, dict[str, bytes]]:
    """What the command says, and what is in the archive."""
    told = run(module, "support", str(path), *more)
    assert told.exit_code == 0, told.output
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as packed:
        return told, {name: packed.read(name) for name in packed.namelist()}


def test_the_archive_has_everything_but_secrets(module: Module, tmp_path: Path) -> None:
    leak = json.dumps(PASSWORD + KEYS.site.hex())
    put = f"f=open('/calibration.json','w');f.write({leak});f.close()"
    module.do(lambda board: board.exec(put))
    token, code = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    other_key = secrets.token_hex(32)
    prints(module, f"still here {KEYS.board.hex().upper()} {PASSWORD} {other_key}")
    log = tmp_path / "log"
    link = f"http://127.0.0.1:8080/#code={code}"
    log.write_text(f"{link}\nAuthorization: Bearer {token}\n{other_key} {KEYS.charge.hex()}\nend")
    path = tmp_path / "report.zip"
    more = ("--listen-s", "3", "--coordinator-log", str(log), "--json")
    told, content = support(module, path, *more)
    assert json.loads(told.stdout) == {"file": str(path), "content": sorted(content)}
    assert {"board/config.json", "board/rom/build.json", "board/node.json", "machine.json"} <= set(
        content
    )
    assert json.loads(content["board/config.json"])["id"] == "flat-1"
    assert content["board/calibration.json"] == b"[removed][removed]"
    assert b"still here [removed] [removed] [removed]" in content["board/console.txt"]
    expected = b"http://127.0.0.1:8080/#code=[removed]\nAuthorization: Bearer [removed]\n"
    assert content["coordinator.log"] == expected + b"[removed] [removed]\nend"
    everything = b"".join(content.values()).lower()
    on_the_board = json.loads(board_secrets(module)).values()
    assert len(on_the_board) == 4
    for secret in (*on_the_board, token, code, other_key):
        assert secret.lower().encode() not in everything


DAMAGED = (
    (b'{"id": "flat-1", "pins": ', "/config.json: not JSON"),
    (b"\xff\xfe" * 20, "/config.json: not JSON"),
    (b"[]", "configuration: must be an object"),
    (b'{"id": "flat-1", "pumps": 2}', "pumps: unknown key"),
)


def test_a_damaged_configuration_starts_nothing_and_is_named(
    module: Module, tmp_path: Path
) -> None:
    for content, why in DAMAGED:
        write = f"f=open('/config.json','wb');f.write({content!r});f.close()"
        module.do(methodcaller("exec", write))
        if content == DAMAGED[0][0]:  # the node goes on by what it has read
            assert module.plain_port[:20] in run(module, "monitor", "--once").output
        module.power_cycle()
        assert f"headroom: not started, {why}" in module.console()
        told = run(module, "monitor", "--once")
        assert told.exit_code == 2
        assert f"no node runs on the board: {named(why)}" in told.output
        assert "headroom board provision" in told.output
        assert module.do(lambda board: board.plant.circuits[0].contact.at(board.now_us)) == 0
    _, archive = support(module, tmp_path / "report.zip", "--listen-s", "0")
    assert archive["board/config.json"] == DAMAGED[-1][0]
    assert b"no node runs on the board: /config.json: pumps" in archive["board/node.txt"]


def named(why: str) -> str:
    """A file is named once."""
    return why if why.startswith("/config.json") else f"/config.json: {why}"


def test_an_archive_of_a_board_that_does_not_answer(module: Module, tmp_path: Path) -> None:
    """It waits in its boot ROM's loader, as with GPIO0 at GND."""
    module.start_download()
    told, content = support(module, tmp_path / "report.zip", "--listen-s", "0.2")
    assert "the board does not answer" in told.output
    assert "What the board prints is in the archive, and nothing else of it" in told.output
    assert set(content) == {"board/console.txt", "board/error.txt", "machine.json"}


def image(folder: Path, old: str, new: str, module: str = "__init__") -> str:
    """A file with the firmware's image, changed in one place of its sources."""
    sources = folder / "firmware"
    shutil.copytree(firmware.folder() / "node", sources / "node")
    changed = sources / "node" / f"{module}.py"
    assert old in changed.read_text()
    changed.write_text(changed.read_text().replace(old, new))
    path = folder / "changed.romfs"
    path.write_bytes(romfs.build_firmware(sources, folder / "cache"))
    return str(path)


def test_new_firmware_is_put_on_a_board_that_runs(module: Module, tmp_path: Path) -> None:
    path = image(tmp_path, 'version = "0.1.0"', 'version = "0.2.0"')
    told = run(module, "update", "--romfs", path, "--good-s", "3")
    assert told.exit_code == 0, told.output
    assert "before: firmware 0.1.0, build" in told.output
    assert "now:    firmware 0.2.0, build" in told.output
    start, content = 0xB0000, Path(path).read_bytes()
    assert module.flash(start, len(content)) == content
    version = "import node; print(node.version)"
    assert module.do(lambda board: board.exec(version)) == "0.2.0\n"
    assert module.do(lambda board: board.read_file("secrets.json"))


def test_firmware_that_does_not_start_is_taken_back(module: Module, tmp_path: Path) -> None:
    path = image(tmp_path, "import sys", "import nowhere, sys")
    told = run(module, "update", "--romfs", path, "--good-s", "3")
    assert told.exit_code == 3, told.output
    assert "the new firmware is no good: ImportError: no module named 'nowhere'" in told.output
    assert "back: firmware 0.1.0, build" in told.output
    assert run(module, "monitor", "--once").exit_code == 0


def test_firmware_that_starts_again_and_again_is_taken_back(
    module: Module, tmp_path: Path
) -> None:
    again = "machine.Timer(-1).init(period=1500, mode=0, callback=lambda _: machine.reset())"
    changed = f"import machine, os, sys\n'maintenance' in os.listdir('/') or {again}\n"
    path = image(tmp_path, "import sys", changed)
    told = run(module, "update", "--romfs", path, "--good-s", "4")
    assert told.exit_code == 3, told.output
    assert "the new firmware is no good: it starts again and again" in told.output
    assert "back: firmware 0.1.0, build" in told.output


class Breaking:
    """Progress that breaks something as soon as a step begins."""

    def __init__(self, action: Callable[[], None], step: str = "write the firmware") -> None:
        self._action, self._step = action, step

    def step(self, what: str) -> None:
        """See headroom.device.chip.Progress."""
        if what == self._step:
            self._action()

    def at(self, done: int, total: int) -> None:
        """See headroom.device.chip.Progress."""


class Misheard(Damage):
    """A cable on which one text arrives as another."""

    def __init__(self, said: bytes, heard: bytes) -> None:
        super().__init__()
        self._said, self._heard = said, heard

    def pass_on(self, data: bytes) -> bytes:
        """See Damage."""
        return data.replace(self._said, self._heard)


def test_an_update_that_did_not_come_to_its_end_is_made_good(module: Module) -> None:
    """Power went while the first sector was erased, the flash refused, and the cable lied."""
    assert run(module, "maintenance", "in").exit_code == 0
    module.do(lambda board: board.flash.erase(0xB0000))
    module.power_cycle()
    image = firmware_image()
    encoded = base64.b64encode(image)
    often = Counter(encoded[i : i + 4] for i in range(0, len(encoded), 4)).most_common(1)[0][0]

    def refuse(refuses: bool) -> None:
        module.do(lambda board: setattr(board.flash, "refuses", refuses))

    def lie() -> None:
        module.faults.to_chip = Misheard(often, often.swapcase())

    with attached(module.plain_port) as line:
        refused = r"the flash refuses to be written: errno 5\n  run the same command again"
        with pytest.raises(DeviceError, match=refused):
            update(line, image, 3, Breaking(lambda: refuse(True)))
        refuse(False)
        with pytest.raises(DeviceError, match=rf"{OTHERWISE} 0xb.*\n  run the same command again"):
            update(line, image, 3, Breaking(lie))
        otherwise = r"/kept.txt reads back otherwise than it was written\n  run the same command"
        with pytest.raises(DeviceError, match=otherwise):
            line.write("/kept.txt", often * 100)
        module.faults.to_chip = Damage()
        line.write("/kept.txt", often * 100)
    # Firmware that reads back otherwise is taken for none.
    told = run(module, "update", "--good-s", "3")
    assert told.exit_code == 0, told.output
    assert "before: none" in told.output
    assert run(module, "monitor", "--once").exit_code == 0


OTHERWISE = "the firmware reads back otherwise than it was written, in the sector at"


def wear(module: Module, sector: int) -> None:
    """One of the firmware's partition that takes nothing any more, and says nothing of it."""
    worn = frozenset({ROMFS_START // SECTOR_BYTES + sector})
    module.do(lambda board: setattr(board.flash, "worn", worn))


def test_a_worn_sector_leaves_the_firmware_that_fits_there(module: Module, tmp_path: Path) -> None:
    path = image(tmp_path, 'version = "0.1.0"', 'version = "0.2.0"')
    before, after = firmware_image(), Path(path).read_bytes()
    first = next(i for i, byte in enumerate(after) if byte != before[i]) // SECTOR_BYTES
    wear(module, first)
    told = run(module, "update", "--romfs", path, "--good-s", "3")
    assert told.exit_code == 3, told.output
    sector = ROMFS_START + first * SECTOR_BYTES
    assert f"the new firmware is no good: {OTHERWISE} {sector:#x} of the flash" in told.output
    assert "back: firmware 0.1.0, build" in told.output
    assert run(module, "monitor", "--once").exit_code == 0


def test_where_no_firmware_works_the_board_stays_in_maintenance(
    module: Module, tmp_path: Path
) -> None:
    """The new one starts neither ticks nor watchdog, and the old one meets a worn sector."""
    stands = image(
        tmp_path, "    hardware.watch()\n    board.timer.init(", "    dict(", "hardware"
    )

    def empty_and_worn(board: VirtualBoard) -> None:
        board.flash.erase(ROMFS_START)
        board.flash.worn = frozenset({ROMFS_START // SECTOR_BYTES})

    back = "into maintenance, to put the earlier firmware back"
    breaking = Breaking(lambda: module.do(empty_and_worn), back)
    with attached(module.plain_port) as line, pytest.raises(DeviceError) as told:
        update(line, Path(stands).read_bytes(), 1, breaking)
    assert told.value.what.startswith("after 2 s its clock is at 0 s; and the earlier firmware: ")
    assert told.value.what.endswith(f"{OTHERWISE} {ROMFS_START:#x} of the flash")
    assert "headroom board flash, and where that names the same place" in told.value.way_out
    assert "it stays in maintenance, its relays open" in told.value.way_out
    assert "it is in maintenance" in run(module, "monitor").output


def test_a_prompt_that_cannot_be_says_what_can(module: Module) -> None:
    told = run(module, "repl")
    assert told.exit_code == 2
    assert "needs a port of this machine such as /dev/ttyUSB0, not of the network" in told.output
    assert f"serial.tools.miniterm --raw {module.plain_port} 115200" in told.output
    told = run(module, "repl", port=module.clock.serial.device)
    assert told.exit_code == 2
    assert "needs a terminal to type at" in told.output
    assert mpremote(module.clock, "exec", "print(1)").strip() == "1"


def test_mpremotes_own_deploy_finds_the_partition(module: Module) -> None:
    assert run(module, "maintenance", "in").exit_code == 0
    assert "ROMFS image size" in mpremote(module.clock, "romfs", "query")


def board_secrets(module: Module) -> str:
    """What the board really has as secrets."""
    return module.do(lambda board: board.read_file("secrets.json").decode())


def test_two_loads_calibrate_a_circuit(module: Module) -> None:
    with attached(module.plain_port) as line:
        calibration.begin(line)
        with pytest.raises(DeviceError, match="of 2 points"):
            calibration.store(line, 0)
        for amps in (2.0, 9.0):
            put_load(module, amps)
            while line.eval(READ) < 900 * amps:
                pass  # the test's limit ends it
            told = calibration.point(line, 0, round(amps * 1050))
            assert f"true {round(amps * 1050)} mA" in told
        assert "stored" in calibration.store(line, 0).told
        calibration.end(line)
        assert line.eval("'calibrate' in globals()") is False
    assert module.do(lambda board: board.read_file("calibration.json"))
