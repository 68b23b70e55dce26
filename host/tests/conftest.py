"""Fixtures of the coordinator's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A coordinator for two boards on one feeder, in virtual time."""
    made = World(tmp_path)
    yield made
    made.store.close()
