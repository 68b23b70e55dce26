"""What can go wrong while a module is flashed: each fault gives an error that names it, and leaves
a module that can be flashed again.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from boards.virtual.board import VirtualBoard
from boards.virtual.fitting import firmware_image
from boards.virtual.flash import FILES_START, ROMFS_BYTES, ROMFS_START
from boards.virtual.module import Module
from boards.virtual.rom.chip import ESP32
from boards.virtual.rom.image import stand_in
from boards.virtual.tests.esptool import esptool_on_cable, refused, run, said

IN_A_DIGEST = 16  # no other answer is so long, apart from what is read back
FAR_IN_A_BLOCK = 1024 * 7  # longer than what the stub itself is uploaded in
WITHOUT_RETRY = ["--connect-attempts", "1"]


@pytest.fixture
def module() -> Iterator[Module]:
    with Module() as module:
        module.start_download()
        yield module


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """64 KiB that do not compress: four of the stub's blocks."""
    path = tmp_path / "image.bin"
    path.write_bytes(stand_in(64 * 1024))
    return path


def on_cable(module: Module, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(module.plain_port, "--before", "no-reset", "--after", "no-reset-stub", *arguments)


def assert_can_be_flashed(module: Module, image: Path) -> None:
    """The module, reset by hand, takes an image and starts it."""
    module.start_download()
    esptool_on_cable(module, "write-flash", "0", str(image), after="soft-reset")
    assert module.do(lambda board: board.runs)


def test_a_damaged_block_is_refused_and_sent_again(module: Module, image: Path) -> None:
    module.faults.to_chip.strike(FAR_IN_A_BLOCK, times=2)
    said(on_cable(module, "write-flash", "0", str(image)))
    assert module.faults.to_chip.done == 2
    assert module.flash(0, image.stat().st_size) == image.read_bytes()


def test_blocks_that_never_arrive_whole_are_told(module: Module, image: Path) -> None:
    module.faults.to_chip.strike(FAR_IN_A_BLOCK, times=3)
    assert "Bad data checksum" in refused(on_cable(module, "write-flash", "0", str(image)))
    assert module.do(lambda board: board.flash.wear.programs) == 0
    assert_can_be_flashed(module, image)


def test_a_damaged_answer_is_told(module: Module, image: Path) -> None:
    module.faults.to_host.strike(IN_A_DIGEST)
    seen = refused(on_cable(module, "write-flash", "0", str(image)))
    assert "MD5 of file does not match data in flash" in seen
    assert module.faults.to_host.done == 1
    assert_can_be_flashed(module, image)


def test_a_damaged_read_is_told_by_its_digest(module: Module, tmp_path: Path) -> None:
    module.faults.to_host.strike(IN_A_DIGEST)
    back = str(tmp_path / "back.bin")
    assert "Digest mismatch" in refused(on_cable(module, "read-flash", "0", "0x4000", back))
    assert module.faults.to_host.done == 1
    module.start_download()
    assert "ESP8266EX" in esptool_on_cable(module, "chip-id")


def test_a_port_that_disappears_is_told(module: Module, image: Path) -> None:
    module.faults.unplug_after = 40_000
    seen = refused(on_cable(module, "write-flash", "0", str(image)))
    assert "Lost connection" in seen
    assert "serial exception error" in seen
    module.plug()
    assert_can_be_flashed(module, image)


def test_a_port_that_comes_back_in_time_is_written_to_the_end(module: Module, image: Path) -> None:
    module.faults.unplug_after = 40_000
    with ThreadPoolExecutor() as pool:
        writing = pool.submit(on_cable, module, "write-flash", "0", str(image))
        assert module.faults.unplugged.wait(60)
        module.plug()
        seen = said(writing.result())
    assert "Lost connection, retrying" in seen
    assert "Hash of data verified" in seen
    assert module.flash(0, image.stat().st_size) == image.read_bytes()


def test_another_chip_is_told() -> None:
    with Module(word=ESP32) as module:
        module.start_download()
        seen = refused(on_cable(module, "--chip", "esp8266", "chip-id"))
    assert "This chip is ESP32, not ESP8266" in seen


@pytest.mark.parametrize(("kib", "name"), [(512, "512KB"), (1024, "1MB")])
def test_too_small_a_flash_is_told(kib: int, name: str, tmp_path: Path) -> None:
    files = tmp_path / "files.bin"
    files.write_bytes(b"files")
    with Module(flash_bytes=kib * 1024) as module:
        module.start_download()
        assert f"Detected flash size: {name}" in esptool_on_cable(module, "flash-id")
        seen = refused(on_cable(module, "write-flash", hex(FILES_START), str(files)))
        assert f"will not fit in {kib * 1024} bytes of flash" in seen
        assert module.do(lambda board: board.flash.wear.operations) == 0


def test_a_full_partition_damages_the_files_and_the_board_says_so(
    module: Module, image: Path, tmp_path: Path
) -> None:
    large = tmp_path / "large.romfs"
    large.write_bytes(firmware_image().ljust(ROMFS_BYTES + 8192, b"\0"))
    both = ["0", str(image), hex(ROMFS_START), str(large)]
    esptool_on_cable(module, "write-flash", *both, after="soft-reset")
    assert "file system is damaged" in module.console()
    module.start_download()
    esptool_on_cable(module, "erase-flash")
    assert_can_be_flashed(module, image)


def test_a_chip_without_dtr_and_rts_does_not_answer(module: Module, image: Path) -> None:
    module.wire(False)
    module.reset()
    seen = refused(run(module.port, *WITHOUT_RETRY, "chip-id"))
    assert "Failed to connect to Espressif device: No serial data received" in seen
    module.wire(True)
    assert_can_be_flashed(module, image)


def refuse(board: VirtualBoard) -> None:
    board.flash.refuses = True


def cut(board: VirtualBoard) -> None:
    board.flash.cut_at = board.flash.wear.operations + 100


@pytest.mark.parametrize(
    ("fault", "message"),
    [(refuse, "Failed SPI operation"), (cut, "No more data to read from the serial port")],
    ids=["flash refuses", "power goes"],
)
def test_a_write_that_fails_is_told(
    module: Module, image: Path, fault: Callable[[VirtualBoard], None], message: str
) -> None:
    esptool_on_cable(module, "chip-id")
    module.do(fault)
    assert message in refused(on_cable(module, "write-flash", "0", str(image)))

    def repair(board: VirtualBoard) -> None:
        board.flash.refuses = False
        board.power_off()
        board.power_on()

    module.do(repair)
    assert_can_be_flashed(module, image)


def test_worn_sectors_are_found_by_their_digest(module: Module, image: Path) -> None:
    module.do(lambda board: setattr(board.flash, "worn", frozenset({3})))
    seen = refused(on_cable(module, "write-flash", "0", str(image)))
    assert "MD5 of file does not match data in flash" in seen


def test_esptool_calls_the_stand_in_a_valid_image(image: Path) -> None:
    command = [sys.executable, "-m", "esptool", "--chip", "esp8266", "image-info", str(image)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "(valid)" in said(done)
