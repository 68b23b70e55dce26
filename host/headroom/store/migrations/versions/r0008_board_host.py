"""Where a board's newest report came from."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the column; it is null until the next report."""
    op.add_column("boards", sa.Column("host", sa.String(64)))
