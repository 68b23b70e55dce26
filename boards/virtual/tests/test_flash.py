"""The flash chip: what it can do, what it costs, and what a power cut leaves."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from boards.virtual.files import Files
from boards.virtual.flash import (
    ERASE_US,
    FILES_SECTORS,
    FILES_START,
    SECTOR_BYTES,
    Flash,
    PowerLost,
    WriteFailed,
)


def test_programming_only_clears_bits_and_erasing_sets_a_sector() -> None:
    flash = Flash()
    flash.program(0, b"\xf0")
    flash.program(0, b"\x3c")
    assert flash.read(0, 2) == b"\x30\xff"
    flash.erase(0)
    assert flash.read(0, SECTOR_BYTES) == b"\xff" * SECTOR_BYTES
    assert (flash.wear.programs, flash.wear.erases) == (2, 1)
    assert flash.take_busy_us() > ERASE_US
    assert flash.take_busy_us() == 0


def test_image_survives_saving_and_loading(tmp_path: Path) -> None:
    path = tmp_path / "flash.bin"
    flash = Flash.load(path)
    Files(flash).write_file("/kept.txt", b"here")
    flash.save(path)
    assert Files(Flash.load(path)).read_file("/kept.txt") == b"here"


def test_a_cut_does_half_an_operation_and_nothing_after_it() -> None:
    flash = Flash()
    flash.cut_at = 2
    flash.program(0, b"\x00" * 8)
    with pytest.raises(PowerLost):
        flash.program(8, b"\x00" * 8)
    with pytest.raises(PowerLost):
        flash.program(16, b"\x00" * 8)
    assert flash.read(0, 24) == b"\x00" * 12 + b"\xff" * 12


def test_a_chip_that_refuses_says_so_and_a_worn_sector_does_not() -> None:
    flash = Flash()
    flash.worn = frozenset({0})
    flash.program(0, b"\x00")
    flash.program(SECTOR_BYTES - 1, b"\x00\x00")  # of two pages
    assert flash.read(0, 1) + flash.read(SECTOR_BYTES - 1, 2) == b"\xff\xff\x00"
    flash.refuses = True
    with pytest.raises(WriteFailed):
        flash.erase(SECTOR_BYTES)
    assert flash.read(SECTOR_BYTES, 1) == b"\x00"


def test_files_meet_a_refusal_as_an_error_and_worn_sectors_not_at_all() -> None:
    flash = Flash()
    Files(flash).write_file("/kept.txt", b"old")
    flash.refuses = True
    assert Files(flash).call("file_open", "/other.txt", "wb") == -errno.EIO
    assert Files(flash).read_file("/kept.txt") == b"old"
    flash.refuses = False
    first = FILES_START // SECTOR_BYTES
    flash.worn = frozenset(range(first + 3, first + FILES_SECTORS, 3))
    for k in range(20):
        Files(flash).write_file(f"/new-{k}.txt", bytes([k]) * 2 * SECTOR_BYTES)
    for k in range(20):
        assert Files(flash).read_file(f"/new-{k}.txt") == bytes([k]) * 2 * SECTOR_BYTES


def replace_state(files: Files) -> None:
    """What firmware does; ends where the power does."""
    handle = files.call("file_open", "/state.new", "wb")
    for step in (
        ("file_write", handle, "new" * 50),
        ("file_close", handle),
        ("rename", "/state.new", "/state"),
    ):
        if not isinstance(handle, int) or handle < 0 or files.call(*step) == -errno.EIO:
            return


def test_rename_over_a_file_is_whole_at_every_cut() -> None:
    """littlefs itself, on this chip: write new, rename over old; a cut anywhere leaves the old or
    the new.
    """
    seen = set()
    for cut in range(1, 1000):
        flash = Flash()
        Files(flash).write_file("/state", b"old" * 50)
        flash.cut_at = flash.wear.operations + cut
        files = Files(flash)
        replace_state(files)
        files.detach()
        was_cut = not flash.powered
        flash.powered, flash.cut_at = True, None
        content = Files(flash).read_file("/state")
        assert content in (b"old" * 50, b"new" * 50)
        seen.add(content)
        if not was_cut:
            break
    else:
        pytest.fail("the write never finished")
    assert len(seen) == 2


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (("file_open", "/none", "rb"), 2),
        (("stat", "/none", ""), 2),
        (("remove", "/none", ""), 2),
        (("mkdir", "/here", ""), 17),
        (("listdir", "/none", ""), 2),
        (("file_open", "/here", "wb"), 21),
    ],
)
def test_errors_are_the_chips_numbers(call: tuple[str, str, str], code: int) -> None:
    files = Files(Flash())
    files.call("mkdir", "/here", "")
    assert files.call(*call) == -code
