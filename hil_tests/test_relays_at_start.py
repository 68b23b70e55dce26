"""What relays do when a board gets supply, loses it, or is reset: nothing, until the node closes
them one at a time.
"""

from __future__ import annotations

from itertools import pairwise

import pytest

from hil_tests.conftest import MakeTarget, flat_circuits, one_board_site, start
from hil_tests.targets.interface import Target
from hil_tests.world import start_is_good

pytestmark = pytest.mark.requirement("start")

TIMING = {"boot_delay_s": [2, 2]}
# Of a delay of two seconds: the board counts in whole ones.
WHOLE_S = 1.0
ALL = [1, 1, 1, 1]


@pytest.fixture
def target(make_target: MakeTarget) -> Target:
    target = make_target(one_board_site(flat_circuits()), timing=TIMING)
    start(target, ALL)
    return target


def check_start(target: Target, since_s: float) -> None:
    """Every contact closed once, each a second and more after the one before, and the start."""
    closing = [e for e in target.rig.edges() if e.at_s >= since_s and e.closed]
    assert sorted(edge.relay for edge in closing) == [0, 1, 2, 3]
    times_s = [since_s, *(edge.at_s for edge in closing)]
    assert min(later - earlier for earlier, later in pairwise(times_s)) >= WHOLE_S


def test_a_board_without_supply_has_no_relay_closed(target: Target) -> None:
    check_start(target, 0.0)


@pytest.mark.needs("power")
def test_after_a_power_cut_they_come_back_one_at_a_time(target: Target) -> None:
    start_is_good(target.board)
    target.board.power_off()
    target.run(1)
    assert target.rig.relays() == [0, 0, 0, 0]
    target.run(2)
    on_s = target.now_s()
    target.board.power_on()
    target.run_until(lambda: target.rig.relays() == ALL, within_s=30)
    check_start(target, on_s)


@pytest.mark.needs("reset")
def test_after_a_reset_too(target: Target) -> None:
    reset_s = target.now_s()
    target.board.reset()
    target.run(1)
    assert target.rig.relays() == [0, 0, 0, 0]
    target.run_until(lambda: target.rig.relays() == ALL, within_s=30)
    check_start(target, reset_s)
