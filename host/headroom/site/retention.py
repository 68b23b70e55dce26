"""How long what boards reported is kept: the `[retention]` table of the site file."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Days = Annotated[int, Field(ge=1, le=36_500)]


class Retention(BaseModel):
    """Ages, and a size that beats them: what is above it goes earlier, the oldest first."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    # Whole, as they came: a board that reports every 10 s sends 9 MB a day.
    reports_days: Days = 2
    # Journal minutes, and series in steps of a minute: half a MB a day for four circuits.
    minutes_days: Days = 90
    quarters_days: Days = 3650
    events_days: Days = 730
    audit_days: Days = 3650
    most_mb: Annotated[int, Field(ge=10)] = 4000
