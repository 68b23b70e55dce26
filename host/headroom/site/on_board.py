"""What of a site lies in a board's own flash, and gets there when the board is provisioned."""

from pydantic import BaseModel, ConfigDict

from headroom.site.model import Board, PerPhase, PlacedSensor, Site

_ANY_PRIORITY = 1


class OnBoard(BaseModel):
    """A board's table, the rating of its feeder, and its sensors without relay.

    Priorities are left out: who changes them changes leases, and need not go to the board.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    board: Board
    rating_ma: PerPhase
    sensors: tuple[PlacedSensor, ...]


def on_board(site: Site, board: Board) -> OnBoard:
    """What provisioning puts onto a board of that site."""
    return OnBoard(
        board=with_priorities_of(board, None),
        rating_ma=site.feeder(board.feeder).rating_ma,
        sensors=site.sensors_of(board.id),
    )


def with_priorities_of(board: Board, other: Board | None) -> Board:
    """A board with another's priorities; with None all alike."""
    ranks = [circuit.priority for circuit in other.circuits] if other else []
    ranks += [_ANY_PRIORITY] * (len(board.circuits) - len(ranks))
    circuits = tuple(
        circuit.model_copy(update={"priority": rank})
        for circuit, rank in zip(board.circuits, ranks, strict=False)
    )
    priority = other.priority if other else _ANY_PRIORITY
    return board.model_copy(update={"priority": priority, "circuits": circuits})
