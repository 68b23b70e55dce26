"""Fixtures: a site in simulated time, and edges of the relays when a test fails."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from hil_tests.world import World


def circuit(name: str, **others: Any) -> dict[str, Any]:
    """A circuit of the site file, behind a contactor of 10 A in category AC-3: it breaks 80 A."""
    return {
        "name": name,
        "phase": "L1",
        "rated_ma": 10_000,
        "priority": 4,
        "kind": "deferrable",
        "safe": "off",
        "min_off_s": 1,
        "contactor": True,
        "breaking_ma": 80_000,
        **others,
    }


def flat_circuits() -> list[dict[str, Any]]:
    """Four circuits of a flat: two that are shed early, one late, one never."""
    return [
        circuit("lights", priority=1),
        circuit("laundry", priority=3),
        circuit("heater", priority=4),
        circuit("fridge", priority=1, kind="critical"),
    ]


def one_board_site(circuits: list[dict[str, Any]], limit_ma: int = 10_000) -> dict[str, Any]:
    """A site with one feeder of 16 A, limited further, and one board that may use all of it."""
    return {
        "site": {"name": "test site"},
        "feeders": [{"id": "riser", "rating_ma": {"L1": 16_000}, "limit_ma": {"L1": limit_ma}}],
        "boards": [
            {
                "id": "flat-1",
                "feeder": "riser",
                "safe_limit_ma": {"L1": limit_ma},
                "report_s": 2,
                "circuits": circuits,
            }
        ],
    }


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what a run may be asked for."""
    parser.addoption(
        "--whole", action="store_true", help="all of the fault matrix, not only every pair"
    )
    parser.addoption(
        "--hours", type=float, default=1 / 6, help="of virtual time for the soak; 1/6 as it is"
    )
    parser.addoption("--seed", type=int, default=1, help="of the soak; 1 as it is")


class MakeWorld:
    """Makes sites of virtual boards and a coordinator, and ends them after the test."""

    def __init__(self, folder: Path) -> None:
        self.made: list[World] = []
        self._folder = folder

    def __call__(self, site: dict[str, Any], **options: Any) -> World:
        """A site in simulated time; ``options`` are those of World."""
        self.made.append(World(site, self._folder / f"data-{len(self.made)}", **options))
        return self.made[-1]


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[MakeWorld]:
    make = MakeWorld(tmp_path)
    yield make
    for world in make.made:
        world.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failing test what its boards did: resets, relay edges, serial output."""
    report = yield
    make = getattr(item, "funcargs", {}).get("make_world")
    if make is not None and report.when == "call" and report.failed:
        for world in make.made:
            for name, board in world.boards.items():
                report.sections.append((f"board {name}", board.describe()))
    return report
