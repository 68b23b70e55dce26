"""esptool, unmodified, takes an empty module to one that boots what was flashed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from boards.virtual.fitting import firmware_image
from boards.virtual.flash import FILES_START, ROMFS_START
from boards.virtual.module import Module
from boards.virtual.rom.image import stand_in
from boards.virtual.tests.esptool import esptool, esptool_on_cable, refused, run

READY = ">>> "


@pytest.fixture
def module() -> Iterator[Module]:
    with Module() as module:
        yield module


@pytest.fixture
def interpreter(tmp_path: Path) -> Path:
    """A file with an image that the boot ROM starts."""
    path = tmp_path / "interpreter.bin"
    path.write_bytes(stand_in())
    return path


@pytest.fixture
def romfs(tmp_path: Path) -> Path:
    """A file with the firmware's ROMFS image."""
    path = tmp_path / "node.romfs"
    path.write_bytes(firmware_image())
    return path


def packages(module: Module) -> str:
    """What the board's ROMFS partition holds, asked of its interpreter."""
    return module.do(lambda board: board.exec("import os; print(os.listdir('/rom'))")).strip()


def test_an_empty_module_says_why_it_started_and_stays(module: Module) -> None:
    assert "rst cause:1, boot mode:(3," in module.console()
    assert module.console().endswith("ets_main.c\r\n")
    assert module.do(lambda board: (board.powered, board.runs)) == (True, False)


def test_over_rfc_2217_it_is_identified_and_left_alone(module: Module) -> None:
    seen = esptool(module, "--chip", "esp8266", "--no-stub", "chip-id")
    assert "ESP8266EX" in seen
    assert "26MHz" in seen
    assert "18:fe:34:00:00:01" in seen
    assert "Chip ID: 0x00000001" in seen
    assert module.console().count("boot mode:(1,") == 1
    assert module.console().endswith("rst cause:2, boot mode:(3,6)\r\n\r\nets_main.c\r\n")


def test_over_rfc_2217_it_is_written_and_boots_what_was_written(
    module: Module, interpreter: Path, romfs: Path
) -> None:
    files = ["0", str(interpreter), hex(ROMFS_START), str(romfs)]
    seen = esptool(module, "--baud", "460800", "write-flash", *files)
    assert "Changing baud rate to 460800" in seen
    assert seen.count("Hash of data verified.") == 2
    assert module.flash(0, 64) == stand_in()[:64]
    assert "'node'" in packages(module)


def test_without_stub_it_is_written_uncompressed_and_in_full_size(
    module: Module, interpreter: Path, romfs: Path
) -> None:
    interpreter.write_bytes(stand_in(ROMFS_START))
    module.start_download()
    image = [str(interpreter), hex(ROMFS_START), str(romfs)]
    seen = esptool_on_cable(module, "--no-stub", "write-flash", "0", *image, after="soft-reset")
    assert "compressed" not in seen
    assert "'node'" in packages(module)
    module.start_download()
    assert "digest matched" in esptool_on_cable(module, "verify-flash", "0", *image)


def test_it_reads_back_verifies_and_erases(module: Module, romfs: Path, tmp_path: Path) -> None:
    module.start_download()
    esptool_on_cable(module, "write-flash", hex(ROMFS_START), str(romfs))
    assert "digest matched" in esptool_on_cable(
        module, "verify-flash", hex(ROMFS_START), str(romfs)
    )
    back, size = tmp_path / "back.bin", romfs.stat().st_size
    esptool_on_cable(module, "read-flash", hex(ROMFS_START), str(size), str(back))
    assert back.read_bytes() == romfs.read_bytes()
    esptool_on_cable(module, "erase-region", hex(ROMFS_START), "0x1000")
    assert (
        module.flash(ROMFS_START, 0x1001) == b"\xff" * 0x1000 + romfs.read_bytes()[0x1000:0x1001]
    )
    other = run(
        module.plain_port, "--before", "no-reset", "verify-flash", hex(ROMFS_START), str(romfs)
    )
    assert "Verification failed" in refused(other)
    esptool_on_cable(module, "erase-flash")
    assert module.do(lambda board: board.flash.image.count(0xFF) == board.flash.size)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("read-mac", "18:fe:34:00:00:01"),
        ("flash-id", "Device: 4016"),
        ("read-mem 0x40001000", "0xfff0c101"),
        ("read-flash-sfdp 0 4", "0x53 0x46 0x44 0x50"),
        ("write-flash-status --bytes 1 0x1c", "After flash memory status:   0x1c"),
        ("run", "Hard resetting"),
    ],
)
def test_the_other_commands_are_served(module: Module, command: str, says: str) -> None:
    module.start_download()
    seen = esptool_on_cable(module, "--no-stub", *command.split(), after="hard-reset")
    assert says.lower() in seen.lower()


@pytest.mark.parametrize("command", ["erase-flash", "read-flash 0 4096 back.bin"])
def test_what_the_rom_cannot_do_is_refused(module: Module, command: str) -> None:
    module.start_download()
    cable = [module.plain_port, "--before", "no-reset", "--no-stub", *command.split()]
    assert "ESP8266 ROM does not support function" in refused(run(*cable))


def test_download_mode_of_a_board_that_ran_waits_without_work(module: Module) -> None:
    module.do(
        lambda board: board.install(
            {"main.py": b"import machine; t = machine.Timer(-1, period=40)"}
        )
    )
    module.reset()
    assert module.do(lambda board: board.next_timer_us) is not None
    module.start_download()
    assert module.do(lambda board: board.next_timer_us) is None


def test_out_of_the_stub_the_rom_is_reached_again(module: Module) -> None:
    module.start_download()
    esptool_on_cable(module, "chip-id")
    assert "already running" in esptool_on_cable(module, "chip-id")
    esptool_on_cable(module, "chip-id", after="no-reset")
    assert "Uploading stub" in esptool_on_cable(module, "chip-id")


def test_a_damaged_program_does_not_start(module: Module) -> None:
    image = bytearray(stand_in())
    image[20] ^= 1

    def write(content: bytes | bytearray) -> None:
        module.do(lambda board: board.flash.image.__setitem__(slice(0, len(content)), content))
        module.reset()

    write(image)
    assert "csum err" in module.console()
    assert not module.do(lambda board: board.runs)
    write(stand_in())
    assert module.console().endswith(READY)


def test_damaged_files_are_told_of(module: Module) -> None:
    module.do(lambda board: board.install({"main.py": b"print('here')"}))
    module.reset()
    assert "here" in module.console()
    module.do(
        lambda board: board.flash.image.__setitem__(
            slice(FILES_START, FILES_START + 8192), b"\0" * 8192
        )
    )
    module.reset()
    assert "file system is damaged" in module.console()
    assert not module.do(lambda board: board.runs)
