"""Why a relay is as it is, what its sensor says and what happened, in words for people."""

from typing import get_args

from headroom.coordinator.maintenance import OrderState
from headroom.phases import Phase, phase_index
from headroom.protocol.messages import MEASURED, BoardEvent, CircuitReading, Reason, SensorState
from headroom.site import Meter

_WHY: dict[Reason, str] = {
    "plan": "as planned",
    "override": "ordered by hand",
    "shed_feeder": "the feeder was over its limit",
    "shed_circuit": "the circuit was over its own limit",
    "price": "power is dear now",
    "hold": "waiting before it may switch again",
    "safe_link": "coordinator lost, safe state",
    "safe_sensor": "sensor fault, safe state",
    "safe_boot": "kept off since the start, safe state",
    "default": "by default",
}


def reason_text(reading: CircuitReading) -> str:
    """State and reason of a relay in one short phrase."""
    if reading.closed:
        return f"on: {_WHY[reading.reason]}"
    shed = reading.reason in ("shed_feeder", "shed_circuit")
    return f"{'shed' if shed else 'off'}: {_WHY[reading.reason]}"


_SENSOR: dict[SensorState, str] = {
    "ok": "",
    "below_range": "less than the sensor can measure",
    "saturated": "more than the sensor can measure",
    "spiky": "current in spikes, which read low: counted higher",
    "missing": "sensor missing",
    "stale": "sensor reading too old",
    "frozen": "sensor frozen",
    "impossible": "sensor reading impossible",
}


def sensor_text(reading: CircuitReading) -> str:
    """What is to be known of a reading besides its number; mostly nothing."""
    if reading.closed or reading.sensor not in MEASURED:
        return _SENSOR[reading.sensor]
    return "current flows although the relay is off" if reading.current_ma else ""


def uncontrolled_text(meter: Meter | None, phase: Phase, measured: bool) -> str:
    """How a feeder's uncontrolled load is known; nothing of a fixed one."""
    if meter is None or not meter.max_ma[phase_index(phase)]:
        return ""
    sensor = meter.sensors.get(phase)
    if not measured:
        source = f"{sensor.board} input A{sensor.channel}" if sensor else "its meter"
        return f"no fresh reading of {source}: the most it may be"
    if sensor is None:
        return "by its meter"
    where = "the main" if sensor.measures == "main" else "its branch"
    return f"measured on {where} by {sensor.board}"


# From how many dBm on a signal is called so, and how many of four bars it has. Below -80 packets
# get lost, below -90 few arrive.
_SIGNAL = ((-60, "strong"), (-70, "good"), (-80, "fair"), (-90, "weak"))


def signal_text(rssi_dbm: int) -> str:
    """A signal's strength in a word."""
    return next((word for least, word in _SIGNAL if rssi_dbm >= least), "hardly any")


def signal_bars(rssi_dbm: int) -> int:
    """How many of four bars it has."""
    return sum(rssi_dbm >= least for least, _ in _SIGNAL)


def maintenance_text(state: OrderState, stale: bool) -> str:
    """What became of an order for maintenance; nothing once the board is back."""
    return "" if state == "acknowledged" and not stale else _MAINTENANCE[state]


_MAINTENANCE: dict[OrderState, str] = {
    "ordered": "ordered into maintenance",
    "sent": "ordered into maintenance",
    "acknowledged": "in maintenance",
    "lapsed": "started anew without a word on its order for maintenance",
    "expired": "its order for maintenance came too late",
}


def event_text(event: BoardEvent) -> str:
    """An event in a few words; where value 0 means that something has ended, others."""
    if event.kind in _EDGES and 0 <= event.value < len(_REASONS):
        return f"{_EDGES[event.kind]}: {_WHY[_REASONS[event.value]]}"
    if event.kind == "sensor" and 0 < event.value < len(_STATES):
        return _SENSOR[_STATES[event.value]]
    texts = _TEXTS.get(event.kind)
    if texts is None:
        return event.kind
    began, ended = texts
    value = event.value
    if not value:
        return ended
    return began.format(
        value=value, amps=f"{value / 1000:.1f}", hours=f"{value / 3600:.1f}", minutes=value // 60
    )


_REASONS: tuple[Reason, ...] = get_args(Reason)
_STATES: tuple[SensorState, ...] = get_args(SensorState)
# A relay's edges; their value is the index of their reason.
_EDGES = {"open": "off", "close": "on", "shed": "shed", "restore": "on again"}
_TEXTS = {
    "plan": ("obeys plan {value}", "obeys a coordinator without plan"),
    "overload": ("over a limit by {amps} A, and nothing left to open", ""),
    "maintenance": ("", "goes into maintenance, as ordered"),
    "charge": ("ordered on at the board for {minutes} min", "order at the board ended"),
    "safe_boot": ("too many starts failed: all off for {minutes} min", ""),
    "wifi_was_reset": ("", "started anew, because nothing came over its Wi-Fi"),
    "flash_failed": ("", "flash could not be written"),
    "state_lost": ("", "stored orders cannot be read: all off until the plan is here"),
    "uncalibrated": ("", "calibration damaged or of another range: not used"),
    "sensor": ("sensor fault", "sensor reading good again"),
    "welded": ("welded: {amps} A through an open relay", "no longer welded"),
    "no_load": ("no current for {hours} h while on", "current again"),
    "breaking": ("kept on: {amps} A are left to the breaker", "current has fallen, may open"),
}
