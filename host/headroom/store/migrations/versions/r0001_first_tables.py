"""The tables of the releases before there were migrations, and what such a store lacks of them.

Those releases made SQLite files of schema 1 to 4, each with some tables more than the one before.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import SchemaItem

from headroom.store.schema import MIGRATED

revision = "0001"
down_revision = None

_Int = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make every table that is not there."""
    _make_reporting_tables()
    _make_order_tables()
    _make_site_tables()
    if op.get_context().dialect.name == "sqlite":
        op.execute(f"PRAGMA user_version={MIGRATED}")


def _make_reporting_tables() -> None:
    _table(
        "boards",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("key", sa.LargeBinary(32), nullable=False),
        *_integers("last_boot", "last_seq"),
        sa.Column("last_body", sa.LargeBinary),
        sa.Column("received_unix_s", _Int),
        *_integers("reports"),
    )
    _table(
        "reports",
        sa.Column("id", _Int, primary_key=True),
        _board(),
        *_integers("boot", "seq", "received_unix_s"),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("board", "boot", "seq"),
    )
    op.create_index("reports_by_board", "reports", ["board", "id"], if_not_exists=True)
    _table(
        "boots",
        _board(),
        *_integers("boot", "started_unix_s"),
        _text("reset", 16),
        _text("fw", 16),
        sa.PrimaryKeyConstraint("board", "boot"),
    )
    currents = [f"{what}_ma_{circuit}" for what in ("mean", "max") for circuit in range(4)]
    _table(
        "minutes",
        _board(),
        *_integers("boot", "minute", *currents, *(f"closed_s_{n}" for n in range(4))),
        sa.PrimaryKeyConstraint("board", "boot", "minute"),
    )
    _table(
        "events",
        sa.Column("id", _Int, primary_key=True, autoincrement=True),
        _board(),
        *_integers("boot", "n", "up_s"),
        _text("kind", 24),
        *_integers("circuit", "value", "received_unix_s"),
        sa.UniqueConstraint("board", "boot", "n"),
        sqlite_autoincrement=True,
    )


def _make_order_tables() -> None:
    _table(
        "plans",
        _board(),
        *_integers("rev"),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("board"),
    )
    _table(
        "overrides",
        _board(),
        *_integers("circuit", "state", "until_unix_s", "set_unix_s"),
        _text("set_by", 64),
        sa.PrimaryKeyConstraint("board", "circuit"),
    )
    _table(
        "schedules",
        _board(),
        *_integers("circuit", "start_unix_s", "step_s"),
        sa.Column("slots", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("board", "circuit"),
    )
    _table(
        "maintenance",
        _board(),
        *_integers("until_unix_s", "set_unix_s", "boot", "acknowledged"),
        _text("set_by", 64),
        sa.PrimaryKeyConstraint("board"),
    )
    _table(
        "charge_revocations",
        _board(),
        *_integers("set_unix_s"),
        _text("set_by", 64),
        sa.PrimaryKeyConstraint("board"),
    )


def _make_site_tables() -> None:
    _table("figures", sa.Column("name", sa.String(32), primary_key=True), *_integers("value"))
    _table(
        "leases",
        sa.Column("id", _Int, primary_key=True),
        _text("feeder", 32),
        _text("board", 32),
        *_integers("boot", "seq", "l1_ma", "l2_ma", "l3_ma", "lease_s"),
    )
    op.create_index("ix_leases_board", "leases", ["board"], if_not_exists=True)
    _table(
        "prices",
        sa.Column("id", _Int, primary_key=True),
        *_integers("start_unix_s", "step_s", "set_unix_s"),
        _text("set_by", 64),
        sa.Column("eur_mwh", sa.Text, nullable=False),
    )
    _table(
        "tokens",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("sha256", sa.LargeBinary(32), nullable=False, unique=True),
        *_integers("made_unix_s"),
    )
    _table(
        "sessions",
        sa.Column("sha256", sa.LargeBinary(32), primary_key=True),
        sa.Column(
            "token",
            sa.String(64),
            sa.ForeignKey("tokens.name", ondelete="CASCADE"),
            nullable=False,
        ),
        *_integers("ends_unix_s"),
    )


def _table(name: str, *parts: SchemaItem, **options: bool) -> None:
    op.create_table(name, *parts, if_not_exists=True, **options)


def _integers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, _Int, nullable=False) for name in names]


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False)


def _board() -> sa.Column[str]:
    return sa.Column("board", sa.String(32), sa.ForeignKey("boards.id"), nullable=False)
