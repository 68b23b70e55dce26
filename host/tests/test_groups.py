"""Requests that wait are served together, and none of them suffers from another."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from headroom.web.groups import CAME_S, GroupDispatcher

WITHIN_S = 10


@dataclass
class Request:
    """A request by its number; below zero is no good HTTP, 12 fails to begin, 13 to be served."""

    number: int
    served: list[int]
    done: threading.Event = field(default_factory=threading.Event)

    def begin(self) -> dict[str, Any] | None:
        """See groups.Request."""
        if self.number == 12:
            raise LookupError("no environment")
        return {"number": self.number} if self.number >= 0 else None

    def service(self) -> None:
        """See groups.Request."""
        self.served.append(self.number)
        self.done.set()
        if self.number == 13:
            raise OSError("the client is gone")

    def cancel(self) -> None:
        """See groups.Request."""
        self.served.append(-self.number)
        self.done.set()


@dataclass
class Groups:
    """A dispatcher whose preparing takes until it is let go; notes what came together."""

    prepared: list[list[int]] = field(default_factory=list)
    came_s: list[float] = field(default_factory=list)
    served: list[int] = field(default_factory=list)
    begun: threading.Event = field(default_factory=threading.Event)
    open: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.dispatcher = GroupDispatcher(self._prepare)

    def add(self, *numbers: int) -> list[Request]:
        """Requests come in."""
        requests = [Request(number, self.served) for number in numbers]
        for request in requests:
            self.dispatcher.add_task(request)
        return requests

    def _prepare(self, environs: Sequence[dict[str, Any]]) -> None:
        self.came_s += [environ[CAME_S] for environ in environs]
        self.prepared.append([environ["number"] for environ in environs])
        self.begun.set()
        self.open.wait(WITHIN_S)
        if 0 in self.prepared[-1]:
            raise ValueError("zero")


@pytest.fixture
def groups() -> Iterator[Groups]:
    groups = Groups()
    yield groups
    groups.open.set()
    groups.dispatcher.shutdown()


def test_what_comes_while_a_group_is_prepared_is_prepared_together(groups: Groups) -> None:
    groups.add(1)
    assert groups.begun.wait(WITHIN_S)
    requests = groups.add(2, 3, 4, 5, 6)
    assert groups.served == []
    groups.open.set()
    assert requests[-1].done.wait(WITHIN_S)
    assert groups.prepared == [[1], [2, 3, 4, 5, 6]]
    assert groups.served == [1, 2, 3, 4, 5, 6]
    assert groups.came_s == sorted(groups.came_s)


@pytest.mark.parametrize("bad", [0, 12, 13])
def test_what_goes_wrong_with_one_spoils_nothing_for_the_others(groups: Groups, bad: int) -> None:
    groups.open.set()
    for number in (bad, 1):
        (request,) = groups.add(number)
        assert request.done.wait(WITHIN_S)
    assert groups.served == [bad, 1]


def test_what_is_no_good_http_is_served_without_being_prepared(groups: Groups) -> None:
    groups.open.set()
    (request,) = groups.add(-1)
    assert request.done.wait(WITHIN_S)
    assert groups.prepared == [[]]
    assert groups.served == [-1]


def test_at_the_end_the_group_under_way_is_served_and_who_waits_is_turned_away() -> None:
    groups = Groups()
    groups.add(1)
    assert groups.begun.wait(WITHIN_S)
    groups.add(2, 3)
    ending = threading.Thread(target=groups.dispatcher.shutdown)
    ending.start()
    with groups.dispatcher._changed:
        groups.dispatcher._changed.wait_for(lambda: groups.dispatcher._ended, WITHIN_S)
    groups.open.set()
    ending.join(WITHIN_S)
    assert not ending.is_alive()
    assert groups.served == [1, -2, -3]
