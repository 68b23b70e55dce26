"""A board's whole flash in a file, and beside it its SHA-256, as sha256sum writes it."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from headroom.data_dir import write_private
from headroom.device import romfs
from headroom.device.errors import DeviceError
from headroom.device.layout import FILES_START, ROMFS_START

_DAMAGED = (
    "take another backup; or keep the board's files and give it whole programs: headroom board "
    "flash"
)


def require_room(path: Path, size_bytes: int) -> None:
    """Before minutes of reading. Raises DeviceError."""
    free = shutil.disk_usage(path.parent).free
    if free < size_bytes:
        raise DeviceError(
            f"{path}: cannot be written: {size_bytes} bytes are needed, {free} are free there",
            "name a file on another disk",
        )


def save(path: Path, content: bytes) -> str:
    """Write both files, for their owner alone; the SHA-256. Raises DataDirError."""
    digest = hashlib.sha256(content).hexdigest()
    write_private(path, content)
    write_private(_beside(path), f"{digest}  {path.name}\n")
    return digest


def load(path: Path) -> tuple[bytes, bool]:
    """What a backup holds, and whether its SHA-256 was there and is right.

    Raises DeviceError for one that has changed since, or whose firmware is damaged.
    """
    try:
        content = path.read_bytes()
        beside = _beside(path)
        told = beside.read_text(errors="replace").split()[:1] if beside.exists() else []
    except OSError as error:
        raise DeviceError(f"{path}: cannot be read: {error.strerror}", "name a backup") from error
    if told and told != [hashlib.sha256(content).hexdigest()]:
        raise DeviceError(
            f"{path}: has changed since it was made: its SHA-256 is not the one in {beside}",
            _DAMAGED,
        )
    _require_whole_firmware(path, content[ROMFS_START:FILES_START])
    return content, bool(told)


def _require_whole_firmware(path: Path, partition: bytes) -> None:
    try:
        romfs.size_of(partition)
    except DeviceError:
        return  # of a board without firmware
    try:
        romfs.build_of(partition)
    except DeviceError as error:
        raise DeviceError(f"{path}: its firmware is damaged: {error.what}", _DAMAGED) from error


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")
