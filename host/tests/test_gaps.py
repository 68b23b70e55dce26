"""Which minutes of a board are missing, and why."""

import pytest
from headroom.history.gaps import Boot, Gap, gaps
from headroom.protocol.messages import ResetCause

# Of three boots: 0 to 600 s, 900 to 1500 s, and from 1800 s on.
_NOW = 2400


def boots(*resets: ResetCause) -> list[Boot]:
    """Boots 1, 2 and so on with their reasons."""
    return [Boot(n + 1, 900 * n, reset) for n, reset in enumerate(resets)]


ALL = list(range(15))


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ({1: ALL, 2: ALL, 3: list(range(10))}, []),
        # The minute that runs, and one that the next report brings, are no gap yet.
        ({1: ALL, 2: ALL, 3: list(range(8))}, []),
        ({1: ALL, 2: ALL, 3: list(range(7))}, [Gap(2220, 2400, "not_delivered")]),
        ({1: ALL, 2: ALL, 3: []}, [Gap(1800, 2400, "not_delivered")]),
        # A journal is delivered in order: what lies before a minute that came is lost.
        ({1: ALL, 2: ALL[5:], 3: list(range(10))}, [Gap(900, 1200, "overflow")]),
        ({1: ALL, 2: [0, 1, *ALL[5:]], 3: list(range(10))}, [Gap(1020, 1200, "overflow")]),
        # What a boot measured last was in no flash yet when the supply went.
        ({1: ALL, 2: ALL[:10], 3: list(range(10))}, [Gap(1500, 1800, "power_cut")]),
        ({1: ALL[:10], 2: ALL, 3: list(range(10))}, [Gap(600, 900, "reset")]),
        ({1: [], 2: ALL, 3: list(range(10))}, [Gap(0, 900, "reset")]),
        # As long as nothing of a later boot has come, an earlier one may still be on its way.
        (
            {1: ALL[:10]},
            [
                Gap(600, 900, "not_delivered"),
                Gap(900, 1800, "not_delivered"),
                Gap(1800, 2400, "not_delivered"),
            ],
        ),
    ],
)
def test_a_gap_has_a_cause(minutes: dict[int, list[int]], expected: list[Gap]) -> None:
    assert gaps(boots("power_on", "wdt", "power_on"), minutes, _NOW) == expected


def test_of_a_board_that_was_never_heard_nothing_is_missing() -> None:
    assert gaps([], {}, _NOW) == []


def test_a_gap_below_a_minute_is_none() -> None:
    found = gaps([Boot(1, 0, "power_on"), Boot(2, 959, "wdt")], {1: ALL, 2: list(range(24))}, _NOW)
    assert found == []
