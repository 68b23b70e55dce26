"""Tables. Times are Unix seconds, currents mA; a column named otherwise says so."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy import PrimaryKeyConstraint as Key

from headroom.protocol.messages import Minute

metadata = MetaData()

# PostgreSQL's own INTEGER ends at 2^31 - 1: before Unix seconds do, and before a large site's
# count of rows. SQLite's has 64 bits, and only a key of that very name counts up by itself.
Int = BigInteger().with_variant(Integer, "sqlite")


def _integers(*names: str) -> list[Column[int]]:
    return [Column(name, Int, nullable=False) for name in names]


def _board() -> Column[str]:
    return Column("board", String(32), ForeignKey("boards.id"), nullable=False)


# Figures that belong to the whole store, such as the epoch.
figures = Table(
    "figures", metadata, Column("name", String(32), primary_key=True), *_integers("value")
)

# A board's key and its newest accepted report, kept whole: an exact repeat is one of equal bytes.
boards = Table(
    "boards",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("key", LargeBinary(32), nullable=False),
    Column("last_boot", Int, nullable=False, default=0),
    Column("last_seq", Int, nullable=False, default=0),
    Column("last_body", LargeBinary),
    Column("last_event", Int, nullable=False, default=0, server_default="0"),
    Column("received_unix_s", Int),
    Column("reports", Int, nullable=False, default=0),
    Column("host", String(64)),
)

# Accepted reports as they came, for the time that the site's `[retention]` says.
reports = Table(
    "reports",
    metadata,
    Column("id", Int, primary_key=True),
    _board(),
    *_integers("boot", "seq", "received_unix_s"),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("board", "boot", "seq"),
    Index("reports_by_board", "board", "id"),
)

# When each boot of a board began, from the first report of it; dates uptimes.
boots = Table(
    "boots",
    metadata,
    _board(),
    *_integers("boot", "started_unix_s"),
    Column("reset", String(16), nullable=False),
    Column("fw", String(16), nullable=False),
    Key("board", "boot"),
)

minutes = Table(
    "minutes", metadata, _board(), *_integers(*Minute._fields), Key("board", "boot", "minute")
)

# `id` orders events as they came in, so that a reader can go on where it stopped.
events = Table(
    "events",
    metadata,
    Column("id", Int, primary_key=True, autoincrement=True),
    _board(),
    *_integers("boot", "n", "up_s"),
    Column("kind", String(24), nullable=False),
    *_integers("circuit", "value", "received_unix_s"),
    UniqueConstraint("board", "boot", "n"),
    sqlite_autoincrement=True,
)

# Not tied to `boards`: a lease binds its feeder even when its board has left the site.
leases = Table(
    "leases",
    metadata,
    Column("id", Int, primary_key=True),
    Column("feeder", String(32), nullable=False),
    Column("board", String(32), nullable=False, index=True),
    *_integers("boot", "seq", "l1_ma", "l2_ma", "l3_ma", "lease_s"),
)

# A plan is up to date until the first of its orders expires; orders that are given revise it.
plans = Table(
    "plans",
    metadata,
    _board(),
    Column("made_unix_s", Int),
    *_integers("rev"),
    Column("body", Text, nullable=False),
    Column("holds_until_unix_s", Int, nullable=False, server_default="0"),
    Key("board"),
)

overrides = Table(
    "overrides",
    metadata,
    _board(),
    *_integers("circuit", "state", "until_unix_s", "set_unix_s"),
    Column("set_by", String(64), nullable=False),
    Key("board", "circuit"),
)

schedules = Table(
    "schedules",
    metadata,
    _board(),
    *_integers("circuit", "start_unix_s", "step_s"),
    Column("slots", Text, nullable=False),
    Key("board", "circuit"),
)

# The site's prices, one row at most: JSON of a list of EUR/MWh, one a slot.
prices = Table(
    "prices",
    metadata,
    Column("id", Int, primary_key=True),
    *_integers("start_unix_s", "step_s", "set_unix_s"),
    Column("set_by", String(64), nullable=False),
    Column("eur_mwh", Text, nullable=False),
)

# Orders for maintenance; `boot` is the one that the order was sent to, 0 = not sent.
maintenance = Table(
    "maintenance",
    metadata,
    _board(),
    *_integers("until_unix_s", "set_unix_s", "boot", "acknowledged"),
    Column("set_by", String(64), nullable=False),
    Key("board"),
)

# Boards whose charge key a person has revoked.
charge_revocations = Table(
    "charge_revocations",
    metadata,
    _board(),
    *_integers("set_unix_s"),
    Column("set_by", String(64), nullable=False),
    Key("board"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("sha256", LargeBinary(32), nullable=False, unique=True),
    Column("role", String(8), nullable=False),
    *_integers("made_unix_s"),
)

# Sessions of the page; they end with the token that they were opened with.
sessions = Table(
    "sessions",
    metadata,
    Column("sha256", LargeBinary(32), primary_key=True),
    Column("token", String(64), ForeignKey("tokens.name", ondelete="CASCADE"), nullable=False),
    *_integers("ends_unix_s"),
)

# Each opens one session in the name of a token, and is gone then.
sign_in_codes = Table(
    "sign_in_codes",
    metadata,
    Column("sha256", LargeBinary(32), primary_key=True),
    Column("token", String(64), ForeignKey("tokens.name", ondelete="CASCADE"), nullable=False),
    *_integers("ends_unix_s"),
)

# What changed by whom; old and new are JSON of the row, null where there was or is none.
audit = Table(
    "audit",
    metadata,
    Column("id", Int, primary_key=True, autoincrement=True),
    *_integers("unix_s"),
    Column("person", String(64), nullable=False),
    Column("what", String(32), nullable=False),
    Column("target", String(128), nullable=False),
    Column("old", Text),
    Column("new", Text),
    sqlite_autoincrement=True,
)

# What people changed of the site since its file was read: JSON of a value by thing and key.
site_changes = Table(
    "site_changes",
    metadata,
    Column("thing", String(100), nullable=False),
    Column("key", String(32), nullable=False),
    Column("value", Text, nullable=False),
    Key("thing", "key"),
)

# Boards whose flash may hold an earlier configuration: JSON of their earlier tables, the newest
# boot known when the last one changed, and whether their key was registered since.
outdated_boards = Table(
    "outdated_boards",
    metadata,
    _board(),
    *_integers("boot"),
    Column("registered", Boolean, nullable=False),
    Column("tables", Text, nullable=False),
    Key("board"),
)

# See `history.steps` for the meaning of a row; a step is 60 s or 900 s long.
circuit_steps = Table(
    "circuit_steps",
    metadata,
    _board(),
    *_integers("circuit", "step_s", "unix_s", "mean_ma", "max_ma", "closed_s", "covered_s"),
    Column("from_journal", Boolean, nullable=False),
    Key("board", "circuit", "step_s", "unix_s"),
    Index("circuit_steps_by_time", "step_s", "unix_s"),
)

# What metered feeders carried beside their circuits; see `history.uncontrolled`.
uncontrolled_steps = Table(
    "uncontrolled_steps",
    metadata,
    Column("feeder", String(32), nullable=False),
    Column("phase", String(2), nullable=False),
    *_integers("step_s", "unix_s", "mean_ma", "max_ma"),
    Key("feeder", "phase", "step_s", "unix_s"),
    Index("uncontrolled_steps_by_time", "step_s", "unix_s"),
)

# Not tied to the site: a feeder may leave it, what it carried stays.
feeder_steps = Table(
    "feeder_steps",
    metadata,
    Column("feeder", String(32), nullable=False),
    Column("phase", String(2), nullable=False),
    *_integers("step_s", "unix_s", "mean_ma", "max_ma", "covered_s", "unmeasured"),
    Key("feeder", "phase", "step_s", "unix_s"),
    Index("feeder_steps_by_time", "step_s", "unix_s"),
)
