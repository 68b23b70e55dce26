"""Report, answer and plan as types; every value has its range, and extra keys are refused.

Lists in a message become NamedTuples here, so the code speaks of `reading.current_ma` while the
bytes stay as short as a board needs them.
"""

from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

BOARD_ID_PATTERN = r"^[a-z0-9][a-z0-9-]{0,31}$"
MAX_REPORT_BYTES = 1536
MAX_ANSWER_BYTES = 1536
MAX_PLAN_BYTES = 1024
MAX_CIRCUITS = 4

# A board's small integers have 31 bits with the sign; a counter above this would cost it heap.
MAX_COUNT = 2**30 - 1
# 1000 A: far above any supply point with four-relay boards, far below overflow in sums.
MAX_CURRENT_MA = 1_000_000


def _require_array(value: object) -> object:
    # Pydantic would also take an object with the names of a NamedTuple; the protocol has arrays.
    if not isinstance(value, list | tuple):
        raise ValueError("must be an array")
    return value


_Array = BeforeValidator(_require_array)


def _integer(low: int, high: int) -> Any:
    return Field(strict=True, ge=low, le=high)


Count = Annotated[int, _integer(0, MAX_COUNT)]
Positive = Annotated[int, _integer(1, MAX_COUNT)]
CurrentMa = Annotated[int, _integer(0, MAX_CURRENT_MA)]
ClosedS = Annotated[int, _integer(0, 60)]
CircuitNo = Annotated[int, _integer(0, MAX_CIRCUITS - 1)]
UnixS = Annotated[int, _integer(0, 2**32 - 1)]
Bit = Annotated[int, _integer(0, 1)]
SignalDbm = Annotated[int, _integer(-128, -1)]
PhaseMa = tuple[CurrentMa, CurrentMa, CurrentMa]
# A day of quarters of an hour; a board finds no room for longer strings.
MAX_SLOTS = 96
Slots = Annotated[str, Field(pattern=r"^[10-]*$", max_length=MAX_SLOTS)]
StepS = Annotated[int, _integer(1, 86_400)]
PackedPrices = Annotated[str, Field(pattern=r"^([#-\[]{2})+$", max_length=2 * MAX_SLOTS)]
# An epoch learned from a board leaves room to rise above it for ever: one a start.
MAX_REPORTED_EPOCH = 1 << 29

SensorState = Literal[
    "ok", "below_range", "saturated", "spiky", "missing", "stale", "frozen", "impossible"
]
# Those in which the current that is reported was measured; `below_range` is a zero.
MEASURED: frozenset[SensorState] = frozenset(("ok", "below_range", "saturated", "spiky"))
Reason = Literal[
    "plan",
    "override",
    "shed_feeder",
    "shed_circuit",
    "price",
    "hold",
    "safe_link",
    "safe_sensor",
    "safe_boot",
    "default",
]
ResetCause = Literal["power_on", "hard", "wdt", "exception", "soft", "deep_sleep"]


class MalformedMessageError(ValueError):
    """A message is not JSON, of the wrong form, or has a value out of range; names the key.

    `breaks_rule`: the value named has the right form, and what is in it does not go together.
    """

    def __init__(self, fault: str, *, breaks_rule: bool = False) -> None:
        super().__init__(fault)
        self.breaks_rule = breaks_rule


class CircuitReading(NamedTuple):
    """One circuit as the board sees it: RMS current, its age, and the relay as commanded."""

    current_ma: CurrentMa
    age_ms: Count
    sensor: SensorState
    closed: Bit
    reason: Reason


class MeterReading(NamedTuple):
    """What a sensor without relay says: its input, the RMS current there, and its age."""

    channel: CircuitNo
    current_ma: CurrentMa
    age_ms: Count
    sensor: SensorState


class BoardEvent(NamedTuple):
    """Something that happened on a board at uptime `up_s`; (boot, n) names it."""

    n: Positive
    up_s: Count
    kind: Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,23}$")]
    circuit: Annotated[int, _integer(-1, MAX_CIRCUITS - 1)]
    value: Annotated[int, _integer(-MAX_COUNT, MAX_COUNT)]


class Minute(NamedTuple):
    """One journal minute: mean and highest current and closed time of four circuits."""

    boot: Positive
    minute: Count
    mean_ma_0: CurrentMa
    mean_ma_1: CurrentMa
    mean_ma_2: CurrentMa
    mean_ma_3: CurrentMa
    max_ma_0: CurrentMa
    max_ma_1: CurrentMa
    max_ma_2: CurrentMa
    max_ma_3: CurrentMa
    closed_s_0: ClosedS
    closed_s_1: ClosedS
    closed_s_2: ClosedS
    closed_s_3: ClosedS

    def by_circuit(self) -> list[tuple[int, int, int]]:
        """Mean and highest current, and closed time of each circuit."""
        return list(zip(self[2:6], self[6:10], self[10:14], strict=True))


class Lost(NamedTuple):
    """What overflowed its ring undelivered since the board started."""

    minutes: Count
    events: Count


class BeaconFigures(NamedTuple):
    """The highest counter of a beacon obeyed since start, and how many were refused."""

    heard: Count
    refused: Count


class TickFigures(NamedTuple):
    """The board's control cycle since start."""

    longest_ms: Count
    dropped: Count


class OverrideOrder(NamedTuple):
    """A person's order as it stands in a plan: state 0 OFF, 1 ON; until 0 = until cancelled."""

    circuit: CircuitNo
    state: Bit
    until: UnixS


class PlanPrices(NamedTuple):
    """Prices of slots of `step_s` from `start` on, two digits each, see `protocol.prices`."""

    start: UnixS
    step_s: StepS
    packed: PackedPrices


class Message(BaseModel):
    """A JSON document with strict types and no keys but its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    def encode(self) -> bytes:
        """The message as compact JSON."""
        return self.model_dump_json(exclude_none=True).encode()

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """The message in `body`; raises MalformedMessageError with key and value."""
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            breaks_rule = error.errors()[0]["type"] == "value_error"
            raise MalformedMessageError(first_error(error), breaks_rule=breaks_rule) from None


class PlanBody(Message):
    """What a board shall do: slots for each circuit, all overrides, prices if it heeds them;
    charge 0 = its charge key is revoked.
    """

    start: UnixS
    step_s: StepS
    slots: Annotated[tuple[Slots, ...], Field(min_length=1, max_length=MAX_CIRCUITS)]
    overrides: Annotated[
        tuple[Annotated[OverrideOrder, _Array], ...], Field(max_length=MAX_CIRCUITS)
    ]
    price: Annotated[PlanPrices, _Array] | None = None
    charge: Literal[0] | None = None


class Report(Message):
    """The one message up, see PROTOCOL.md for each key."""

    v: Annotated[int, _integer(1, 1)]
    boot: Positive
    seq: Positive
    up_s: Count
    fw: Annotated[str, Field(pattern=r"^[!-~]{1,16}$")]
    reset: ResetCause
    epoch: Annotated[int, _integer(0, MAX_REPORTED_EPOCH)]
    rev: Count
    limit_ma: PhaseMa
    lease_seq: Count
    circuits: Annotated[
        tuple[Annotated[CircuitReading, _Array], ...],
        Field(min_length=1, max_length=MAX_CIRCUITS),
    ]
    events: Annotated[tuple[Annotated[BoardEvent, _Array], ...], Field(max_length=6)]
    minutes: Annotated[tuple[Annotated[Minute, _Array], ...], Field(max_length=4)]
    lost: Annotated[Lost, _Array]
    heap_free: Count
    beacon: Annotated[BeaconFigures, _Array]
    tick: Annotated[TickFigures, _Array]
    refused: Count
    rssi_dbm: SignalDbm | None = None
    meters: Annotated[
        tuple[Annotated[MeterReading, _Array], ...], Field(max_length=MAX_CIRCUITS - 1)
    ] = ()

    @property
    def pair(self) -> tuple[int, int]:
        """(boot, seq): what names this report."""
        return (self.boot, self.seq)

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        numbers = [event.n for event in self.events]
        if numbers != sorted(set(numbers)):
            raise ValueError(f"events: numbers {numbers} do not rise")
        if self.lease_seq >= self.seq:
            raise ValueError(f"lease_seq: {self.lease_seq} is not below seq {self.seq}")
        if any(minute.boot > self.boot for minute in self.minutes):
            raise ValueError(f"minutes: one is of a boot above {self.boot}")
        return self


class Answer(Message):
    """The one message down: time, validity, leases, acknowledgements, and what is new."""

    v: Literal[1] = 1
    boot: Positive
    seq: Positive
    time: UnixS
    valid_s: Count
    lease_ma: PhaseMa
    lease_s: Count
    epoch: Count
    rev: Count
    ack_event: Count
    ack_minutes: tuple[tuple[Positive, Count], ...]
    beacon: Count | None = None
    maintenance: Literal[1] | None = None
    plan: PlanBody | None = None


def first_error(error: ValidationError) -> str:
    """The first fault that pydantic found, with its key and value."""
    first = error.errors(include_url=False, include_context=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    if not key:
        return message
    return f"{key}: {message}, got {shortened(first['input'])}"


def shortened(value: object) -> str:
    """A value as an error names it: ASCII, and not all of it if it is long."""
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."
