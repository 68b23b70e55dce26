"""The site file: feeders, boards and circuits, read and checked as a whole.

All currents are mA. A phase that a table does not name does not exist there and counts as 0.
"""

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic import model_validator as check
from pydantic_core import ErrorDetails

from headroom.phases import PHASES, Phase, PhaseMa, phase_index
from headroom.phases import total as total_ma
from headroom.protocol.messages import BOARD_ID_PATTERN, MAX_CIRCUITS, MAX_CURRENT_MA
from headroom.protocol.prices import HIGHEST_EUR_MWH, LOWEST_EUR_MWH

Kind = Literal["critical", "deferrable", "thermal", "ev"]


class SiteError(Exception):
    """A site file that cannot be used; `lines` has one sentence for each fault."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def _by_phase(table: object) -> object:
    if not isinstance(table, dict):
        return table
    unknown = sorted(set(table) - set(PHASES))
    if unknown:
        raise ValueError(f"unknown phase {unknown[0]}; the phases are {', '.join(PHASES)}")
    return tuple(table.get(phase, 0) for phase in PHASES)


CurrentMa = Annotated[int, Field(ge=0, le=MAX_CURRENT_MA)]
# What firmware/node/config.py takes: a site that a board would refuse is refused here.
RatedMa = Annotated[int, Field(ge=100, le=125_000)]
CtMaPerVolt = Annotated[int, Field(ge=1000, le=200_000)]
PriceEurMwh = Annotated[int, Field(ge=LOWEST_EUR_MWH, le=HIGHEST_EUR_MWH)]
CircuitName = Annotated[str, Field(min_length=1, max_length=32)]
PerPhase = Annotated[tuple[CurrentMa, CurrentMa, CurrentMa], BeforeValidator(_by_phase)]
Name = Annotated[str, Field(min_length=1, max_length=64)]
Identifier = Annotated[str, Field(pattern=BOARD_ID_PATTERN)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Feeder(_Table):
    """A supply point: what its breaker carries, what is wanted on it, what no relay controls."""

    id: Identifier
    rating_ma: PerPhase
    limit_ma: PerPhase = Field(default_factory=lambda feeder: feeder["rating_ma"])
    uncontrolled_ma: PerPhase = (0, 0, 0)
    breaker: Literal["B", "C", "D"] = "C"

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases that this feeder has."""
        return tuple(phase for phase in PHASES if self.rating_ma[phase_index(phase)] > 0)

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
    """An ESP12F with up to four circuits, all behind one feeder."""

    id: Identifier
    feeder: Identifier
    safe_limit_ma: PerPhase
    report_s: Annotated[int, Field(ge=1, le=3600)] = 10
    circuits: Annotated[tuple[Circuit, ...], Field(min_length=1, max_length=MAX_CIRCUITS)]

    @property
    def heeds_prices(self) -> bool:
        """Whether a price can hold one of its circuits off."""
        return any(circuit.price_ceiling_eur_mwh is not None for circuit in self.circuits)

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


class _SiteTable(_Table):
    name: Name


class Site(_Table):
    """Everything behind one grid connection."""

    site: _SiteTable
    feeders: Annotated[tuple[Feeder, ...], Field(min_length=1)]
    boards: tuple[Board, ...] = ()

    @property
    def name(self) -> str:
        """What people call the site."""
        return self.site.name

    def board(self, board_id: str) -> Board | None:
        """The board of that id, or None."""
        return next((board for board in self.boards if board.id == board_id), None)

    def feeder(self, feeder_id: str) -> Feeder:
        """The feeder of that id, which a checked site has for each of its boards."""
        return next(feeder for feeder in self.feeders if feeder.id == feeder_id)

    def boards_of(self, feeder_id: str) -> tuple[Board, ...]:
        """The boards behind a feeder, in the order of the file."""
        return tuple(board for board in self.boards if board.feeder == feeder_id)


def load_site(path: Path) -> Site:
    """The site in a TOML file; raises SiteError with one line for each fault."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SiteError([f"{path}: cannot be read: {error.strerror}"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SiteError([f"{path}: is not TOML: {error}"]) from error
    try:
        return parse_site(document)
    except SiteError as error:
        raise SiteError([f"{path}: {line}" for line in error.lines]) from error


def parse_site(document: dict[str, Any]) -> Site:
    """The site in a parsed TOML document; raises SiteError."""
    try:
        # Through JSON, where strict validation still takes an array for a tuple.
        site = Site.model_validate_json(json.dumps(document, default=str))
    except ValidationError as error:
        raise SiteError([_line(fault) for fault in _roots(error)]) from None
    faults = [*_repeated_ids(site), *_misplaced(site), *_unsafe(site)]
    if faults:
        raise SiteError(faults)
    return site


def _roots(error: ValidationError) -> list[ErrorDetails]:
    """The faults that are not mere consequences of others."""
    faults = [f for f in error.errors() if f["type"] != "default_factory_not_called"]
    places = [fault["loc"] for fault in faults]
    return [fault for fault in faults if not any(_within(place, fault["loc"]) for place in places)]


def _within(place: tuple[int | str, ...], parent: tuple[int | str, ...]) -> bool:
    return len(place) > len(parent) and place[: len(parent)] == parent


def _line(fault: ErrorDetails) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in fault["loc"])
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        message = "unknown key; check its spelling or remove it"
    if fault["type"] == "missing":
        return f"{place[1:]}: is missing"
    if fault["type"] == "value_error":
        return f"{place[1:]}: {message}"
    return f"{place[1:]}: {message}, got {fault['input']!r}"


def _repeated_ids(site: Site) -> list[str]:
    faults = []
    for kind, ids in (
        ("feeder", [feeder.id for feeder in site.feeders]),
        ("board", [board.id for board in site.boards]),
    ):
        repeated = sorted({name for name in ids if ids.count(name) > 1})
        faults += [
            f"{kind} {name}: the id is used more than once; rename one" for name in repeated
        ]
    return faults


def _misplaced(site: Site) -> list[str]:
    """Boards and circuits that hang on a feeder or phase that is not there."""
    feeders = {feeder.id: feeder for feeder in site.feeders}
    faults = []
    for board in site.boards:
        feeder = feeders.get(board.feeder)
        if feeder is None:
            known = ", ".join(sorted(feeders))
            faults.append(f"board {board.id}: feeder {board.feeder} is not among {known}")
            continue
        for circuit in board.circuits:
            if feeder.rating_ma[phase_index(circuit.phase)] == 0:
                faults.append(
                    f"board {board.id}, circuit {circuit.name}: feeder {feeder.id} has no "
                    f"{circuit.phase}; give it a rating there or choose another phase"
                )
    return faults


def _unsafe(site: Site) -> list[str]:
    """Feeders whose boards would be above the limit when all of them run on their safe limits."""
    faults = []
    for feeder in site.feeders:
        safe_ma = _safe_total_ma(site, feeder)
        for phase, safe, limit in zip(PHASES, safe_ma, feeder.limit_ma, strict=True):
            if safe > limit:
                faults.append(
                    f"feeder {feeder.id} {phase}: safe limits of its boards and uncontrolled "
                    f"load sum to {safe} mA, above the limit {limit} mA; lower safe_limit_ma"
                )
    return faults


def _safe_total_ma(site: Site, feeder: Feeder) -> PhaseMa:
    boards = site.boards_of(feeder.id)
    return total_ma([feeder.uncontrolled_ma, *(board.safe_limit_ma for board in boards)])
