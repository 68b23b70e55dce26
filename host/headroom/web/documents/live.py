"""The site at one moment."""

from typing import Self

from headroom.coordinator.snapshot import BoardView, CircuitView, FeederView, SiteView
from headroom.phases import Phase, phase_index
from headroom.protocol.messages import MEASURED, Reason, Report, ResetCause, SensorState
from headroom.site import Site
from headroom.site.model import Kind
from headroom.store.events import StoredEvent
from headroom.web.documents.base import BoardId, ByPhaseMa, Document, FeederId
from headroom.web.documents.journal import EventDocument
from headroom.web.documents.orders import (
    ChargeKeyDocument,
    MaintenanceDocument,
    OverrideDocument,
    PlanStateDocument,
    PricesDocument,
    ScheduleDocument,
)
from headroom.web.words import (
    reason_text,
    sensor_text,
    signal_bars,
    signal_text,
    uncontrolled_text,
)


class PhaseDocument(Document):
    """One phase of a feeder: what is used, what may be, and what is left under the limit.

    `uncontrolled_ma` is part of the current: what no relay on this feeder controls.
    """

    phase: Phase
    current_ma: int
    limit_ma: int
    rating_ma: int
    headroom_ma: int
    silent_ma: int
    uncontrolled_ma: int
    uncontrolled_text: str
    committed_ma: int

    @classmethod
    def of(cls, view: FeederView, phase: Phase) -> Self:
        """Of a phase that the feeder has."""
        feeder, index = view.feeder, phase_index(phase)
        return cls(
            phase=phase,
            current_ma=view.current_ma[index],
            limit_ma=feeder.limit_ma[index],
            rating_ma=feeder.rating_ma[index],
            headroom_ma=view.headroom_ma[index],
            silent_ma=view.silent_ma[index],
            uncontrolled_ma=view.uncontrolled_ma[index],
            uncontrolled_text=uncontrolled_text(feeder.meter, phase, view.metered[index]),
            committed_ma=view.committed_ma[index],
        )


class FeederDocument(Document):
    """A feeder with each phase that it has; parent null if it hangs on no other."""

    id: FeederId
    parent: FeederId | None
    breaker: str
    silent_boards: tuple[BoardId, ...]
    phases: tuple[PhaseDocument, ...]

    @classmethod
    def of(cls, view: FeederView) -> Self:
        """Of a feeder as it is now."""
        return cls(
            id=view.feeder.id,
            parent=view.feeder.parent,
            breaker=view.feeder.breaker,
            silent_boards=view.silent_boards,
            phases=tuple(PhaseDocument.of(view, phase) for phase in view.feeder.phases),
        )


class CircuitDocument(Document):
    """One circuit; current null if it is not known, closed and reason before any report."""

    number: int
    name: str
    phase: Phase
    kind: Kind
    priority: int
    rated_ma: int
    limit_ma: int
    price_ceiling_eur_mwh: int | None
    current_ma: int | None
    sensor: SensorState | None
    sensor_text: str
    closed: bool | None
    reason: Reason | None
    reason_text: str
    override: OverrideDocument | None
    schedule: ScheduleDocument | None

    @classmethod
    def of(cls, view: CircuitView) -> Self:
        """Of a circuit as it is now."""
        circuit, reading = view.circuit, view.reading
        known = reading is not None and reading.sensor in MEASURED
        return cls(
            number=view.number,
            name=circuit.name,
            phase=circuit.phase,
            kind=circuit.kind,
            priority=circuit.priority,
            rated_ma=circuit.rated_ma,
            limit_ma=circuit.limit_ma,
            price_ceiling_eur_mwh=circuit.price_ceiling_eur_mwh,
            current_ma=reading.current_ma if reading and known else None,
            sensor=reading.sensor if reading else None,
            sensor_text=sensor_text(reading) if reading else "",
            closed=bool(reading.closed) if reading else None,
            reason=reading.reason if reading else None,
            reason_text=reason_text(reading) if reading else "no report yet",
            override=OverrideDocument.of(view.override) if view.override else None,
            schedule=ScheduleDocument.of(view.schedule) if view.schedule else None,
        )


class LostDocument(Document):
    """What overflowed its ring undelivered since the board started."""

    minutes: int
    events: int


class BeaconDocument(Document):
    """The newest beacon that the board obeyed, and how many it refused."""

    heard: int
    refused: int


class TickDocument(Document):
    """The board's control cycle since its start."""

    longest_ms: int
    dropped: int


class SignalDocument(Document):
    """The board's Wi-Fi signal, in four bars and in a word too."""

    rssi_dbm: int
    bars: int
    text: str

    @classmethod
    def of(cls, rssi_dbm: int) -> Self:
        """Of what the board measured."""
        return cls(rssi_dbm=rssi_dbm, bars=signal_bars(rssi_dbm), text=signal_text(rssi_dbm))


class HealthDocument(Document):
    """What a board says of itself; signal null if it did not tell any."""

    fw: str
    boot: int
    seq: int
    reset: ResetCause
    up_s: int
    limit_ma: ByPhaseMa
    epoch: int
    rev: int
    lost: LostDocument
    heap_free_bytes: int
    beacon: BeaconDocument
    tick: TickDocument
    answers_refused: int
    signal: SignalDocument | None

    @classmethod
    def of(cls, report: Report) -> Self:
        """Of a board's newest report."""
        return cls(
            fw=report.fw,
            boot=report.boot,
            seq=report.seq,
            reset=report.reset,
            up_s=report.up_s,
            limit_ma=ByPhaseMa.of(report.limit_ma),
            epoch=report.epoch,
            rev=report.rev,
            lost=LostDocument(**report.lost._asdict()),
            heap_free_bytes=report.heap_free,
            beacon=BeaconDocument(**report.beacon._asdict()),
            tick=TickDocument(**report.tick._asdict()),
            answers_refused=report.refused,
            signal=None if report.rssi_dbm is None else SignalDocument.of(report.rssi_dbm),
        )


class BoardDocument(Document):
    """A board with its circuits; age and health null before its first report.

    `refused` counts reports in its name that were refused since the coordinator's start, by the
    end of the problem's type. `needs_provisioning`: it may run by an earlier configuration.
    """

    id: BoardId
    feeder: FeederId
    report_s: int
    age_s: float | None
    stale: bool
    needs_provisioning: bool
    reports: int
    refused: dict[str, int]
    safe_limit_ma: ByPhaseMa
    held_ma: ByPhaseMa
    plan: PlanStateDocument
    maintenance: MaintenanceDocument | None
    charge_key: ChargeKeyDocument
    health: HealthDocument | None
    circuits: tuple[CircuitDocument, ...]

    @classmethod
    def of(cls, view: BoardView) -> Self:
        """Of a board as it is now."""
        return cls(
            id=view.board.id,
            feeder=view.board.feeder,
            report_s=view.board.report_s,
            age_s=None if view.age_s is None else round(view.age_s, 1),
            stale=view.stale,
            needs_provisioning=view.needs_provisioning,
            reports=view.reports,
            refused=dict(view.refusals),
            safe_limit_ma=ByPhaseMa.of(view.board.safe_limit_ma),
            held_ma=ByPhaseMa.of(view.held_ma),
            plan=PlanStateDocument(rev=view.rev, acknowledged=view.plan_acknowledged),
            maintenance=_maintenance(view),
            charge_key=ChargeKeyDocument.of(view.charge_revocation),
            health=HealthDocument.of(view.live.report) if view.live else None,
            circuits=tuple(CircuitDocument.of(circuit) for circuit in view.circuits),
        )


class FeedersDocument(Document):
    """Every feeder of the site."""

    feeders: tuple[FeederDocument, ...]


class BoardsDocument(Document):
    """Every board of the site."""

    boards: tuple[BoardDocument, ...]


class StateDocument(Document):
    """Everything that the page shows."""

    site: str
    unix_s: float
    epoch: int
    feeders: tuple[FeederDocument, ...]
    boards: tuple[BoardDocument, ...]
    prices: PricesDocument | None
    events: tuple[EventDocument, ...]

    @classmethod
    def of(cls, view: SiteView, site: Site, events: list[StoredEvent]) -> Self:
        """Of the site as it is now, with the newest events."""
        return cls(
            site=view.name,
            unix_s=round(view.unix_s, 3),
            epoch=view.epoch,
            feeders=tuple(map(FeederDocument.of, view.feeders)),
            boards=tuple(map(BoardDocument.of, view.boards)),
            prices=PricesDocument.of(view.prices, view.unix_s) if view.prices else None,
            events=tuple(EventDocument.of(event, site) for event in events),
        )


def _maintenance(view: BoardView) -> MaintenanceDocument | None:
    if view.maintenance is None:
        return None
    return MaintenanceDocument.of(*view.maintenance, view.stale)
