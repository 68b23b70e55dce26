"""The page's own script, run by Node, makes of a state and its changes the state as it is."""

import copy
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from headroom.web.versions import Document, Versions
from hypothesis import given, settings
from hypothesis import strategies as st

_ROOT = Path(__file__).parents[2]
_NODE = _ROOT / ".venv/bin/node"
_CHANGES = _ROOT / "host/headroom/web/static/changes.js"
# Reads [state, change, passedS], a line each, and writes the state after it.
_SCRIPT = f"""
import {{ createInterface }} from "node:readline";
import {{ changed }} from "{_CHANGES.as_uri()}";
for await (const line of createInterface({{ input: process.stdin }})) {{
  console.log(JSON.stringify(changed(...JSON.parse(line))));
}}
"""


class PageScript:
    """The page's script in a process of its own."""

    def __init__(self) -> None:
        command = [str(_NODE), "--input-type=module", "--eval", _SCRIPT]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)

    def changed(self, state: Document, change: Document, passed_s: float) -> Document:
        """What the page shows after a change."""
        assert self.process.stdin
        assert self.process.stdout
        print(json.dumps([state, change, passed_s]), file=self.process.stdin, flush=True)
        document: Document = json.loads(self.process.stdout.readline())
        return document


@pytest.fixture(scope="module")
def page_script() -> Iterator[PageScript]:
    script = PageScript()
    with script.process:
        yield script
        script.process.kill()


_currents = st.integers(0, 3)
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("report"), st.integers(0, 3), _currents),
        st.tuples(st.just("measure"), st.integers(0, 1), _currents),
        st.tuples(st.just("prices"), st.sampled_from([None, [90], [90, 80]]), st.just(0)),
        st.tuples(st.just("event"), _currents, st.just(0)),
        st.tuples(st.just("other board"), st.integers(0, 3), st.just(0)),
        st.tuples(st.just("nothing"), st.just(0), st.just(0)),
        # The page hears of all until then at once.
        st.tuples(st.just("hear"), st.just(0), st.just(0)),
    ),
    min_size=1,
    max_size=30,
)


def board(number: int) -> dict[str, Any]:
    """One that was never heard."""
    return {"id": f"flat-{number}", "age_s": None, "reports": 0, "ma": 0}


def first_state() -> dict[str, Any]:
    """Two feeders and three boards, one of them never heard."""
    return {
        "site": "three flats",
        "unix_s": 100,
        "feeders": [{"id": name, "current_ma": 0} for name in ("riser", "garage")],
        "boards": [board(n) | {"age_s": 0 if n else None} for n in range(3)],
        "prices": None,
        "events": [],
    }


def after(state: dict[str, Any], step: tuple[str, Any, Any]) -> dict[str, Any]:
    """The site a second later; a report is of one of its boards."""
    state = copy.deepcopy(state)
    state["unix_s"] += 1
    boards = state["boards"]
    for one in boards:
        one["age_s"] = None if one["age_s"] is None else one["age_s"] + 1
    kind, which, value = step
    if kind == "report" and boards:
        one = boards[which % len(boards)]
        one |= {"ma": value, "age_s": 0, "reports": one["reports"] + 1}
    elif kind == "measure":
        state["feeders"][which]["current_ma"] = value
    elif kind == "prices":
        state["prices"] = which
    elif kind == "event":
        state["events"] = [{"id": state["unix_s"], "ma": which}, *state["events"]][:3]
    elif kind == "other board":
        others = [one for one in boards if one["id"] != f"flat-{which}"]
        state["boards"] = others if len(others) < len(boards) else [*boards, board(which)]
    return state


@settings(max_examples=150, deadline=None, derandomize=True)
@given(steps=_steps)
def test_a_state_and_its_changes_are_the_whole_state(
    page_script: PageScript, steps: list[tuple[str, Any, Any]]
) -> None:
    versions = Versions()
    state = first_state()
    versions.take(state)
    shown, known = copy.deepcopy(state), versions.version
    for step in [*steps, ("hear", 0, 0)]:
        state = after(state, step)
        versions.take(state)
        if step[0] != "hear":
            continue
        change = versions.since(known)
        passed_s = state["unix_s"] - shown["unix_s"]
        shown = page_script.changed(shown, change, passed_s) if change else copy.deepcopy(state)
        known = versions.version
        assert shown == state
