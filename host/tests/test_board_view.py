"""What `headroom board monitor` shows."""

import io
import re
from dataclasses import replace

import pytest
from headroom.device.node import Circuit, Event, Snapshot
from headroom.device.view import view
from rich.console import Console

WELL = Snapshot(
    circuits=(
        Circuit("lights", 1240, "ok", True, "default"),
        Circuit("water heater", 0, "below_range", False, "plan"),
    ),
    load_ma=(1240, 0, 0),
    limit_ma=(16_000, 0, 0),
    plan_expired=False,
    epoch=7,
    rev=3,
    link=(412, 0, ""),
    events=(),
    up_s=4127,
    boot=12,
    reset="power_on",
    tick_ms=40,
    longest_us=31_400,
    dropped=0,
    heap_free=8208,
)


def shown(now: Snapshot) -> str:
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(view("flat-1", now))
    return re.sub(" +", " ", console.export_text())


def test_a_board_that_is_well() -> None:
    text = shown(WELL)
    for words in (
        "flat-1 up 1:08:47, start 12 (power_on)",
        "1.24 A ok",
        "● closed default",
        "L1 1.24 of 16.0 A",
        "412 answers, 0 errors",
        "longest tick 31.4 of 40 ms",
        "heap 8208 B free",
        "every event is confirmed",
    ):
        assert words in text
    assert "L2" not in text


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"link": None}, "no link: /secrets.json is missing or bad"),
        ({"link": (0, 2, "OSError: 110")}, "0 answers, 2 errors: OSError: 110"),
        ({"plan_expired": True}, "plan expired"),
        ({"dropped": 3}, "3 dropped"),
        ({"load_ma": (1240, 20_500, 0)}, "L2 20.50 of 0.0 A"),
        ({"events": (Event(4, 61, "shed", 1, 2),)}, "0:01:01 shed 2 water heater"),
        ({"events": (Event(4, 61, "plan", -1, 1),)}, "1 events wait for the coordinator"),
    ],
)
def test_what_is_wrong_or_waits(changed: dict[str, object], words: str) -> None:
    assert words in shown(replace(WELL, **changed))  # type: ignore[arg-type]
