"""A day in the life of a board's link, minute by minute: what the heap bench puts it through."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from typing import Any

from boards.virtual.network import Faults
from hil_tests.world import STARTED_UNIX_S, World

LONGEST_SCHEDULE = 96  # slots, as PROTOCOL.md allows
SLOT_S = 1800  # or a schedule from the start on would have ended before a day's run has
WEB_PORT = 80

# Half of the minutes have a good link; the others one of these.
BAD_LINKS: tuple[dict[str, Any], ...] = (
    {"down": True},
    {"refused": True},
    {"no_access_point": True},
    {"garbage": 0.5},
    {"corrupt": 0.5},
    {"lose_request": 0.3, "lose_answer": 0.3},
    {"delay_us": 300_000.0, "bytes_per_s": 2_000.0},
)
# Also what no browser sends: the board has one small buffer for it.
VISITS = (
    b"GET /health HTTP/1.1\r\nHost: b\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: b\r\n\r\n",
    b"GET /none HTTP/1.1\r\nHost: b\r\n\r\n",
    b"GET /" + b"x" * 3000,
    b"POST /charge HTTP/1.1\r\nContent-Length: 99999\r\n\r\n{",
    bytes(range(256)),
)


class Disturbances:
    """Outages, bad answers, restarts of the coordinator, new plans and web clients."""

    def __init__(self, world: World, board_id: str, seed: int) -> None:
        self._world = world
        self._board_id = board_id
        self._draw = random.Random(seed)
        self.counts: dict[str, int] = {}

    def minute(self) -> None:
        """Let a minute pass, with what comes up in it."""
        self._change_link()
        if self._draw.random() < 0.3:
            self._do("plans", self.order)
        if self._draw.random() < 0.02:
            self._do("restarts", self._world.start_coordinator)
        for _ in range(3):
            self._world.run(20)
            if self._draw.random() < 0.5:
                self.visit()

    def settle(self) -> None:
        """A good link, and every circuit with the longest schedule and an order, obeyed."""
        self.set_faults({})
        until_s = int(self._world.unix_s()) + 86_400
        for circuit in range(4):
            on = {"state": "on", "until": until_s}
            self._world.order(self._board_id, circuit, "override", on)
            self._world.order(self._board_id, circuit, "schedule", self._schedule())
        self._world.put("prices", self._prices())
        self._world.run_until(self._is_obeyed, within_s=120)

    def rest(self) -> None:
        """Some minutes in which nothing comes up."""
        self._world.run(180)

    def _is_obeyed(self) -> bool:
        return bool(self._world.state()["boards"][0]["plan"]["acknowledged"])

    def _do(self, what: str, action: Callable[[], None]) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1
        action()

    def _change_link(self) -> None:
        if self._draw.random() < 0.5:
            self.set_faults({})
        else:
            self._do("bad links", lambda: self.set_faults(self._draw.choice(BAD_LINKS)))

    def set_faults(self, chosen: dict[str, Any]) -> None:
        """The board's link has these and no others."""
        good = Faults()
        faults = self._world.boards[self._board_id].network.faults
        for name in vars(good):
            setattr(faults, name, chosen.get(name, getattr(good, name)))

    def order(self) -> None:
        """A person orders something of a circuit, or prices come."""
        if self._draw.random() < 0.2:
            self._world.put("prices", self._prices())
            return
        circuit = self._draw.randrange(4)
        now_s = int(self._world.unix_s())
        what, body = self._draw.choice(
            (
                ("override", {"state": self._draw.choice(("on", "off")), "until": now_s + 600}),
                ("override", None),
                ("schedule", self._schedule()),
                ("schedule", None),
            )
        )
        self._world.order(self._board_id, circuit, what, body)

    def _schedule(self) -> dict[str, Any]:
        slots = "".join(self._draw.choices("10-", k=LONGEST_SCHEDULE))
        return {"start": STARTED_UNIX_S, "step_s": SLOT_S, "slots": slots}

    def _prices(self) -> dict[str, Any]:
        prices = [self._draw.randrange(600) for _ in range(LONGEST_SCHEDULE)]
        return {"start": STARTED_UNIX_S, "step_s": SLOT_S, "eur_mwh": prices}

    def visit(self) -> None:
        """A web client comes, and leaves in one of several ways; nobody may listen."""
        board = self._world.boards[self._board_id]
        with contextlib.suppress(ConnectionRefusedError, TimeoutError):
            caller = board.network.call(WEB_PORT, board.now_us)
            self.counts["web clients"] = self.counts.get("web clients", 0) + 1
            caller.tell(self._draw.choice(VISITS))
            leave = self._draw.choice((caller.end, caller.reset, lambda: None))
            leave()
            caller.takes = self._draw.random() < 0.8
