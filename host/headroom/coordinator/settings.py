"""What an operator chooses about answers to boards."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """How long boards may go on without another answer."""

    lease_s: int = 30
    valid_s: int = 120
