"""What people order of a board by API; each order becomes part of the board's plan at once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection

from headroom.coordinator.clock import Clock
from headroom.coordinator.configured import Configured
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

# Databases take some ten thousands of values in a statement.
_PLANS_AT_ONCE = 1000


class Orders:
    """What is ordered of the site's boards, and its prices. Methods raise ProblemError.

    `ask` is called with the boards that shall hear of an order at once, when it is durable.
    """

    def __init__(
        self, site: Site, store: Store, clock: Clock, ask: Callable[[Iterable[str]], None]
    ) -> None:
        self._configured = Configured(site)
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
            others = orders.schedules_of(db, [board_id]).get(board_id, ())
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

    def configure(self, configured: Configured) -> None:
        """Go on with another site."""
        self._configured = configured

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
        boards_as_run = map(self._configured.planned_board, self._configured.site.boards)
        heeding = [b for b in boards_as_run if b.heeds_prices and b.id in known]
        made: dict[str, StoredPlan] = {}
        for first in range(0, len(heeding), _PLANS_AT_ONCE):
            made |= self.current_plans(db, heeding[first : first + _PLANS_AT_ONCE])
        return made

    def holds(self, plan: StoredPlan | None) -> bool:
        """Whether there is a plan, and it is up to date still."""
        if plan is None:
            return False
        # Before it was made the clock has gone back: what had expired then may hold now.
        return (plan.made_unix_s or 0) <= self._clock.unix_s() < plan.holds_until_unix_s

    def current_plan(self, db: Connection, board: Board) -> StoredPlan:
        """The board's plan now, see `current_plans`."""
        return self.current_plans(db, [board])[board.id]

    def current_plans(self, db: Connection, of: Sequence[Board]) -> dict[str, StoredPlan]:
        """These boards' plans now; the revision rises when an order was given or has expired."""
        board_ids, now_unix_s = [board.id for board in of], self._clock.unix_s()
        before = orders.plans_of(db, board_ids)
        made = {}
        for board_id, body, holds_until_unix_s in self._bodies(db, of, now_unix_s):
            made[board_id] = orders.revised(
                before.get(board_id), body, holds_until_unix_s, int(now_unix_s)
            )
        orders.put_plans(db, made)
        return made

    def _bodies(
        self, db: Connection, of: Sequence[Board], now_unix_s: float
    ) -> Iterator[tuple[str, str, int]]:
        """For each board what its plan says, and until when."""
        board_ids = [board.id for board in of]
        schedules = orders.schedules_of(db, board_ids)
        overrides = orders.overrides_of(db, board_ids)
        revoked = charge_keys.revocations(db)
        known_prices = prices.current_prices(db)
        for board in of:
            wishes = Wishes(
                tuple(schedules.get(board.id, ())),
                tuple(overrides.get(board.id, ())),
                known_prices if board.heeds_prices else None,
                board.id in revoked,
            ).at(now_unix_s)
            body = plan_body(len(board.circuits), wishes).encode().decode()
            yield board.id, body, wishes.hold_until_unix_s

    @contextmanager
    def _ordering(self, board_id: str, circuit: int = 0) -> Iterator[tuple[Connection, Board]]:
        site = self._configured.site
        board = site.board(board_id)
        if board is None:
            raise ProblemError(NO_SUCH_BOARD, f"no board {board_id} on site {site.name}")
        if not 0 <= circuit < len(board.circuits):
            raise ProblemError(NO_SUCH_CIRCUIT, site.without_circuit(board, circuit))
        with self._store.write() as db:
            if boards.record(db, board_id) is None:
                raise ProblemError(NOT_POSSIBLE, f"board {board_id} has no key; register it first")
            yield db, self._configured.planned_board(board)
        self._ask([board_id])
