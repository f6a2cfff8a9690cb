"""Projects keep their text's tree, and a version that every change raises.

Trees of older rows are made when their text is saved again; until then they are remembered by whoever shows
them. The version before writes neither column: it is told by `tree_source` that a tree is not of this text.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
backward_compatible = True


def upgrade() -> None:
    op.add_column("projects", sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("projects", sa.Column("tree", sa.Text(), nullable=True))
    op.add_column("projects", sa.Column("tree_source", sa.String(64), nullable=True))


def downgrade() -> None:
    for name in ("tree_source", "tree", "version"):
        op.drop_column("projects", name)
