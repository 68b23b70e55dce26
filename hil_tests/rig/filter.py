"""What the filter between a PWM pin and a sensor input makes of one mains cycle.

Two resistors and two capacitors, a capacitor that couples them to the input, and the resistor that
stands between the contacts of the transformer's plug in its place, over which the bias comes.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence

SUPPLY_V = 3.3
# In the order from pin to input; the last one is in place of the transformer.
R1_OHM, C1_F, R2_OHM, C2_F, COUPLING_F, INPUT_OHM = 330.0, 4.7e-6, 3_300.0, 470e-9, 10e-6, 22_000.0
SAMPLES = 200  # of a mains cycle
_HARMONICS = 49


def gain(frequency_hz: float) -> complex:
    """From pin to input, at a frequency above 0."""
    s = 2j * math.pi * frequency_hz
    coupled = INPUT_OHM + 1 / (s * COUPLING_F)
    second = 1 / (1 / coupled + s * C2_F)
    first = 1 / (1 / (R2_OHM + second) + s * C1_F)
    return first / (R1_OHM + first) * second / (R2_OHM + second) * INPUT_OHM / coupled


def cycle(duties: Sequence[float], mains_hz: float) -> list[float]:
    """Volts about the bias, at equal distances over a mains cycle that is repeated for ever, of
    steps of equal length: each a duty of 0 to 1. Without the carrier.
    """
    volts = [SUPPLY_V * duties[k * len(duties) // SAMPLES] for k in range(SAMPLES)]
    out = [0.0] * SAMPLES
    for order in range(1, _HARMONICS + 1):
        turn = -2j * math.pi * order / SAMPLES
        part = sum(v * cmath.exp(turn * k) for k, v in enumerate(volts)) * 2 / SAMPLES
        part *= gain(order * mains_hz)
        for k in range(SAMPLES):
            out[k] += (part * cmath.exp(-turn * k)).real
    return out


def rms(samples: Sequence[float]) -> float:
    """In the unit of the samples."""
    return math.sqrt(sum(v * v for v in samples) / len(samples))


def sine(steps: int) -> list[int]:
    """The rig's table: one cycle in permille of the swing; two steps are a square wave."""
    if steps == 2:
        return [1000, -1000]
    return [round(1000 * math.sin(2 * math.pi * k / steps)) for k in range(steps)]


def volts_at_full_swing(steps: int, mains_hz: float) -> float:
    """The RMS that the rig gives when its table swings over all of its supply."""
    return rms(cycle([(1 + level / 1000) / 2 for level in sine(steps)], mains_hz))


def carrier_volts(duty: float, carrier_hz: float) -> float:
    """The RMS of what is left of the carrier at its strongest harmonic, at a duty."""
    amplitude = 2 * SUPPLY_V / math.pi * abs(math.sin(math.pi * duty))
    return amplitude / math.sqrt(2) * abs(gain(carrier_hz))
