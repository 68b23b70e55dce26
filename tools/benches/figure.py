"""What a bench is asked for, and what it gives: figures, each beside its target and reference."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

Value = float | str | None

# A line's keys, in the order that readers expect.
KEYS = (
    "bench",
    "figure",
    "value",
    "unit",
    "target",
    "ok",
    "reference",
    "reference_value",
    "command",
)


@dataclass(frozen=True)
class Options:
    """How to measure: ``quick`` is for tests, ``hours`` of virtual time are for `heap`."""

    quick: bool = False
    hours: float = 24
    seed: int = 1

    def command(self, bench: str) -> str:
        """What somebody types to have the same again."""
        words = ["tools/bench.py", bench]
        words += ["--quick"] if self.quick else []
        words += [f"--hours {self.hours:g}"] if bench == "heap" and self.hours != 24 else []
        words += [f"--seed {self.seed}"] if self.seed != 1 else []
        return " ".join(words)

    def figure(
        self,
        bench: str,
        what: str,
        value: Value,
        unit: str,
        target: float | None = None,
        reference: str | None = None,
        reference_value: Value = None,
    ) -> Figure:
        """A figure of a bench that was asked for so."""
        command = self.command(bench)
        return Figure(bench, what, value, unit, command, target, reference, reference_value)


@dataclass(frozen=True)
class Figure:
    """One line of a bench's result; ``target`` is the most that ``value`` may be."""

    bench: str
    figure: str
    value: Value
    unit: str
    command: str
    target: float | None = None
    reference: str | None = None
    reference_value: Value = None

    @property
    def ok(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        if self.target is None:
            return None
        return isinstance(self.value, float | int) and self.value <= self.target

    def as_json(self) -> str:
        """One line."""
        given = asdict(self) | {"ok": self.ok}
        return json.dumps({key: given[key] for key in KEYS}, ensure_ascii=False)


def percentile(values: Sequence[float], share: float) -> float:
    """The least value that at least ``share`` of all do not exceed; share 0.95 is the 95th
    percentile. Raises IndexError when there are none.
    """
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]
