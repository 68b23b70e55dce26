"""Files on the virtual flash, as the processor asks for them: numbers in, numbers or bytes out,
errors as -errno.
"""

from __future__ import annotations

import errno
from pathlib import PurePosixPath

from littlefs import LittleFSError, lfs

from boards.virtual.flash import (
    FILES_SECTORS,
    ROMFS_BYTES,
    ROMFS_START,
    SECTOR_BYTES,
    Flash,
    mount_files,
)
from boards.virtual.rom.image import NoImage, check, stand_in

_DIRECTORY, _REGULAR = 0x4000, 0x8000
_LFS_TYPE_DIRECTORY = 2


class Files:
    """The file calls of the board.

    One object for each time the processor starts: handles end with it.
    """

    def __init__(self, flash: Flash) -> None:
        self._flash = flash
        self._files, self._partition = mount_files(flash)
        self._handles: dict[int, lfs.LFSFile] = {}

    def detach(self) -> None:
        """The processor is gone: what it had not written stays unwritten, however late handles are
        collected.
        """
        self._partition.attached = False

    def write_file(self, path: str, content: bytes) -> None:
        """Put a file on the board from outside, as provisioning does."""
        parent = str(PurePosixPath(path).parent)
        if parent != "/":
            self._files.makedirs(parent, exist_ok=True)
        with self._files.open(path, "wb") as handle:
            handle.write(content)

    def read_file(self, path: str) -> bytes:
        """A file's content, seen from outside. Raises FileNotFoundError."""
        with self._files.open(path, "rb") as handle:
            return bytes(handle.read())

    def call(self, name: str, *args: object) -> object:
        """Serve one call of the processor."""
        try:
            return getattr(self, f"_{name}")(*args)
        except (LittleFSError, OSError) as error:
            # littlefs-python turns some errors into bare OSErrors; littlefs's codes are negative
            # errno values.
            code = getattr(error, "code", None) or getattr(error.__cause__, "code", None)
            return int(code or -errno.EIO)

    # littlefs-python's own file objects close themselves when they are collected, which would
    # write to the flash of a board that has been reset long ago: these are the handles below them.

    def _file_open(self, path: str, mode: str) -> int:
        handle = min(set(range(len(self._handles) + 1)) - set(self._handles))
        self._handles[handle] = lfs.file_open(
            self._files.fs, path, mode.replace("b", "").replace("t", "")
        )
        return handle

    def _file_read(self, handle: int, size: int) -> str:
        return lfs.file_read(self._files.fs, self._handles[handle], size).decode("latin-1")

    def _file_write(self, handle: int, data: str) -> int:
        return lfs.file_write(self._files.fs, self._handles[handle], data.encode("latin-1"))

    def _file_seek(self, handle: int, offset: int, whence: int) -> int:
        return lfs.file_seek(self._files.fs, self._handles[handle], offset, whence)

    def _file_flush(self, handle: int, *_: object) -> int:
        return lfs.file_sync(self._files.fs, self._handles[handle])

    def _file_close(self, handle: int, *_: object) -> int:
        return lfs.file_close(self._files.fs, self._handles.pop(handle))

    def _listdir(self, path: str, _: str) -> str:
        return "\n".join(f"{_kind(e)} {e.size} {e.name}" for e in self._files.scandir(path))

    def _stat(self, path: str, _: str) -> str:
        entry = self._files.stat(path)
        return f"{_kind(entry)} {entry.size}"

    def _statvfs(self, _path: str, _: str) -> str:
        return f"{SECTOR_BYTES} {FILES_SECTORS} {FILES_SECTORS - self._files.used_block_count}"

    def _mkdir(self, path: str, _: str) -> int:
        self._files.mkdir(path)
        return 0

    def _remove(self, path: str, _: str) -> int:
        self._files.remove(path)
        return 0

    _rmdir = _remove

    def _rename(self, old: str, new: str) -> int:
        self._files.rename(old, new)
        return 0

    # The ROMFS partition beside it.

    def _rom_erase(self, offset: int, *_: object) -> int:
        return self._partition.guarded(lambda: self._flash.erase(ROMFS_START + offset))

    def _rom_read(self, offset: int, size: int) -> str:
        return self._flash.read(ROMFS_START + offset, size).decode("latin-1")

    def _rom_write(self, offset: int, data: str) -> int:
        content = data.encode("latin-1")
        return self._partition.guarded(lambda: self._flash.program(ROMFS_START + offset, content))


def install(flash: Flash, files: dict[str, bytes], romfs: bytes) -> None:
    """Write the ROMFS partition and files into a chip that nobody runs from, and an interpreter if
    it has none.

    Raises ValueError when the image is larger than its partition.
    """
    if len(romfs) > ROMFS_BYTES:
        raise ValueError(f"ROMFS image: {len(romfs)} bytes, the partition holds {ROMFS_BYTES}")
    try:
        check(flash.image)
    except NoImage:
        interpreter = stand_in()
        flash.image[: len(interpreter)] = interpreter
    flash.image[ROMFS_START : ROMFS_START + ROMFS_BYTES] = romfs.ljust(ROMFS_BYTES, b"\xff")
    partition = Files(flash)
    for path, content in files.items():
        partition.write_file(path, content)
    partition.detach()
    flash.take_busy_us()


def read_file(flash: Flash, path: str) -> bytes:
    """A file as it is on the chip now. Raises FileNotFoundError."""
    partition = Files(flash)
    try:
        return partition.read_file(path)
    finally:
        partition.detach()


def _kind(entry: object) -> int:
    return _DIRECTORY if getattr(entry, "type", 0) == _LFS_TYPE_DIRECTORY else _REGULAR
