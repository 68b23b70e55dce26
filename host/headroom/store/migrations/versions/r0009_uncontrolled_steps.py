"""What was measured of uncontrolled load."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
_Int = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Add the table; minutes from before count as the most that it may have been."""
    op.create_table(
        "uncontrolled_steps",
        sa.Column("feeder", sa.String(32), nullable=False),
        sa.Column("phase", sa.String(2), nullable=False),
        *(
            sa.Column(name, _Int, nullable=False)
            for name in ("step_s", "unix_s", "mean_ma", "max_ma")
        ),
        sa.PrimaryKeyConstraint("feeder", "phase", "step_s", "unix_s"),
    )
    op.create_index("uncontrolled_steps_by_time", "uncontrolled_steps", ["step_s", "unix_s"])
