"""The firmware's modules in this Python: they are plain Python, `micropython.const` aside."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

FIRMWARE = Path(__file__).parent.parent.parent / "firmware"


def node_module(name: str) -> Any:
    """The module ``node.NAME``, for instance ``protection``."""
    for folder in (FIRMWARE / "tests" / "cpython", FIRMWARE):
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
    return import_module(f"node.{name}")
