"""What is deployed beside the coordinator works on what the coordinator really tells.

Every query of the alerts and of the Grafana dashboard, as their files have them, gives data from a
real Prometheus that scrapes a live coordinator.
"""

import json
import math
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from headroom.store import figures, open_store
from headroom.store.tables import circuit_steps
from tests.board_client import BoardClient
from tests.prometheus_process import DEPLOY, Prometheus, prometheus_over
from tests.server_process import Server, prepare, serving
from tests.support import site_document

_DASHBOARD = DEPLOY / "grafana" / "dashboards" / "headroom.json"
# A port on which nothing ever listens: a coordinator that is down.
_NOBODY = "127.0.0.1:1"
_WITHIN_S = 60
# 30 A on a feeder of 25 A; a sensor that is gone; current through an open relay.
_CIRCUITS = [
    [30_000, 20, "ok", 1, "default"],
    [0, 20, "missing", 1, "default"],
    [5000, 20, "ok", 0, "override"],
]


def break_keeper(folder: Path) -> None:
    """Leave a store without a table that only series need, whose retention was long ago."""
    url = f"sqlite:///{folder / 'data' / 'headroom.db'}"
    with closing(open_store(url)) as store, store.write() as db:
        circuit_steps.drop(db)
        figures.set_retention_unix_s(db, 1_000_000_000)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A coordinator of two boards with three circuits each, and of a meter that never tells."""
    folder = tmp_path_factory.mktemp("coordinator")
    document = site_document(circuits=len(_CIRCUITS))
    document["feeders"][0]["meter"] = {"max_ma": {"L1": 6000}}
    prepare(folder, document)
    break_keeper(folder)
    with serving(folder, open_reading=False) as running:
        yield running


@pytest.fixture(scope="module")
def prometheus(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Prometheus over that coordinator and over one that is down."""
    coordinator = server.page.removeprefix("http://").rstrip("/")
    folder = tmp_path_factory.mktemp("prometheus")
    with prometheus_over(folder, server.token_file, coordinator, _NOBODY) as running:
        end_s = time.monotonic() + _WITHIN_S
        while not running.is_ready():
            assert time.monotonic() < end_s
        yield running


class TroubledSite:
    """A board in every trouble that alerts are for; the other one never reports."""

    def __init__(self, server: Server) -> None:
        self._board: BoardClient = server.board("flat-1", circuits=_CIRCUITS)
        self._troubles = 0

    def go_on(self) -> None:
        """One more report with one more event, start, dropped tick and refusal on either side."""
        self._troubles += 1
        count = self._troubles
        self._board.restart()
        answer = self._board.report(
            events=[[1, 1, "overload", 0, 30_000]],
            refused=count,
            tick=[40, count],
            rssi_dbm=-85,
        )
        assert answer.status == 200
        assert self._board.send(self._board.body(), "0" * 64).status == 401


@pytest.fixture(scope="module")
def site(server: Server) -> TroubledSite:
    """The site that the coordinator keeps."""
    return TroubledSite(server)


def await_data(site: TroubledSite, prometheus: Prometheus, queries: dict[str, str]) -> None:
    """Let the site go on until each query, named for the reader, has given a number."""
    waiting = dict(queries)
    end_s = time.monotonic() + _WITHIN_S
    while waiting:
        site.go_on()
        for name, query in queries.items():
            if name in waiting and has_data(prometheus.query(query)):
                del waiting[name]
        assert time.monotonic() < end_s, f"no data for {waiting}"


def has_data(series: list[dict[str, Any]]) -> bool:
    """Whether a series of the answer has a number; NaN is none."""
    return any(not math.isnan(float(one["value"][1])) for one in series)


def dashboard_queries() -> dict[str, str]:
    """Every query of the dashboard's panels and annotations, its variables at All."""
    dashboard = json.loads(_DASHBOARD.read_text())
    expressions = {
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in dashboard["panels"]
        for target in panel["targets"]
    } | {note["name"]: note["expr"] for note in dashboard["annotations"]["list"]}
    variables = {f"${one['name']}": one["allValue"] for one in dashboard["templating"]["list"]}
    variables["$__rate_interval"] = "1m"
    return {name: _filled_in(query, variables) for name, query in expressions.items()}


def _filled_in(query: str, variables: dict[str, str]) -> str:
    for name, value in variables.items():
        query = query.replace(name, value)
    assert "$" not in query, query
    return query


def test_every_alert_fires_on_a_site_in_trouble(
    site: TroubledSite, prometheus: Prometheus
) -> None:
    queries = prometheus.rules()
    assert len(queries) == (DEPLOY / "prometheus" / "alerts.yml").read_text().count("- alert:")
    await_data(site, prometheus, queries)


def test_every_panel_shows_data(site: TroubledSite, prometheus: Prometheus) -> None:
    queries = dashboard_queries()
    assert len(queries) >= 20
    await_data(site, prometheus, queries)


def test_every_variable_of_the_dashboard_has_values(
    site: TroubledSite, prometheus: Prometheus
) -> None:
    dashboard = json.loads(_DASHBOARD.read_text())
    for variable in dashboard["templating"]["list"]:
        metric, label = re.findall(r"\w+", variable["query"]["query"])[1:]
        await_data(site, prometheus, {variable["name"]: f'{metric}{{{label}!=""}}'})


def test_names_follow_the_conventions(server: Server, site: TroubledSite) -> None:
    site.go_on()
    text = server.read("metrics")
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    "arguments",
    [("check", "config", "--syntax-only", "prometheus.yml"), ("test", "rules", "alerts_test.yml")],
    ids=" ".join,
)
def test_promtool_finds_nothing_wrong(arguments: tuple[str, ...]) -> None:
    folder: Path = DEPLOY / "prometheus"
    checked = subprocess.run(
        ["promtool", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
