"""Uncontrolled load by a board's sensor without relay: leases follow it, and its absence."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from headroom.site import SiteError, parse_site
from tests.board_client import BoardClient
from tests.support import World, site_document

# Of a riser of 25 A: 1 A fixed, 5 A kept for the board that never reports.
FREE_MA = 25_000 - 1000 - 5000
MOST_MA, RISE_MA = 6000, 500


def metered_site(measures: str, **sensor: Any) -> dict[str, Any]:
    """Two boards that could each use all of a riser; the first one has the sensor."""
    document = site_document()
    document["feeders"][0]["meter"] = {
        "max_ma": {"L1": MOST_MA},
        "rise_ma": {"L1": RISE_MA},
        "sensors": {"L1": {"board": "flat-1", "channel": 3, "measures": measures} | sensor},
    }
    for board in document["boards"]:
        board["circuits"][0]["rated_ma"] = 25_000
    return document


@pytest.fixture
def measures(request: pytest.FixtureRequest) -> str:
    """Where the sensor is, unless a test says otherwise."""
    return getattr(request, "param", "branch")


@pytest.fixture
def world(tmp_path: Path, measures: str) -> Iterator[World]:
    world = World(tmp_path, metered_site(measures))
    world.outwait_earlier_terms()
    yield world
    world.close()


def lease_ma(board: BoardClient, *meter: Any) -> int:
    """What a board is given on L1 when it tells that reading."""
    meters = [[3, *meter]] if meter else []
    given: int = board.report(meters=meters).document["lease_ma"][0]
    return given


def phase(world: World) -> dict[str, Any]:
    """L1 of the riser as the page shows it."""
    shown: dict[str, Any] = world.state()["feeders"][0]["phases"][0]
    return shown


def test_a_branch_counts_with_its_rise(world: World) -> None:
    board = world.board()
    assert lease_ma(board, 1500, 20, "ok") == FREE_MA - 1500 - RISE_MA
    assert phase(world)["uncontrolled_ma"] == 1000 + 1500 + RISE_MA
    assert phase(world)["uncontrolled_text"] == "measured on its branch by flat-1"
    assert lease_ma(board, 5800, 20, "spiky") == FREE_MA - MOST_MA
    assert lease_ma(board, 0, 20, "below_range") == FREE_MA - RISE_MA
    # What is measured is there, whatever was thought to be the most.
    assert lease_ma(board, 9000, 20, "ok") == FREE_MA - 9000


@pytest.mark.parametrize("sensor", ["missing", "stale", "frozen", "impossible", "saturated"])
def test_without_a_good_reading_it_is_the_most(world: World, sensor: str) -> None:
    board = world.board()
    lease_ma(board, 1500, 20, "ok")
    assert lease_ma(board, 1500, 20, sensor) == FREE_MA - MOST_MA
    assert phase(world)["uncontrolled_text"] == (
        "no fresh reading of flat-1 input A3: the most it may be"
    )


def test_a_board_that_does_not_tell_it_is_no_reading(world: World) -> None:
    assert lease_ma(world.board()) == FREE_MA - MOST_MA
    board = world.board(boot=2)
    board.report(meters=[[2, 100, 20, "ok"]])
    assert board.limit_ma[0] == FREE_MA - MOST_MA


def test_a_reading_ends_with_its_age(world: World) -> None:
    board, other = world.board(), world.board("flat-2")
    lease_ma(board, 1500, 4000, "ok")
    world.clock.advance(10.9)
    other.report()
    assert phase(world)["uncontrolled_ma"] == 1000 + 1500 + RISE_MA
    world.clock.advance(0.2)
    assert "no fresh reading" in phase(world)["uncontrolled_text"]
    assert phase(world)["uncontrolled_ma"] == 1000 + MOST_MA


@pytest.mark.parametrize("measures", ["main"], indirect=True)
def test_of_a_main_what_circuits_draw_is_taken_off(world: World) -> None:
    board, other = world.board(), world.board("flat-2")
    board.circuits = [[2000, 20, "ok", 1, "default"]]
    other.circuits = [[4000, 20, "ok", 1, "default"]]
    other.report()
    # 1 A of the 9 is the fixed part, 6 are circuits.
    lease_ma(board, 9000, 20, "ok")
    assert phase(world)["uncontrolled_ma"] == 1000 + 2000 + RISE_MA
    assert phase(world)["uncontrolled_text"] == "measured on the main by flat-1"
    # Never below nothing.
    lease_ma(board, 3000, 20, "ok")
    assert phase(world)["uncontrolled_ma"] == 1000 + RISE_MA


@pytest.mark.parametrize("measures", ["main"], indirect=True)
@pytest.mark.parametrize(
    ("main_ma", "reading", "late_s", "own_ma"),
    [
        # Nothing that is not surely drawn is taken off; what is left is at most the maximum.
        (5000, [4000, 20, "frozen", 1, "default"], 0, 4000 + RISE_MA),
        (9000, [4000, 20, "frozen", 1, "default"], 0, MOST_MA),
        (5000, [4000, 20, "ok", 1, "default"], 16, 4000 + RISE_MA),
        (9000, [4000, 20, "ok", 1, "default"], 16, MOST_MA),
        (9000, [3960, 20, "spiky", 1, "default"], 0, 8000 - 3000 + RISE_MA),
        (5000, [0, 90_000_000, "missing", 0, "default"], 0, 4000 + RISE_MA),
        # All of it is measured: what is left is there.
        (9000, [0, 20, "below_range", 0, "default"], 0, 8000),
    ],
)
def test_of_a_main_nothing_unknown_is_taken_off(
    world: World, main_ma: int, reading: list[Any], late_s: int, own_ma: int
) -> None:
    board, other = world.board(), world.board("flat-2")
    board.circuits = [[0, 20, "below_range", 1, "default"]]
    other.circuits = [reading]
    other.report()
    world.clock.advance(late_s)
    lease_ma(board, main_ma, 20, "ok")
    assert phase(world)["uncontrolled_ma"] == 1000 + own_ma


def test_what_a_main_below_tells_counts_once(tmp_path: Path) -> None:
    """A house's main measures the garage's load as well, which has a sensor of its own."""
    document = metered_site("main")
    garage = {
        "id": "garage",
        "parent": "riser",
        "rating_ma": {"L1": 16_000},
        "meter": {
            "max_ma": {"L1": 4000},
            "sensors": {"L1": {"board": "flat-2", "channel": 1, "measures": "branch"}},
        },
    }
    document["feeders"].append(garage)
    world = World(tmp_path, document)
    board, other = world.board(), world.board("flat-2")
    for one in (board, other):
        one.circuits = [[0, 20, "below_range", 1, "default"]]
    other.report(meters=[[1, 2500, 20, "ok"]])
    lease_ma(board, 7000, 20, "ok")
    riser, below = (f["phases"][0]["uncontrolled_ma"] for f in world.state()["feeders"])
    assert below == 2500
    assert riser == 1000 + (7000 - 1000 - 2500) + RISE_MA
    world.close()


def test_an_order_for_it_is_refused_with_the_reason(world: World) -> None:
    refused = world.api.put(
        "/api/v1/boards/flat-1/circuits/3/override",
        json={"state": "off", "until": None},
        headers=world.bearer,
    )
    assert refused.status_code == 404
    assert refused.get_json()["detail"] == (
        "board flat-1 has circuits 0 to 0; input A3 measures feeder riser and has no relay"
    )


def test_it_takes_no_reading_by_api(world: World) -> None:
    refused = world.api.put("/api/v1/feeders/riser/meter", json={"L1": 100}, headers=world.bearer)
    assert refused.status_code == 422
    assert "is measured by flat-1; it takes no reading" in refused.get_json()["detail"]


def test_a_meter_is_changed_while_it_runs_and_goes_back_to_the_file(world: World) -> None:
    board = world.board()
    lease_ma(board, 1500, 20, "ok")
    path = "/api/v1/feeders/riser/uncontrolled"
    sensor = {"board": "flat-1", "channel": 2, "measures": "branch"}
    meter = {"max_ma": {"L1": 8000}, "sensors": {"L1": sensor}}
    assert world.api.put(path, json=meter, headers=world.bearer).status_code == 204
    # A reading of another input is none.
    assert lease_ma(board, 1500, 20, "ok") == FREE_MA - 8000
    assert board.report(meters=[[2, 700, 20, "ok"]]).document["lease_ma"][0] == FREE_MA - 700
    world.start()
    world.outwait_earlier_terms()
    assert lease_ma(board, 1500, 20, "ok") == FREE_MA - 8000
    assert world.api.delete(path, headers=world.bearer).status_code == 204
    assert lease_ma(board, 1500, 20, "ok") == FREE_MA - 1500 - RISE_MA


@pytest.mark.parametrize(
    ("meter", "words"),
    [
        (
            {"max_ma": {"L1": 15_000}},
            "safe limits of its boards and uncontrolled load sum to 26000",
        ),
        ({"max_ma": {"L1": 1}, "rise_ma": {"L1": 2}}, "meter.rise_ma 2 is above meter.max_ma 1"),
        (
            {
                "max_ma": {"L1": 1},
                "sensors": {"L1": {"board": "flat-1", "channel": 0, "measures": "main"}},
            },
            "channel 0 of board flat-1 is the sensor of circuit water heater",
        ),
    ],
)
def test_a_meter_that_cannot_be_is_refused(
    world: World, meter: dict[str, Any], words: str
) -> None:
    refused = world.api.put("/api/v1/feeders/riser/uncontrolled", json=meter, headers=world.bearer)
    assert refused.status_code == 422
    assert words in refused.get_json()["detail"]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"board": "flat-9"}, "meter.sensors: board flat-9 is not among flat-1, flat-2"),
        ({"channel": 0}, "meter.sensors: channel 0 of board flat-1 is the sensor of circuit"),
    ],
)
def test_a_sensor_that_is_not_there_is_told(changes: dict[str, Any], line: str) -> None:
    with pytest.raises(SiteError) as caught:
        parse_site(metered_site("main", **changes))
    assert [fault.startswith(f"feeder riser L1: {line}") for fault in caught.value.lines] == [True]


def test_faults_of_meters_with_sensors_are_told_at_once() -> None:
    document = metered_site("main")
    sensor = document["feeders"][0]["meter"]["sensors"]["L1"]
    document["feeders"] += [
        {"id": "lift", "rating_ma": {"L2": 9000}, "meter": meter}
        for meter in ({"max_ma": {"L2": 1}, "sensors": {"L1": sensor, "L2": sensor}},)
    ]
    document["feeders"][0]["meter"]["max_ma"] = {"L2": 5000}
    document["feeders"][0]["meter"]["rise_ma"] = {}
    document["boards"][0]["report_s"] = 15
    with pytest.raises(SiteError) as caught:
        parse_site(document)
    for part in (
        "feeder riser L1: meter.max_ma is 0; say what the load may be",
        "feeder riser L2: meter.max_ma is 5000 and no sensor measures it",
        "feeder lift: meter.sensors has L1, which the feeder has not",
        "feeder lift L1: meter.sensors: channel 3 of board flat-1 is that of feeder riser L1",
        "feeder lift L2: meter.sensors: board flat-1 hangs on riser, which has no L2",
        "feeder riser L1: meter.sensors: board flat-1 reports every 15 s",
    ):
        assert any(line.startswith(part) for line in caught.value.lines), (part, caught.value)


def test_a_board_has_four_sensors_in_all_and_sees_each_often() -> None:
    document = metered_site("main")
    shunt = {"sensor": "ina226", "shunt_uohm": 1000, "phase": "L2", "rated_ma": 5000}
    document["feeders"][0]["rating_ma"]["L2"] = 5000
    circuit = document["boards"][0]["circuits"][0]
    document["boards"][0]["circuits"] = [circuit, *[circuit | shunt] * 3]
    with pytest.raises(SiteError, match="4 circuits and 1 sensors without relay"):
        parse_site(document)
    document["boards"][0] |= {"circuits": [circuit] * 3, "timing": {"tick_ms": 150}}
    with pytest.raises(SiteError, match="with 4 circuits and sensors at most 125"):
        parse_site(document)
