"""The rig's self-test: each of its currents reaches its own sensor and no other, each contact its
own input. Run it first on a rig that was just wired.
"""

from __future__ import annotations

import pytest

from hil_tests.conftest import MakeTarget, circuit, one_board_site
from hil_tests.targets.interface import Target

pytestmark = pytest.mark.requirement("rig")

AMPS = 4.0
TOLERANCE = 0.05  # of a sensor and a rig that nobody has calibrated to each other


@pytest.fixture
def target(make_target: MakeTarget) -> Target:
    circuits = [circuit(f"circuit {i + 1}", priority=i + 1) for i in range(4)]
    target = make_target(one_board_site(circuits), timing={"boot_delay_s": [0, 0]})
    target.board.power_on()
    target.run_until(lambda: target.rig.relays() == [1] * 4, within_s=30)
    return target


def measured_a(target: Target) -> list[float]:
    """Currents as the coordinator shows them."""
    circuits = target.coordinator.state()["boards"][0]["circuits"]
    return [(one["current_ma"] or 0) / 1000 for one in circuits]


@pytest.mark.parametrize("i", range(4))
def test_a_circuits_current_and_contact_are_its_own(target: Target, i: int) -> None:
    target.rig.set_load(i, AMPS)
    target.run(8)
    print(f"RY{i + 1}: {AMPS} A set, measured {measured_a(target)}")
    expected = [AMPS if k == i else 0.0 for k in range(4)]
    assert measured_a(target) == pytest.approx(expected, abs=AMPS * TOLERANCE)

    target.coordinator.order(i, "override", {"state": "off", "until": None})
    target.run_until(lambda: target.rig.relays()[i] == 0, within_s=10)
    assert target.rig.relays() == [int(k != i) for k in range(4)]
    target.run(6)
    assert measured_a(target) == pytest.approx([0.0] * 4, abs=AMPS * TOLERANCE)
