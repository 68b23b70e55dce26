"""Tokens get a role; those made before could do everything, and still can."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column."""
    role = sa.Column("role", sa.String(8), nullable=False, server_default="admin")
    op.add_column("tokens", role)
