"""Codes that open a session each."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "sign_in_codes",
        sa.Column("sha256", sa.LargeBinary(32), primary_key=True),
        sa.Column(
            "token",
            sa.String(64),
            sa.ForeignKey("tokens.name", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column(
            "ends_unix_s", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False
        ),
    )
