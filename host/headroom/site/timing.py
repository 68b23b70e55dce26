"""When a board acts: the `timing` table of a board in the site file."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic import model_validator as check

Delay = Annotated[int, Field(ge=0, le=600)]


class Timing(BaseModel):
    """What firmware/node/config.py takes, with its defaults: a table that a board would refuse is
    refused here.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    # One window of one circuit.
    tick_ms: Annotated[int, Field(ge=25, le=200)] = 40
    # Any excess over a limit is gone by then.
    limit_s: Annotated[int, Field(ge=1, le=60)] = 5
    # Before what was shed comes back; doubles with each time, to the cap.
    restore_wait_s: Annotated[int, Field(ge=1, le=3600)] = 30
    restore_cap_s: Annotated[int, Field(ge=1, le=86_400)] = 480
    # Then one circuit is tried although it may not fit.
    retry_s: Annotated[int, Field(ge=1, le=86_400)] = 300
    # Between one circuit and the next after a start: at random from the first to the second.
    boot_delay_s: tuple[Delay, Delay] = (2, 10)

    @check(mode="after")
    def _delays_in_order(self) -> Self:
        low_s, high_s = self.boot_delay_s
        if low_s > high_s:
            raise ValueError(f"boot_delay_s: {low_s} is above {high_s}; give the lower one first")
        return self
