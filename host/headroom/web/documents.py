"""Views of the site as JSON documents; every number has its unit in its name."""

from typing import Any

from headroom.coordinator.snapshot import BoardView, CircuitView, FeederView, SiteView
from headroom.phases import PHASES, Phase, PhaseMa, phase_index
from headroom.protocol.messages import MEASURED
from headroom.site import Feeder, Site
from headroom.store.charge_keys import Revocation
from headroom.store.journal import StoredEvent, StoredMinute
from headroom.store.orders import Override, Schedule
from headroom.store.prices import Prices
from headroom.web.words import event_text, maintenance_text, reason_text, sensor_text

Document = dict[str, Any]


def state_document(view: SiteView, site: Site, events: list[StoredEvent]) -> Document:
    """Everything that the page shows."""
    return {
        "site": view.name,
        "unix_s": round(view.unix_s, 3),
        "epoch": view.epoch,
        "feeders": [feeder_document(feeder) for feeder in view.feeders],
        "boards": [board_document(board) for board in view.boards],
        "prices": _prices_document(view.prices, view.unix_s) if view.prices else None,
        "events": [event_document(event, site) for event in events],
    }


def feeder_document(view: FeederView) -> Document:
    """A feeder with each phase that it has."""
    feeder = view.feeder
    return {
        "id": feeder.id,
        "breaker": feeder.breaker,
        "silent_boards": view.silent_boards,
        "phases": [_phase_document(view, phase) for phase in feeder.phases],
    }


def board_document(view: BoardView) -> Document:
    """A board with its circuits and its health."""
    return {
        "id": view.board.id,
        "feeder": view.board.feeder,
        "report_s": view.board.report_s,
        "age_s": None if view.age_s is None else round(view.age_s, 1),
        "stale": view.stale,
        "reports": view.reports,
        "safe_limit_ma": _by_phase(view.board.safe_limit_ma),
        "held_ma": _by_phase(view.held_ma),
        "plan": {"rev": view.rev, "acknowledged": view.plan_acknowledged},
        "maintenance": _maintenance_document(view),
        "charge_key": _charge_key_document(view.charge_revocation),
        "health": _health_document(view),
        "circuits": [_circuit_document(circuit) for circuit in view.circuits],
    }


def event_document(stored: StoredEvent, site: Site) -> Document:
    """An event with the name of the circuit it happened on."""
    event = stored.event
    board = site.board(stored.board)
    named = board is not None and 0 <= event.circuit < len(board.circuits)
    return {
        "id": stored.id,
        "board": stored.board,
        "boot": stored.boot,
        "n": event.n,
        "kind": event.kind,
        "circuit": event.circuit if event.circuit >= 0 else None,
        "circuit_name": board.circuits[event.circuit].name if board and named else None,
        "value": event.value,
        "text": event_text(event),
        "unix_s": stored.happened_unix_s,
    }


def minute_document(stored: StoredMinute) -> Document:
    """A journal minute; unix_s null while its boot is not dated."""
    values = stored.minute
    return {
        "boot": values.boot,
        "minute": values.minute,
        "unix_s": stored.began_unix_s,
        "mean_ma": values[2:6],
        "max_ma": values[6:10],
        "closed_s": values[10:14],
    }


def site_document(site: Site) -> Document:
    """The site as configured."""
    return {
        "name": site.name,
        "feeders": [_configured_feeder(feeder) for feeder in site.feeders],
        "boards": [
            board.model_dump() | {"safe_limit_ma": _by_phase(board.safe_limit_ma)}
            for board in site.boards
        ],
    }


def _configured_feeder(feeder: Feeder) -> Document:
    return feeder.model_dump() | {
        "rating_ma": _by_phase(feeder.rating_ma),
        "limit_ma": _by_phase(feeder.limit_ma),
        "uncontrolled_ma": _by_phase(feeder.uncontrolled_ma),
    }


def _phase_document(view: FeederView, phase: Phase) -> Document:
    feeder, index = view.feeder, phase_index(phase)
    return {
        "phase": phase,
        "current_ma": view.current_ma[index],
        "limit_ma": feeder.limit_ma[index],
        "rating_ma": feeder.rating_ma[index],
        "headroom_ma": view.headroom_ma[index],
        "silent_ma": view.silent_ma[index],
        "uncontrolled_ma": feeder.uncontrolled_ma[index],
        "committed_ma": view.committed_ma[index],
    }


def _charge_key_document(revocation: Revocation | None) -> Document:
    if revocation is None:
        return {"revoked": False}
    return {"revoked": True, "set_by": revocation.set_by, "set_unix_s": revocation.set_unix_s}


def _maintenance_document(view: BoardView) -> Document | None:
    if view.maintenance is None:
        return None
    order, state = view.maintenance
    return {
        "state": state,
        "text": maintenance_text(state, view.stale),
        "until": order.until_unix_s,
        "set_by": order.set_by,
        "set_unix_s": order.set_unix_s,
    }


def _health_document(view: BoardView) -> Document | None:
    if view.live is None:
        return None
    report = view.live.report
    return {
        "fw": report.fw,
        "boot": report.boot,
        "seq": report.seq,
        "reset": report.reset,
        "up_s": report.up_s,
        "limit_ma": _by_phase(report.limit_ma),
        "epoch": report.epoch,
        "rev": report.rev,
        "lost": report.lost._asdict(),
        "heap_free_bytes": report.heap_free,
        "beacon": report.beacon._asdict(),
        "tick": report.tick._asdict(),
        "answers_refused": report.refused,
    }


def _circuit_document(view: CircuitView) -> Document:
    circuit, reading = view.circuit, view.reading
    known = reading is not None and reading.sensor in MEASURED
    return {
        "number": view.number,
        "name": circuit.name,
        "phase": circuit.phase,
        "kind": circuit.kind,
        "priority": circuit.priority,
        "rated_ma": circuit.rated_ma,
        "limit_ma": circuit.limit_ma,
        "price_ceiling_eur_mwh": circuit.price_ceiling_eur_mwh,
        "current_ma": reading.current_ma if reading and known else None,
        "sensor": reading.sensor if reading else None,
        "sensor_text": sensor_text(reading) if reading else "",
        "closed": bool(reading.closed) if reading else None,
        "reason": reading.reason if reading else None,
        "reason_text": reason_text(reading) if reading else "no report yet",
        "override": _override_document(view.override) if view.override else None,
        "schedule": _schedule_document(view.schedule) if view.schedule else None,
    }


def _override_document(override: Override) -> Document:
    return {
        "state": "on" if override.closed else "off",
        "until": override.until_unix_s or None,
        "set_by": override.set_by,
        "set_unix_s": override.set_unix_s,
    }


def _schedule_document(schedule: Schedule) -> Document:
    return {
        "start": schedule.start_unix_s,
        "step_s": schedule.step_s,
        "slots": schedule.slots,
    }


def _prices_document(prices: Prices, now_unix_s: float) -> Document:
    return {
        "now_eur_mwh": prices.at(now_unix_s),
        "start": prices.start_unix_s,
        "step_s": prices.step_s,
        "eur_mwh": prices.eur_mwh,
        "set_by": prices.set_by,
        "set_unix_s": prices.set_unix_s,
    }


def _by_phase(values: PhaseMa) -> dict[str, int]:
    return dict(zip(PHASES, values, strict=True))
