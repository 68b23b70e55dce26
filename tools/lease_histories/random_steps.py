"""What random histories have in common: which step comes, what is on its way, and the rule."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from typing import Generic, TypeVar

from headroom.allocation.tree import Tree
from headroom.phases import PHASES, PhaseMa, total

Message = TypeVar("Message")


class Violation(AssertionError):
    """A rule was broken: by which seed, at which step, where."""


class RandomSteps(Generic[Message]):
    """A history by its seed. A public method without arguments is a step that may come any time.

    Subclasses add theirs, and say by `_arrive` what a message does and by `check` what holds.
    """

    def __init__(
        self,
        seed: int,
        usual: Mapping[str, int],
        troubles: Mapping[str, int],
        only: Collection[str] | None = None,
    ) -> None:
        """How often each step comes. Of the troubles a history has some and not others, or those
        in `only`: where everything goes wrong at once, nobody holds enough for a mistake to show.
        """
        self.seed = seed
        self.random = random.Random(seed)
        self.t = 0.0
        self.steps = 0
        drawn = [name for name in troubles if self.random.random() < 0.5]
        some = {name: troubles[name] for name in (drawn if only is None else only)}
        self._weights = {**usual, **some}
        self._flying: list[Message] = []

    def step(self) -> None:
        """One of them, by the seed; then the rule."""
        (name,) = self.random.choices(list(self._weights), list(self._weights.values()))
        getattr(self, name)()
        self.steps += 1
        self.check(name)

    def deliver(self) -> None:
        """Any message arrives, however old."""
        if self._flying:
            place = self.random.randrange(len(self._flying))
            if self.random.random() < 0.6:
                place = len(self._flying) - 1
            self._arrive(self._flying.pop(place))

    def lose(self) -> None:
        """Any message is lost."""
        if self._flying:
            self._flying.pop(self.random.randrange(len(self._flying)))

    def repeat(self) -> None:
        """Any message will arrive twice."""
        if self._flying:
            self._flying.append(self.random.choice(self._flying))

    def check(self, step: str) -> None:
        """What holds after every step; raises Violation."""
        raise NotImplementedError

    def compare(
        self,
        step: str,
        tree: Tree,
        used_ma: Mapping[str, PhaseMa],
        limits_ma: Mapping[str, PhaseMa],
    ) -> None:
        """The lease rule: what boards may use beside uncontrolled load, at every feeder of theirs
        on every phase, is within its limit. Raises Violation.
        """
        for feeder, limit_ma in limits_ma.items():
            behind = [ma for name, ma in used_ma.items() if feeder in tree.chain_of(name)]
            sum_ma = total([tree.uncontrolled_ma[feeder], *behind])
            for phase, carried, limit in zip(PHASES, sum_ma, limit_ma, strict=True):
                if carried > limit:
                    self.fail(
                        step,
                        f"{feeder} may carry {carried} mA of {limit} on {phase}; "
                        f"boards use {dict(used_ma)}",
                    )

    def fail(self, step: str, what: str) -> None:
        """Raise Violation."""
        raise Violation(f"seed {self.seed}, step {self.steps} ({step}): {what}")

    def _arrive(self, message: Message) -> None:
        raise NotImplementedError
