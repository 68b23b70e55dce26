"""What goes onto a board: from the repository that this lies in, or as the wheel has it."""

from __future__ import annotations

import importlib.util
import shutil
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

from headroom.device import romfs
from headroom.device.errors import DeviceError

_HERE = Path(__file__).parent
_REPOSITORY = _HERE.parents[2]
_PACKED = _HERE / "packed"
_IMAGE = "headroom.romfs"
BOOT_FILES = ("boot.py", "main.py")


def is_packed() -> bool:
    """Whether this package came in a wheel, with its image ready."""
    return _PACKED.is_dir()


def folder() -> Path:
    """The firmware's source files: boot.py, main.py, node/."""
    return (_PACKED if is_packed() else _REPOSITORY) / "firmware"


def image() -> bytes:
    """The ROMFS image of the firmware; built where it is not ready. Raises DeviceError."""
    if is_packed():
        return (_PACKED / _IMAGE).read_bytes()
    return romfs.build_firmware(folder(), _REPOSITORY / "build" / "romfs")


def boot_files() -> dict[str, bytes]:
    """The files in a board's root that start the node, by name."""
    return {name: (folder() / name).read_bytes() for name in BOOT_FILES}


def hardware(name: str = "esp12f_relay_x4") -> dict[str, Any]:
    """A module's pins and ratings: boards/NAME/board.toml. Raises DeviceError."""
    boards = (_PACKED if is_packed() else _REPOSITORY) / "boards"
    try:
        return tomllib.loads((boards / name / "board.toml").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        known = ", ".join(sorted(path.parent.name for path in boards.glob("*/board.toml")))
        raise DeviceError(f"hardware {name!r} is not known", f"give one of: {known}") from error


def config_rules() -> ModuleType:
    """The firmware's own module that checks configuration and secrets."""
    spec = importlib.util.spec_from_file_location("node_config", folder() / "node" / "config.py")
    assert spec is not None
    assert spec.loader is not None
    rules = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rules)
    return rules


def pack(target: Path) -> None:
    """Put all of it into a wheel that is being built: TARGET becomes `packed` there."""
    shutil.rmtree(target, ignore_errors=True)
    for path in [*sorted(folder().glob("*.py")), *sorted((folder() / "node").rglob("*.py"))]:
        _copy(path, target / path.relative_to(_REPOSITORY))
    for path in sorted((_REPOSITORY / "boards").glob("*/board.toml")):
        _copy(path, target / path.relative_to(_REPOSITORY))
    (target / _IMAGE).write_bytes(image())


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
