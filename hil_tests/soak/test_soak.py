"""Ten minutes of everything that can go wrong, or as many hours as are asked for.

    .venv/bin/pytest hil_tests/soak --hours 24 --timeout 0

writes build/soak/report.json, report.md, and a log of all that happened.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hil_tests.soak.bench import Bench
from hil_tests.soak.report import Summary, history, page, summary, write
from hil_tests.soak.run import Soak

pytestmark = [
    pytest.mark.virtual("hours of virtual time, faults in every part"),
    pytest.mark.requirement("delivery", "limit", "heap", "repeat"),
]

OUT = Path("build/soak")


def play(folder: Path, hours: float, seed: int, log: Path) -> Summary:
    """A soak from its start to its end, and what it has come to."""
    folder.mkdir(parents=True)
    bench = Bench(folder, seed)
    try:
        with log.open("w") as lines:
            run = Soak(bench, hours, lines)
            run.run()
        return summary(
            run, f".venv/bin/pytest hil_tests/soak --hours {hours:.4g} --seed {seed} --timeout 0"
        )
    finally:
        bench.world.close()


def test_nothing_is_lost_no_limit_is_broken_and_no_heap_grows(
    tmp_path: Path, pytestconfig: pytest.Config, record_property: Callable[[str, object], None]
) -> None:
    hours, seed = pytestconfig.getoption("--hours"), pytestconfig.getoption("--seed")
    OUT.mkdir(parents=True, exist_ok=True)
    log = OUT / f"seed-{seed}.log"
    found = play(tmp_path / "soak", hours, seed, log)
    write(found, OUT)
    record_property("soak", found)
    print(page(found))
    assert not found["failures"], f"seed {seed}, all that happened: {log.resolve()}"
    assert found["faults"] >= 60 * hours


def minutes_history(folder: Path, seed: int) -> str:
    """Of the first minutes with faults."""
    folder.mkdir()
    bench = Bench(folder, seed)
    try:
        with (folder / "log").open("w") as lines:
            run = Soak(bench, 0, lines)
            bench.world.run(20)
            run.trouble(80, restarts=True)
        return history(run)
    finally:
        bench.world.close()


def test_the_same_seed_has_the_same_history(tmp_path: Path) -> None:
    first, again, other = (
        minutes_history(tmp_path / name, seed)
        for name, seed in (("first", 5), ("again", 5), ("other", 6))
    )
    assert first == again
    assert first != other
