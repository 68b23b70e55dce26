"""Series of circuits and feeders, made of signed reports and of the minutes in them."""

from pathlib import Path
from typing import Any

import pytest
from headroom.history.recorder import Recorder
from headroom.history.steps import CircuitStep, FeederStep
from headroom.history.uncontrolled import UncontrolledLog
from headroom.store import Store, series
from headroom.store.series import Span, StepS
from headroom.store.tables import boards, reports
from tests.board_client import BoardClient
from tests.support import World, site_document

pytestmark = pytest.mark.both_databases

# A full quarter of an hour, at which the clock of `World` stands at first.
START = 1_800_000_000


def minute(number: int, mean_ma: int, boot: int = 1, closed_s: int = 60) -> list[int]:
    """A journal minute of a board with one circuit."""
    return [boot, number, mean_ma, 0, 0, 0, 2 * mean_ma, 0, 0, 0, closed_s, 0, 0, 0]


def report_for(world: World, board: BoardClient, seconds: int, current_ma: int) -> None:
    """A report every 10 s, the first now."""
    for _ in range(0, seconds, 10):
        assert board.report(circuits=reading(current_ma)).status == 200
        world.clock.advance(10)


def reading(current_ma: int, sensor: str = "ok", closed: int = 1) -> list[list[Any]]:
    """The circuits of a report."""
    return [[current_ma, 20, sensor, closed, "default"]]


def record(world: World) -> None:
    """Let the recorder work through what there is."""
    recorder = Recorder(lambda: world.site, world.store)
    while recorder.step(world.clock.unix_s()):
        pass


def of_circuit(
    world: World, minutes: int, step_s: StepS = 60, board: str = "flat-1"
) -> list[CircuitStep | None]:
    """The first circuit's steps from the start on."""
    with world.store.read() as db:
        found = series.circuit_series(db, board, 0, Span(START, START + 60 * minutes), step_s)
    assert [unix_s for unix_s, _step in found] == list(range(START, START + 60 * minutes, step_s))
    return [step for _unix_s, step in found]


def of_feeder(store: Store, minutes: int, step_s: StepS = 60) -> list[FeederStep | None]:
    """The steps of L1 from the start on."""
    with store.read() as db:
        span = Span(START, START + 60 * minutes)
        return [step for _, step in series.feeder_series(db, "riser", "L1", span, step_s)]


def means(steps: list[CircuitStep | None]) -> list[int | None]:
    """Mean currents; None where nothing is known."""
    return [step.mean_ma if step else None for step in steps]


def test_a_minute_is_made_of_its_reports(world: World) -> None:
    board = world.board()
    for current_ma, closed in ((1000, 1), (4000, 1), (1000, 0)):
        board.report(circuits=reading(current_ma, closed=closed))
        world.clock.advance(10)
    board.report(circuits=reading(9000, sensor="missing"))
    world.clock.advance(30)
    record(world)
    assert of_circuit(world, 2) == [
        CircuitStep("flat-1", 0, 60, START, 2000, 4000, 20, 30, from_journal=False),
        None,
    ]


def test_a_minute_that_is_not_over_waits(world: World) -> None:
    report_for(world, world.board(), 50, 1000)
    record(world)
    assert of_circuit(world, 1) == [None]
    world.clock.advance(10)
    record(world)
    assert means(of_circuit(world, 1)) == [1000]


def test_a_late_journal_minute_takes_the_place_of_reports(world: World) -> None:
    board = world.board()
    report_for(world, board, 120, 1000)
    record(world)
    assert means(of_circuit(world, 3)) == [1000, 1000, None]
    # The board began 10 s before its first report.
    board.report(up_s=130, minutes=[minute(0, 3000, closed_s=45)])
    world.clock.advance(60)
    record(world)
    steps = of_circuit(world, 3)
    assert steps[0] == CircuitStep("flat-1", 0, 60, START, 3000, 6000, 45, 60, from_journal=True)
    assert means(steps) == [3000, 1000, 1000]


def test_minutes_of_an_outage_come_in_hours_late(world: World) -> None:
    board = world.board()
    report_for(world, board, 60, 1000)
    world.clock.advance(60 * 59)
    board.report(up_s=3610, minutes=[minute(n, 100 * n) for n in (20, 21, 22, 23)])
    world.clock.advance(60)
    record(world)
    assert means(of_circuit(world, 25)) == [1000, *[None] * 19, 2000, 2100, 2200, 2300, None]
    [first, second] = of_circuit(world, 30, 900)
    assert first
    assert second
    assert (first.mean_ma, first.covered_s, first.from_journal) == (1000, 60, False)
    assert (second.mean_ma, second.covered_s, second.from_journal) == (2150, 240, True)
    assert (second.max_ma, second.closed_s) == (4600, 240)


def test_a_quarter_is_the_mean_of_what_was_measured_in_it(world: World) -> None:
    board = world.board()
    report_for(world, board, 300, 1000)
    report_for(world, board, 300, 4000)
    record(world)
    [quarter] = of_circuit(world, 15, 900)
    assert quarter == CircuitStep(
        "flat-1", 0, 900, START, 2500, 4000, 600, 600, from_journal=False
    )
    report_for(world, board, 300, 7000)
    record(world)
    [quarter] = of_circuit(world, 15, 900)
    assert quarter == CircuitStep(
        "flat-1", 0, 900, START, 4000, 7000, 900, 900, from_journal=False
    )


def test_a_feeder_is_the_sum_of_its_circuits_and_what_is_uncontrolled(world: World) -> None:
    first, second = world.board("flat-1"), world.board("flat-2")
    first.report(circuits=reading(2000))
    second.report(circuits=reading(3000))
    world.clock.advance(60)
    first.report(circuits=reading(2500))
    world.clock.advance(60)
    record(world)
    assert of_feeder(world.store, 3) == [
        FeederStep("riser", "L1", 60, START, 6000, 6000, 10, 0),
        FeederStep("riser", "L1", 60, START + 60, 3500, 3500, 10, 1),
        None,
    ]
    assert of_feeder(world.store, 15, 900) == [
        FeederStep("riser", "L1", 900, START, 4750, 6000, 20, 1)
    ]
    second.report(up_s=130, minutes=[minute(1, 1500)])
    world.clock.advance(60)
    record(world)
    step = of_feeder(world.store, 3)[1]
    assert step
    assert (step.mean_ma, step.unmeasured) == (5000, 0)


def test_a_step_done_again_changes_nothing(world: World) -> None:
    board = world.board()
    report_for(world, board, 120, 1000)
    board.report(up_s=130, minutes=[minute(0, 3000), minute(1, 2000)])
    world.clock.advance(60)
    record(world)
    steps, feeder = of_circuit(world, 15, 900), of_feeder(world.store, 3)
    with world.store.write() as db:
        db.exec_driver_sql("DELETE FROM figures WHERE name = 'history'")
    record(world)
    assert (of_circuit(world, 15, 900), of_feeder(world.store, 3)) == (steps, feeder)


def test_minutes_of_a_boot_that_was_never_heard_have_no_time(world: World) -> None:
    world.board(boot=2).report(minutes=[minute(5, 3000, boot=1)])
    world.clock.advance(60)
    record(world)
    assert means(of_circuit(world, 10)) == [1000, *[None] * 9]


def test_a_report_that_nobody_can_read_any_more_is_passed_over(world: World) -> None:
    board = world.board()
    report_for(world, board, 120, 1000)
    with world.store.write() as db:
        first_minute = reports.c.received_unix_s < START + 60
        db.execute(reports.update().where(first_minute).values(body=b"{}"))
    record(world)
    assert means(of_circuit(world, 2)) == [None, 1000]


def test_a_clock_that_was_set_back_loses_no_report(world: World) -> None:
    board = world.board()
    world.clock.date_s += 7200
    report_for(world, board, 60, 1000)
    world.clock.date_s = START
    report_for(world, board, 120, 2000)
    record(world)
    assert means(of_circuit(world, 3)) == [2000, 2000, None]
    assert means(of_circuit(world, 121))[120] == 1000


def test_raw_readings_are_those_of_the_reports(world: World) -> None:
    board = world.board()
    report_for(world, board, 30, 1000)
    board.report(circuits=reading(9000, sensor="missing"))
    with world.store.read() as db:
        found, more = series.readings(db, "flat-1", 0, Span(START + 10, START + 60), 2)
        rest, no_more = series.readings(db, "flat-1", 0, Span(START + 30, START + 60), 10)
    assert [(one.unix_s, one.reading.current_ma) for one in found] == [
        (START + 10, 1000),
        (START + 20, 1000),
    ]
    assert [one.reading.sensor for one in rest] == ["missing"]
    assert (more, no_more) == (START + 30, None)


def test_no_reading_is_between_two_pages(world: World) -> None:
    board = world.board()
    told = [1000, 2000, 3000, 4000, 5000]
    for current_ma in told:
        board.report(circuits=reading(current_ma))
        world.clock.advance(0.6)  # two come in the same second
    found: list[int] = []
    start: int | None = START
    while start is not None:
        with world.store.read() as db:
            page, start = series.readings(db, "flat-1", 0, Span(start, START + 60), 2)
        found += [one.reading.current_ma for one in page]
    assert found == told


def test_reports_that_only_an_earlier_release_can_read_stop_nothing(world: World) -> None:
    report_for(world, world.board(), 10, 1000)
    with world.store.write() as db:
        db.execute(reports.update().values(body=b"{}"))
        db.execute(boards.update().values(last_body=b"{}"))
    world.start()
    assert world.state()["boards"][0]["age_s"] is None
    reports_told = world.api.get("/api/v1/boards/flat-1/reports").get_json()["reports"]
    assert [one["report"] for one in reports_told] == [None]
    found = world.api.get(f"/api/v1/boards/flat-1/circuits/0/readings?start={START}").get_json()
    assert (found["points"], found["next"]) == ([], None)


def test_uncontrolled_load_counts_as_it_was_measured(tmp_path: Path, database: str) -> None:
    document = site_document()
    meter = {"max_ma": {"L1": 6000}, "rise_ma": {"L1": 500}, "max_age_s": 30}
    document["feeders"][0] |= {"meter": meter}
    world = World(tmp_path, document, database=database)
    log = UncontrolledLog(world.coordinator.measured_uncontrolled_ma, world.store)
    board = world.board()
    for ten_s in range(12):
        if ten_s < 6:  # it says nothing in the second minute
            reading_ma = {"L1": 1500 if ten_s % 2 else 2500}
            path = "/api/v1/feeders/riser/meter"
            assert world.api.put(path, json=reading_ma, headers=world.bearer).status_code == 204
        board.report(circuits=reading(4000))
        log.step(world.clock.unix_s())
        world.clock.advance(10)
    log.step(world.clock.unix_s())
    record(world)
    found = [(step.mean_ma, step.max_ma) for step in of_feeder(world.store, 2) if step]
    # 1 A is fixed. In the second minute the reading holds for two more samples of six.
    assert found == [(7000, 7500), (1000 + 4000 + (2 * 1500 + 4 * 6000) // 6, 11_000)]
    world.close()
