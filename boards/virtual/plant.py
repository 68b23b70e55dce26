"""What the board is wired to: loads behind relay contacts, and the meter that knows the truth.

Nothing here tells the firmware an RMS value: it announces amplitudes and contact changes with
their times, and the converter model beside the interpreter turns them into conversions of a
waveform.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from boards.virtual.pins import Pins

# A 10 A relay of the SRD-05VDC class: at most 10 ms to operate, 5 ms to release (maker's data
# sheet).
OPERATE_US = 7_000
RELEASE_US = 4_000

# A tick may run on past the end of a slice of time; what changes until then has to be known to the
# converter.
LOOK_AHEAD_US = 500_000

Change = list[object]  # [channel, what, at_us, value] as waveform.mjs takes it


class Load(Protocol):
    """A load's RMS current while its contact is closed, constant between changes."""

    def amps(self, at_s: float) -> float:
        """The current from ``at_s`` to the next change."""
        ...

    def next_change_s(self, after_s: float) -> float:
        """When it changes next; ``math.inf`` if never."""
        ...


@dataclass(frozen=True)
class Constant:
    """The same current for ever."""

    value_a: float

    def amps(self, at_s: float) -> float:  # noqa: ARG002
        """See Load."""
        return self.value_a

    def next_change_s(self, after_s: float) -> float:  # noqa: ARG002
        """See Load."""
        return math.inf


@dataclass(frozen=True)
class Script:
    """Currents by time: ``steps`` is a sequence of (from_s, amps) in rising order; zero before the
    first.
    """

    steps: Sequence[tuple[float, float]]

    def amps(self, at_s: float) -> float:
        """See Load."""
        index = bisect.bisect_right([start for start, _ in self.steps], at_s)
        return self.steps[index - 1][1] if index else 0.0

    def next_change_s(self, after_s: float) -> float:
        """See Load."""
        index = bisect.bisect_right([start for start, _ in self.steps], after_s)
        return self.steps[index][0] if index < len(self.steps) else math.inf


@dataclass(frozen=True)
class Trace:
    """Measured currents, one every ``step_s``; repeats after the last."""

    values_a: Sequence[float]
    step_s: float

    def amps(self, at_s: float) -> float:
        """See Load."""
        return self.values_a[int(at_s // self.step_s) % len(self.values_a)]

    def next_change_s(self, after_s: float) -> float:
        """See Load."""
        return (after_s // self.step_s + 1) * self.step_s


@dataclass
class Steps:
    """A value that changes in steps, remembered whole: ``times_us[i]`` is when it became
    ``values[i]``.
    """

    times_us: list[float] = field(default_factory=lambda: [-math.inf])
    values: list[float] = field(default_factory=lambda: [0.0])

    def set(self, at_us: float, value: float) -> None:
        """From ``at_us`` on it is ``value``; what was announced for later is forgotten."""
        keep = bisect.bisect_left(self.times_us, at_us)
        del self.times_us[max(keep, 1) :], self.values[max(keep, 1) :]
        self.times_us.append(at_us)
        self.values.append(value)

    def at(self, t_us: float) -> float:
        """The value at a time."""
        return self.values[bisect.bisect_right(self.times_us, t_us) - 1]


@dataclass(frozen=True)
class Wiring:
    """How one circuit is wired: relay pin, sensor input, phase 1..3, and its sensor.

    Without a pin there is no relay: its load is always on.

    Inputs 0..3 are the ADS1115's with a current transformer each; 4..7 are shunts, each with an
    INA226 at 0x40..0x43, for loads of direct current (a negative one flows backwards).
    """

    pin: int | None
    channel: int
    phase: int
    ct_amps_per_volt: float = 30.0
    shunt_ohms: float = 0.0


class Circuit:
    """One relay, its contact, its load and what flows."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.load: Load = Constant(0.0)
        self.load_since_us = 0.0
        self.load_a = Steps()
        self.coil = Steps()
        self.contact = Steps([-math.inf], [float(wiring.pin is None)])
        self.fault = "none"  # none, welded, not_closing
        self._announced_us = -math.inf

    def set_load(self, load: Load, now_us: float) -> list[Change]:
        """Replace the load; its own time starts now."""
        self.load, self.load_since_us = load, now_us
        self._announced_us = now_us
        return [self._announce_load(now_us, load.amps(0.0))]

    def announce(self, until_us: float) -> list[Change]:
        """The load's changes from where this was last asked up to ``until_us``."""
        changes: list[Change] = []
        while True:
            # Half a microsecond on, so that rounding finds no change twice and none before itself.
            after_s = (self._announced_us - self.load_since_us + 0.5) / 1e6
            at_us = self.load_since_us + self.load.next_change_s(after_s) * 1e6
            if at_us > until_us:
                return changes
            self._announced_us = at_us
            changes.append(
                self._announce_load(
                    at_us, self.load.amps((at_us - self.load_since_us + 0.5) / 1e6)
                )
            )

    def _announce_load(self, at_us: float, amps: float) -> Change:
        self.load_a.set(at_us, amps)
        return [self.wiring.channel, "load", at_us, amps]

    def set_coil(self, energised: bool, now_us: float) -> list[Change]:
        """Power the relay's coil or not; the contact follows with its delay, or stays if it is
        faulty.
        """
        if bool(self.coil.at(now_us)) == energised:
            return []
        self.coil.set(now_us, float(energised))
        return self._move_contact(now_us + (OPERATE_US if energised else RELEASE_US), energised)

    def set_fault(self, fault: str, now_us: float) -> list[Change]:
        """``welded``: the contact stays closed.

        ``not_closing``: it stays open. ``none``: it obeys again.
        """
        if fault not in ("none", "welded", "not_closing"):
            raise ValueError(f"relay fault {fault!r}: one of none, welded, not_closing")
        self.fault = fault
        if fault == "not_closing":
            return self._move_contact(now_us, False)
        if fault == "none":
            return self._move_contact(now_us, bool(self.coil.at(now_us)))
        return []

    def _move_contact(self, at_us: float, closed: bool) -> list[Change]:
        if self.fault == "welded" and not closed:
            return []
        closed = closed and self.fault != "not_closing"
        self.contact.set(at_us, float(closed))
        return [[self.wiring.channel, "contact", at_us, int(closed)]]

    def amps_at(self, t_us: float) -> float:
        """The current that flows, RMS."""
        return self.load_a.at(t_us) * self.contact.at(t_us)

    def change_times_us(self) -> Iterable[float]:
        """Every time at which its current may have changed."""
        return (*self.load_a.times_us, *self.contact.times_us)


def unit(samples: Sequence[float]) -> list[float]:
    """The same shape without its mean, 1 A RMS. Raises ValueError if all samples are alike."""
    mean = sum(samples) / max(len(samples), 1)
    rms = math.sqrt(sum((s - mean) ** 2 for s in samples) / max(len(samples), 1))
    if rms == 0:
        raise ValueError(f"{len(samples)} samples, all alike: no cycle of a current")
    return [(s - mean) / rms for s in samples]


class Plant:
    """The circuits of one board."""

    def __init__(self, wirings: Sequence[Wiring]) -> None:
        self.circuits = [Circuit(wiring) for wiring in wirings]

    def announce(self, until_us: float) -> list[Change]:
        """All changes of loads up to a time, and a little beyond."""
        return [c for circuit in self.circuits for c in circuit.announce(until_us + LOOK_AHEAD_US)]

    def follow(self, pins: Pins, now_us: float) -> list[Change]:
        """Carry the coils' states over to the contacts of the circuits on them."""
        changes: list[Change] = []
        for circuit in self.circuits:
            if circuit.wiring.pin is not None:
                relay = pins.map.relay_pins.index(circuit.wiring.pin)
                changes += circuit.set_coil(pins.coil(relay), now_us)
        return changes

    def restate(self) -> list[Change]:
        """Everything a freshly started converter has to know: past and announced."""
        changes: list[Change] = []
        for circuit in self.circuits:
            for what, steps in (("load", circuit.load_a), ("contact", circuit.contact)):
                recent = list(zip(steps.times_us, steps.values, strict=True))[-20:]
                changes += [[circuit.wiring.channel, what, max(t, 0.0), v] for t, v in recent]
        return changes

    def phase_amps(self, phase: int, t_us: float) -> float:
        """The current on one phase; loads count as in phase with each other, the worst case."""
        return sum(c.amps_at(t_us) for c in self.circuits if c.wiring.phase == phase)


def phase_current(plants: Iterable[Plant], phase: int, from_us: float, to_us: float) -> Steps:
    """The meter of a feeder: total current of several boards on one phase, as steps from
    ``from_us`` to ``to_us``.
    """
    circuits = [c for plant in plants for c in plant.circuits if c.wiring.phase == phase]
    times = {t for c in circuits for t in c.change_times_us() if from_us < t < to_us}
    total = Steps()
    for t in sorted({from_us, *times}):
        total.set(t, sum(c.amps_at(t) for c in circuits))
    return total


def longest_above(current_a: Steps, limit_a: Steps, to_us: float) -> float:
    """The longest stretch, in ms, for which a current was above a limit that itself changes in
    steps.
    """
    longest = 0.0
    since: float | None = None
    times = sorted({t for t in (*current_a.times_us, *limit_a.times_us) if -math.inf < t < to_us})
    for t in [*times, to_us]:
        above = t < to_us and current_a.at(t) > limit_a.at(t) * (1 + 1e-9)
        if above and since is None:
            since = t
        elif not above and since is not None:
            longest, since = max(longest, t - since), None
    return longest / 1000
