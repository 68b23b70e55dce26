"""What the suite runs against, and what a failing test shows: relay edges with their times."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from hil_tests import timeline
from hil_tests.report_page import ReportPage
from hil_tests.requirements import REQUIREMENTS
from hil_tests.targets.interface import RelayEdge, Target
from hil_tests.targets.virtual import VirtualTarget, contact_edges
from hil_tests.world import World

# More would make a page of megabytes.
_MOST_EDGES = 400
_TARGET_HELP = "virtual: a virtual board; wired: that, with a virtual rig wired to it pin to pin"


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


def start(target: Target, closed: list[int]) -> None:
    """Power on, 1 A on each circuit, until each relay is as in ``closed``."""
    for index in range(len(closed)):
        target.rig.set_load(index, 1.0)
    target.board.power_on()
    target.run_until(lambda: target.rig.relays() == closed, within_s=30)


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
    group = parser.getgroup("hardware in the loop")
    group.addoption("--target", choices=("virtual", "wired"), default="virtual", help=_TARGET_HELP)
    group.addoption("--port", help="serial port of a real board under test; needs --rig")
    group.addoption("--rig", type=Path, help="rig.toml: the rig around it, see hil_tests/rig")
    group.addoption("--report", type=Path, help="write a page of what was shown: build/hil.html")
    group.addoption(
        "--whole", action="store_true", help="all of the fault matrix, not only every pair"
    )
    group.addoption(
        "--hours", type=float, default=1 / 6, help="of virtual time for the soak; 1/6 as it is"
    )
    group.addoption("--seed", type=int, default=1, help="of the soak; 1 as it is")


def pytest_configure(config: pytest.Config) -> None:
    """Check what is asked for, and take down results for the report."""
    if bool(config.getoption("--port")) != bool(config.getoption("--rig")):
        raise pytest.UsageError("--port and --rig go together: a real board needs a real rig")
    if config.getoption("--report"):
        config.pluginmanager.register(ReportPage(config), "headroom-report")


def pytest_collection_modifyitems(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """What needs the inside of a virtual board is skipped elsewhere, with its reason."""
    for item in items:
        for marker in item.iter_markers("requirement"):
            for key in marker.args:
                if key not in REQUIREMENTS:
                    raise pytest.UsageError(f"{item.nodeid}: no requirement is called {key!r}")
        inside = item.get_closest_marker("virtual")
        is_for_any = not inside and "make_target" in getattr(item, "fixturenames", ())
        if config.getoption("--port") and not is_for_any:
            reason = inside.args[0] if inside else "it looks inside"
            item.add_marker(pytest.mark.skip(reason=f"virtual board only: {reason}"))


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


class MakeTarget:
    """Makes the board under test that the run asks for, and ends it after the test."""

    def __init__(self, config: pytest.Config, folder: Path, needs: Sequence[str]) -> None:
        self.made: list[Target] = []
        self._config, self._folder, self._needs = config, folder, needs

    def __call__(self, site: dict[str, Any], **options: Any) -> Target:
        """The first board of a site, without power; ``options`` are ``timing`` and ``settings``.

        What the test needs and the target cannot, skips it.
        """
        target = self._make(site, self._folder / f"target-{len(self.made)}", **options)
        self.made.append(target)
        for need in self._needs:
            if need in target.cannot:
                pytest.skip(f"needs {need}: {target.cannot[need]}")
        return target

    def _make(self, site: dict[str, Any], folder: Path, **options: Any) -> Target:
        if self._config.getoption("--port"):
            from hil_tests.targets.real import RealTarget

            port, rig = self._config.getoption("--port"), self._config.getoption("--rig")
            return RealTarget(site, folder, port, rig, **options)
        if self._config.getoption("--target") == "wired":
            from hil_tests.targets.wired import WiredTarget

            return WiredTarget(site, folder, **options)
        return VirtualTarget(site, folder, **options)


@pytest.fixture
def make_target(
    pytestconfig: pytest.Config, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[MakeTarget]:
    needs = [need for marker in request.node.iter_markers("needs") for need in marker.args]
    make = MakeTarget(pytestconfig, tmp_path, needs)
    yield make
    for target in make.made:
        target.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Each relay's edges go with the result; with a failing one they are shown."""
    report = yield
    if report.when != "call":
        return report
    keys = [key for marker in item.iter_markers("requirement") for key in marker.args]
    report.user_properties.append(("requirements", keys))
    for name, edges, end_s in _moves(getattr(item, "funcargs", {})):
        rows = [[edge.at_s, edge.relay, edge.closed] for edge in edges[-_MOST_EDGES:]]
        report.user_properties.append(("relays", [name, end_s, rows]))
        if report.failed:
            report.sections.append((f"relays of {name}", timeline.text(edges, end_s)))
    if report.failed:
        report.sections += _inside(getattr(item, "funcargs", {}))
    return report


def _moves(used: dict[str, Any]) -> Iterator[tuple[str, list[RelayEdge], float]]:
    """(whose, edges, time of the end in s) of all boards of a test."""
    for world in getattr(used.get("make_world"), "made", ()):
        for name, board in world.boards.items():
            yield name, contact_edges(board), board.now_us / 1e6
    for target in getattr(used.get("make_target"), "made", ()):
        yield "board under test", target.rig.edges(), target.now_s()


def _inside(used: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What virtual boards know besides: resets, pins, serial output."""
    worlds = list(getattr(used.get("make_world"), "made", ()))
    targets = getattr(used.get("make_target"), "made", ())
    worlds += [target.world for target in targets if hasattr(target, "world")]
    for world in worlds:
        for name, board in world.boards.items():
            yield f"board {name}", board.describe()
