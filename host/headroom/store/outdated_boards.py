"""Boards whose flash may hold an earlier configuration than the site has."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter
from sqlalchemy import Connection, delete, insert, select, update

from headroom.site.on_board import OnBoard
from headroom.store.tables import outdated_boards

_TABLES = TypeAdapter(tuple[OnBoard, ...])


@dataclass(frozen=True)
class Outdated:
    """What a board may have, oldest first; `boot` is the newest that was known when the site came
    to want something else, `registered` whether the board's key was registered since.
    """

    tables: tuple[OnBoard, ...]
    boot: int
    registered: bool


def replace_outdated(db: Connection, outdated: Mapping[str, Outdated]) -> None:
    """Make these, by board, all there are."""
    db.execute(delete(outdated_boards))
    if outdated:
        db.execute(insert(outdated_boards), [_row(*one) for one in outdated.items()])


def drop_outdated(db: Connection, board: str) -> None:
    """The board has what the site has."""
    db.execute(delete(outdated_boards).where(outdated_boards.c.board == board))


def note_registered(db: Connection, board: str) -> None:
    """The board's key was registered: it is being provisioned."""
    table = outdated_boards
    db.execute(update(table).where(table.c.board == board).values(registered=True))


def outdated_by_board(db: Connection) -> dict[str, Outdated]:
    """All of them."""
    return {
        row.board: Outdated(_TABLES.validate_json(row.tables), row.boot, row.registered)
        for row in db.execute(select(outdated_boards))
    }


def is_registered(db: Connection, board: str) -> bool:
    """Whether an outdated board's key was registered since its configuration changed."""
    query = select(outdated_boards.c.registered).where(outdated_boards.c.board == board)
    return bool(db.execute(query).scalar())


def _row(board: str, known: Outdated) -> dict[str, object]:
    tables = _TABLES.dump_json(known.tables).decode()
    return {"board": board, "boot": known.boot, "registered": known.registered, "tables": tables}
