"""What /metrics says follows what boards report and what the coordinator did."""

from prometheus_client.parser import text_string_to_metric_families
from tests.support import World


def samples(world: World) -> dict[tuple[str, ...], float]:
    """Every sample of /metrics by name and label values."""
    text = world.api.get("/metrics").text
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_follow_reports_and_refusals(world: World) -> None:
    board = world.board()
    board.report(lost=[28, 3], beacon=[7, 2])
    board.send(board.body(), "0" * 64)
    found = samples(world)
    circuit = ("flat-1", "0", "water heater", "L1")
    assert found["headroom_circuit_current_amperes", *circuit] == 1.0
    assert found["headroom_circuit_limit_amperes", *circuit] == 10.0
    assert found["headroom_circuit_relay_closed", *circuit] == 1.0
    assert found["headroom_circuit_reason_info", *circuit, "default"] == 1.0
    assert found["headroom_feeder_current_amperes", "riser", "L1"] == 2.0
    assert found["headroom_feeder_limit_amperes", "riser", "L1"] == 25.0
    assert found["headroom_feeder_rating_amperes", "riser", "L1"] == 25.0
    # Of 25 A: 2 A in use, 5 A kept for the board that never reported.
    assert found["headroom_feeder_headroom_amperes", "riser", "L1"] == 18.0
    assert found["headroom_board_reports_total", "flat-1"] == 1.0
    assert found["headroom_board_beacons_refused_total", "flat-1"] == 2.0
    assert found["headroom_board_journal_lost", "flat-1", "minutes"] == 28.0
    assert found["headroom_board_journal_lost", "flat-1", "events"] == 3.0
    assert found["headroom_report_refusals_total", "unsigned"] == 1.0
    assert found["headroom_board_held_amperes", "flat-1", "L1"] == 5.0


def test_silent_board_keeps_its_age_and_loses_its_values(world: World) -> None:
    world.board().report()
    assert samples(world)["headroom_board_silent", "flat-1"] == 0
    world.clock.advance(31)
    found = samples(world)
    assert found["headroom_board_silent", "flat-1"] == 1
    assert found["headroom_board_report_age_seconds", "flat-1"] == 31
    assert not [key for key in found if key[0] == "headroom_board_heap_free_bytes"]
    assert not [key for key in found if key[0] == "headroom_circuit_current_amperes"]
    assert found["headroom_feeder_silent_amperes", "riser", "L1"] == 10.0


def test_health_of_a_board(world: World) -> None:
    board = world.board(boot=7)
    board.report()
    found = samples(world)
    assert found["headroom_board_plan_acknowledged", "flat-1"] == 0
    assert ("headroom_board_signal_dbm", "flat-1") not in found
    board.report(
        limit_ma=[4500, 0, 0],
        reset="wdt",
        fw="0.2.0",
        up_s=3600,
        heap_free=9000,
        tick=[52, 4],
        refused=3,
        rssi_dbm=-71,
    )
    found = samples(world)
    assert found["headroom_board_info", "flat-1", "riser", "wdt", "0.2.0"] == 1
    assert found["headroom_board_limit_amperes", "flat-1", "L1"] == 4.5
    assert found["headroom_board_plan_acknowledged", "flat-1"] == 1
    assert found["headroom_board_boots_total", "flat-1"] == 7
    assert found["headroom_board_uptime_seconds", "flat-1"] == 3600
    assert found["headroom_board_heap_free_bytes", "flat-1"] == 9000
    assert found["headroom_board_signal_dbm", "flat-1"] == -71
    assert found["headroom_board_tick_longest_seconds", "flat-1"] == 0.052
    assert found["headroom_board_ticks_dropped_total", "flat-1"] == 4
    assert found["headroom_board_answers_refused_total", "flat-1"] == 3


def test_a_plan_is_as_old_as_its_last_change(world: World) -> None:
    board = world.board()
    age = ("headroom_board_plan_age_seconds", "flat-1")
    assert age not in samples(world)
    board.report()
    world.clock.advance(500)
    board.report()
    assert samples(world)[age] == 500
    path = "/api/v1/boards/flat-1/circuits/0/override"
    world.api.put(path, json={"state": "off", "until": None}, headers=world.bearer)
    world.clock.advance(7)
    board.report()
    assert samples(world)[age] == 7


def test_an_event_sent_again_counts_once(world: World) -> None:
    board = world.board()
    shed, restore = [1, 3, "shed", 0, 1], [2, 9, "restore", 0, 0]
    board.report(events=[shed])
    board.report(events=[shed, restore])
    board.send(board.body(events=[shed, restore]))
    found = samples(world)
    assert found["headroom_board_events_total", "flat-1", "shed"] == 1
    assert found["headroom_board_events_total", "flat-1", "restore"] == 1
    board.restart()
    board.report(events=[shed])
    assert samples(world)["headroom_board_events_total", "flat-1", "shed"] == 2


def test_every_report_and_every_allocation_is_timed(world: World) -> None:
    board = world.board()
    board.report()
    board.send(board.body(), "0" * 64)
    found = samples(world)
    assert found[("headroom_report_duration_seconds_count",)] == 2
    assert found[("headroom_report_duration_seconds_sum",)] > 0
    assert found[("headroom_allocation_duration_seconds_count",)] == 1


def test_refusals_are_there_before_the_first(world: World) -> None:
    found = samples(world)
    assert found["headroom_report_refusals_total", "replayed"] == 0
    assert found["headroom_report_refusals_total", "store-unavailable"] == 0


def test_a_board_that_makes_up_kinds_of_events_does_not_fill_the_metrics(world: World) -> None:
    board = world.board()
    for report in range(10):
        numbers = range(6 * report + 1, 6 * report + 7)
        board.report(
            events=[
                [n, 10, f"made_up_{chr(97 + n // 26)}{chr(97 + n % 26)}", -1, 0] for n in numbers
            ]
        )
    world.board("flat-2").report(events=[[1, 10, "shed", 0, 2]])
    found = samples(world)
    counted = {
        key[2]: n
        for key, n in found.items()
        if key[0] == "headroom_board_events_total" and key[1] == "flat-1"
    }
    assert len(counted) == 41
    assert counted["other"] == 20
    assert found["headroom_board_events_total", "flat-2", "shed"] == 1
