"""What `headroom doctor` says: one finding is one thing, what is wrong with it, and a way out."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """`error`: it does not work or a limit does not hold; `warning`: it may not, some day."""

    level: Literal["error", "warning"]
    thing: str
    what: str
    way_out: str

    def __str__(self) -> str:
        return f"{self.level}: {self.thing}: {self.what}; {self.way_out}"
