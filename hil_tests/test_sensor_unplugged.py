"""Somebody pulls a current transformer's plug: the board cannot see that circuit any more."""

from __future__ import annotations

import pytest

from hil_tests.conftest import MakeTarget, flat_circuits, one_board_site, start
from hil_tests.targets.interface import Target, contact_changes

pytestmark = [pytest.mark.requirement("sensor"), pytest.mark.needs("unplug")]

TIMING = {"boot_delay_s": [1, 1], "restore_wait_s": 10, "restore_cap_s": 20}
LAUNDRY = 1


@pytest.fixture
def target(make_target: MakeTarget) -> Target:
    target = make_target(one_board_site(flat_circuits()), timing=TIMING)
    start(target, [1, 1, 1, 1])
    target.run(5)
    return target


def sensors(target: Target) -> list[str]:
    """Their states as the API shows them."""
    return [c["sensor"] for c in target.coordinator.state()["boards"][0]["circuits"]]


def test_it_counts_as_rated_until_its_plug_is_back(target: Target) -> None:
    pulled_s = target.now_s()
    target.rig.unplug_sensor(LAUNDRY, True)
    # 10 A rated and three times 1 A on a limit of 10 A: the laundry is the least important of
    # those that free 3 A.
    target.run_until(lambda: target.rig.relays() == [1, 0, 1, 1], within_s=10)
    [(took_s, _)] = contact_changes(target.rig, LAUNDRY, pulled_s)
    print(f"sensor unplugged: open after {took_s * 1000:.0f} ms")
    assert 5.0 < took_s < 5.75
    target.run(4)
    assert sensors(target) == ["ok", "missing", "ok", "ok"]

    target.rig.unplug_sensor(LAUNDRY, False)
    target.run_until(lambda: target.rig.relays() == [1, 1, 1, 1], within_s=30)
    target.run(4)
    assert sensors(target) == ["ok"] * 4
