"""The ADS1115 at register level, seen through the I2C bus by a program on the board."""

from __future__ import annotations

import ast
import math

import pytest

from boards.virtual.plant import Constant
from boards.virtual.tests.conftest import CONVERSION, MakeBoard

BIAS_V = 1.65
AMPS_PER_VOLT = 30.0


@pytest.mark.parametrize(
    ("gain", "full_scale_v"), [(0, 6.144), (1, 4.096), (2, 2.048), (3, 1.024)]
)
def test_gain_sets_the_weight_of_a_count_and_the_code_saturates(
    make_board: MakeBoard, gain: int, full_scale_v: float
) -> None:
    board = make_board(CONVERSION)
    code = int(board.exec(f"print(single(gain={gain})[0])"))
    assert code == min(round(BIAS_V / full_scale_v * 32768), 32767)


@pytest.mark.parametrize("rate_error", [-0.1, 0.0, 0.1])
@pytest.mark.parametrize(("rate", "sps"), [(0, 8), (7, 860)])
def test_conversion_takes_the_parts_own_time(
    make_board: MakeBoard, rate_error: float, rate: int, sps: int
) -> None:
    board = make_board(CONVERSION, rate_error=rate_error)
    took_us = int(board.exec(f"print(single(rate={rate})[1])"))
    expected_us = 1e6 / (sps * (1 + rate_error))
    # The program sees the end at its next look, and one look is 0.3 ms on the bus.
    assert expected_us - 400 < took_us < expected_us + 700


def test_rate_error_beyond_the_parts_limit_is_refused(make_board: MakeBoard) -> None:
    with pytest.raises(RuntimeError):
        make_board(rate_error=0.2)


def test_differential_input_has_a_sign(make_board: MakeBoard) -> None:
    board = make_board(CONVERSION)
    board.set_sensor_fault(0, "stuck", 1.0)
    board.set_sensor_fault(1, "stuck", 1.5)
    assert int(board.exec("print(single(mux=0, gain=2)[0])")) == -8000


def test_input_is_held_between_ground_and_supply(make_board: MakeBoard) -> None:
    board = make_board(CONVERSION)
    for volts, code in ((-1.0, 0), (5.0, round(3.3 / 4.096 * 32768))):
        board.set_sensor_fault(0, "stuck", volts)
        assert int(board.exec("print(single()[0])")) == code


def test_unplugged_transformer_reads_zero_volts(make_board: MakeBoard) -> None:
    board = make_board(CONVERSION)
    board.set_sensor_fault(2, "unplugged")
    assert board.exec("print(single(mux=6)[0], single(mux=7)[0])").split() == ["0", "13200"]


def test_saturated_transformer_reaches_both_rails(make_board: MakeBoard) -> None:
    board = make_board(CONVERSION)
    board.set_sensor_fault(0, "saturated")
    codes = ast.literal_eval(board.exec("print([single()[0] for _ in range(40)])"))
    assert min(codes) == 0
    assert max(codes) == 26400


CONTINUOUS = (
    CONVERSION
    + """
def samples(count, spacing_us):
    values = []
    i2c.writeto(72, b"\\x01\\x42\\xe3")
    i2c.writeto(72, b"\\x00")
    start = time.ticks_us()
    for k in range(count):
        time.sleep_us(start + (k + 1) * spacing_us - time.ticks_us())
        high, low = i2c.readfrom(72, 2)
        values.append(high << 8 | low)
    return values
"""
)


def test_a_conversion_is_the_mean_over_its_time_not_a_sample(make_board: MakeBoard) -> None:
    """At 8 SPS a conversion spans 6.25 cycles of 50 Hz: nearly nothing of the current is left."""
    board = make_board(
        CONVERSION + "for pin in (5, 16):\n    machine.Pin(pin, machine.Pin.OUT, value=1)\n"
    )
    board.set_load(0, Constant(20.0))
    board.run(0.1)
    codes = ast.literal_eval(board.exec("print([single(rate=0)[0] for _ in range(4)])"))
    peak_counts = 20 / AMPS_PER_VOLT * math.sqrt(2) / 4.096 * 32768
    assert all(abs(code - 13200) < 0.06 * peak_counts for code in codes)
    fast = ast.literal_eval(board.exec("print([single()[0] for _ in range(40)])"))
    assert max(fast) - 13200 > 0.95 * peak_counts


def test_channel_switch_takes_effect_after_the_conversion_under_way(make_board: MakeBoard) -> None:
    board = make_board(CONTINUOUS)
    board.set_sensor_fault(0, "stuck", 1.0)
    board.set_sensor_fault(1, "stuck", 2.0)
    code = """
samples(3, 1300)
i2c.writeto(72, b"\\x01\\x52\\xe3")
i2c.writeto(72, b"\\x00")
a = i2c.readfrom(72, 2)
time.sleep_us(2400)
b = i2c.readfrom(72, 2)
print(a[0] << 8 | a[1], b[0] << 8 | b[1])
"""
    assert board.exec(code).split() == ["8000", "16000"]


def test_bus_errors_and_a_dead_bus_raise_as_on_the_chip(make_board: MakeBoard) -> None:
    board = make_board(CONVERSION)
    probe = "try:\n    i2c.readfrom(72, 2); print('ok')\nexcept OSError as e:\n    print(e.errno)"
    board.set_i2c_fault(errors=1)
    assert [board.exec(probe).strip() for _ in range(2)] == ["110", "ok"]
    board.set_i2c_fault(dead=True)
    assert board.exec(probe).strip() == "19"
    assert (
        board.exec(
            "try:\n    i2c.readfrom(73, 2)\nexcept OSError as e:\n    print(e.errno)"
        ).strip()
        == "19"
    )
