"""Random boards and random loads: what hypothesis draws, and the run that comes of it.

Hypothesis draws the board, and a seed: a thousand steps of loads would be drawn small and alike.
"""

import math
import random
from dataclasses import dataclass, field

from hypothesis import strategies as st
from twin import Board

PINS = (16, 14, 12, 13)
# The shortest between two steps of one load: less may fall between two windows.
DWELL_MS = 300
# Above 2.3 times a rating a breaker's lower edge is near 2 s and less: there it leads.
HIGHEST_MULTIPLE = 2.3


@dataclass
class Scenario:
    """A board's configuration, and the loads behind it for `random_ms`; then they are low."""

    config: dict
    loads: list
    random_ms: int
    seed: int


@dataclass
class Run:
    """A scenario that has been played; `returns` is (ms, circuit, ms when shed, reason)."""

    scenario: Scenario
    board: Board
    end_ms: int
    returns: list = field(default_factory=list)

    @property
    def circuits(self):
        return self.board.settings["circuits"]

    @property
    def timing(self):
        return self.board.settings["timing"]

    def on_phase(self, phase):
        """The circuits on a phase, 1 to 3."""
        return [i for i, circuit in enumerate(self.circuits) if circuit["phase"] == phase]


@st.composite
def scenarios(draw, limit_s=(1, 10), full_rating=False, dwell_s=40, waits=True):
    """A board with every number drawn; `full_rating`: its limits are its ratings. Without `waits`
    the times before a return are the defaults.
    """
    phases = draw(st.lists(st.integers(1, 3), min_size=4, max_size=4))
    rating_ma = [draw(st.integers(6_000, 40_000)) if p in phases else 0 for p in (1, 2, 3)]
    limit_ma = [r if full_rating else draw(st.integers(r // 3, r)) for r in rating_ma]
    circuits = [draw(circuits_on(i, phases[i], full_rating)) for i in range(4)]
    random_ms = draw(st.integers(200, 600)) * 1000
    seed = draw(st.integers(0, 1 << 20))
    chance = random.Random(seed)
    loads = []
    for circuit in circuits:
        p = circuit["phase"] - 1
        shares = phases.count(p + 1)
        highest_ma = round(HIGHEST_MULTIPLE * min(rating_ma[p] / shares, circuit["rated_ma"]))
        low_ma = 8 * min(limit_ma[p] // shares, circuit["limit_ma"]) // 10
        loads.append(steps(chance, highest_ma, low_ma, random_ms, dwell_s * 1000))
    config = {
        "feeder": {"rating_ma": rating_ma, "safe_limit_ma": limit_ma},
        "circuits": circuits,
        "timing": {"boot_delay_s": [0, 2], "limit_s": draw(st.integers(*limit_s))},
    }
    if waits:
        config["timing"]["restore_wait_s"] = draw(st.integers(5, 30))
        doubled = draw(st.sampled_from((1, 2, 4)))
        config["timing"]["restore_cap_s"] = config["timing"]["restore_wait_s"] * doubled
        config["timing"]["retry_s"] = draw(st.integers(30, 120))
    return Scenario(config, loads, random_ms, seed)


@st.composite
def circuits_on(draw, i, phase, full_rating):
    rated_ma = draw(st.integers(2_000, 16_000))
    return {
        "name": "load %d" % i,
        "pin": PINS[i],
        "channel": i,
        "phase": phase,
        "rated_ma": rated_ma,
        "limit_ma": rated_ma if full_rating else draw(st.integers(rated_ma // 2, rated_ma)),
        "contact_ma": 40_000,
        "contactor": True,
        "breaking_ma": 125_000,
        "priority": draw(st.integers(1, 9)),
        "kind": draw(st.sampled_from(("critical", "deferrable", "deferrable", "thermal"))),
        "safe": "on",
        "min_on_s": draw(st.sampled_from((0, 0, 30))),
        "min_off_s": draw(st.sampled_from((0, 10, 60))),
    }


def steps(chance, highest_ma, low_ma, until_ms, dwell_ms):
    """One load: (from_ms, mA), random until `until_ms`, then `low_ma`. Short steps are as frequent
    as long ones; a quarter of them is none.
    """
    found = []
    at_ms = 0
    while at_ms < until_ms:
        found.append((at_ms, chance.choice((0, 1, 1, 1)) * chance.randint(0, highest_ma)))
        at_ms += round(math.exp(chance.uniform(math.log(DWELL_MS), math.log(dwell_ms))))
    return found + [(until_ms, low_ma)]


def play(scenario, extra_ms=0):
    """Lets the loads run, and `extra_ms` more with the low ones."""
    board = Board(scenario.loads, random.Random(scenario.seed), **scenario.config)
    run = Run(scenario, board, scenario.random_ms + extra_ms)
    shed = [None] * len(run.circuits)

    def look():
        for i in range(len(shed)):
            reason = board.node.shedding.reason[i]
            if reason and not shed[i]:
                shed[i] = (board.now_ms, reason)
            elif shed[i] and board.node.relays.closed[i]:
                run.returns.append((board.now_ms, i) + shed[i])
                shed[i] = None

    board.each_tick.append(look)
    board.run_to(run.end_ms)
    return run
