"""Boards whose flash may hold an earlier configuration than the site has."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
_Int = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "outdated_boards",
        sa.Column("board", sa.String(32), sa.ForeignKey("boards.id"), nullable=False),
        sa.Column("boot", _Int, nullable=False),
        sa.Column("registered", sa.Boolean, nullable=False),
        sa.Column("tables", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("board"),
    )
