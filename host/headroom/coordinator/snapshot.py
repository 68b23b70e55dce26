"""The site at one moment, as page, API and metrics show it; values only."""

from collections import Counter, defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from headroom.coordinator.clock import Clock
from headroom.coordinator.leasing import Leasing
from headroom.coordinator.live import LiveBoard
from headroom.coordinator.maintenance import OrderState, order_state
from headroom.coordinator.readings import measured_ma
from headroom.coordinator.refusals import Refusal
from headroom.phases import PHASES, PhaseMa, minus, total
from headroom.protocol.messages import CircuitReading
from headroom.site import Board, Circuit, Feeder, Site
from headroom.store import charge_keys, maintenance, orders
from headroom.store.charge_keys import Revocation
from headroom.store.maintenance import MaintenanceOrder
from headroom.store.orders import Override, Schedule, StoredPlan
from headroom.store.prices import Prices


@dataclass(frozen=True)
class BoardOrders:
    """What people ordered of one board, and the plan that says so; None before its first."""

    plan: StoredPlan | None
    overrides: tuple[Override, ...]
    schedules: tuple[Schedule, ...]
    maintenance: MaintenanceOrder | None
    charge_revocation: Revocation | None


@dataclass(frozen=True)
class State:
    """What the coordinator knows; board and feeder ids are the keys."""

    epoch: int
    leasing: Leasing
    outdated: Container[str]
    live: Mapping[str, LiveBoard]
    reports: Mapping[str, int]
    refusals: Mapping[Refusal, int]
    orders: Mapping[str, BoardOrders]
    prices: Prices | None


@dataclass(frozen=True)
class CircuitView:
    """One circuit; reading None before the board's first report."""

    number: int
    circuit: Circuit
    reading: CircuitReading | None
    override: Override | None
    schedule: Schedule | None


@dataclass(frozen=True)
class BoardView:
    """One board; `live` None before its first report, `stale` when that is too old.

    `refusals` counts reports in its name that were refused since the start, by problem.
    `needs_provisioning`: it may run by an earlier configuration than the site has.
    """

    board: Board
    needs_provisioning: bool
    live: LiveBoard | None
    age_s: float | None
    stale: bool
    held_ma: PhaseMa
    rev: int
    plan_age_s: float | None
    plan_acknowledged: bool
    reports: int
    maintenance: tuple[MaintenanceOrder, OrderState] | None
    charge_revocation: Revocation | None
    refusals: Mapping[str, int]
    circuits: tuple[CircuitView, ...]


@dataclass(frozen=True)
class FeederView:
    """One feeder: what is measured, and the most that boards gone silent may use on top.

    `uncontrolled_ma` is its own; `metered` says on which phases there is a fresh reading of it.
    """

    feeder: Feeder
    current_ma: PhaseMa
    silent_ma: PhaseMa
    committed_ma: PhaseMa
    silent_boards: tuple[str, ...]
    uncontrolled_ma: PhaseMa
    metered: tuple[bool, bool, bool]

    @property
    def headroom_ma(self) -> PhaseMa:
        """What is left under the limit; below 0 it is exceeded, or may be by a silent board."""
        return minus(self.feeder.limit_ma, total([self.current_ma, self.silent_ma]))


@dataclass(frozen=True)
class SiteView:
    """Everything at one moment; refusals count by problem since the start."""

    name: str
    unix_s: float
    epoch: int
    feeders: tuple[FeederView, ...]
    boards: tuple[BoardView, ...]
    refusals: Mapping[str, int]
    prices: Prices | None


def orders_by_board(db: Connection, site: Site) -> dict[str, BoardOrders]:
    """What the store has of each board, in a few statements however many there are."""
    board_ids = [board.id for board in site.boards]
    plans = orders.plans_of(db, board_ids)
    overrides, schedules = orders.all_overrides(db), orders.all_schedules(db)
    ordered, revoked = maintenance.orders_of(db, board_ids), charge_keys.revocations(db)
    return {
        board_id: BoardOrders(
            plans.get(board_id),
            tuple(overrides.get(board_id, ())),
            tuple(schedules.get(board_id, ())),
            ordered.get(board_id),
            revoked.get(board_id),
        )
        for board_id in board_ids
    }


def site_view(site: Site, state: State, clock: Clock) -> SiteView:
    """The site as of now."""
    refusals = _refusals_by_board(state.refusals)
    boards = tuple(_board_view(board, state, clock, refusals[board.id]) for board in site.boards)
    feeders = tuple(_feeder_views(site, boards, state))
    all_refusals = sum(refusals.values(), Counter())
    return SiteView(
        site.name, clock.unix_s(), state.epoch, feeders, boards, all_refusals, state.prices
    )


def _refusals_by_board(refusals: Mapping[Refusal, int]) -> dict[str | None, Counter[str]]:
    by_board: dict[str | None, Counter[str]] = defaultdict(Counter)
    for refusal, count in refusals.items():
        by_board[refusal.board][refusal.problem] += count
    return by_board


def _board_view(
    board: Board, state: State, clock: Clock, refusals: Mapping[str, int]
) -> BoardView:
    now_s = clock.monotonic_s()
    live = state.live.get(board.id)
    held = state.orders[board.id]
    rev = held.plan.rev if held.plan else 0
    plan = (state.epoch, rev)
    return BoardView(
        board=board,
        needs_provisioning=board.id in state.outdated,
        live=live,
        age_s=live.age_s(now_s) if live else None,
        stale=live is None or live.is_stale(board, now_s),
        held_ma=state.leasing.held_ma(board.id),
        rev=rev,
        plan_age_s=_plan_age_s(held.plan, clock.unix_s()),
        plan_acknowledged=live is not None and (live.report.epoch, live.report.rev) == plan,
        reports=state.reports.get(board.id, 0),
        maintenance=_maintenance(held.maintenance, live, clock.unix_s()),
        charge_revocation=held.charge_revocation,
        refusals=refusals,
        circuits=_circuit_views(board, live, held, clock.unix_s()),
    )


def _plan_age_s(plan: StoredPlan | None, unix_s: float) -> float | None:
    """None where there is no plan, or nobody knows when it was made."""
    if plan is None or plan.made_unix_s is None:
        return None
    return max(0.0, unix_s - plan.made_unix_s)


def _maintenance(
    order: MaintenanceOrder | None, live: LiveBoard | None, unix_s: float
) -> tuple[MaintenanceOrder, OrderState] | None:
    if order is None:
        return None
    return order, order_state(order, live.report.boot if live else 0, unix_s)


def _circuit_views(
    board: Board, live: LiveBoard | None, held: BoardOrders, unix_s: float
) -> tuple[CircuitView, ...]:
    overrides = {o.circuit: o for o in held.overrides if o.holds(unix_s)}
    schedules = {s.circuit: s for s in held.schedules if s.lasts(unix_s)}
    return tuple(
        CircuitView(
            number,
            circuit,
            _reading(live, number),
            overrides.get(number),
            schedules.get(number),
        )
        for number, circuit in enumerate(board.circuits)
    )


def _reading(live: LiveBoard | None, number: int) -> CircuitReading | None:
    """None too of a circuit that its board does not know of yet."""
    readings = live.report.circuits if live else ()
    return readings[number] if number < len(readings) else None


def _feeder_views(site: Site, boards: Sequence[BoardView], state: State) -> Iterator[FeederView]:
    tree = state.leasing.tree
    silent = [view for view in boards if view.stale]
    silent_ma = tree.summed((view.board.feeder, view.held_ma) for view in silent)
    silent_boards: dict[str, list[str]] = defaultdict(list)
    for view in silent:
        for feeder_id in tree.chain_of(view.board.id):
            silent_boards[feeder_id].append(view.board.id)
    current_ma = tree.with_uncontrolled(
        (view.board.feeder, measured_ma(view.live.board, view.live.report))
        for view in boards
        if view.live and not view.stale
    )
    for feeder in site.feeders:
        yield FeederView(
            feeder,
            current_ma=current_ma[feeder.id],
            silent_ma=silent_ma[feeder.id],
            committed_ma=state.leasing.committed_ma(feeder.id),
            silent_boards=tuple(silent_boards[feeder.id]),
            uncontrolled_ma=tree.nodes[feeder.id].uncontrolled_ma,
            metered=_metered(feeder, state.leasing),
        )


def _metered(feeder: Feeder, leasing: Leasing) -> tuple[bool, bool, bool]:
    l1, l2, l3 = (leasing.is_metered(feeder.id, index) for index in range(len(PHASES)))
    return (l1, l2, l3)
