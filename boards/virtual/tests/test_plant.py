"""The plant's own arithmetic."""

from __future__ import annotations

import random

from boards.virtual.plant import Circuit, Script, Wiring


def test_a_script_is_announced_once_whatever_its_times_round_to() -> None:
    draw = random.Random(1)
    for _ in range(2000):
        circuit = Circuit(Wiring(pin=16, channel=0, phase=1))
        start_us, step_s = draw.uniform(0, 1e9), draw.uniform(0.001, 0.4)
        circuit.set_load(Script([(0.0, 1.0), (step_s, 2.0)]), start_us)
        changes = circuit.announce(start_us + 500_000)
        assert [value for _, _, _, value in changes] == [2.0]
        assert abs(circuit.load_a.times_us[-1] - start_us - step_s * 1e6) < 1
