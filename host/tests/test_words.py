"""Why a relay is as it is, in words: each reason its own, no safe state taken for an order."""

import re
from pathlib import Path
from typing import get_args

from headroom.protocol.messages import BoardEvent, CircuitReading, Reason, SensorState
from headroom.site import Meter, Sensor
from headroom.web.words import (
    event_text,
    reason_text,
    signal_bars,
    signal_text,
    uncontrolled_text,
)

REASONS = get_args(Reason)


def shown(reason: Reason, closed: int) -> str:
    """A circuit with that reason."""
    return reason_text(CircuitReading(1000, 20, "ok", closed, reason))


def test_every_reason_has_words_of_its_own() -> None:
    for closed in (0, 1):
        assert len({shown(reason, closed) for reason in REASONS}) == len(REASONS)


def test_a_safe_state_says_so_and_an_order_does_not() -> None:
    for reason in REASONS:
        for closed in (0, 1):
            assert ("safe state" in shown(reason, closed)) == reason.startswith("safe_")
            assert ("ordered" in shown(reason, closed)) == (reason == "override")


def test_an_edge_tells_its_reason() -> None:
    texts = {
        event_text(BoardEvent(1, 9, kind, 0, REASONS.index(reason)))
        for kind in ("open", "close", "shed", "restore")
        for reason in REASONS
    }
    assert len(texts) == 4 * len(REASONS)
    assert "off: power is dear now" in texts
    assert event_text(BoardEvent(1, 9, "open", 0, 99)) == "open"
    assert event_text(BoardEvent(1, 9, "maintenance", -1, 0)).startswith("goes into maintenance")
    assert "all off for 15 min" in event_text(BoardEvent(1, 9, "safe_boot", -1, 900))
    assert "Wi-Fi" in event_text(BoardEvent(1, 9, "wifi_was_reset", -1, 0))
    assert "flash" in event_text(BoardEvent(1, 9, "flash_failed", -1, 0))


def test_a_sensors_event_tells_its_state() -> None:
    states = get_args(SensorState)
    said = [event_text(BoardEvent(1, 9, "sensor", 0, value)) for value in range(len(states) + 1)]
    assert said[0] == "sensor reading good again"
    assert said[states.index("spiky")] == "current in spikes, which read low: counted higher"
    assert said[states.index("missing")] == "sensor missing"
    assert said[-1] == "sensor fault"


def test_it_is_told_how_uncontrolled_load_is_known() -> None:
    sensor = Sensor(board="flat-1", channel=3, measures="main")
    by_api, by_board = Meter(max_ma=(9, 0, 0)), Meter(max_ma=(9, 0, 0), sensors={"L1": sensor})
    assert uncontrolled_text(None, "L1", False) == uncontrolled_text(by_api, "L2", False) == ""
    assert uncontrolled_text(by_api, "L1", True) == "by its meter"
    assert uncontrolled_text(by_board, "L1", True) == "measured on the main by flat-1"
    for meter, source in ((by_api, "its meter"), (by_board, "flat-1 input A3")):
        said = uncontrolled_text(meter, "L1", False)
        assert said == f"no fresh reading of {source}: the most it may be"


def test_a_weaker_signal_has_other_words_and_fewer_bars() -> None:
    said = [(signal_bars(dbm), signal_text(dbm)) for dbm in (-60, -61, -71, -81, -91)]
    assert said == [(4, "strong"), (3, "good"), (2, "fair"), (1, "weak"), (0, "hardly any")]


def test_every_event_of_the_firmware_has_words() -> None:
    node = Path(__file__).parents[2] / "firmware" / "node"
    sources = "".join(path.read_text() for path in node.rglob("*.py"))
    kinds = set(re.findall(r'events\.add\("(\w+)"', sources))
    assert {"plan", "overload", "maintenance", "charge"} <= kinds
    for kind in kinds:
        for value in (0, 900):
            assert event_text(BoardEvent(1, 9, kind, -1, value)) != kind
