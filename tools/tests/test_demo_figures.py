"""The demo's verdict: what it measures from outside, and what it calls a failure."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest
from headroom.site import load_site
from headroom.site.enforceable import unenforceable

from boards.virtual.network import Exchange
from tools.demo.__main__ import SITE
from tools.demo.figures import Figures, answer_of, enforced_limit
from tools.demo.loads import load_traces

GOOD = Figures(
    boards=3,
    seconds=60.0,
    reports_stored=170,
    reports_lost=0,
    reports_of_the_quietest_board=55,
    plans_applied=3,
    sheds=4,
    restores=4,
    limit_a=25.0,
    highest_a=30.0,
    longest_above_limit_ms=900.0,
    longest_board_above_its_lease_ms=4900.0,
    longest_board_above_twice_its_lease_ms=900.0,
    protection_allows_ms=5000,
    protection_allows_at_twice_ms=1000,
    most_behind_real_time_ms=20.0,
)


def test_doctor_finds_nothing_wrong_with_the_demos_site() -> None:
    assert unenforceable(load_site(SITE)) == []


def test_a_good_run_has_no_failure_and_says_so() -> None:
    assert GOOD.failures == []
    assert json.loads(GOOD.as_json())["failures"] == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"reports_lost": 1}, "1 reports were acknowledged and are not stored"),
        ({"reports_of_the_quietest_board": 0}, "a board got only 0 reports through"),
        ({"plans_applied": 2}, "2 plans were applied by 3 boards"),
        ({"sheds": 0}, "0 sheds and 4 restores"),
        ({"restores": 0}, "4 sheds and 0 restores"),
        ({"longest_above_limit_ms": 5001.0}, "the feeder was above its limit for 5001 ms"),
        ({"longest_board_above_its_lease_ms": 5001.0}, "above its lease for 5001 ms"),
        ({"longest_board_above_twice_its_lease_ms": 1001.0}, "twice its lease for 1001 ms"),
    ],
)
def test_each_thing_that_must_not_be_is_a_failure(change: dict[str, float], words: str) -> None:
    (failure,) = replace(GOOD, **change).failures  # type: ignore[arg-type]
    assert words in failure


def test_a_short_run_need_not_show_a_shed() -> None:
    short = replace(GOOD, seconds=20.0, sheds=0, restores=0, reports_of_the_quietest_board=15)
    assert short.failures == []


def exchange(at_s: float, lease_ma: int, delivered: bool = True) -> Exchange:
    """A report sent at a time, and its answer with a lease of ten seconds."""
    body = json.dumps({"boot": 1, "seq": 1, "lease_ma": [lease_ma, 0, 0], "lease_s": 10})
    response = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + body.encode()
    return Exchange(at_s * 1e6, b"POST", response, delivered)


def test_a_limit_is_the_lease_while_it_runs_and_the_safe_limit_after_it() -> None:
    limit = enforced_limit([exchange(10, 9000), exchange(12, 8000), exchange(13, 99, False)], 6.0)
    assert [limit.at(s * 1e6) for s in (5, 11.5, 13.5, 21.9, 22.1)] == [6.0, 9.0, 8.0, 8.0, 6.0]


def test_only_an_answer_that_was_delivered_and_accepts_counts() -> None:
    assert answer_of(exchange(1, 1, delivered=False)) is None
    refusal = Exchange(0.0, b"POST", b"HTTP/1.1 409 Conflict\r\n\r\n{}", True)
    assert answer_of(refusal) is None


def test_measured_loads_are_three_flats_of_four_circuits_that_cross_the_limit() -> None:
    flats = load_traces()
    assert {name: len(traces) for name, traces in flats.items()} == {
        "flat-1": 4,
        "flat-2": 4,
        "flat-3": 4,
    }
    total = [
        sum(trace.amps(second) for traces in flats.values() for trace in traces)
        for second in range(60)
    ]
    crossings = sum(a <= 25 < b for a, b in itertools.pairwise(total))
    assert crossings >= 8
    assert flats["flat-1"][0].amps(240.0) == flats["flat-1"][0].amps(0.0)
