"""Every fault that can be injected, in every mode, at three loads: the state it has to end in.

A run takes each fault in each mode at one load, so that every pair of fault, mode and load occurs;
`.venv/bin/pytest hil_tests/test_fault_matrix.py --whole` takes all of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil_tests.fault_matrix.documented import ON_THE_WAY, Documented
from hil_tests.fault_matrix.faults import FAULTS, Fault
from hil_tests.fault_matrix.modes import CIRCUITS, LOADS_A, MODES
from hil_tests.fault_matrix.page import written
from hil_tests.fault_matrix.rig import NotReached, Rig, Seen
from tools.benches.page import PAGE

pytestmark = [
    pytest.mark.virtual("faults are injected into sensors, bus, flash and link"),
    pytest.mark.requirement("faults"),
]

# The fault comes while the load is there, and before anything has been done about it.
LEAD_S = 0.5
HEALTHY = {"ok", "below_range"}

Found = tuple[str, object, object]  # what, what it is, what it has to be


def cases(mode_name: str, whole: bool) -> Iterator[tuple[str, str]]:
    """(fault, load) of a mode: all, or one load a fault, another one in the next mode."""
    turn = list(MODES).index(mode_name)
    for number, fault_name in enumerate(FAULTS):
        for at, load in enumerate(LOADS_A):
            if whole or at == (number + turn) % len(LOADS_A):
                yield fault_name, load


def test_a_run_takes_every_pair() -> None:
    taken = {(mode, *case) for mode in MODES for case in cases(mode, whole=False)}
    every = (MODES, FAULTS, LOADS_A)
    for one, other in itertools.combinations(range(3), 2):
        pairs = {(case[one], case[other]) for case in taken}
        assert pairs == set(itertools.product(every[one], every[other]))


def test_the_page_says_what_is_played() -> None:
    page = PAGE.read_text()
    assert written(page) == page


@pytest.mark.parametrize("mode_name", MODES)
def test_faults_end_in_the_documented_state(
    mode_name: str, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    rig = Rig(MODES[mode_name], tmp_path)
    wrong = []
    count = 0
    try:
        for fault_name, load in cases(mode_name, pytestconfig.getoption("whole")):
            count += 1
            problem = play(rig, fault_name, load)
            if problem:
                wrong.append(f"{fault_name}, {load}: {problem}")
    finally:
        rig.close()
    print(f"{mode_name}: {count} cases, {rig.world.now_us / 1e6:.0f} s of the last board")
    assert not wrong, "\n".join(wrong)


def play(rig: Rig, fault_name: str, load: str) -> str:
    """One case, and back to the mode; what is not as documented."""
    fault = FAULTS[fault_name]
    documented = Documented(rig.mode, fault, LOADS_A[load])
    before = rig.look() if rig.mode.runs else None
    rig.set_loads(LOADS_A[load])
    rig.world.run(LEAD_S)
    fault.inject(rig)
    rig.world.run(fault.settle_s if rig.mode.runs else 1.0)
    problem = compare(rig, documented, before)
    if fault.replace:
        rig.replace()
        return problem
    try:
        fault.repair(rig)
        rig.restore(documented.started, documented.leaves_traces)
    except NotReached as error:
        problem += f" not back: {error}"
        rig.replace()
    return problem


def compare(rig: Rig, documented: Documented, before: Seen | None) -> str:
    """What differs from the documentation, in words."""
    found: list[Found] = [("coils", rig.coils(), documented.closed)]
    if not documented.runs:
        found.append(("node", rig.has_node(), False))
        return told(found)
    assert before is not None
    seen = rig.look()
    found.append(("closed", seen.closed, documented.closed))
    found.append(("reasons", seen.reasons, documented.reasons))
    found += [
        (f"sensor {i}", seen.sensors[i], sorted(states))
        for i in CIRCUITS
        if seen.sensors[i] not in (states := sensor_states(documented.fault, i))
    ]
    happened = {event for event in seen.happened_since(before) if event[0] != "plan"}
    if documented.started:
        happened -= {event for event in happened - documented.told if event[0] in ON_THE_WAY}
    late = {("sensor", i) for i in CIRCUITS if rig.is_told_late(i)}
    found.append(("events", happened - late, documented.told - late))
    rig.note(documented.fault.blind)
    return told(found)


def sensor_states(fault: Fault, i: int) -> set[str]:
    """Those that circuit i's sensor may show."""
    return set(fault.sensor) if i in fault.blind | fault.beyond else HEALTHY


def told(found: list[Found]) -> str:
    """Those that differ."""
    return "; ".join(f"{what} {is_}, not {shall}" for what, is_, shall in found if is_ != shall)
