"""The staff's activity reads when projects were shared, of those that were changed since.

The others are told by their last change, which is the same moment. Of a project that a version before 0012
shared and changed, only the day on which it was made is known, so it's told as shared on that day.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None
backward_compatible = True

_NAME = "ix_projects_shared_at_id"


def upgrade() -> None:
    changed_since = sa.text("shared_at <> updated_at")
    op.create_index(
        _NAME, "projects", ["shared_at", "id"], sqlite_where=changed_since, postgresql_where=changed_since
    )


def downgrade() -> None:
    op.drop_index(_NAME, "projects")
