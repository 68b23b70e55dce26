"""What must hold whatever the loads do: random boards, random loads, the real node."""

import itertools
import math

import pytest
from hypothesis import given
from scenarios import Scenario, play, scenarios

from tools.benches.breaker import earliest_trip_s

# Four windows, a tick, a contact: what the truth may be ahead of the node's readings.
REACTION_MS = 250
SETTLING_S = 30
COOLING_S = 600
# Readings are whole mA, and so are limits.
TOLERANCE_MA = 3


def keepable(run, circuits, bound_ma):
    """[(from_ms, to_ms, mA)] of some circuits together, where the critical ones alone keep it."""
    plant = run.board.plant
    critical = [i for i in circuits if run.circuits[i]["kind"] == "critical"]
    total = plant.total(circuits, 0, run.end_ms) + [(run.end_ms, 0)]
    for (at_ms, current_ma), (to_ms, _) in itertools.pairwise(total):
        if sum(plant.current_ma(i, at_ms) for i in critical) <= bound_ma:
            yield at_ms, to_ms, current_ma


def longest_excess(run, circuits, bound_ma, allowed_ms):
    """The worst [(from_ms, to_ms)] for which the current was above `bound_ma`, or None.

    It may last `allowed_ms`, and a reaction longer where the current rose at last.
    """
    since_ms = last_ms = risen_ms = before_ma = 0
    for at_ms, to_ms, current_ma in keepable(run, circuits, bound_ma):
        if current_ma <= bound_ma + TOLERANCE_MA:
            since_ms = to_ms
        elif at_ms != last_ms:
            since_ms = at_ms  # after a time in which nothing could have been done
        if current_ma > before_ma:
            risen_ms = at_ms
        before_ma = current_ma
        last_ms = to_ms
        if to_ms > max(since_ms + allowed_ms, risen_ms + REACTION_MS) and since_ms < to_ms:
            return since_ms, to_ms
    return None


def phases(run):
    for phase in (1, 2, 3):
        circuits = run.on_phase(phase)
        if circuits:
            feeder = run.board.settings["feeder"]
            yield circuits, feeder["safe_limit_ma"][phase - 1], feeder["rating_ma"][phase - 1]


def sheddable(run):
    for i, circuit in enumerate(run.circuits):
        if circuit["kind"] != "critical":
            yield i, circuit


@given(scenarios())
def test_no_excess_lasts_longer_than_its_definite_time(scenario):
    run = play(scenario)
    allowed_ms = run.timing["limit_s"] * 1000
    for circuits, limit_ma, _ in phases(run):
        assert longest_excess(run, circuits, limit_ma, allowed_ms) is None
        assert longest_excess(run, circuits, 2 * limit_ma, 1000) is None
    for i, circuit in sheddable(run):
        assert longest_excess(run, [i], circuit["limit_ma"], allowed_ms) is None
        assert longest_excess(run, [i], 2 * circuit["limit_ma"], 1000) is None


@given(scenarios(limit_s=(60, 60), full_rating=True, dwell_s=120, waits=False))
def test_the_breakers_curve_is_never_reached(scenario):
    run = play(scenario)
    for circuits, _, rating_ma in phases(run):
        assert spent(run, circuits, rating_ma) < 1
    for i, circuit in sheddable(run):
        assert spent(run, [i], circuit["rated_ma"]) < 1


@pytest.mark.parametrize("multiple", [1.2, 1.45, 1.7, 1.87, 2.0, 2.3])
def test_nor_by_a_load_that_overloads_for_two_hours_whenever_it_is_back(multiple):
    circuit = {"phase": 1, "pin": 16, "channel": 0, "rated_ma": 10_000, "safe": "on"}
    config = {
        "feeder": {"rating_ma": [10_000, 0, 0], "safe_limit_ma": [10_000, 0, 0]},
        "circuits": [circuit | {"contactor": True, "breaking_ma": 125_000}],
        "timing": {"limit_s": 60},
    }
    run = play(Scenario(config, [[(0, round(multiple * 10_000))]], 7_200_000, 1))
    assert run.returns
    assert spent(run, [0], 10_000) < 1


def spent(run, circuits, rating_ma):
    """The most that a breaker's bimetal had been spent of its lower edge; 1 = it may trip.

    It cools in ten minutes: after a thermal trip a breaker can be switched on again within a few.
    """
    budget = most = 0.0
    for at_ms, to_ms, current_ma in keepable(run, circuits, rating_ma):
        multiple = current_ma / rating_ma
        rate = 1 / earliest_trip_s("B", multiple) if multiple > 1.13 else -1 / COOLING_S
        budget = max(budget + rate * (to_ms - at_ms) / 1000, 0.0)
        most = max(most, budget)
    return most


@given(scenarios())
def test_critical_is_never_shed(scenario):
    run = play(scenario)
    for i, circuit in enumerate(run.circuits):
        if circuit["kind"] == "critical":
            assert [closed for _, closed in run.board.plant.contact[i]] == [0, 1]


@given(scenarios())
def test_nothing_returns_into_an_overload_but_for_a_bounded_trial(scenario):
    run = play(scenario)
    plant, timing = run.board.plant, run.timing
    for at_ms, i, shed_ms, reason in run.returns:
        phase = run.circuits[i]["phase"]
        limit_ma = run.board.settings["feeder"]["safe_limit_ma"][phase - 1]
        others = [j for j in run.on_phase(phase) if j != i]
        # What was known: the others a scan ago, and this one's last current before it was shed.
        known_ma = sum(_least(plant, j, at_ms) for j in others) + _least(plant, i, shed_ms)
        waited_s = (at_ms - shed_ms) / 1000
        assert waited_s >= timing["restore_wait_s"] - 1
        if reason == "shed_circuit":
            continue
        if known_ma > limit_ma + TOLERANCE_MA:
            assert waited_s >= timing["retry_s"] - 1
            assert longest_trial(run, phase, at_ms) <= 1000


def _least(plant, i, at_ms):
    """The least that circuit i had in the scan before: what a reading then may have said."""
    times = [at_ms - REACTION_MS] + plant.changes(i, at_ms - REACTION_MS, at_ms)
    return min(plant.current_ma(i, time_ms) for time_ms in times)


def longest_trial(run, phase, at_ms):
    """How long the phase stays above its limit from a return at `at_ms` on; 0 = it does not."""
    limit_ma = run.board.settings["feeder"]["safe_limit_ma"][phase - 1]
    circuits = run.on_phase(phase)
    began_ms = at_ms + 10
    for from_ms, to_ms, current_ma in keepable(run, circuits, limit_ma):
        if to_ms > began_ms and current_ma <= limit_ma + TOLERANCE_MA:
            return max(from_ms - at_ms, 0)
    return 0


@given(scenarios())
def test_switching_is_bounded(scenario):
    """A wait doubles while a circuit comes back too soon, and is forgotten after four of it."""
    run = play(scenario)
    first_s, cap_s = run.timing["restore_wait_s"], run.timing["restore_cap_s"]
    doublings = math.log2(max(cap_s / first_s, 1))
    for i, _ in sheddable(run):
        count = sum(1 for _, who, _, _ in run.returns if who == i)
        assert count <= run.end_ms / 1000 / min(cap_s, 4 * first_s) + doublings + 1


@given(scenarios())
def test_nothing_is_locked_out_for_ever(scenario):
    timing = scenario.config["timing"]
    longest_s = max(timing["restore_cap_s"], timing["retry_s"]) + 60 + SETTLING_S
    run = play(scenario, extra_ms=longest_s * 1000)
    assert list(run.board.node.relays.closed) == [1, 1, 1, 1]
