"""Limits of rate: a steady stream passes, a burst and guesses do not, memory stays bounded."""

import pytest
from headroom.protocol.problems import ProblemError
from headroom.web import rates
from headroom.web.rates import Rates
from tests.support import VirtualClock, World


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


def passed(limited: Rates, who: str, most: int, refused: bool = False) -> int:
    """How many requests pass at one moment."""
    for count in range(most):
        try:
            limited.take(who, refused)
        except ProblemError:
            return count
    return most


def test_a_burst_passes_and_then_a_steady_stream(clock: VirtualClock) -> None:
    limited = Rates(clock.monotonic_s)
    assert passed(limited, "anna", 1000) == 400
    clock.advance(1)
    assert passed(limited, "anna", 1000) == 50
    assert passed(limited, "bert", 1000) == 400
    clock.advance(3600)
    assert passed(limited, "anna", 1000) == 400


def test_wrong_tokens_are_dear(clock: VirtualClock) -> None:
    limited = Rates(clock.monotonic_s)
    assert passed(limited, "10.0.0.1", 1000, refused=True) == 8
    clock.advance(3)
    assert passed(limited, "10.0.0.1", 1000, refused=True) == 3


def test_memory_is_bounded_and_whoever_was_stopped_stays_so(clock: VirtualClock) -> None:
    limited = Rates(clock.monotonic_s)
    passed(limited, "bad", 1000)
    for number in range(rates._MOST_BUCKETS + 10):
        clock.advance(0.001)
        limited.take(f"address {number}", refused=False)
    assert len(limited._buckets) <= rates._MOST_BUCKETS
    assert passed(limited, "bad", 1000) < 250


def test_refusal_says_when_to_come_back(world: World) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    statuses = [world.api.get("/api/v1/state", headers=wrong).status_code for _ in range(9)]
    assert statuses == [200] * 8 + [429]
    refused = world.api.get("/api/v1/state", headers=wrong)
    assert refused.headers["Retry-After"] == "1"
    assert refused.get_json()["type"].endswith("/too-many-requests")
    assert world.api.get("/api/v1/state", headers=world.bearer).status_code == 200
    world.clock.advance(1)
    assert world.api.get("/api/v1/state", headers=wrong).status_code == 200


def test_guessing_at_sign_in_is_slowed_down(world: World) -> None:
    guesses = [
        world.api.post("/api/v1/session", json={"token": "guess"}).status_code for _ in range(12)
    ]
    assert guesses.count(401) == 7
    assert set(guesses) == {401, 429}
