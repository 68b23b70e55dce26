"""A site: feeders, boards and circuits, and what a value of each may be by itself.

All currents are mA. A phase that a table does not name does not exist there and counts as 0.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic import model_validator as check

from headroom.allocation.tree import Leaf, Node, Tree
from headroom.phases import PHASES, ZERO_MA, Phase, PhaseMa, phase_index, total
from headroom.protocol.messages import BOARD_ID_PATTERN, MAX_CIRCUITS, MAX_CURRENT_MA
from headroom.protocol.prices import HIGHEST_EUR_MWH, LOWEST_EUR_MWH
from headroom.site.retention import Retention
from headroom.site.timing import Timing

Kind = Literal["critical", "deferrable", "thermal", "ev"]


def _by_phase(table: object) -> object:
    if not isinstance(table, dict):
        return table
    unknown = sorted(set(table) - set(PHASES))
    if unknown:
        raise ValueError(f"unknown phase {unknown[0]}; the phases are {', '.join(PHASES)}")
    return tuple(table.get(phase, 0) for phase in PHASES)


def _to_table(values: PhaseMa) -> dict[Phase, int]:
    return dict(zip(PHASES, values, strict=True))


CurrentMa = Annotated[int, Field(ge=0, le=MAX_CURRENT_MA)]
# What firmware/node/config.py takes: a site that a board would refuse is refused here.
RatedMa = Annotated[int, Field(ge=100, le=125_000)]
CtMaPerVolt = Annotated[int, Field(ge=1000, le=200_000)]
PriceEurMwh = Annotated[int, Field(ge=LOWEST_EUR_MWH, le=HIGHEST_EUR_MWH)]
CircuitName = Annotated[str, Field(min_length=1, max_length=32)]
PerPhase = Annotated[
    tuple[CurrentMa, CurrentMa, CurrentMa],
    BeforeValidator(_by_phase, json_schema_input_type=dict[Phase, CurrentMa]),
    PlainSerializer(_to_table, when_used="json"),
]
Name = Annotated[str, Field(min_length=1, max_length=64)]
Identifier = Annotated[str, Field(pattern=BOARD_ID_PATTERN)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


SpikyPercent = Annotated[int, Field(ge=0, le=100)]


class Sensor(_Table):
    """A board's sensor without relay that measures a feeder's uncontrolled load on one phase.

    On a `branch` it measures that load; on the `main` everything, so that what circuits draw is
    taken off, as numbers: currents are not known to be in phase. `channel` is the converter's
    input, 0 to 3 (A0 to A3).
    """

    board: Identifier
    channel: Annotated[int, Field(ge=0, lt=MAX_CIRCUITS)]
    measures: Literal["main", "branch"]
    ct_ma_per_v: CtMaPerVolt = 30_000
    spiky_percent: SpikyPercent = 32


class Meter(_Table):
    """What is known of a feeder's uncontrolled load beside the fixed part: readings.

    They come by API, or from boards where `sensors` are named. One older than `max_age_s` is no
    reading: the load then counts as `max_ma`. A fresh one counts as `rise_ma` more than it says,
    the most by which the load may rise before leases follow it; up to `max_ma`, unless more than
    that is measured.
    """

    max_ma: PerPhase
    rise_ma: PerPhase = ZERO_MA
    max_age_s: Annotated[int, Field(ge=1, le=3600)] = 15
    sensors: dict[Phase, Sensor] = Field(default_factory=dict)


class Feeder(_Table):
    """A supply point: what its breaker carries, what is wanted on it, what no relay controls.

    `parent` is the feeder it hangs on, whose limit holds for both together.
    """

    id: Identifier
    parent: Identifier | None = None
    rating_ma: PerPhase
    limit_ma: PerPhase = Field(default_factory=lambda feeder: feeder["rating_ma"])
    uncontrolled_ma: PerPhase = ZERO_MA
    meter: Meter | None = None
    breaker: Literal["B", "C", "D"] = "C"

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases that this feeder has."""
        return tuple(phase for phase in PHASES if self.rating_ma[phase_index(phase)] > 0)

    @property
    def most_uncontrolled_ma(self) -> PhaseMa:
        """Uncontrolled load as it counts while no meter says anything."""
        return total([self.uncontrolled_ma, self.meter.max_ma if self.meter else ZERO_MA])

    @check(mode="after")
    def _limit_within_rating(self) -> Self:
        for phase, limit, rating in zip(PHASES, self.limit_ma, self.rating_ma, strict=True):
            if limit > rating:
                raise ValueError(
                    f"feeder {self.id} {phase}: limit {limit} mA is above its rating "
                    f"{rating} mA; lower limit_ma"
                )
        return self


class Circuit(_Table):
    """One relay with its sensor and load."""

    name: CircuitName
    phase: Phase
    rated_ma: RatedMa
    limit_ma: RatedMa = Field(default_factory=lambda circuit: circuit["rated_ma"])
    priority: Annotated[int, Field(ge=1, le=8)]
    kind: Kind
    safe: Literal["on", "off", "keep"]
    default: Literal["on", "off"] = "on"
    # The rest is the board's own business; it stands here so that one file describes a site.
    sensor: Literal["ct", "ina226"] = "ct"
    ct_ma_per_v: CtMaPerVolt = 30_000
    # What a current in spikes is raised by, as it reads low; 0 = it is told only.
    spiky_percent: SpikyPercent = 32
    shunt_uohm: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    contactor: bool = False
    # Most that the contact may break; 0 = 1.5 times its rating.
    breaking_ma: CurrentMa = 0
    # Closed without current for longer is told of; 0 = never.
    no_load_s: Annotated[int, Field(ge=0, le=1 << 24)] = 86_400
    min_on_s: Annotated[int, Field(ge=0, le=3600)] = 0
    min_off_s: Annotated[int, Field(ge=0, le=3600)] = 10
    # Above it the circuit is held off; None: whatever it costs.
    price_ceiling_eur_mwh: PriceEurMwh | None = None
    price_hysteresis_eur_mwh: Annotated[int, Field(ge=0, le=1000)] = 10

    @check(mode="after")
    def _limit_within_rating(self) -> Self:
        if self.limit_ma > self.rated_ma:
            raise ValueError(
                f"circuit {self.name}: limit {self.limit_ma} mA is above its rated "
                f"{self.rated_ma} mA; lower limit_ma"
            )
        return self

    @check(mode="after")
    def _shunt_measures_what_is_rated(self) -> Self:
        # An INA226 measures up to 81.92 mV over its shunt.
        if self.sensor == "ina226" and not 50 <= self.shunt_uohm <= 81_920_000 // self.rated_ma:
            raise ValueError(
                f"circuit {self.name}: shunt_uohm {self.shunt_uohm}: for {self.rated_ma} mA an "
                f"ina226 needs 50 to {81_920_000 // self.rated_ma}"
            )
        return self

    @check(mode="after")
    def _contact_breaks_what_it_carries(self) -> Self:
        if 0 < self.breaking_ma < self.rated_ma:
            raise ValueError(
                f"circuit {self.name}: breaking_ma {self.breaking_ma} is below rated_ma "
                f"{self.rated_ma}; a contact breaks at least what it carries"
            )
        return self

    @check(mode="after")
    def _vehicle_behind_contactor(self) -> Self:
        if self.kind == "ev" and not self.contactor:
            raise ValueError(
                f"circuit {self.name}: a relay may not switch a vehicle by itself; "
                f"wire a contactor and set contactor = true"
            )
        return self


class Board(_Table):
    """An ESP12F with up to four circuits, all behind one feeder.

    `priority` goes before those of circuits when leases are shared out.
    """

    id: Identifier
    feeder: Identifier
    safe_limit_ma: PerPhase
    priority: Annotated[int, Field(ge=1, le=8)] = 4
    report_s: Annotated[int, Field(ge=1, le=3600)] = 10
    # Whether a Wi-Fi that hangs may be ended by a reset once the plan is over, every 6 h at most.
    reset_wedged: bool = True
    timing: Timing = Timing()
    circuits: Annotated[tuple[Circuit, ...], Field(min_length=1, max_length=MAX_CIRCUITS)]

    @property
    def heeds_prices(self) -> bool:
        """Whether a price can hold one of its circuits off."""
        return any(circuit.price_ceiling_eur_mwh is not None for circuit in self.circuits)

    @check(mode="after")
    def _each_circuit_is_seen_often(self) -> Self:
        # The firmware believes a reading for 500 ms, and sees one circuit in a tick.
        most_ms = 500 // len(self.circuits)
        if self.timing.tick_ms > most_ms:
            raise ValueError(
                f"board {self.id}: timing.tick_ms {self.timing.tick_ms}: with "
                f"{len(self.circuits)} circuits at most {most_ms}"
            )
        return self

    @check(mode="after")
    def _one_kind_of_current_on_a_phase(self) -> Self:
        kinds: dict[Phase, str] = {}
        for circuit in self.circuits:
            if kinds.setdefault(circuit.phase, circuit.sensor) != circuit.sensor:
                raise ValueError(
                    f"board {self.id} {circuit.phase}: circuits with sensor ct and ina226; "
                    f"AC and DC do not add up, give them phases of their own"
                )
        return self


class PlacedSensor(NamedTuple):
    """A sensor without relay, and the feeder phase whose uncontrolled load it measures."""

    feeder: str
    phase: Phase
    sensor: Sensor


class _SiteTable(_Table):
    name: Name


class Site(_Table):
    """Everything behind one grid connection."""

    site: _SiteTable
    feeders: Annotated[tuple[Feeder, ...], Field(min_length=1)]
    boards: tuple[Board, ...] = ()
    retention: Retention = Retention()

    @property
    def name(self) -> str:
        """What people call the site."""
        return self.site.name

    def board(self, board_id: str) -> Board | None:
        """The board of that id, or None."""
        return self._boards_by_id.get(board_id)

    def feeder(self, feeder_id: str) -> Feeder:
        """The feeder of that id, which a checked site has for each of its boards."""
        return self._feeders_by_id[feeder_id]

    @cached_property
    def _feeders_by_id(self) -> dict[str, Feeder]:
        return {feeder.id: feeder for feeder in self.feeders}

    @cached_property
    def _boards_by_id(self) -> dict[str, Board]:
        return {board.id: board for board in self.boards}

    @cached_property
    def sensors(self) -> tuple[PlacedSensor, ...]:
        """The sensors without relay, in the order of their inputs."""
        placed = (
            PlacedSensor(feeder.id, phase, sensor)
            for feeder in self.feeders
            if feeder.meter
            for phase, sensor in feeder.meter.sensors.items()
        )
        return tuple(sorted(placed, key=lambda one: one.sensor.channel))

    def sensors_of(self, board_id: str) -> tuple[PlacedSensor, ...]:
        """Those of one board."""
        return tuple(one for one in self.sensors if one.sensor.board == board_id)

    def without_circuit(self, board: Board, number: int) -> str:
        """In words, that a board has no circuit of that number."""
        said = f"board {board.id} has circuits 0 to {len(board.circuits) - 1}"
        for one in self.sensors_of(board.id):
            if one.sensor.channel == number:
                said += f"; input A{number} measures feeder {one.feeder} and has no relay"
        return said

    def boards_of(self, feeder_id: str) -> tuple[Board, ...]:
        """The boards that hang on a feeder itself, in the order of the file."""
        return tuple(board for board in self.boards if board.feeder == feeder_id)

    def tree(self, uncontrolled_ma: Mapping[str, PhaseMa] | None = None) -> Tree:
        """The site as leases see it; uncontrolled load is what it may be where none is given."""
        known_ma = uncontrolled_ma or {}
        nodes = {
            f.id: Node(f.limit_ma, known_ma.get(f.id, f.most_uncontrolled_ma), f.parent)
            for f in self.feeders
        }
        return Tree(nodes, {b.id: Leaf(b.feeder, b.safe_limit_ma) for b in self.boards})
