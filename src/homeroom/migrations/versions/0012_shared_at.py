"""A project keeps the moment at which it was first shared.

Of projects that an older version shared, that moment is not known: one that was never changed was shared
when it was made, and of another it is put before its last change.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None
backward_compatible = True


def upgrade() -> None:
    op.add_column("projects", sa.Column("shared_at", sa.DateTime(timezone=True)))
    op.execute(
        "UPDATE projects SET shared_at = CASE version WHEN 1 THEN updated_at ELSE created_at END"
        " WHERE visibility <> 'draft'"
    )


def downgrade() -> None:
    op.drop_column("projects", "shared_at")
