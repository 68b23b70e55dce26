"""How many signed reports a second the coordinator makes durable and answers, on both databases.

The boards report as fast as they are answered, over connections that stay open, from a process
beside the server. The reference is a route that parses the same JSON and stores nothing, on the
same server (waitress and Flask), under the same load, in the same run.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from headroom.store import boards, open_store

from tools.benches import report_load
from tools.benches.figure import Figure, Options, percentile
from tools.benches.progress import progress
from tools.demo.coordinator import headroom
from tools.postgres import PostgresServer

BOARDS_A_FEEDER = 10
CONNECTIONS = 64
INTERVAL_S = 10
LEAST_SHARE = 0.5
MOST_P99_MS = 100


@dataclass(frozen=True)
class Scale:
    """How many boards report for how long; ``rounds`` are the reports prepared of each."""

    boards: int
    seconds: float
    rounds: int


# Reports enough for a server that is several times as fast as those measured so far.
FULL, QUICK = Scale(4000, 20.0, 60), Scale(100, 1.0, 300)


@dataclass(frozen=True)
class Result:
    """Of one server under load."""

    answered: int
    rate: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    rss_mb: float


def measure(options: Options) -> Iterator[Figure]:
    """The bare route first and last: what else the machine does shows as their difference."""
    scale = QUICK if options.quick else FULL
    with progress("ingest", 4) as advance, tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "site.toml"
        site.write_text(site_file(scale.boards))
        bare = [run_bare(scale)]
        advance()
        results = {}
        with PostgresServer() as postgres:
            for name, url in (
                ("SQLite", f"sqlite:///{folder}/store/headroom.db"),
                ("PostgreSQL", postgres.new_database()),
            ):
                results[name] = run_coordinator(scale, site, url, Path(folder) / name)
                advance()
        bare.append(run_bare(scale))
        advance()
    yield from figures(options.command("ingest"), scale, results, bare)


def figures(
    command: str, scale: Scale, results: dict[str, Result], bare: list[Result]
) -> Iterator[Figure]:
    """Each database beside the bare route."""
    bare_rate = sum(result.rate for result in bare) / len(bare)
    for number, result in enumerate(bare, 1):
        yield Figure(
            "ingest", f"bare route, run {number}", round(result.rate), "requests/s", command
        )
    for name, result in results.items():
        what = f"{name}, {scale.boards} boards"
        yield Figure(
            "ingest",
            f"{what}: durable before answered",
            round(result.rate),
            "reports/s",
            command,
            reference="bare route, mean, requests/s",
            reference_value=round(bare_rate),
        )
        yield Figure(
            "ingest",
            f"{what}: the bare route's rate as a multiple",
            round(bare_rate / result.rate, 2),
            "times",
            command,
            1 / LEAST_SHARE,
        )
        yield Figure(
            "ingest",
            f"{what}: latency, median",
            result.p50_ms,
            "ms",
            command,
            reference="bare route, ms",
            reference_value=bare[0].p50_ms,
        )
        yield Figure(
            "ingest",
            f"{what}: latency, 99th percentile",
            result.p99_ms,
            "ms",
            command,
            MOST_P99_MS,
            "bare route, ms",
            bare[0].p99_ms,
        )
        yield Figure(
            "ingest",
            f"{what}: processor time a report",
            result.cpu_ms,
            "ms",
            command,
            reference="bare route, ms",
            reference_value=bare[0].cpu_ms,
        )
        yield Figure(
            "ingest",
            f"{name}: boards that report every {INTERVAL_S} s at this rate",
            int(result.rate) * INTERVAL_S,
            "boards",
            command,
        )
        yield Figure(
            "ingest", f"{what}: memory of the coordinator (RSS)", result.rss_mb, "MB", command
        )


def run_bare(scale: Scale) -> Result:
    """The reference."""
    with listening([sys.executable, "-m", "tools.benches.bare_route"]) as server:
        return _load(server, scale)


def run_coordinator(scale: Scale, site: Path, url: str, data: Path) -> Result:
    """The real `headroom serve` on a store that knows the boards."""
    with closing(open_store(url)) as store, store.write() as db:
        for number in range(scale.boards):
            boards.put_key(db, report_load.board_id(number), report_load.board_key(number))
    listen = ("--listen", "127.0.0.1:0", "--board-listen", "127.0.0.1:0")
    serve = ("serve", "--site", str(site), "--data", str(data), *listen)
    with listening(headroom("--database", url, *serve)) as server:
        result = _load(server, scale)
    with closing(open_store(url)) as store, store.read() as db:
        stored = sum(record.reports for record in boards.records(db))
    if stored < result.answered:
        raise RuntimeError(f"{result.answered} reports were answered, {stored} are stored")
    return result


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


def _load(server: _Server, scale: Scale) -> Result:
    command = [sys.executable, "-m", "tools.benches.report_load", server.address]
    numbers = (scale.boards, CONNECTIONS, scale.seconds, scale.rounds)
    command += [str(number) for number in numbers]
    cpu_before_s = cpu_s(server.process_id)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the load failed: {done.stderr[-2000:]}")
    load = json.loads(done.stdout)
    latencies_ms = load["latencies_ms"]
    used_s = cpu_s(server.process_id) - cpu_before_s
    return Result(
        answered=load["answered"],
        rate=len(latencies_ms) / load["seconds"],
        p50_ms=percentile(latencies_ms, 0.5),
        p99_ms=percentile(latencies_ms, 0.99),
        cpu_ms=round(1000 * used_s / load["answered"], 2),
        rss_mb=rss_mb(server.process_id),
    )


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
