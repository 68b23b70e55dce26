"""The site of these histories: feeders that hang on another, three phases, a metered load."""

from __future__ import annotations

from typing import Any

from headroom.phases import PHASES, PhaseMa
from headroom.site import Site, parse_site

from tools.coordinator_histories.board import RATED_MA

# Safe limits of the boards a, b, c on L1, in mA: none, some, nearly all that there is.
SAFE_LIMITS = ((0, 0, 0), (4000, 4000, 5000), (8000, 8000, 11_000))
# Of the main's metered load: the most it may be, and by which it rises before leases follow.
MOST_MA: PhaseMa = (6000, 4000, 3000)
RISE_MA: PhaseMa = (2000, 1000, 1000)
METER_AGE_S = 15


def three_boards(safe_ma: tuple[int, ...]) -> Site:
    """A riser with boards a and b, and a barn with c, on one main. Each board has a circuit on
    each phase; L2 has two thirds of what L1 has, L3 a half.
    """
    feeders = {"a": "riser", "b": "riser", "c": "barn"}
    meter = {
        "max_ma": _phases(MOST_MA),
        "rise_ma": _phases(RISE_MA),
        "max_age_s": METER_AGE_S,
    }
    main = {"id": "main", "rating_ma": _shares(40_000), "uncontrolled_ma": _shares(2000)}
    riser = {"id": "riser", "rating_ma": _shares(25_000), "uncontrolled_ma": _shares(1000)}
    barn = {"id": "barn", "rating_ma": _shares(20_000)}
    boards = [
        {
            "id": board,
            "feeder": feeder,
            "safe_limit_ma": _shares(safe),
            "circuits": [_circuit(phase) for phase in PHASES],
        }
        for (board, feeder), safe in zip(feeders.items(), safe_ma, strict=True)
    ]
    return parse_site(
        {
            "site": {"name": "histories"},
            "feeders": [
                main | {"meter": meter},
                riser | {"parent": "main"},
                barn | {"parent": "main"},
            ],
            "boards": boards,
        }
    )


def _shares(l1_ma: int) -> dict[str, int]:
    return _phases((l1_ma, l1_ma * 2 // 3, l1_ma // 2))


def _phases(ma: PhaseMa) -> dict[str, int]:
    return dict(zip(PHASES, ma, strict=True))


def _circuit(phase: str) -> dict[str, Any]:
    return {
        "name": phase,
        "phase": phase,
        "rated_ma": RATED_MA,
        "priority": 4,
        "kind": "deferrable",
        "safe": "keep",
    }
