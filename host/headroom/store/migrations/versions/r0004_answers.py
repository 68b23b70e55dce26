"""What an answer needs of a board stands with it: its newest event, how long its plan holds."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_Int = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add both columns. A plan that is not known to hold is made anew before it is sent."""
    op.add_column("boards", _counter("last_event"))
    op.add_column("plans", _counter("holds_until_unix_s"))
    op.execute(
        "UPDATE boards SET last_event = COALESCE((SELECT max(n) FROM events"
        " WHERE events.board = boards.id AND events.boot = boards.last_boot), 0)"
    )


def _counter(name: str) -> sa.Column[int]:
    return sa.Column(name, _Int, nullable=False, server_default="0")
