"""Series of circuits and feeders, and the record of who changed what."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_Int = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make their tables."""
    op.create_table(
        "audit",
        sa.Column("id", _Int, primary_key=True, autoincrement=True),
        *_integers("unix_s"),
        _text("person", 64),
        _text("what", 32),
        _text("target", 128),
        sa.Column("old", sa.Text),
        sa.Column("new", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "circuit_steps",
        sa.Column("board", sa.String(32), sa.ForeignKey("boards.id"), nullable=False),
        *_integers("circuit", "step_s", "unix_s", "mean_ma", "max_ma", "closed_s", "covered_s"),
        sa.Column("from_journal", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("board", "circuit", "step_s", "unix_s"),
    )
    op.create_table(
        "feeder_steps",
        _text("feeder", 32),
        _text("phase", 2),
        *_integers("step_s", "unix_s", "mean_ma", "max_ma", "covered_s", "unmeasured"),
        sa.PrimaryKeyConstraint("feeder", "phase", "step_s", "unix_s"),
    )
    for table in ("circuit_steps", "feeder_steps"):
        op.create_index(f"{table}_by_time", table, ["step_s", "unix_s"])


def _integers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, _Int, nullable=False) for name in names]


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False)
