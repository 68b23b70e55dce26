"""A backup put back does not take a board back in time."""

import hashlib
import json
from typing import Any

import pytest
from headroom.device.errors import DeviceError
from headroom.device.files import FlashFiles
from headroom.device.layout import FILES_START
from headroom.device.renewal import renewed

from boards.virtual.files import Files, install
from boards.virtual.flash import SECTOR_BYTES, Flash

FLASH_BYTES = 4 * 1024 * 1024


def sealed(state: dict[str, Any]) -> bytes:
    line = json.dumps(state)
    return f"{line}\n{hashlib.sha256(line.encode()).hexdigest()}\n".encode()


def state(boot: int, epoch: int, off: list[list[int]]) -> bytes:
    return sealed({"boot": boot, "epoch": epoch, "off": off, "starts": [1, 0, 0]})


def board(name: str = "flat-1", **files: bytes) -> bytes:
    """The flash of a board with some of its files changed; b"" = without it."""
    content = {
        "config.json": json.dumps({"id": name}).encode(),
        "secrets.json": b'{"key": "old"}',
        "state.json": state(7, 3, []),
        "journal/4": b"old minutes",
        "calibration.json": b"line",
    }
    content |= {
        key.replace("_", ".").replace("journal.", "journal/"): v for key, v in files.items()
    }
    flash = Flash()
    install(flash, {key: value for key, value in content.items() if value}, b"rom")
    return bytes(flash.image)


NOW = state(12, 5, [[2, 0]])


def test_what_the_board_has_become_is_kept_and_what_was_put_on_it_comes_back() -> None:
    backup = board(calibration_json=b"as it was")
    present = board(
        state_json=NOW, secrets_json=b'{"key": "new"}', journal_4=b"", journal_9=b"new"
    )
    image, outcome = renewed(backup, present[FILES_START:])
    files = FlashFiles(image[FILES_START:])
    assert files.read("state.json") == NOW
    assert files.read("secrets.json") == b'{"key": "new"}'
    assert files.names("journal") == ["journal/9"]
    assert files.read("journal/9") == b"new"
    assert files.read("calibration.json") == b"as it was"
    assert (outcome.board_id, outcome.needs_provisioning) == ("flat-1", "")
    assert image[:FILES_START] == backup[:FILES_START]
    assert len(image) == FLASH_BYTES


def test_the_board_itself_reads_what_was_written() -> None:
    image, _ = renewed(board(), board(state_json=NOW)[FILES_START:])
    files = Files(Flash(image))
    assert files.read_file("state.json") == NOW
    files.detach()


@pytest.mark.parametrize(
    ("present", "why"),
    [
        (b"\xff" * FLASH_BYTES, "the flash of this board has no files"),
        (board("flat-2"), "this board is flat-2, the backup is of flat-1"),
        (board(config_json=b""), "config.json of this board is missing or damaged"),
        (board(config_json=b"[]"), "config.json of this board is missing or damaged"),
        (board(state_json=NOW[:-9]), "state.json of this board is missing or damaged"),
        (board(state_json=b""), "state.json of this board is missing or damaged"),
        (board(secrets_json=b""), "secrets.json of this board is missing or damaged"),
        (board(secrets_json=b'{"key": "o'), "secrets.json of this board is missing or damaged"),
        (board(secrets_json=b'{"key": ""}'), "secrets.json of this board is missing or damaged"),
    ],
)
def test_where_that_is_not_known_it_asks_for_provisioning(present: bytes, why: str) -> None:
    image, outcome = renewed(board(state_json=NOW), present[FILES_START:])
    assert why in outcome.needs_provisioning
    files = FlashFiles(image[FILES_START:])
    assert files.read("config.json") is None
    assert files.read("secrets.json") is None
    assert files.names("journal") == []
    kept = json.loads((files.read("state.json") or b"").split(b"\n")[0])
    assert kept["unknown"] == 1
    assert (kept["boot"], kept["epoch"], kept["off"]) == (12, 5, [[2, 0]])
    assert files.read("calibration.json") == b"line"


@pytest.mark.parametrize("erased", [0, 16])
def test_a_restore_that_was_cut_short_is_done_again_without_going_back(erased: int) -> None:
    """Cut after each sector of the files, with so many more erased and the rest as it was."""
    backup = board(calibration_json=bytes(range(256)) * 256)
    present = board(state_json=NOW, secrets_json=b'{"key": "new"}')[FILES_START:]
    restored = renewed(backup, present)[0][FILES_START:]
    outcomes = set()
    for sector in range(40):
        end = sector * SECTOR_BYTES
        begins = end + erased * SECTOR_BYTES
        torn = restored[:end] + b"\xff" * (begins - end) + present[begins:]
        image, outcome = renewed(backup, torn)
        files = FlashFiles(image[FILES_START:])
        outcomes.add(bool(outcome.kept))
        if outcome.kept:
            assert files.read("state.json") == NOW
            assert files.read("secrets.json") == b'{"key": "new"}'
        else:
            assert files.read("secrets.json") is None
            assert b'"unknown": 1' in (files.read("state.json") or b"")
    assert outcomes == ({True, False} if erased else {True})


def test_a_file_that_is_no_backup_is_refused() -> None:
    with pytest.raises(DeviceError, match="the backup has no file system"):
        renewed(b"\xff" * FLASH_BYTES, board()[FILES_START:])
