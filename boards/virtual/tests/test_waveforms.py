"""Mains frequency, waveform, transformer and phase, as the converter's codes show them."""

from __future__ import annotations

import ast
import cmath
import math

import pytest

from boards.virtual.board import VirtualBoard
from boards.virtual.plant import Constant, Wiring
from boards.virtual.tests.conftest import CONVERSION, MakeBoard

# Each line of `timed` is when the conversion was asked for, in us since the chip started, and its
# code.
TIMED = (
    CONVERSION
    + """
for pin in (5, 16, 14, 12, 13):
    machine.Pin(pin, machine.Pin.OUT, value=1)
def timed(count, mux):
    asked = []
    for k in range(count):
        # Spread over the cycle of 50 and of 60 Hz: no whole part of either.
        time.sleep_us(370)
        asked.append((time.ticks_us(), single(mux)[0]))
    return asked
"""
)

SINGLE_US = 1e6 / 860  # with rate_error 0
VOLTS_PER_COUNT = 4.096 / 32768
CODE_AT_BIAS = 13200


def rms_and_phase(
    board: VirtualBoard, channel: int, hz: float, differential: bool = False
) -> tuple[float, float]:
    """RMS volts and phase in rad of the part of a channel's voltage at a frequency.

    Least squares of a sine and a cosine over 300 conversions. ``differential`` reads channel 0
    against channel 1.
    """
    mux = 0 if differential else 4 + channel
    samples = []
    for _ in range(10):  # one call's garbage has to fit the chip's heap
        samples += ast.literal_eval(board.exec(f"print(timed(30, {mux}))"))
    level = 0 if differential else CODE_AT_BIAS
    sums = [0.0] * 5
    for t_us, code in samples:
        s, c = math.sin(2e-6 * math.pi * hz * t_us), math.cos(2e-6 * math.pi * hz * t_us)
        parts = (s * s, s * c, c * c, s * (code - level), c * (code - level))
        sums = [a + b for a, b in zip(sums, parts, strict=True)]
    ss, sc, cc, ys, yc = sums
    determinant = ss * cc - sc * sc
    fitted = complex((ys * cc - yc * sc) / determinant, (yc * ss - ys * sc) / determinant)
    half_turn = math.pi * hz * SINGLE_US / 1e6
    # A conversion is a mean over its time, which takes a little off.
    amplitude = abs(fitted) * half_turn / math.sin(half_turn)
    return amplitude * VOLTS_PER_COUNT / math.sqrt(2), cmath.phase(fitted)


def loaded(make_board: MakeBoard, amps: float = 10.0, **fitting: object) -> VirtualBoard:
    """A board whose four loads are on."""
    board = make_board(TIMED, rate_error=0.0, **fitting)
    for circuit in range(len(board.plant.circuits)):
        board.set_load(circuit, Constant(amps))
    board.run(0.1)
    return board


@pytest.mark.parametrize(("mains_hz", "other_hz"), [(50.0, 60.0), (60.0, 50.0)])
def test_the_mains_frequency_is_the_fittings(
    make_board: MakeBoard, mains_hz: float, other_hz: float
) -> None:
    board = loaded(make_board, mains_hz=mains_hz)
    assert rms_and_phase(board, 0, mains_hz)[0] == pytest.approx(10 / 30, rel=0.01)
    assert rms_and_phase(board, 0, other_hz)[0] < 0.1 * 10 / 30


def test_a_third_harmonic_is_there_and_the_whole_is_still_the_loads_rms(
    make_board: MakeBoard,
) -> None:
    board = loaded(make_board, harmonics=((1, 1.0, 0.0), (3, 0.75, 0.0)))
    first, third = (rms_and_phase(board, 0, hz)[0] for hz in (50.0, 150.0))
    assert third / first == pytest.approx(0.75, rel=0.03)
    assert math.hypot(first, third) == pytest.approx(10 / 30, rel=0.02)
    plain = loaded(make_board)
    assert rms_and_phase(plain, 0, 150.0)[0] < 0.02 * 10 / 30


@pytest.mark.parametrize("amps_per_volt", [15.0, 100.0])
def test_a_transformers_ratio_is_its_own(make_board: MakeBoard, amps_per_volt: float) -> None:
    wirings = [Wiring(16, 0, 1, amps_per_volt), Wiring(14, 1, 1)]
    board = loaded(make_board, wirings=wirings)
    assert rms_and_phase(board, 0, 50.0)[0] == pytest.approx(10 / amps_per_volt, rel=0.01)
    assert rms_and_phase(board, 1, 50.0)[0] == pytest.approx(10 / 30, rel=0.01)


def test_phases_follow_each_other_by_a_third_of_a_turn(make_board: MakeBoard) -> None:
    """L2 comes after L1, and L3 after L2: a phase exchanged is seen."""
    wirings = [Wiring(16, 0, 1), Wiring(14, 1, 2), Wiring(12, 2, 3), Wiring(13, 3, 1)]
    board = loaded(make_board, wirings=wirings)
    angles = [rms_and_phase(board, channel, 50.0)[1] for channel in range(4)]
    behind_deg = [math.degrees(angles[0] - angle) % 360 for angle in angles]
    assert behind_deg[1:3] == pytest.approx([120, 240], abs=2)
    assert abs(cmath.phase(cmath.exp(1j * (angles[0] - angles[3])))) < math.radians(2)


@pytest.mark.parametrize(("on_main", "circuits"), [(False, 0), (True, 2)])
def test_a_sensor_without_relay_sees_its_load_and_on_the_main_its_phase(
    make_board: MakeBoard, on_main: bool, circuits: int
) -> None:
    """Its own load flows although no relay was ever closed for it."""
    wirings = [Wiring(16, 0, 1), Wiring(14, 1, 2), Wiring(12, 2, 1), Wiring(None, 3, 1, 100.0)]
    board = loaded(make_board, wirings=wirings, on_main=on_main)
    rms, _ = rms_and_phase(board, 3, 50.0)
    assert rms == pytest.approx((1 + circuits) * 10 / 100, rel=0.01)
    assert board.plant.phase_amps(1, board.now_us) == 30.0


@pytest.mark.parametrize(("phase", "factor"), [(1, 0.0), (2, math.sqrt(3)), (3, math.sqrt(3))])
def test_two_phases_differ_by_the_root_of_three(
    make_board: MakeBoard, phase: int, factor: float
) -> None:
    board = loaded(make_board, wirings=[Wiring(16, 0, 1), Wiring(14, 1, phase)])
    rms, _ = rms_and_phase(board, 0, 50.0, differential=True)
    assert rms == pytest.approx(factor * 10 / 30, rel=0.01, abs=1e-3)


def test_a_measured_cycle_is_played_with_the_loads_rms(make_board: MakeBoard) -> None:
    """A square wave and a spike, with a mean that a transformer would not show."""
    square = [3.0] * 50 + [1.0] * 50
    spike = [10.0] * 10 + [0.0] * 40 + [-10.0] * 10 + [0.0] * 40
    for shape, crest in ((square, 1.0), (spike, math.sqrt(5))):
        board = make_board(TIMED, rate_error=0)
        board.set_load(0, Constant(10.0))
        board.run(0.1)
        board.set_cycle(0, shape)
        codes = [code for _, code in ast.literal_eval(board.exec("print(timed(150, 4))"))]
        volts = [(code - CODE_AT_BIAS) * VOLTS_PER_COUNT for code in codes]
        assert max(volts) == pytest.approx(crest * 10 / 30, rel=0.02)
        if shape is square:
            # A conversion over an edge is between the two levels.
            assert 0.93 < rms(volts) / (10 / 30) <= 1.01


def test_a_cycle_without_a_shape_is_refused(make_board: MakeBoard) -> None:
    with pytest.raises(ValueError, match="all alike"):
        make_board(TIMED).set_cycle(0, [1.0] * 100)


def rms(values: list[float]) -> float:
    """Of all of them."""
    return math.sqrt(sum(value * value for value in values) / len(values))
