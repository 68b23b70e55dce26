"""What is old is forgotten, by age and by size, and nothing that is still needed."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from headroom.history.keeper import Keeper
from headroom.history.recorder import Recorder
from headroom.history.retention import Forgetting
from headroom.history.retention_clock import RetentionClock
from headroom.history.uncontrolled import UncontrolledLog
from headroom.history.usual import Usual
from headroom.phases import PhaseMa
from headroom.site import SiteError, parse_site
from headroom.store import expiry, figures
from headroom.store.tables import reports
from tests.support import World, site_document

DAY_S = 86_400


def forgetting_of(world: World) -> Forgetting:
    """Retention as of its start."""
    clock = RetentionClock(world.store, world.coordinator.instruments.retention_lag_s.set)
    return Forgetting(lambda: world.site.retention, world.store, clock)


def keeper_of(world: World) -> Keeper:
    """What `headroom serve` runs beside its coordinator."""
    return Keeper(
        Recorder(lambda: world.site, world.store),
        UncontrolledLog(world.coordinator.measured_uncontrolled_ma, world.store),
        Usual(world.coordinator.expect, world.store),
        forgetting_of(world),
        world.clock,
        world.coordinator.instruments,
    )


def keep(keeper: Keeper) -> None:
    """Let it do all that is due."""
    while keeper.step() == 0:
        pass


def figure(world: World, name: str) -> float:
    """What a metric says."""
    text = world.api.get("/metrics").text
    return float(text.partition(f"\n{name} ")[2].partition("\n")[0])


def retain(world: World, **retention: int) -> None:
    """Set the site's retention, as its file would."""
    world.document["retention"] = retention
    world.site = parse_site(world.document)


def minute(boot: int, number: int) -> list[int]:
    """A journal minute."""
    return [boot, number, *[700] * 8, *[60] * 4]


def live_on(world: World, days: int) -> None:
    """A report, an event and a journal minute a day, on three boots."""
    board = world.board()
    for day in range(days):
        if day and day % 4 == 0:
            board.restart()
        up_s = DAY_S * (day % 4) + 120
        event = [day + 1, up_s, "shed", 0, 1]
        board.report(up_s=up_s, events=[event], minutes=[minute(board.boot, up_s // 60 - 1)])
        world.clock.advance(DAY_S)


@pytest.mark.both_databases
def test_each_kind_is_kept_for_its_age(world: World) -> None:
    retain(world, reports_days=2, minutes_days=5, quarters_days=8, events_days=7)
    live_on(world, 12)
    keep(keeper_of(world))
    assert world.rows("reports") == 2
    assert world.rows("events") == 7
    # Five days of reports; the minute before the first of them is a little too old.
    assert world.rows("minutes") == 4
    assert world.rows("circuit_steps WHERE step_s = 60") == 5 + 4
    assert world.rows("feeder_steps WHERE step_s = 60") == 5 + 4
    assert world.rows("circuit_steps WHERE step_s = 900") == 8 + 7


def test_a_pass_comes_again_ten_minutes_later(world: World) -> None:
    keeper = keeper_of(world)
    live_on(world, 1)
    keep(keeper)
    assert world.rows("events") == 1
    retain(world, events_days=1)
    world.clock.advance(601)
    keep(keeper)
    assert world.rows("events") == 0


@pytest.mark.both_databases
def test_minutes_of_undated_boots_go_with_those_after_them(world: World) -> None:
    board = world.board(boot=5)
    board.report(up_s=60, minutes=[minute(3, 9), minute(5, 0)])
    assert world.rows("minutes") == 2
    retain(world, minutes_days=1)
    world.clock.advance(2 * DAY_S)
    keep(keeper_of(world))
    assert world.rows("minutes") == 0


def test_no_report_goes_before_the_series_have_it(world: World) -> None:
    live_on(world, 5)
    forgetting = forgetting_of(world)
    while forgetting.step(world.clock.monotonic_s(), world.clock.unix_s()):
        pass
    assert world.rows("reports") == 5


def store_old_reports(world: World, days: int, of_a_day: int) -> None:
    """Reports of 1 KB up to now, which the series have already."""
    now_unix_s = int(world.clock.unix_s())
    count = days * of_a_day
    rows = [
        {
            "board": "flat-1",
            "boot": 1,
            "seq": number + 1,
            "received_unix_s": now_unix_s - DAY_S * (count - number) // of_a_day,
            "body": bytes(1000),
        }
        for number in range(count)
    ]
    with world.store.write() as db:
        db.execute(reports.insert(), rows)
        figures.move_history_cursor(db, count)


def test_above_its_size_old_data_goes_earlier(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headroom.history.retention._MB", 100_000)
    retain(world, reports_days=800, most_mb=10)
    store_old_reports(world, days=100, of_a_day=20)
    keeper = keeper_of(world)
    for _ in range(10):
        keep(keeper)
        world.clock.advance(601)
    # 800 days are halved until about 700 KB are left beside the empty tables.
    assert 490 <= world.rows("reports") <= 500
    with world.store.read() as db:
        assert 500_000 < expiry.live_bytes(db) <= 1_000_000


@pytest.mark.both_databases
def test_the_size_follows_what_is_there(world: World) -> None:
    sizes = []
    for _ in range(2):
        with world.store.write() as db:
            for table in ("reports", "boards"):
                if db.dialect.name == "postgresql":
                    db.exec_driver_sql(f"ANALYZE {table}")
            sizes.append(expiry.live_bytes(db))
        for _ in range(50):
            world.board(boot=len(sizes) + world.rows("reports")).report()
    assert sizes[1] - sizes[0] > 50 * 200


def test_a_store_that_fails_is_waited_for(world: World, tmp_path: Path) -> None:
    keeper = keeper_of(world)
    live_on(world, 1)
    (tmp_path / "headroom.db").rename(tmp_path / "away")
    world.close()
    (tmp_path / "headroom.db").mkdir()
    assert keeper.step() > 1
    assert keeper.step() > 1
    (tmp_path / "headroom.db").rmdir()
    (tmp_path / "away").rename(tmp_path / "headroom.db")
    keep(keeper)
    assert world.rows("circuit_steps") > 0


def test_a_success_has_its_time(world: World) -> None:
    keeper = keeper_of(world)
    world.clock.advance(60)
    keep(keeper)
    told = figure(world, "headroom_keeper_last_success_timestamp_seconds")
    assert told == world.clock.unix_s()


def pass_for(world: World, keeper: Keeper, days: int) -> None:
    """Days in which the keeper works, on both clocks."""
    for _ in range(days * 4):
        world.clock.advance(DAY_S / 4)
        keep(keeper)


@pytest.mark.both_databases
@pytest.mark.parametrize("is_restarted", [True, False])
def test_a_clock_that_leaps_ahead_takes_no_history_with_it(
    world: World, capsys: pytest.CaptureFixture[str], is_restarted: bool
) -> None:
    live_on(world, 5)
    keeper = keeper_of(world)
    keep(keeper)
    world.clock.date_s += 20 * 365 * DAY_S
    if is_restarted:
        world.start()
        keeper = keeper_of(world)
    pass_for(world, keeper, 2)
    assert world.rows("events") == 5
    assert world.rows("circuit_steps WHERE step_s = 60") >= 5
    assert figure(world, "headroom_retention_clock_lag_seconds") > 7000 * DAY_S
    assert capsys.readouterr().out.count("far ahead of what the store knows") == 1
    world.clock.date_s -= 20 * 365 * DAY_S
    world.clock.advance(3600)
    keep(keeper)
    assert figure(world, "headroom_retention_clock_lag_seconds") == 0


def test_after_a_long_rest_retention_catches_up_by_itself(world: World) -> None:
    retain(world, events_days=10)
    live_on(world, 5)
    keep(keeper_of(world))
    world.clock.advance(30 * DAY_S)
    world.start()
    keeper = keeper_of(world)
    keep(keeper)
    assert world.rows("events") == 5
    pass_for(world, keeper, 7)
    assert world.rows("events") < 5
    pass_for(world, keeper, 23)
    assert figure(world, "headroom_retention_clock_lag_seconds") == 0
    assert world.rows("events") == 0


def test_a_clock_that_began_in_1970_costs_retention_nothing(world: World) -> None:
    world.clock.date_s -= 1_790_000_000
    keeper = keeper_of(world)
    keep(keeper)
    world.clock.date_s += 1_790_000_000
    world.clock.advance(3600)
    keep(keeper)
    assert figure(world, "headroom_retention_clock_lag_seconds") < 400 * DAY_S


def test_an_age_that_makes_no_sense_is_named() -> None:
    with pytest.raises(SiteError, match=r"retention\.events_days"):
        parse_site(site_document() | {"retention": {"events_days": 0}})


def test_a_step_that_fails_is_logged_and_tried_again(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    def unknown() -> Mapping[str, PhaseMa]:
        raise KeyError("feeder")

    keeper = Keeper(
        Recorder(lambda: world.site, world.store),
        UncontrolledLog(unknown, world.store),
        Usual(world.coordinator.expect, world.store),
        forgetting_of(world),
        world.clock,
        world.coordinator.instruments,
    )
    assert keeper.step() > 0
    assert figure(world, "headroom_keeper_failures_total") == 1
    assert "KeyError: 'feeder'" in capsys.readouterr().out
