"""How many signed reports a second the coordinator makes durable and answers, on both databases.

The boards' reports come over connections that stay open, from a process beside the server: as
fast as they are answered, and then at random moments, at the highest rate that is answered in
time. The reference is a route that parses the same JSON and stores nothing, on the same server
(waitress and Flask), under the same load, in the same run.

Last come sites whose boards all report every 10 s at random moments: first a cold start, where
none has a plan, then for longer than a minute, so that a whole minute's series are made meanwhile.
The largest of them that is answered in time is what a database carries.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from headroom.store import open_store
from headroom.store.boards import put_key, records

from tools.benches import report_load
from tools.benches.figure import Figure, Options, percentile
from tools.benches.progress import progress
from tools.demo.coordinator import headroom
from tools.postgres import PostgresServer

BOARDS_A_FEEDER = 10
CONNECTIONS = 64
INTERVAL_S = 10
MOST_TIMES = 2.0


@dataclass(frozen=True)
class Scale:
    """How many boards report for how long; ``rounds`` are the reports prepared of each.

    ``carried_boards`` are what a site has that reports every 10 s, for ``carried_s``: the largest
    is tried first.
    """

    boards: int
    seconds: float
    rounds: int
    carried_boards: tuple[int, ...]
    carried_s: float


# Reports enough for a server that is several times as fast as those measured so far.
FULL = Scale(4000, 12.0, 60, (20_000, 16_000, 13_000, 10_000, 7000, 4000, 2000), 75.0)
QUICK = Scale(100, 0.5, 300, (150, 100), 1.0)
# Moments are random: more come in than on average.
SPARE_ROUNDS = 4


@dataclass(frozen=True)
class Latencies:
    """Of so many reports a second."""

    rate: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Result:
    """Of one server: as fast as it goes, and at the highest rate in time."""

    most: Latencies
    in_time: Latencies
    cpu_ms: float


@dataclass(frozen=True)
class Carried:
    """A site whose boards all report every 10 s; ``cold``: until each has had its first plan."""

    boards: int
    cold_s: float
    cold_p99_ms: float
    p99_ms: float
    rss_mb: float


def measure(options: Options) -> Iterator[Figure]:
    """The bare route first and last: what else the machine does shows as their difference."""
    scale = QUICK if options.quick else FULL
    results, carried = {}, {}
    with (
        progress("ingest", 6) as advance,
        tempfile.TemporaryDirectory() as folder,
        PostgresServer() as postgres,
    ):
        bare = [run_bare(scale)]
        advance()
        for name in ("SQLite", "PostgreSQL"):
            with Site(Path(folder), name, postgres, scale.boards) as site:
                results[name] = site.load(scale)
            advance()
        bare.append(run_bare(scale))
        advance()
        for name in results:
            carried[name] = carry(Path(folder), name, postgres, scale)
            advance()
    command = options.command("ingest")
    yield from bare_figures(command, bare)
    for name, result in results.items():
        yield from figures(command, f"{name}, {scale.boards} boards", result, bare)
        yield from carried_figures(command, name, carried[name])


def carry(folder: Path, name: str, postgres: PostgresServer, scale: Scale) -> Carried:
    """The largest site that is answered in time; else the smallest."""
    for boards in scale.carried_boards:
        with Site(folder, name, postgres, boards) as site:
            carried = site.carry(scale)
        if carried.p99_ms < report_load.IN_TIME_MS:
            break
    return carried


def mean(values: Iterable[float]) -> float:
    """Of at least one."""
    return statistics.fmean(values)


def bare_figures(command: str, bare: list[Result]) -> Iterator[Figure]:
    """Each run of the reference."""
    for number, result in enumerate(bare, 1):
        what = f"bare route, run {number}"
        for how, latencies in (("as fast as it goes", result.most), (WITHIN, result.in_time)):
            rate = round(latencies.rate)
            yield Figure("ingest", f"{what}: {how}", rate, "requests/s", command)


WITHIN = f"at random moments, 99 % answered within {report_load.IN_TIME_MS} ms"


def figures(command: str, what: str, result: Result, bare: list[Result]) -> Iterator[Figure]:
    """One database beside the bare route."""
    for how, own, others in (
        ("as fast as it goes", result.most, [one.most for one in bare]),
        (WITHIN, result.in_time, [one.in_time for one in bare]),
    ):
        rate, reference = own.rate, mean(one.rate for one in others)
        yield Figure(
            "ingest",
            f"{what}: durable before answered, {how}",
            round(rate),
            "reports/s",
            command,
            reference="bare route, mean, requests/s",
            reference_value=round(reference),
        )
        yield Figure(
            "ingest",
            f"{what}: {how}: the bare route's rate as a multiple",
            round(reference / rate, 2),
            "times",
            command,
            MOST_TIMES,
        )
        for part, own_ms, others_ms in (
            ("median", own.p50_ms, [one.p50_ms for one in others]),
            ("99th percentile", own.p99_ms, [one.p99_ms for one in others]),
        ):
            yield Figure(
                "ingest",
                f"{what}: {how}: latency, {part}",
                own_ms,
                "ms",
                command,
                report_load.IN_TIME_MS if part != "median" else None,
                "bare route, mean, ms",
                round(mean(others_ms), 2),
            )
    yield Figure(
        "ingest",
        f"{what}: processor time a report",
        result.cpu_ms,
        "ms",
        command,
        reference="bare route, mean, ms",
        reference_value=round(mean(one.cpu_ms for one in bare), 2),
    )


def carried_figures(command: str, name: str, carried: Carried) -> Iterator[Figure]:
    """The largest site of those tried that is answered in time."""
    what = f"{name}: boards that report every {INTERVAL_S} s"
    limit_ms = report_load.IN_TIME_MS
    for figure, value, unit, target in (
        ("carried", carried.boards, "boards", None),
        ("latency, 99th percentile", carried.p99_ms, "ms", limit_ms),
        ("memory of the coordinator (RSS)", carried.rss_mb, "MB", None),
        ("cold start, until each has a plan", carried.cold_s, "s", None),
        ("cold start, latency, 99th percentile", carried.cold_p99_ms, "ms", None),
    ):
        yield Figure("ingest", f"{what}: {figure}", value, unit, command, target)


def run_bare(scale: Scale) -> Result:
    """The reference."""
    with listening([sys.executable, "-m", "tools.benches.bare_route"]) as server:
        return _result(server, scale)[0]


class Site:
    """A real `headroom serve` on a store that knows its boards."""

    def __init__(self, folder: Path, name: str, postgres: PostgresServer, boards: int) -> None:
        data = Path(tempfile.mkdtemp(prefix=name, dir=folder))
        self._boards = boards
        self._url = (
            f"sqlite:///{data}/store/headroom.db" if name == "SQLite" else postgres.new_database()
        )
        (data / "site.toml").write_text(site_file(boards))
        with closing(open_store(self._url)) as store, store.write() as db:
            for number in range(boards):
                put_key(db, report_load.board_id(number), report_load.board_key(number))
        listen = ("--listen", "127.0.0.1:0", "--board-listen", "127.0.0.1:0")
        serve = ("serve", "--site", str(data / "site.toml"), "--data", str(data), *listen)
        self._listening = listening(headroom("--database", self._url, *serve))

    def __enter__(self) -> Self:
        self._server = self._listening.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._listening.__exit__(*error)

    def load(self, scale: Scale) -> Result:
        """As fast as it goes, and at the highest rate in time."""
        result, answered = _result(self._server, scale)
        self._check_stored(answered)
        return result

    def carry(self, scale: Scale) -> Carried:
        """All of its boards every 10 s, from the first report on."""
        rounds = round(scale.carried_s / INTERVAL_S) + SPARE_ROUNDS
        rate = self._boards / INTERVAL_S
        load = _load(self._server, self._boards, rounds, scale.carried_s, rate)
        self._check_stored(load["answered"])
        cold, steady = load["loads"]
        return Carried(
            self._boards,
            round(cold["seconds"], 1),
            percentile(cold["latencies_ms"], 0.99),
            percentile(steady["latencies_ms"], 0.99),
            rss_mb(self._server.process_id),
        )

    def _check_stored(self, answered: int) -> None:
        with closing(open_store(self._url)) as store, store.read() as db:
            stored = sum(record.reports for record in records(db))
        # One more was answered: from it the load learned the epoch.
        if stored <= answered:
            raise RuntimeError(f"{answered + 1} reports were answered, {stored} are stored")


@dataclass(frozen=True)
class _Server:
    address: str
    process_id: int


@contextmanager
def listening(command: list[str]) -> Iterator[_Server]:
    """A server that says where boards report to once it listens; killed in the end."""
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            found = re.search(r"ready:.* boards (\S+)", process.stdout.readline())
            if found is None:
                log.seek(0)
                raise RuntimeError(f"{command} did not start: {log.read().decode()[-2000:]}")
            yield _Server(found[1], process.pid)
        finally:
            process.kill()


def _result(server: _Server, scale: Scale) -> tuple[Result, int]:
    """Also how many reports were answered, those of the warm-up among them."""
    load = _load(server, scale.boards, scale.rounds, scale.seconds, 0.0)
    answered = load["answered"]
    cpu_ms = 1000 * load["cpu_s"] / (answered - scale.boards)
    most, in_time = (
        Latencies(
            one["rate"],
            percentile(one["latencies_ms"], 0.5),
            percentile(one["latencies_ms"], 0.99),
        )
        for one in load["loads"]
    )
    return Result(most, in_time, round(cpu_ms, 2)), answered


def _load(server: _Server, boards: int, rounds: int, seconds: float, rate: float) -> Any:
    numbers = (boards, CONNECTIONS, rounds, seconds, rate)
    command = [sys.executable, "-m", "tools.benches.report_load", server.address]
    command += [str(number) for number in numbers]
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        assert process.stdout is not None
        process.stdout.readline()  # warm
        used_s = -cpu_s(server.process_id)
        printed = process.stdout.read()
        if process.wait():
            log.seek(0)
            raise RuntimeError(f"the load failed: {log.read().decode()[-2000:]}")
    return {**json.loads(printed), "cpu_s": used_s + cpu_s(server.process_id)}


def cpu_s(process_id: int) -> float:
    """Processor time that a process has used so far, in itself and in the kernel."""
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(process_id: int) -> float:
    """Memory that a process has in RAM now, in MB of 10^6 bytes."""
    status = Path(f"/proc/{process_id}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return round(int(found[1]) * 1024 / 1e6, 1)


def site_file(board_count: int) -> str:
    """A site of boards with four circuits, ten to each feeder of 63 A, a third on each phase."""
    feeders = range((board_count + BOARDS_A_FEEDER - 1) // BOARDS_A_FEEDER)
    lines = ['[site]\nname = "bench"']
    lines += [
        f'[[feeders]]\nid = "feeder-{n}"\nrating_ma = {{ L1 = 63000, L2 = 63000, L3 = 63000 }}'
        for n in feeders
    ]
    lines += [_board(number) for number in range(board_count)]
    return "\n".join(lines) + "\n"


def _board(number: int) -> str:
    circuits = "\n".join(
        f'[[boards.circuits]]\nname = "circuit {n}"\nphase = "L{n % 3 + 1}"\nrated_ma = 10000\n'
        f'priority = {n + 1}\nkind = "thermal"\nsafe = "off"'
        for n in range(4)
    )
    return (
        f'[[boards]]\nid = "{report_load.board_id(number)}"\n'
        f'feeder = "feeder-{number // BOARDS_A_FEEDER}"\n'
        f"safe_limit_ma = {{ L1 = 3000, L2 = 3000, L3 = 3000 }}\n{circuits}"
    )
