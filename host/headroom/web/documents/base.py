"""What the documents are made of."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from headroom.phases import PHASES, PhaseMa
from headroom.protocol.messages import BOARD_ID_PATTERN
from headroom.protocol.messages import CircuitNo as CircuitNo

BoardId = Annotated[str, Field(pattern=BOARD_ID_PATTERN)]
FeederId = BoardId
# PostgreSQL's text takes no NUL, and no name has a control character.
Text = Annotated[str, Field(pattern=r"^[^\x00-\x1f]*$")]
UnixS = Annotated[int, Field(description="Seconds since 1970-01-01 UTC.")]


class Document(BaseModel):
    """A JSON object that leaves this server."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ByPhaseMa(Document):
    """A current on each phase, in mA; 0 where there is no such phase."""

    L1: int
    L2: int
    L3: int

    @classmethod
    def of(cls, values: PhaseMa) -> Self:
        """Of currents in the order of the phases."""
        return cls(**dict(zip(PHASES, values, strict=True)))
