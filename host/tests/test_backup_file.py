"""A backup of a board's flash in a file; a changed one is refused before a board is touched."""

import subprocess
from pathlib import Path

import pytest
from headroom.device import backup_file
from headroom.device.errors import DeviceError
from headroom.device.layout import FILES_START, ROMFS_START

from boards.virtual.fitting import firmware_image

FLASH = b"\xe9".ljust(ROMFS_START, b"\0") + firmware_image().ljust(FILES_START, b"\xff")


def test_it_is_read_back_and_sha256sum_knows_it(tmp_path: Path) -> None:
    path = tmp_path / "board.bin"
    digest = backup_file.save(path, FLASH)
    assert backup_file.load(path) == (FLASH, True)
    checked = ["sha256sum", "--check", "--strict", "board.bin.sha256"]
    subprocess.run(checked, cwd=tmp_path, check=True, timeout=60)
    assert digest in (tmp_path / "board.bin.sha256").read_text()
    (tmp_path / "board.bin.sha256").unlink()
    assert backup_file.load(path) == (FLASH, False)


def test_one_that_has_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "board.bin"
    backup_file.save(path, FLASH)
    path.write_bytes(FLASH[:-1] + b"\0")
    with pytest.raises(DeviceError, match=r"has changed since it was made: .*board.bin.sha256\n"):
        backup_file.load(path)


def test_one_with_damaged_firmware_is_refused_without_a_hash_too(tmp_path: Path) -> None:
    path = tmp_path / "board.bin"
    at = ROMFS_START + len(firmware_image()) // 2
    path.write_bytes(FLASH[:at] + bytes((FLASH[at] ^ 1,)) + FLASH[at + 1 :])
    with pytest.raises(DeviceError, match="its firmware is damaged: ROMFS image"):
        backup_file.load(path)


def test_one_of_a_board_without_firmware_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "board.bin"
    backup_file.save(path, b"\xff" * FILES_START)
    assert backup_file.load(path)[1]


def test_a_disk_without_room_is_told(tmp_path: Path) -> None:
    backup_file.require_room(tmp_path / "board.bin", 1)
    with pytest.raises(DeviceError, match=r"\d+ bytes are needed, \d+ are free there"):
        backup_file.require_room(tmp_path / "board.bin", 1 << 62)
