"""Random histories of real coordinators and real firmware: none breaks a rule, and mistakes made
on purpose are found by them.
"""

from collections.abc import Callable, Collection, Iterator

import pytest
import structlog
from headroom.allocation import book as book_module
from headroom.allocation.book import LeaseBook
from headroom.allocation.settling import Settling
from headroom.coordinator import leasing
from headroom.coordinator.ingest import Ingest
from headroom.store import boards, figures
from headroom.store.batch import Batch
from sqlalchemy import Connection
from tests.book_mistakes import forgets_older_grants, ignores_the_current

from tools.benches.firmware import node_module
from tools.coordinator_histories import Violation, run_histories

HISTORIES = 30
# Every mistake below is found by then.
ENOUGH = 100


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Thousands of refusals are what these histories are made of."""
    with structlog.testing.capture_logs():
        yield


def test_no_history_breaks_a_rule() -> None:
    answered = [history.answered for history in run_histories(range(HISTORIES))]
    assert len(answered) == HISTORIES
    assert sum(answered) > 10 * HISTORIES


# Mistakes made on purpose

_take_effect = Ingest._take_effect


def keeps_its_epoch(db: Connection, _now_unix_s: float, above: int = 0) -> int:
    return figures._set(db, "epoch", max(figures.epoch(db), above, 1))


def adopts_the_epoch_of_another(self: Ingest, batch: Batch, outcomes: list[object]) -> None:
    _take_effect(self, batch, outcomes)  # type: ignore[arg-type]
    self.epoch = batch.epoch


def nothing(*_given: object) -> None:
    """In place of what has to be done."""


Planning = node_module("planning").Planning

# By name: the troubles that a history has, what is wrong, and what is found.
MISTAKES: dict[str, tuple[Collection[str], list[tuple[object, str, Callable[..., object]]], str]]
MISTAKES = {
    "answer delayed past a retry": (
        ["lose"],
        [(LeaseBook, "grant", forgets_older_grants)],
        "may carry",
    ),
    "current above the lower limit": (
        [],
        [(LeaseBook, "acknowledge", ignores_the_current)],
        "may carry",
    ),
    "no margin for slow clocks": (
        [],
        [(book_module, "book_s", float), (leasing, "book_s", float)],
        "may carry",
    ),
    "leases forgotten at a restart": (
        ["restart_coordinator"],
        [(leasing, "book_s", lambda _s: 0.0)],
        "may carry",
    ),
    "restored store trusted": (
        ["restore"],
        [(Settling, "is_over", lambda _self, _now: True)],
        "may carry",
    ),
    "epoch not raised at a start": (
        ["start_second"],
        [(figures, "raise_epoch", keeps_its_epoch)],
        "may carry",
    ),
    "epoch of whoever has taken over adopted": (
        ["start_second"],
        [(Ingest, "_take_effect", adopts_the_epoch_of_another)],
        "may carry",
    ),
    "reports not kept": (["restart_coordinator"], [(boards, "keep", nothing)], "lost: report"),
    "orders forgotten by a board": (
        ["order", "reset_board"],
        [(Planning, "restore_orders", nothing)],
        "has undone",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_the_histories_find_a_mistake(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    troubles, mistakes, found = MISTAKES[name]
    for owner, attribute, mistaken in mistakes:
        monkeypatch.setattr(owner, attribute, mistaken)
    with pytest.raises(Violation, match=found):
        for _ in run_histories(range(ENOUGH), only=troubles):
            pass
