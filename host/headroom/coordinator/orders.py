"""What people order of a board by API; each order becomes part of the board's plan at once."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from headroom.coordinator.clock import Clock
from headroom.coordinator.planning import Wishes, check_agreement, plan_body
from headroom.protocol.problems import (
    NO_SUCH_BOARD,
    NO_SUCH_CIRCUIT,
    NOT_POSSIBLE,
    ProblemError,
)
from headroom.site import Board, Site
from headroom.store import Store, boards, charge_keys, maintenance, orders, prices
from headroom.store.charge_keys import Revocation
from headroom.store.maintenance import MaintenanceOrder
from headroom.store.orders import Override, Schedule, StoredPlan
from headroom.store.prices import Prices


class Orders:
    """What is ordered of the site's boards, and its prices. Methods raise ProblemError.

    `ask` is called with the boards that shall hear of an order at once, when it is durable.
    """

    def __init__(
        self, site: Site, store: Store, clock: Clock, ask: Callable[[Iterable[str]], None]
    ) -> None:
        self._site = site
        self._store = store
        self._clock = clock
        self._ask = ask

    def set_override(self, board_id: str, override: Override) -> StoredPlan:
        """Order a circuit on or off until a time, or until cancelled."""
        if not override.holds(self._clock.unix_s()):
            raise ProblemError(NOT_POSSIBLE, f"until: {override.until_unix_s} is in the past")
        with self._ordering(board_id, override.circuit) as (db, board):
            orders.put_override(db, board_id, override)
            return self.current_plan(db, board)

    def clear_override(self, board_id: str, circuit: int) -> StoredPlan:
        """Cancel an override; no error if there is none."""
        with self._ordering(board_id, circuit) as (db, board):
            orders.drop_override(db, board_id, circuit)
            return self.current_plan(db, board)

    def set_schedule(self, board_id: str, schedule: Schedule) -> StoredPlan:
        """Give a circuit its wishes for the slots to come."""
        if not schedule.lasts(self._clock.unix_s()):
            raise ProblemError(NOT_POSSIBLE, "slots: the last one is over before now")
        with self._ordering(board_id, schedule.circuit) as (db, board):
            others = orders.schedules_of(db, board_id)
            check_agreement(schedule, others, self._clock.unix_s())
            orders.put_schedule(db, board_id, schedule)
            return self.current_plan(db, board)

    def clear_schedule(self, board_id: str, circuit: int) -> StoredPlan:
        """Remove a schedule; no error if there is none."""
        with self._ordering(board_id, circuit) as (db, board):
            orders.drop_schedule(db, board_id, circuit)
            return self.current_plan(db, board)

    def set_prices(self, given: Prices) -> dict[str, StoredPlan]:
        """What energy costs from now on, for the whole site; the plans of boards that heed it."""
        if not given.lasts(self._clock.unix_s()):
            raise ProblemError(NOT_POSSIBLE, "eur_mwh: the last slot is over before now")
        with self._store.write() as db:
            prices.put_prices(db, given)
            plans = self._priced_plans(db)
        self._ask(plans)
        return plans

    def clear_prices(self) -> dict[str, StoredPlan]:
        """Forget the prices; no error if there are none."""
        with self._store.write() as db:
            prices.drop_prices(db)
            plans = self._priced_plans(db)
        self._ask(plans)
        return plans

    def order_maintenance(self, board_id: str, order: MaintenanceOrder) -> None:
        """Have a board start into maintenance, once."""
        if order.until_unix_s <= self._clock.unix_s():
            raise ProblemError(NOT_POSSIBLE, f"until: {order.until_unix_s} is in the past")
        with self._ordering(board_id) as (db, _board):
            maintenance.put_order(db, board_id, order)

    def cancel_maintenance(self, board_id: str) -> None:
        """Cancel the order, no error if there is none; it may have been obeyed already."""
        with self._ordering(board_id) as (db, _board):
            maintenance.drop_order(db, board_id)

    def revoke_charge_key(self, board_id: str, revocation: Revocation) -> StoredPlan:
        """Have a board refuse what its charge key signs, and end what that ordered."""
        with self._ordering(board_id) as (db, board):
            charge_keys.revoke(db, board_id, revocation)
            return self.current_plan(db, board)

    def allow_charge_key(self, board_id: str) -> StoredPlan:
        """Lift a revocation; no error if there is none."""
        with self._ordering(board_id) as (db, board):
            charge_keys.allow(db, board_id)
            return self.current_plan(db, board)

    def _priced_plans(self, db: Connection) -> dict[str, StoredPlan]:
        known = {record.id for record in boards.records(db)}
        heeding = [b for b in self._site.boards if b.heeds_prices and b.id in known]
        return {board.id: self.current_plan(db, board) for board in heeding}

    def plan_to_send(self, db: Connection, board: Board, known: StoredPlan | None) -> StoredPlan:
        """The board's plan now, which is the one `known` as long as that holds."""
        # Before it was made the clock has gone back: what had expired then may hold now.
        if known and (known.made_unix_s or 0) <= self._clock.unix_s() < known.holds_until_unix_s:
            return known
        return self.current_plan(db, board)

    def current_plan(self, db: Connection, board: Board) -> StoredPlan:
        """The board's plan now; its revision rises when an order was given or has expired."""
        now_unix_s = self._clock.unix_s()
        wishes = Wishes(
            tuple(orders.schedules_of(db, board.id)),
            tuple(orders.overrides_of(db, board.id)),
            prices.current_prices(db) if board.heeds_prices else None,
            charge_keys.revocation_of(db, board.id) is not None,
        ).at(now_unix_s)
        body = plan_body(len(board.circuits), wishes).encode().decode()
        holds_until_unix_s = wishes.hold_until_unix_s
        return orders.revise_plan(db, board.id, body, holds_until_unix_s, int(now_unix_s))

    @contextmanager
    def _ordering(self, board_id: str, circuit: int = 0) -> Iterator[tuple[Connection, Board]]:
        board = self._site.board(board_id)
        if board is None:
            raise ProblemError(NO_SUCH_BOARD, f"no board {board_id} on site {self._site.name}")
        if not 0 <= circuit < len(board.circuits):
            raise ProblemError(NO_SUCH_CIRCUIT, self._site.without_circuit(board, circuit))
        with self._store.write() as db:
            if boards.record(db, board_id) is None:
                raise ProblemError(NOT_POSSIBLE, f"board {board_id} has no key; register it first")
            yield db, board
        self._ask([board_id])
