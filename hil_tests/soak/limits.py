"""Whether limits were kept and breakers spared, by the currents that the plant says have flowed.

What no board can do is left out: what flows through circuits that may not or cannot be opened, and
what a broken sensor hides, as firmware/PROTECTION.md tells of each fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from boards.virtual.board import VirtualBoard
from hil_tests.soak.bench import CRITICAL, LIMIT_A, RATED_A, RATING_A
from tools.benches.breaker import earliest_trip_s

LIMIT_US, TWICE_US = 5_000_000.0, 1_000_000.0
# Contact and window; and what an excess may last after the current has risen at last.
_CONTACT_US, _REACTION_US = 20_000.0, 300_000.0
# Readings may be 2 % low; below a transformer's range nothing is counted.
_READS_LOW, _FLOOR_A = 1.03, 0.15
_HOLDS, _COOLING_S = 1.13, 600.0


@dataclass(frozen=True)
class Impaired:
    """What a fault did to a circuit, or with ``circuit`` None to the whole board, and when.

    From ``blind_after_us`` on its sensor is known to be blind, before that and where it is inf
    nothing is seen; None: it sees. ``slow_us`` is what it adds to the time of any reaction.
    """

    what: str
    circuit: int | None
    from_us: float
    to_us: float
    blind_after_us: float | None = None
    is_welded: bool = False
    slow_us: float = 0.0

    def concerns(self, circuit: int, at_us: float) -> bool:
        """Whether it does that to the circuit then."""
        return self.circuit in (None, circuit) and self.from_us <= at_us < self.to_us


@dataclass(frozen=True)
class Excess:
    """What should not have been: of which rule, from when, for how long, and what it may last."""

    rule: str
    from_us: float
    lasted_us: float
    allowed_us: float

    def __str__(self) -> str:
        return (
            f"{self.rule}: {self.lasted_us / 1e3:.0f} ms from {self.from_us / 1e6:.2f} s on, "
            f"at most {self.allowed_us / 1e3:.0f} ms"
        )


@dataclass(frozen=True)
class _Span:
    """A time without any change: what of each circuit's current could be seen, in A."""

    from_us: float
    to_us: float
    seen_a: tuple[float, ...]
    is_forced: tuple[bool, ...]  # may not or cannot be opened
    is_blind: tuple[bool, ...]


@dataclass(frozen=True)
class _Rule:
    """A current, what it may be for ever, and how long it may be more."""

    name: str
    circuits: tuple[int, ...]
    bound_a: float
    allowed_us: float


def _rules(count: int) -> Iterator[_Rule]:
    every = tuple(range(count))
    yield _Rule("limit", every, LIMIT_A * _READS_LOW, LIMIT_US)
    yield _Rule("twice the limit", every, 2 * LIMIT_A, TWICE_US)
    for i in every:
        if i != CRITICAL:
            yield _Rule(f"circuit {i}", (i,), RATED_A * _READS_LOW, LIMIT_US)
            yield _Rule(f"twice circuit {i}", (i,), 2 * RATED_A, TWICE_US)


class Limits:
    """Looks at stretches of time, one after the other, each ending with nothing in excess."""

    def __init__(self, board: VirtualBoard) -> None:
        self._board = board
        self._count = len(board.plant.circuits)
        self._from_us = board.now_us
        self._spent: dict[str, float] = {}
        self.longest_us: dict[str, float] = {}
        self.most_spent = 0.0

    def check(self, impaired: Sequence[Impaired]) -> list[Excess]:
        """All that should not have been since the last time that this was asked."""
        spans = list(self._spans(impaired))
        self._from_us = self._board.now_us
        found = [e for rule in _rules(self._count) for e in self._excesses(rule, spans, impaired)]
        found += self._spend("feeder's breaker", tuple(range(self._count)), RATING_A, spans)
        for i in range(self._count):
            if i != CRITICAL:
                found += self._spend(f"breaker of circuit {i}", (i,), RATED_A, spans)
        return found

    def _spans(self, impaired: Sequence[Impaired]) -> Iterator[_Span]:
        to_us = self._board.now_us
        times = {self._from_us, to_us}
        for circuit in self._board.plant.circuits:
            times.update(circuit.change_times_us())
        for one in impaired:
            times.update((one.from_us, one.to_us, one.from_us + (one.blind_after_us or 0.0)))
        inside = sorted(t for t in times if self._from_us <= t <= to_us)
        for at_us, end_us in pairwise(inside):
            yield self._span(at_us, end_us, [one for one in impaired if one.to_us > at_us])

    def _span(self, at_us: float, end_us: float, impaired: Sequence[Impaired]) -> _Span:
        seen, forced, blind = [], [], []
        for i, circuit in enumerate(self._board.plant.circuits):
            mine = [one for one in impaired if one.concerns(i, at_us)]
            blinded = [one for one in mine if one.blind_after_us is not None]
            seen.append(_seen_a(circuit.amps_at(at_us), blinded, at_us))
            forced.append(i == CRITICAL or any(one.is_welded for one in mine))
            blind.append(bool(blinded))
        return _Span(at_us, end_us, tuple(seen), tuple(forced), tuple(blind))

    def _excesses(
        self, rule: _Rule, spans: Sequence[_Span], impaired: Sequence[Impaired]
    ) -> Iterator[Excess]:
        since_us: float | None = None
        risen_us = before_a = 0.0
        for span in [*spans, None]:
            current_a = _current_a(rule, span) if span else 0.0
            if span and current_a > before_a:
                risen_us = span.from_us
            before_a = current_a
            if span and current_a > rule.bound_a:
                since_us = span.from_us if since_us is None else since_us
                end_us = span.to_us
            elif since_us is not None:
                yield from self._judge(rule, since_us, risen_us, end_us, impaired)
                since_us = None

    def _judge(
        self,
        rule: _Rule,
        since_us: float,
        risen_us: float,
        end_us: float,
        impaired: Sequence[Impaired],
    ) -> Iterator[Excess]:
        slow_us = max(
            (
                one.slow_us
                for one in impaired
                if one.from_us < end_us and one.to_us + one.slow_us > since_us
            ),
            default=0.0,
        )
        allowed_us = max(rule.allowed_us, min(risen_us, end_us) + _REACTION_US - since_us)
        allowed_us += slow_us + _CONTACT_US
        lasted_us = end_us - since_us
        if not slow_us:
            self.longest_us[rule.name] = max(self.longest_us.get(rule.name, 0.0), lasted_us)
        if lasted_us > allowed_us:
            yield Excess(rule.name, since_us, lasted_us, allowed_us)

    def _spend(
        self, name: str, circuits: tuple[int, ...], rating_a: float, spans: Sequence[_Span]
    ) -> Iterator[Excess]:
        """How much of its lower edge a breaker has been spent; 1 = it may trip."""
        rule = _Rule(name, circuits, rating_a, 0.0)
        spent = self._spent.get(name, 0.0)
        for span in spans:
            multiple = _current_a(rule, span) / rating_a
            rate = 1 / earliest_trip_s("B", multiple) if multiple > _HOLDS else -1 / _COOLING_S
            before, spent = spent, max(spent + rate * (span.to_us - span.from_us) / 1e6, 0.0)
            self.most_spent = max(self.most_spent, spent)
            if before < 1 <= spent:
                yield Excess(name, span.from_us, span.to_us - span.from_us, 0.0)
        self._spent[name] = spent


def _seen_a(amps: float, blinded: Sequence[Impaired], at_us: float) -> float:
    """What a board can know of a current."""
    if amps < _FLOOR_A:
        return 0.0
    if not blinded:
        return amps
    is_known = all(at_us >= one.from_us + (one.blind_after_us or 0.0) for one in blinded)
    return min(amps, RATED_A) if is_known else 0.0


def _current_a(rule: _Rule, span: _Span) -> float:
    """The rule's current then; 0 where nobody could have kept the bound or known of it."""
    if len(rule.circuits) == 1:
        i = rule.circuits[0]
        return 0.0 if span.is_forced[i] or span.is_blind[i] else span.seen_a[i]
    forced_a = sum(span.seen_a[i] for i in rule.circuits if span.is_forced[i])
    return 0.0 if forced_a > rule.bound_a else sum(span.seen_a[i] for i in rule.circuits)
