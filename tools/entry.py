"""The tools are commands of `headroom board`, under names of their own here."""

from __future__ import annotations

import sys

from headroom.cli import main


def run(name: str) -> None:
    """Run one of them with this program's arguments; does not return."""
    main(["board", name, *sys.argv[1:]], prog_name=f"python -m tools: headroom board {name}")
