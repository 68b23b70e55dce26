"""Why a relay is as it is, in words for people."""

from headroom.protocol.messages import CircuitReading, Reason

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
