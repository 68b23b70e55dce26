"""Whether anything that a board has measured is lost: acknowledged and not stored, or in flash,
inside the ring and never delivered.

What a board was told is read off the link, what it has kept off a copy of its flash.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from headroom.store.events import events_after
from headroom.store.journal import minutes_of

from boards.virtual.board import VirtualBoard
from boards.virtual.flash import Flash
from hil_tests.node_on_flash import FlashFiles, KeptMinutes
from hil_tests.soak.bench import Bench

# What a power cut may take of one start, and the minute that was under way.
MOST_TAKEN = 15
_ROWS = 1 << 30

Name = tuple[int, int]  # (boot, minute), or (boot, number of the event)


@dataclass
class Deliveries:
    """What became of one board's minutes and events."""

    reports: Counter[str] = field(default_factory=Counter)  # by status of their answers
    minutes: set[Name] = field(default_factory=set)  # acknowledged
    events: set[Name] = field(default_factory=set)
    in_flash: set[Name] = field(default_factory=set)
    given_up: set[Name] = field(default_factory=set)  # acknowledged after the backup restored
    up_s: dict[int, int] = field(default_factory=lambda: defaultdict(int))  # by boot, heard last
    overflowed: int = 0

    def answered(self, request: bytes, answer: bytes) -> None:
        """A witness of the crossing."""
        head, _, body = answer.partition(b"\r\n\r\n")
        if not body:
            return
        status = head.split(b" ", 2)[1].decode()
        self.reports[status] += 1
        if status != "200":
            return
        report = json.loads(request.partition(b"\r\n\r\n")[2])
        told = json.loads(body)
        boot = report["boot"]
        self.up_s[boot] = max(self.up_s[boot], report["up_s"])
        self.overflowed = max(self.overflowed, report["lost"][0])
        self.minutes |= {(of_boot, minute) for of_boot, minute in told["ack_minutes"]}
        sent = {(boot, event[0]) for event in report["events"]}
        self.events |= {event for event in sent if event[1] <= told["ack_event"]}

    def look_into_flash(self, board: VirtualBoard) -> None:
        """Note what a start would find there now."""
        files = FlashFiles(Flash(bytes(board.flash.image)))
        self.in_flash |= set(KeptMinutes(files).deliver())
        files.detach()

    def restored(self, bench: Bench) -> None:
        """The store is an older one: what was acknowledged since, somebody has given up."""
        stored_minutes, stored_events = stored(bench)
        self.given_up |= self.minutes - stored_minutes
        self.minutes &= stored_minutes
        self.events &= stored_events

    def lost(self, bench: Bench) -> list[str]:
        """What is lost by now, each in words. Of flash only once all has been delivered."""
        minutes, events = stored(bench)
        found = [f"minute {one} acknowledged, not stored" for one in self.minutes - minutes]
        found += [f"event {one} acknowledged, not stored" for one in self.events - events]
        in_flash = self.in_flash - minutes - self.given_up
        return found + [f"minute {one} in flash, not delivered" for one in in_flash]

    def taken(self, bench: Bench) -> dict[int, int]:
        """How many minutes each ended start has measured, as far as was heard, that never came."""
        minutes = stored(bench)[0] | self.given_up
        came = Counter(boot for boot, _ in minutes)
        ended = {boot: up_s for boot, up_s in self.up_s.items() if boot < max(self.up_s)}
        missing = {boot: up_s // 60 - came[boot] for boot, up_s in ended.items()}
        return {boot: count for boot, count in missing.items() if count > 0}


def stored(bench: Bench) -> tuple[set[Name], set[Name]]:
    """The names of all minutes and events that the coordinator has."""
    board_id = bench.world.site.boards[0].id
    with bench.world.store.read() as db:
        minutes = minutes_of(db, board_id, (0, -1), _ROWS)
        events = events_after(db, 0, _ROWS)
    return (
        {(one.minute.boot, one.minute.minute) for one in minutes},
        {(one.boot, one.event.n) for one in events},
    )
