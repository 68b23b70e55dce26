"""Progress of a bench, on stderr, so that stdout is JSON alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress


@contextmanager
def progress(name: str, steps: int) -> Iterator[Callable[[], None]]:
    """A bar while the block runs; call what it gives after each of ``steps``."""
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=steps)
        yield lambda: bar.advance(task)
