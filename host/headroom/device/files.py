"""The files in a board's flash: littlefs, as MicroPython makes it."""

from __future__ import annotations

from littlefs import LittleFS, LittleFSError, UserContext

from headroom.device.layout import SECTOR_BYTES

# Of littlefs as MicroPython's block devices use it (extmod/vfs_lfsx.c).
_TRANSFER_BYTES, _CACHE_BYTES, _LOOKAHEAD_BYTES = 32, 128, 32


class NoFileSystem(ValueError):
    """There is none that can be read; says why."""


class FlashFiles:
    """The files of one partition, copied: `image` gives it with what was changed."""

    def __init__(self, partition: bytes) -> None:
        """Raises NoFileSystem."""
        self._partition = UserContext(buffer=bytearray(partition))
        # Zero blocks: as many as the file system says of itself.
        self._files = LittleFS(
            context=self._partition,
            mount=False,
            block_size=SECTOR_BYTES,
            block_count=0,
            read_size=_TRANSFER_BYTES,
            prog_size=_TRANSFER_BYTES,
            cache_size=_CACHE_BYTES,
            lookahead_size=_LOOKAHEAD_BYTES,
        )
        try:
            self._files.mount()
        except LittleFSError as error:
            raise NoFileSystem(str(error)) from error

    def image(self) -> bytes:
        """The partition as it is now."""
        return bytes(self._partition.buffer)

    def names(self, folder: str) -> list[str]:
        """The paths of the files in a folder; none where there is no such folder."""
        try:
            return [f"{folder}/{name}" for name in sorted(self._files.listdir(folder))]
        except (OSError, LittleFSError):
            return []

    def read(self, path: str) -> bytes | None:
        """A file's content; None where there is none, or none that can be read."""
        try:
            with self._files.open(path, "rb") as file:
                return bytes(file.read())
        except (OSError, LittleFSError):
            return None

    def write(self, path: str, content: bytes) -> None:
        """Put a file there, with the folder that it is in."""
        parent = path.rpartition("/")[0]
        if parent:
            self._files.makedirs(parent, exist_ok=True)
        with self._files.open(path, "wb") as file:
            file.write(content)

    def remove(self, path: str) -> None:
        """Take a file away, if it is there."""
        if self.read(path) is not None:
            self._files.remove(path)
