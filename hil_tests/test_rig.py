"""The rig's firmware against a board, both on MicroPython, wired pin to pin; and its filter."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hil_tests.conftest import flat_circuits, one_board_site
from hil_tests.rig.client import RigError, Wiring
from hil_tests.rig.filter import carrier_volts, cycle, gain, rms, sine, volts_at_full_swing
from hil_tests.rig.modules import wiring_of
from hil_tests.targets.interface import RelayEdge, contact_changes
from hil_tests.targets.virtual import contact_edges
from hil_tests.targets.wired import WiredTarget

pytestmark = [
    pytest.mark.requirement("rig"),
    pytest.mark.virtual("two virtual boards, wired pin to pin"),
]

# It looks every 5 ms, and its own clock is read in whole ms over the REPL.
LOOK_S = 0.02
RIG = Path(__file__).parent / "rig"
TIMING = {"boot_delay_s": [1, 1]}


def by_relay(edge: RelayEdge) -> tuple[int, float]:
    """Relay by relay, each in its order."""
    return edge.relay, edge.at_s


@pytest.fixture
def target(tmp_path: Path) -> Iterator[WiredTarget]:
    target = WiredTarget(one_board_site(flat_circuits()), tmp_path / "data", TIMING)
    yield target
    target.close()


def test_the_board_measures_what_the_rig_feigns_and_is_seen_to_shed(target: WiredTarget) -> None:
    target.rig.set_load(0, 4.0)
    target.rig.set_load(2, 1.5)
    target.board.power_on()
    target.run_until(lambda: target.rig.relays() == [1, 1, 1, 1], within_s=30)
    target.run(8)
    shown = target.coordinator.state()["boards"][0]["circuits"]
    measured = [c["current_ma"] for c in shown]
    print(f"rig: 4000, 0, 1500, 0 mA; board: {measured}")
    # The square wave's edges cost a little: conversions average over a millisecond.
    assert measured[0] == pytest.approx(4000, rel=0.03)
    assert measured[2] == pytest.approx(1500, rel=0.03)
    assert measured[1] == measured[3] == 0

    risen_s = target.now_s()
    for i, amps in enumerate((8.0, 6.0, 6.0)):
        target.rig.set_load(i, amps)
    target.run(1.2)
    assert target.rig.relays() == [1, 0, 0, 1]
    took_ms = [contact_changes(target.rig, i, risen_s)[0][0] * 1000 for i in (1, 2)]
    print(f"twice the limit: the rig sees contacts open after {took_ms[0]:.0f} ms")
    assert max(took_ms) <= 1000

    seen = sorted(target.rig.edges(), key=by_relay)
    true = sorted(contact_edges(target.world.boards["flat-1"]), key=by_relay)
    assert [(e.relay, e.closed) for e in seen] == [(e.relay, e.closed) for e in true]
    off_s = [one.at_s - other.at_s for one, other in zip(seen, true, strict=True)]
    print(f"{len(seen)} edges, seen up to {1000 * max(off_s):.0f} ms late")
    assert all(abs(late_s) <= LOOK_S for late_s in off_s)


def test_it_refuses_what_it_cannot_feign(target: WiredTarget) -> None:
    most_a = Wiring().most_a
    print(f"an ESP12F as a rig feigns up to {most_a:.1f} A on sensors of 30 A")
    assert most_a > 25
    with pytest.raises(RigError, match=r"circuit 1: 40.0 A asked for, the rig gives 0 to"):
        target.rig.set_load(1, 40.0)
    with pytest.raises(RuntimeError, match="no pin switches the board's supply"):
        target.client.power(True)


@pytest.mark.parametrize("path", sorted(RIG.glob("rig*.toml")), ids=lambda path: path.stem)
def test_the_rig_files_name_pins_that_their_modules_have(path: Path) -> None:
    given = tomllib.loads(path.read_text())["rig"]
    assert given.pop("port")
    wiring = wiring_of(given)
    assert len(wiring.loads) == 4
    assert wiring.most_a > 20


WRONG = (
    ({"module": "uno"}, "rig.module: 'uno' is none of esp12f, pico, esp32"),
    ({"load": [4]}, "rig.load: unknown key"),
    ({"contacts": [12]}, "rig.contacts: 1 for 4 loads"),
    ({"loads": [0, 2, 4, 16]}, "rig.loads: 16 is no PWM of the esp12f"),
    ({"contacts": [12, 13, 14, 0]}, "rig.contacts: 0 is no input of the esp12f"),
    ({"loads": [0, 2, 4, 12]}, "rig: GPIO 12 is named 2 times"),
    ({"power": 12}, "rig: GPIO 12 is named 2 times"),
    ({"power": 1}, "rig.power: 1 is no output of the esp12f"),
    ({"carrier_hz": 40_000}, "rig.carrier_hz: 40000, the esp12f has 1 to 1000"),
    ({"module": "pico", "loads": [2, 3, 4, 18]}, "rig.loads: GPIO 2 shares its PWM channel"),
    ({"module": "pico", "loads": [2, 3, 4, 25]}, "rig.loads: 25 is no PWM of the pico"),
    ({"module": "esp32", "loads": [4, 13, 14, 34]}, "rig.loads: 34 is no PWM of the esp32"),
    (
        {"module": "esp32", "loads": [4, 18, 19, 21], "contacts": [13, 14, 16, 17]},
        "rig.timers: -1 is no timer of the esp32",
    ),
)


@pytest.mark.parametrize(("given", "why"), WRONG)
def test_a_wrong_pin_is_named(given: dict[str, Any], why: str) -> None:
    with pytest.raises(RigError, match=re.escape(why)):
        wiring_of(given)


def test_half_a_swing_is_half_a_current_and_a_sine_is_one() -> None:
    for steps in (2, 40):
        half = rms(cycle([(1 + level / 2000) / 2 for level in sine(steps)], 50))
        assert half == pytest.approx(volts_at_full_swing(steps, 50) / 2, rel=1e-6)
    assert volts_at_full_swing(40, 50) == pytest.approx(
        1.65 / math.sqrt(2) * abs(gain(50)), rel=0.01
    )


def test_the_filter_is_a_divider_far_below_its_corners_and_steep_far_above() -> None:
    assert abs(gain(5)) == pytest.approx(22 / (22 + 0.33 + 3.3), rel=0.03)
    corners_hz = 1 / (2 * math.pi * 330 * 4.7e-6), 1 / (2 * math.pi * 3300 * 470e-9)
    assert abs(gain(5000)) == pytest.approx(corners_hz[0] * corners_hz[1] / 5000**2, rel=0.03)


def test_what_is_left_of_the_carrier() -> None:
    """An ESP8266's of 1 kHz, and one of 40 kHz; in A of a sensor of 30 A/V."""
    slow, fast = (carrier_volts(0.5, hz) * 30 for hz in (1_000, 40_000))
    print(f"carrier of 1 kHz: {slow:.2f} A, before a conversion averages it; 40 kHz: {fast:.4f} A")
    assert slow < 0.6
    assert fast < 0.001
