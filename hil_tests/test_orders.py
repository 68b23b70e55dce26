"""What a person orders by API arrives at the contact, in time and in order of rank."""

from __future__ import annotations

import pytest

from hil_tests.conftest import MakeTarget, circuit, one_board_site, start
from hil_tests.targets.interface import Target, contact_changes

pytestmark = pytest.mark.requirement("orders")

TIMING = {"boot_delay_s": [1, 1]}
REPORT_S = 2  # as one_board_site has it: an order arrives with the next report's answer
# Both sides tell each other the time in whole seconds.
ROUNDING_S = 2.0
STEP_S = 20


@pytest.fixture
def target(make_target: MakeTarget) -> Target:
    site = one_board_site([circuit("pump", default="off"), circuit("lights")])
    target = make_target(site, timing=TIMING)
    start(target, [0, 1])
    target.run(5)
    return target


def shown(target: Target, circuit: int) -> tuple[bool, str]:
    """State and reason of a circuit as the API shows them."""
    view = target.coordinator.state()["boards"][0]["circuits"][circuit]
    return view["closed"], view["reason"]


@pytest.mark.needs("network")
def test_override_on_closes_at_the_next_report_and_ends_at_its_time(target: Target) -> None:
    ordered_s = target.now_s()
    until = int(target.unix_s()) + 30
    target.coordinator.order(0, "override", {"state": "on", "until": until})
    target.run(10)
    assert shown(target, 0) == (True, "override")
    # Without the coordinator too: the end is in the order.
    target.rig.cut_network(True)
    target.run(30)
    (closed_s, on), (opened_s, off) = contact_changes(target.rig, 0, ordered_s)
    print(f"override ON: closed after {closed_s:.1f} s, open again after {opened_s:.1f} s of 30 s")
    assert (on, off) == (1, 0)
    assert closed_s <= REPORT_S * 1.25 + 1
    assert abs(opened_s - 30) <= ROUNDING_S
    target.rig.cut_network(False)
    target.run_until(lambda: shown(target, 0) == (False, "default"), within_s=30)


def test_schedule_switches_at_its_slots_and_override_off_beats_it(target: Target) -> None:
    start_s = int(target.unix_s()) + 5
    ordered_s = target.now_s()
    after_start = ordered_s + start_s - target.unix_s()
    schedule = {"start": start_s, "step_s": STEP_S, "slots": "0101-"}
    target.coordinator.order(0, "schedule", schedule)
    target.run_until(lambda: shown(target, 0) == (True, "plan"), within_s=5 + STEP_S + 5)
    target.run_until(lambda: shown(target, 0) == (False, "plan"), within_s=STEP_S + 5)
    target.coordinator.order(0, "override", {"state": "off", "until": None})
    target.run_until(lambda: shown(target, 0) == (False, "override"), within_s=6)
    target.run(STEP_S + 8)  # well into the second slot that would close
    changes = contact_changes(target.rig, 0, after_start)
    print("slots '0101' of 20 s: " + ", ".join(f"{at:.1f} s -> {to}" for at, to in changes))
    assert [to for _, to in changes] == [1, 0]
    assert abs(changes[0][0] - STEP_S) <= ROUNDING_S
    assert abs(changes[1][0] - 2 * STEP_S) <= ROUNDING_S

    target.coordinator.order(0, "override", None)
    target.run(6)
    assert target.rig.relays()[0] == 1  # the slot has some seconds left
    target.run_until(lambda: shown(target, 0) == (False, "default"), within_s=STEP_S)
