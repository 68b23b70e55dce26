"""Three boards that want twice what their feeder carries, a bad network, and who restarts when: by
what boards believe and by the plant's own meter the feeder is never used beyond its limit.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest
from headroom.coordinator import Settings

from boards.virtual.plant import Constant, Plant, Steps, longest_above, phase_current
from hil_tests.conftest import MakeWorld, circuit
from hil_tests.world import World

pytestmark = [
    pytest.mark.virtual("three boards with one meter"),
    pytest.mark.requirement("lease", "epoch"),
]

LIMIT_MA, SAFE_MA = 20_000, 3000
LEASE_S = 10
# What any excess is shed within, and the contact's delay.
MOST_ABOVE_MS = 5000 + 20
TIMING = {"boot_delay_s": [1, 1], "restore_wait_s": 5, "restore_cap_s": 20, "retry_s": 60}
NAMES = ("flat-1", "flat-2", "flat-3")


def site() -> dict[str, object]:
    """A riser of 20 A; each flat wants 13.5 A and keeps 3 A without a lease."""
    circuits = [circuit(name, safe="on", priority=n) for n, name in enumerate("abc", 2)]
    board = {"feeder": "riser", "safe_limit_ma": {"L1": SAFE_MA}, "report_s": 2}
    return {
        "site": {"name": "leases"},
        "feeders": [{"id": "riser", "rating_ma": {"L1": LIMIT_MA}}],
        "boards": [{"id": name, "circuits": circuits, **board} for name in NAMES],
    }


def believed_ma(world: World) -> list[int]:
    """The limit that each board keeps, by its own word, or what it has without one."""
    code = "from node import app; print(app.current.planning.limit_ma[0])"
    return [
        max(SAFE_MA, json.loads(board.exec(code))) if board.powered else SAFE_MA
        for board in world.boards.values()
    ]


def troubles(world: World, rng: random.Random) -> list[Callable[[], object]]:
    """What goes wrong, in a random order."""
    boards = list(world.boards.values())

    def cut_off() -> None:
        rng.choice(boards).network.faults.down = True

    def reach_all() -> None:
        for board in boards:
            board.network.faults.down = False

    def lose() -> None:
        for board in boards:
            board.network.faults.lose_request = board.network.faults.lose_answer = 0.3

    happening: list[Callable[[], object]] = [
        cut_off,
        lose,
        world.start_coordinator,
        lambda: rng.choice(boards).reset(),
        cut_off,
        world.start_coordinator,
    ]
    rng.shuffle(happening)
    return [*happening, reach_all]


def in_use_a(plants: list[Plant], at_us: float) -> float:
    """What the meter of the riser shows."""
    return sum(plant.phase_amps(1, at_us) for plant in plants)


def test_a_feeder_is_never_used_beyond_its_limit(make_world: MakeWorld) -> None:
    rng = random.Random(4)
    world = make_world(site(), settings=Settings(lease_s=LEASE_S, valid_s=60))
    for name in NAMES:
        board = world.add_board(name, timing=TIMING)
        for index, amps in enumerate((6.0, 4.5, 3.0)):
            board.set_load(index, Constant(amps))
        board.power_on()
    highest = 0
    for trouble in troubles(world, rng):
        for _ in range(6):
            world.run(2)
            highest = max(highest, sum(believed_ma(world)))
            assert highest <= LIMIT_MA
        trouble()
    plants = [board.plant for board in world.boards.values()]
    # What was bad is over: most of the limit comes to be in use again.
    world.run_until(lambda: in_use_a(plants, world.now_us) > 0.7 * LIMIT_MA / 1000, within_s=120)
    metered = phase_current(plants, 1, 10e6, world.now_us)
    limit = Steps([0.0], [LIMIT_MA / 1000])
    above_ms = longest_above(metered, limit, world.now_us)
    print(f"believed at most {highest} mA of {LIMIT_MA}; metered above it {above_ms:.0f} ms")
    assert above_ms <= MOST_ABOVE_MS
