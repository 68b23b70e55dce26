"""The project's own tools flash a virtual module, and what goes wrong is told with a way out."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, Popen

import esptool.loader
import pytest
from click.testing import CliRunner, Result
from headroom.cli import main
from headroom.device.chip import connected
from headroom.device.errors import DeviceError
from headroom.device.flash import restore
from headroom.device.layout import ROMFS_START

from boards.virtual.board import VirtualBoard
from boards.virtual.files import install, read_file
from boards.virtual.fitting import board_files, firmware_image
from boards.virtual.flash import SECTOR_BYTES
from boards.virtual.line_faults import Damage
from boards.virtual.module import Module
from boards.virtual.rom.chip import ESP32
from boards.virtual.rom.image import stand_in

# pyserial's RFC 2217 client names and marks its thread as Python did before 3.10.
pytestmark = [
    pytest.mark.requirement("flashing"),
    pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning"),
]

FLASH_BYTES = 2 * 1024 * 1024


@pytest.fixture
def module() -> Iterator[Module]:
    with Module(flash_bytes=FLASH_BYTES) as module:
        yield module


@pytest.fixture
def image(tmp_path: Path) -> str:
    """A file with what stands in for MicroPython here."""
    path = tmp_path / "micropython.bin"
    path.write_bytes(stand_in())
    return str(path)


def headroom(*arguments: str) -> Result:
    """A command of `headroom board`."""
    return CliRunner().invoke(main, ["board", *arguments])


def in_loader(module: Module, *arguments: str) -> Result:
    """One on the plain cable of a module whose BOOT is held: it begins sooner than RFC 2217."""
    module.start_download()
    return headroom(*arguments, "--port", module.plain_port, "--no-reset", "--baud", "115200")


def boots(module: Module) -> bool:
    """Whether MicroPython and the firmware are there and start."""
    module.reset()
    return "build.json" in module.do(lambda b: b.exec("import os; print(os.listdir('/rom'))"))


def test_an_empty_module_is_flashed_read_back_and_boots(module: Module, image: str) -> None:
    told = in_loader(module, "flash", image)
    assert told.exit_code == 0, told.output
    assert "18:fe:34:00:00:01: MicroPython 1.29.0, 4096 bytes" in told.output
    assert "both read back as written" in told.output
    assert module.flash(ROMFS_START, 4096) == firmware_image()[:4096]
    assert boots(module)
    # The flash size in the program's header: 2 MB, so that the files' partition is what is tested.
    assert module.flash(3, 1)[0] >> 4 == 3


def test_files_stay_where_a_board_is_flashed_anew(module: Module, image: str) -> None:
    module.do(lambda board: install(board.flash, {"kept.txt": b"kept"}, b""))
    assert in_loader(module, "flash", image).exit_code == 0
    assert module.do(lambda board: read_file(board.flash, "kept.txt")) == b"kept"


def test_all_of_it_is_erased_once_a_person_agrees(module: Module, image: str) -> None:
    assert in_loader(module, "flash", image).exit_code == 0
    refused = in_loader(module, "erase")  # nobody there to answer
    assert refused.exit_code == 1
    assert f"Erase everything on the board at {module.plain_port}?" in refused.output
    assert "connect to" not in refused.output  # so that its relays stay as they are
    assert module.flash(0, 1) == b"\xe9"
    erased = in_loader(module, "erase", "--yes", "--json")
    assert json.loads(erased.stdout) == {"mac": "18:fe:34:00:00:01"}
    assert module.flash(0, FLASH_BYTES) == b"\xff" * FLASH_BYTES
    assert in_loader(module, "flash", image).exit_code == 0
    assert boots(module)


def test_a_flash_that_takes_its_time(image: str) -> None:
    """Erasing all of it lasts longer than any other answer is waited for: 512 sectors of 45 ms."""
    with Module(flash_bytes=FLASH_BYTES, flash_time=0.2) as module:
        assert in_loader(module, "flash", image).exit_code == 0
        begun = time.monotonic()
        told = in_loader(module, "erase", "--yes")
        assert told.exit_code == 0, told.output
        assert time.monotonic() - begun > 0.2 * 512 * 0.045 > esptool.loader.DEFAULT_TIMEOUT
        assert module.flash(0, FLASH_BYTES) == b"\xff" * FLASH_BYTES


class Silent:
    """Progress that nobody looks at."""

    def step(self, what: str) -> None:
        """See headroom.device.chip.Progress."""

    def at(self, done: int, total: int) -> None:
        """See headroom.device.chip.Progress."""


def test_a_network_port_is_not_agreed_on_anew_for_each_block(module: Module) -> None:
    """pyserial does that whenever a timeout is set: a minute more for a backup."""
    with connected(module.port, Silent()) as chip:
        assert chip.read("its start", 0, 16 * SECTOR_BYTES) == b"\xff" * 16 * SECTOR_BYTES
    assert module.clock.remote.agreed < 8


def test_a_backup_is_all_of_the_flash_for_its_owner_alone(module: Module, tmp_path: Path) -> None:
    module.do(lambda board: install(board.flash, {"secrets.json": b"key"}, firmware_image()))
    kept = tmp_path / "board.bin"
    # The plain cable gives its bytes one by one.
    assert headroom("backup", str(kept), "--port", module.port).exit_code == 0
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.read_bytes() == module.flash(0, FLASH_BYTES)
    kept.write_bytes(b"\0" + kept.read_bytes()[1:])
    refused = in_loader(module, "restore", str(kept))
    assert refused.exit_code == 2
    assert "board.bin: has changed since it was made" in refused.output
    assert "connect to" not in refused.output


def test_what_a_backup_holds_comes_back_but_not_what_the_board_was(
    module: Module, tmp_path: Path
) -> None:
    provisioned = board_files({"id": "flat-1"}, {"key": "old"})
    module.do(lambda board: install(board.flash, provisioned | {"state.json": state(3)}, b""))
    kept = tmp_path / "board.bin"
    kept.write_bytes(module.flash(0, FLASH_BYTES))

    module.do(lambda board: install(board.flash, {"state.json": state(9), "main.py": b"?"}, b""))
    told = in_loader(module, "restore", str(kept))
    assert told.exit_code == 0, told.output
    assert "flat-1: restored; as the board had become: /state.json, /secrets.json" in told.output
    assert module.do(lambda board: read_file(board.flash, "state.json")) == state(9)
    assert module.do(lambda board: read_file(board.flash, "main.py")) == provisioned["main.py"]


def test_a_backup_for_another_size_of_flash(module: Module, tmp_path: Path) -> None:
    path = tmp_path / "board.bin"
    path.write_bytes(bytes(4096))
    told = in_loader(module, "restore", str(path))
    assert told.exit_code == 2
    assert "has 4096 bytes, the flash of this board 2097152" in told.output


def state(boot: int) -> bytes:
    """A state file as the firmware seals it."""
    line = json.dumps({"boot": boot, "epoch": 1, "off": [[0, 0]], "starts": [1, 0, 0]})
    return f"{line}\n{hashlib.sha256(line.encode()).hexdigest()}\n".encode()


# Faults. Each is told of with a way out, and afterwards the board can be flashed again.


def test_a_chip_that_does_not_answer(module: Module, image: str) -> None:
    """Without a reset circuit, and nobody held its button."""
    told = headroom("flash", image, "--port", module.plain_port, "--no-reset")
    assert told.exit_code == 2
    assert "the chip does not answer" in told.output
    assert "hold GPIO0 at GND" in told.output
    assert in_loader(module, "flash", image).exit_code == 0
    assert boots(module)


# pyserial's RFC 2217 client may leave its socket open where the far end has gone.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_port_that_disappears_half_way(module: Module, image: str) -> None:
    module.faults.unplug_after = 40_000
    told = headroom("flash", image, "--port", module.port)
    assert told.exit_code == 2
    assert "the port has gone" in told.output
    assert "plug it in again, then run the same command again" in told.output
    assert headroom("flash", image, "--port", module.port).output.count("cannot be opened") == 1
    module.plug()
    assert in_loader(module, "flash", image).exit_code == 0
    assert boots(module)


def test_ctrl_c_half_way(module: Module, image: str) -> None:
    code = "from headroom.cli import main; main()"
    command = [sys.executable, "-c", code, "board", "flash", image]
    with Popen([*command, "--port", module.port], stderr=PIPE, text=True) as writing:
        assert writing.stderr is not None
        for line in writing.stderr:
            if line == "write firmware ...\n":
                break
        writing.send_signal(signal.SIGINT)
        told = writing.stderr.read()
    assert writing.returncode == 130
    assert told.startswith("headroom: stopped at: write firmware\n  run the same command again")
    assert in_loader(module, "flash", image).exit_code == 0
    assert boots(module)


class Unplugging:
    """Progress that pulls the cable half-way through writing a backup."""

    def __init__(self, module: Module) -> None:
        self._module = module
        self._writes = False

    def step(self, what: str) -> None:
        """See headroom.device.chip.Progress."""
        self._writes = what == "write the backup"

    def at(self, done: int, total: int) -> None:
        """See headroom.device.chip.Progress."""
        if self._writes and done > total // 2:
            self._module.plug(False)


def test_a_restore_whose_port_disappears_half_way(module: Module, tmp_path: Path) -> None:
    """Most of what is written is a large file: the cable goes in the middle of the board's."""
    provisioned = board_files({"id": "flat-1"}, {"key": "old"}) | {"state.json": state(3)}
    large = {"large": random.Random(5).randbytes(30_000)}
    module.do(lambda board: install(board.flash, provisioned | large, b""))
    kept = tmp_path / "board.bin"
    kept.write_bytes(module.flash(0, FLASH_BYTES))
    module.do(lambda board: install(board.flash, {"state.json": state(9), "large": b""}, b""))

    module.start_download()
    with (
        pytest.raises(DeviceError, match=r"the port has gone[^\n]*\n  plug it in again, then run"),
        connected(module.plain_port, Unplugging(module), 115_200, reset=False) as chip,
    ):
        restore(chip, kept.read_bytes())
    module.plug()
    told = in_loader(module, "restore", str(kept))
    assert told.exit_code == 0, told.output
    assert module.do(lambda board: read_file(board.flash, "state.json")) == state(9)
    assert module.do(lambda board: read_file(board.flash, "large")) == large["large"]


@pytest.mark.parametrize(("way", "byte"), [("to_chip", 100), ("to_host", 9)])
def test_damaged_packets(module: Module, image: str, way: str, byte: int) -> None:
    """Blocks of data to the chip, whose checksum it looks at; status bytes to the host."""
    damage = getattr(module.faults, way)
    for packet in range(20, 200):
        damage.strike(packet, byte)
    told = headroom("flash", image, "--port", module.port)
    assert damage.done
    assert told.exit_code == 2
    assert "run the same command again" in told.output
    setattr(module.faults, way, Damage())
    assert in_loader(module, "flash", image).exit_code == 0
    assert boots(module)


def test_another_chip(image: str) -> None:
    with Module(word=ESP32) as module:
        told = in_loader(module, "flash", image)
        assert told.exit_code == 2
        assert "the chip is an ESP32; this firmware is for an ESP8266" in told.output
        assert module.flash(0, 4096) == b"\xff" * 4096


def test_too_small_a_flash(image: str) -> None:
    with Module(flash_bytes=1024 * 1024) as module:
        told = in_loader(module, "flash", image)
        assert told.exit_code == 2
        assert "the flash holds 1MB, 2 MB are needed" in told.output
        assert module.flash(0, 4096) == b"\xff" * 4096


def test_a_firmware_too_large_for_its_partition(
    module: Module, image: str, tmp_path: Path
) -> None:
    large = tmp_path / "large.romfs"
    large.write_bytes(firmware_image().ljust(320 * 1024 + 1, b"\0"))
    told = in_loader(module, "flash", image, "--romfs", str(large))
    assert told.exit_code == 2
    assert "327681 bytes, its partition holds 327680" in told.output
    assert module.flash(0, 4096) == b"\xff" * 4096
    assert in_loader(module, "flash", image).exit_code == 0


def test_a_flash_that_is_worn(module: Module, image: str) -> None:
    def wear(board: VirtualBoard) -> None:
        board.flash.worn = frozenset({ROMFS_START // SECTOR_BYTES + 1})

    module.do(wear)
    told = in_loader(module, "flash", image)
    assert told.exit_code == 2
    assert "MD5 of file does not match data in flash" in told.output
    assert "run the same command again" in told.output
