"""Series, readings, gaps and events over the API."""

import csv
import io
from typing import Any

import pytest
from headroom.history.recorder import Recorder
from headroom.store import expiry
from tests.support import World

START = 1_800_000_000
_CIRCUIT = "boards/flat-1/circuits/0"
_OF_THE_HOUR = f"start={START}&end={START + 3600}"


def get(world: World, path: str) -> dict[str, Any]:
    """A document of the API."""
    response = world.api.get(f"/api/v1/{path}", headers=world.bearer)
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.get_json()
    return document


def problem(world: World, path: str) -> tuple[int, str]:
    """Status and detail of what is refused."""
    response = world.api.get(f"/api/v1/{path}", headers=world.bearer)
    return response.status_code, response.get_json()["detail"]


def live_on(world: World, minutes: int) -> None:
    """A report a minute at 1 A, 2 A and so on; the last minute has a sensor fault."""
    board = world.board()
    for number in range(minutes):
        sensor = "missing" if number == minutes - 1 else "ok"
        board.report(circuits=[[1000 * (number + 1), 20, sensor, 1, "default"]])
        world.clock.advance(60)
    recorder = Recorder(lambda: world.site, world.store)
    while recorder.step(world.clock.unix_s()):
        pass


def test_a_circuit_minute_by_minute(world: World) -> None:
    live_on(world, 3)
    series = get(world, f"{_CIRCUIT}/series?{_OF_THE_HOUR}")
    assert (series["board"], series["circuit"], series["step_s"]) == ("flat-1", 0, 60)
    assert len(series["points"]) == 60
    known = {"unix_s": START + 60, "mean_ma": 2000, "max_ma": 2000, "closed_s": 10}
    assert series["points"][1] == {**known, "covered_s": 10}
    unknown = {"mean_ma": None, "max_ma": None, "closed_s": None, "covered_s": 0}
    assert series["points"][2] == {"unix_s": START + 120, **unknown}


def test_a_feeder_by_quarters(world: World) -> None:
    live_on(world, 3)
    query = f"phase=L1&step=quarter&{_OF_THE_HOUR}"
    series = get(world, f"feeders/riser/series?{query}")
    assert series["step_s"] == 900
    assert [point["mean_ma"] for point in series["points"]] == [2500, None, None, None]
    assert series["points"][0]["unmeasured"] == 1


def test_a_table_has_the_same_rows(world: World) -> None:
    live_on(world, 3)
    for path in (f"{_CIRCUIT}/series", "feeders/riser/series"):
        query = f"?phase=L1&{_OF_THE_HOUR}" if "feeders" in path else f"?{_OF_THE_HOUR}"
        response = world.api.get(f"/api/v1/{path}.csv{query}", headers=world.bearer)
        assert response.mimetype == "text/csv"
        rows = list(csv.DictReader(io.StringIO(response.text)))
        points = get(world, path + query)["points"]
        shown = [{k: "" if v is None else str(v) for k, v in p.items()} for p in points]
        assert rows == shown


def test_the_step_is_chosen_by_the_length_of_the_time(world: World) -> None:
    day_s = 86_400
    assert get(world, f"{_CIRCUIT}/series")["step_s"] == 60
    assert get(world, f"{_CIRCUIT}/series?start={START - 2 * day_s}")["step_s"] == 60
    assert get(world, f"{_CIRCUIT}/series?start={START - 3 * day_s}")["step_s"] == 900


@pytest.mark.parametrize(
    ("path", "status", "part"),
    [
        (f"{_CIRCUIT}/series?start=0", 422, "at most 3000 are told at once; ask for a shorter"),
        (f"{_CIRCUIT}/series?step=minute&start={START - 3 * 86_400}", 422, "step=quarter"),
        (f"{_CIRCUIT}/series?start=20&end=20", 422, "start: 20 is not before end 20"),
        (f"{_CIRCUIT}/series?step=hour", 400, "step"),
        ("boards/flat-1/circuits/1/series", 404, "circuits 0 to 0"),
        ("boards/flat-9/circuits/0/readings", 404, "no board flat-9"),
        ("boards/flat-9/gaps", 404, "no board flat-9"),
        ("feeders/roof/series?phase=L1", 404, "no feeder roof"),
        ("feeders/riser/series", 400, "phase"),
        ("events?kind=" + "x" * 25, 400, "kind"),
    ],
)
def test_what_cannot_be_told_is_named(world: World, path: str, status: int, part: str) -> None:
    found, detail = problem(world, path)
    assert found == status
    assert part in detail


def test_readings_as_the_reports_told_them(world: World) -> None:
    live_on(world, 3)
    found = get(world, f"{_CIRCUIT}/readings?{_OF_THE_HOUR}")
    assert [point["current_ma"] for point in found["points"]] == [1000, 2000, 3000]
    assert [point["sensor"] for point in found["points"]] == ["ok", "ok", "missing"]
    assert found["next"] is None


def minute(boot: int, number: int) -> list[int]:
    """A journal minute."""
    return [boot, number, *[700] * 8, *[60] * 4]


@pytest.mark.both_databases
def test_gaps_have_their_cause(world: World) -> None:
    board = world.board()
    board.report(up_s=600, minutes=[minute(1, 0), minute(1, 1), minute(1, 5)])
    world.clock.advance(3600)
    board.restart()
    board.report(up_s=120, reset="power_on", minutes=[minute(2, 0), minute(2, 1)])
    world.clock.advance(1800)
    found = get(world, f"boards/flat-1/gaps?start={START - 3600}&end={START + 7200}")["gaps"]
    assert found == [
        {"start": START - 480, "end": START - 300, "cause": "overflow"},
        {"start": START - 240, "end": START + 3480, "cause": "power_cut"},
        {"start": START + 3600, "end": START + 5400, "cause": "not_delivered"},
    ]
    later = get(world, f"boards/flat-1/gaps?start={START + 3600}&end={START + 3700}")["gaps"]
    assert [gap["cause"] for gap in later] == ["not_delivered"]
    assert get(world, "boards/flat-2/gaps")["gaps"] == []


def test_what_was_forgotten_is_no_gap(world: World) -> None:
    board = world.board()
    board.report(up_s=120, minutes=[minute(1, 0), minute(1, 1)])
    world.clock.advance(91 * 86_400)
    numbers = [91 * 1440 - n for n in (3, 2, 1)]
    board.report(up_s=91 * 86_400, minutes=[minute(1, number) for number in numbers])
    with world.store.write() as db:
        expiry.forget_minutes(db, int(world.clock.unix_s()) - 90 * 86_400, 100)
    day = f"start={START}&end={START + 86_400}"
    assert get(world, f"boards/flat-1/gaps?{day}")["gaps"] == []
    gaps = get(world, f"boards/flat-1/gaps?start={START}")["gaps"]
    assert [gap["cause"] for gap in gaps] == ["overflow"]


@pytest.mark.both_databases
def test_events_by_board_kind_circuit_and_time(world: World) -> None:
    first, second = world.board("flat-1"), world.board("flat-2")
    first.report(up_s=100, events=[[1, 10, "shed", 0, 1], [2, 50, "restore", 0, 0]])
    second.report(up_s=100, events=[[1, 100, "shed", -1, 0]])

    def kinds(query: str) -> list[tuple[str, str]]:
        return [(e["board"], e["kind"]) for e in get(world, f"events?{query}")["events"]]

    shed_1, restore_1, shed_2 = ("flat-1", "shed"), ("flat-1", "restore"), ("flat-2", "shed")
    assert kinds("") == [shed_1, restore_1, shed_2]
    assert kinds("kind=shed") == [shed_1, shed_2]
    assert kinds("board=flat-1&kind=restore") == [restore_1]
    assert kinds("circuit=0") == [shed_1, restore_1]
    assert kinds(f"start={START - 50}") == [restore_1, shed_2]
    assert kinds(f"end={START - 50}") == [shed_1]


def test_events_are_read_back_in_time(world: World) -> None:
    board = world.board()
    for number in range(1, 6):
        board.report(events=[[number, number, "shed", 0, 1]])
    page = get(world, "events?before=1000&limit=3")
    assert [event["n"] for event in page["events"]] == [5, 4, 3]
    rest = get(world, f"events?before={page['next']}")
    assert [event["n"] for event in rest["events"]] == [2, 1]
    assert get(world, f"events?before={rest['next']}") == {"events": [], "next": rest["next"]}
