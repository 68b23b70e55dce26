"""The judges of a soak find what they are there for."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from pathlib import Path

import pytest
from headroom.store.tables import events, minutes

from boards.virtual.flash import Flash
from boards.virtual.plant import Constant
from hil_tests.node_on_flash import FlashFiles, KeptMinutes
from hil_tests.soak.bench import Bench
from hil_tests.soak.deliveries import Deliveries
from hil_tests.soak.faults import break_control, order_off
from hil_tests.soak.limits import Impaired, Limits

pytestmark = [
    pytest.mark.virtual("the judges look at the plant and into flash"),
    pytest.mark.requirement("delivery", "limit"),
]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path, 1)
    bench.board.power_on()
    bench.world.run(50)
    assert bench.contacts() == [1] * 4
    yield bench
    bench.world.close()


def broken(bench: Bench, *impaired: Impaired) -> set[str]:
    """The rules that were broken within 30 s of 3.5 A through each circuit, 11 A through one."""
    limits = Limits(bench.board)
    for i, amps in enumerate((3.5, 11.0, 3.5, 3.5)):
        bench.board.set_load(i, Constant(amps))
    bench.world.run(30)
    for i in range(4):
        bench.board.set_load(i, Constant(0.0))
    bench.world.run(1)
    return {excess.rule for excess in limits.check(impaired)}


def test_a_board_that_sheds_nothing_breaks_limits_and_a_breaker_may_trip(bench: Bench) -> None:
    bench.board.exec("from node import app; app.current.shedding.sheddable = 0")
    assert broken(bench) == {"limit", "twice the limit", "circuit 1"}
    bench.board.set_load(1, Constant(22.0))
    limits = Limits(bench.board)
    bench.world.run(30)
    assert "breaker of circuit 1" in {excess.rule for excess in limits.check(())}


def test_one_that_sheds_breaks_none(bench: Bench) -> None:
    assert broken(bench) == set()


def test_what_a_fault_hides_or_holds_is_left_out(bench: Bench) -> None:
    bench.board.exec("from node import app; app.current.shedding.sheddable = 0")
    from_us = bench.board.now_us
    hidden = Impaired("stuck", 1, from_us, inf, blind_after_us=inf)
    assert broken(bench, hidden) == {"limit"}  # by the critical one and two others
    welded = [Impaired("welded", i, bench.board.now_us, inf, is_welded=True) for i in range(4)]
    assert broken(bench, *welded) == set()


def test_when_control_fails_in_an_excess_the_watchdog_ends_it(bench: Bench) -> None:
    failed = Impaired("control", None, bench.board.now_us, inf, slow_us=3.3e6)
    rules = []
    for impaired in ((), (failed,)):
        limits = Limits(bench.board)
        for i in range(3):
            bench.board.set_load(i, Constant(4.0))
        bench.world.run(4.5)
        break_control(bench)
        bench.world.run(5)
        rules.append([excess.rule for excess in limits.check(impaired)])
        bench.world.run_until(lambda: bench.contacts() == [1] * 4, within_s=60)
    assert rules == [["limit"], []]


def test_what_is_acknowledged_and_not_stored_is_lost(bench: Bench) -> None:
    deliveries = Deliveries()
    bench.crossing.witness = deliveries.answered
    order_off(bench)
    bench.world.run(80)
    assert deliveries.minutes
    assert deliveries.events
    assert deliveries.lost(bench) == []
    with bench.world.store.write() as db:
        db.execute(minutes.delete())
        db.execute(events.delete())
    assert len(deliveries.lost(bench)) == len(deliveries.minutes) + len(deliveries.events)
    deliveries.restored(bench)
    assert deliveries.given_up
    assert deliveries.lost(bench) == []


def test_what_stays_in_flash_is_lost(bench: Bench) -> None:
    files = FlashFiles(flash := Flash())
    KeptMinutes(files).run(28)
    files.detach()
    bench.board.flash = flash
    deliveries = Deliveries()
    deliveries.look_into_flash(bench.board)
    assert len(deliveries.lost(bench)) == 28
