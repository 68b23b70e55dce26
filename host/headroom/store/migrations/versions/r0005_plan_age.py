"""When a plan was made; of those from before nobody knows."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column."""
    made = sa.Column("made_unix_s", sa.BigInteger().with_variant(sa.Integer, "sqlite"))
    op.add_column("plans", made)
