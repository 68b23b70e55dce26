"""The coordinator cannot be reached: protection goes on, the plan runs out, nothing is lost or
doubled.
"""

from __future__ import annotations

from typing import Any

import pytest
from headroom.coordinator import Settings

from boards.virtual.network import Faults
from hil_tests.conftest import MakeTarget, circuit, one_board_site, start
from hil_tests.targets.interface import Target
from hil_tests.targets.virtual import VirtualTarget

pytestmark = pytest.mark.requirement("outage")

TIMING = {"boot_delay_s": [1, 1], "restore_wait_s": 10, "retry_s": 30}
VALID_S = 120


@pytest.fixture
def target(make_target: MakeTarget) -> Target:
    circuits = [
        circuit("heater", safe="off", priority=4),
        circuit("fridge", safe="on", priority=2),
        circuit("pump", safe="keep", priority=3),
        circuit("lights", safe="keep", priority=1, default="off"),
    ]
    settings = Settings(lease_s=20, valid_s=VALID_S)
    target = make_target(one_board_site(circuits), timing=TIMING, settings=settings)
    start(target, [1, 1, 1, 0])
    target.run(60)
    return target


def reasons(target: Target) -> list[str]:
    """The reasons as the board itself knows them."""
    code = "from node import app; print(' '.join(app.current.relays.reason))"
    return target.board.exec(code).split()


def minutes(target: Target) -> list[tuple[int, int]]:
    """The stored journal minutes, in the order of the API."""
    rows = target.coordinator.get("boards/flat-1/minutes")["minutes"]
    return [(row["boot"], row["minute"]) for row in rows]


def starts(target: Target) -> int:
    """How often the board has started, by the boot counter in its flash."""
    return int(target.board.exec("from node import app; print(app.current.storage.boot)"))


def link_faults(target: Target) -> Faults:
    """What is wrong with the virtual board's link."""
    assert isinstance(target, VirtualTarget)
    return target.world.boards["flat-1"].network.faults


@pytest.mark.needs("network")
@pytest.mark.requirement("delivery")
def test_plan_expires_into_each_circuits_safe_state_and_the_journal_arrives_once(
    target: Target,
) -> None:
    target.rig.cut_network(True)
    cut_s = target.now_s()
    target.run_until(lambda: target.rig.relays() == [0, 1, 1, 0], within_s=VALID_S + 5)
    took_s = target.now_s() - cut_s
    print(f"safe state {took_s:.1f} s after the link was cut, the plan was valid for {VALID_S} s")
    # Validity runs from the last report sent, which was at most one interval before the cut.
    assert VALID_S - 5 <= took_s <= VALID_S + 1
    target.run(1)  # circuits have their turns
    assert reasons(target) == ["safe_link"] * 4
    known = minutes(target)

    target.run(600)
    assert minutes(target) == known
    assert starts(target) == 1
    target.rig.cut_network(False)
    target.run_until(lambda: target.rig.relays() == [1, 1, 1, 0], within_s=120)
    target.run(120)
    stored = minutes(target)
    assert len(stored) == len(set(stored))
    assert stored == [(1, minute) for minute in range(stored[-1][1] + 1)]
    assert len(stored) >= len(known) + 11
    print(f"{len(stored) - len(known)} minutes arrived after the outage, none twice, none missing")


@pytest.mark.needs("network")
@pytest.mark.requirement("orders")
def test_an_on_order_outlives_the_plan_and_ends_at_its_time(target: Target) -> None:
    """The circuit's safe state is `keep`: what it keeps is what was wanted without the order."""
    until_s = VALID_S + 30
    target.coordinator.order(
        3, "override", {"state": "on", "until": int(target.unix_s()) + until_s}
    )
    target.run_until(lambda: target.rig.relays() == [1, 1, 1, 1], within_s=10)
    target.run(5)
    target.rig.cut_network(True)
    target.run_until(lambda: target.rig.relays()[0] == 0, within_s=VALID_S + 5)
    target.run(1)  # circuits have their turns
    assert reasons(target) == ["safe_link"] * 3 + ["override"]
    target.run_until(lambda: target.rig.relays() == [0, 1, 1, 0], within_s=until_s - VALID_S + 5)
    target.run(1)
    assert reasons(target) == ["safe_link"] * 4


@pytest.mark.needs("network")
@pytest.mark.requirement("limit")
def test_protection_goes_on_without_coordinator(target: Target) -> None:
    target.rig.cut_network(True)
    target.run(300)
    for index, amps in ((1, 9.0), (2, 9.0)):
        target.rig.set_load(index, amps)
    target.run(5)
    assert target.rig.relays() == [0, 1, 0, 0]
    assert reasons(target)[2] == "shed_feeder"
    events = len(shed_events(target))
    target.rig.cut_network(False)
    target.run_until(lambda: len(shed_events(target)) > events, within_s=120)
    target.run(60)
    seen = [(event["boot"], event["n"]) for event in all_events(target)]
    assert len(seen) == len(set(seen))


def all_events(target: Target) -> list[dict[str, Any]]:
    """Every stored event."""
    found: list[dict[str, Any]] = target.coordinator.get("events")["events"]
    return found


def shed_events(target: Target) -> list[dict[str, Any]]:
    """The stored events that tell of a shed circuit."""
    return [event for event in all_events(target) if event["kind"] == "shed"]


@pytest.mark.virtual("the coordinator is restarted in the middle of everything")
@pytest.mark.requirement("epoch")
def test_restart_of_the_coordinator_takes_a_higher_epoch_and_boards_go_on(target: Target) -> None:
    assert isinstance(target, VirtualTarget)
    before = target.coordinator.state()["boards"][0]["health"]["epoch"]
    target.world.start_coordinator()
    target.run(10)
    assert target.coordinator.state()["boards"][0]["health"]["epoch"] > before
    assert target.rig.relays() == [1, 1, 1, 0]


@pytest.mark.virtual("its link lies")
@pytest.mark.parametrize(
    "fault",
    [
        {"garbage": 1.0},
        {"corrupt": 1.0},
        {"lose_answer": 1.0},
        {"refused": True},
        {"bytes_per_s": 20.0},
        {"no_access_point": True},
    ],
)
def test_a_lying_slow_or_silent_coordinator_is_as_good_as_none(
    target: Target, fault: dict[str, Any]
) -> None:
    vars(link_faults(target)).update(fault)
    target.run(VALID_S + 10)
    assert target.rig.relays() == [0, 1, 1, 0]
    assert set(reasons(target)) == {"safe_link"}
    assert starts(target) == 1


@pytest.mark.virtual("its link loses every third message")
@pytest.mark.requirement("delivery")
def test_lossy_link_loses_nothing(target: Target) -> None:
    faults = link_faults(target)
    faults.lose_request = faults.lose_answer = 0.3
    target.run(900)
    assert target.rig.relays() == [1, 1, 1, 0]
    faults.lose_request = faults.lose_answer = 0.0
    target.run(120)
    stored = minutes(target)
    assert stored == [(1, minute) for minute in range(stored[-1][1] + 1)]
    assert len(stored) >= 16
