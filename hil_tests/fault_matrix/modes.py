"""The modes that a fault can come in, on a board of four circuits; and the three loads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hil_tests.conftest import circuit, one_board_site

LIGHTS, LAUNDRY, HEATER, FRIDGE = range(4)
CIRCUITS = range(4)
CRITICAL = FRIDGE
PRIORITY = (1, 3, 4, 1)
# The lights are of direct current, on a phase of their own.
PHASE = (1, 0, 0, 0)
LIMIT_A = (10.0, 8.0)
RATED_A = 10.0
RATING_MA = 16_000  # of each phase
# What the heater's bare relay can break; the others are behind contactors.
BREAKING_A = 15.0

# After a start the coordinator is heard by then; only then the laundry may close.
HEARD_S = 5

LOADS_A = {
    "idle": (0.0, 0.0, 0.0, 0.0),
    "loaded": (1.5, 1.5, 1.5, 1.5),
    # Below 15/8 of the limit, which would count as twice it.
    "overloaded": (2.0, 5.0, 5.5, 7.0),
}
# Alone below the limit; beside anything else too much, and never with 5 % to spare.
LARGE_HEATER_A = 9.8

# What is wished of each circuit: (closed, the reason that shows).
Wish = tuple[tuple[int, str], ...]

DEFAULT: Wish = ((1, "default"),) * 4
SAFE: Wish = ((1, "safe_link"), (1, "safe_link"), (0, "safe_link"), (1, "safe_link"))
ALL_OPEN: Wish = ((0, "safe_boot"),) * 4


def but(wish: Wish, **others: tuple[int, str]) -> Wish:
    """The same wish but for some circuits, by their names."""
    names = ("lights", "laundry", "heater", "fridge")
    return tuple(others.get(name, one) for name, one in zip(names, wish, strict=True))


@dataclass(frozen=True)
class Mode:
    """What the board is in.

    ``wish`` while the mode lasts; ``started`` after a start, which what is only in RAM does not
    outlive; ``expired`` once the plan has run out; ``alone`` after a start without a coordinator.
    ``arrange`` names what the rig does to have it so after a start, ``shed`` what is shed by then.
    """

    what: str
    wish: Wish = DEFAULT
    started: Wish | None = None
    expired: Wish = SAFE
    alone: Wish = SAFE
    arrange: str = ""
    shed: tuple[int, ...] = ()
    linked: bool = True
    laundry: dict[str, Any] = field(default_factory=dict)
    runs: bool = True

    def site(self) -> dict[str, Any]:
        """The site file: one critical circuit; in the safe state one is off, one as it was."""
        priced = {"price_ceiling_eur_mwh": 300}
        laundry = {"priority": PRIORITY[LAUNDRY], "safe": "keep", "min_off_s": HEARD_S} | priced
        heater = {"priority": PRIORITY[HEATER], "safe": "off", "contactor": False} | priced
        lights = {"sensor": "ina226", "shunt_uohm": 2_000, "phase": "L2"}
        site = one_board_site(
            [
                circuit("lights", priority=PRIORITY[LIGHTS], safe="on", **lights),
                circuit("laundry", **laundry | self.laundry),
                circuit("heater", **heater, breaking_ma=round(BREAKING_A * 1000)),
                circuit("fridge", priority=PRIORITY[FRIDGE], kind="critical", safe="on"),
            ],
        )
        limit_ma = {f"L{p + 1}": round(LIMIT_A[p] * 1000) for p in set(PHASE)}
        site["feeders"][0] |= {
            "rating_ma": dict.fromkeys(limit_ma, RATING_MA),
            "limit_ma": limit_ma,
        }
        site["boards"][0]["safe_limit_ma"] = limit_ma
        return site


LAUNDRY_ON = (1, "override")
LAUNDRY_OFF = (0, "override")
LAUNDRY_HELD = (0, "hold")
# The laundry keeps what its slots wanted, whatever was ordered or dear.
KEPT_OFF = but(SAFE, laundry=(0, "safe_link"))

MODES = {
    "default": Mode("a plan without slots"),
    "plan": Mode(
        "slots: laundry off, heater on",
        but(DEFAULT, laundry=(0, "plan"), heater=(1, "plan")),
        expired=KEPT_OFF,
        alone=KEPT_OFF,
    ),
    "price": Mode(
        "above the ceilings of laundry and heater",
        but(DEFAULT, laundry=(0, "price"), heater=(0, "price")),
    ),
    "override off": Mode(
        "laundry ordered off",
        but(DEFAULT, laundry=LAUNDRY_OFF),
        expired=but(SAFE, laundry=LAUNDRY_OFF),
        alone=but(SAFE, laundry=LAUNDRY_OFF),
    ),
    "override on": Mode(
        "laundry off by its slots and ordered on",
        but(DEFAULT, laundry=LAUNDRY_ON),
        expired=but(SAFE, laundry=LAUNDRY_ON),
        alone=KEPT_OFF,
    ),
    "charge": Mode(
        "laundry ordered on at the board",
        but(DEFAULT, laundry=LAUNDRY_ON),
        started=DEFAULT,
        expired=but(SAFE, laundry=LAUNDRY_ON),
        arrange="charge",
    ),
    "hold": Mode(
        "laundry within its minimum off time",
        but(DEFAULT, laundry=LAUNDRY_HELD),
        expired=but(SAFE, laundry=LAUNDRY_HELD),
        alone=but(SAFE, laundry=LAUNDRY_HELD),
        laundry={"min_off_s": 3600},
    ),
    "shed": Mode("a large heater shed already", arrange="shed", shed=(HEATER,)),
    "expired": Mode("the plan has run out", SAFE, arrange="expire", linked=False),
    "safe_boot": Mode(
        "six starts have failed",
        ALL_OPEN,
        expired=ALL_OPEN,
        alone=ALL_OPEN,
        arrange="fail",
    ),
    "orders unknown": Mode(
        "started on damaged flash, nobody to ask",
        ALL_OPEN,
        alone=ALL_OPEN,
        linked=False,
    ),
    "maintenance": Mode("neither node nor watchdog", ((0, ""),) * 4, linked=False, runs=False),
}
