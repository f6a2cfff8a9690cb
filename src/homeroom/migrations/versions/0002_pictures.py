"""Pictures, with the size and type of each."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
backward_compatible = True

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "pictures",
        sa.Column("id", Id, nullable=False),
        sa.Column("owner_id", Id, nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("attached", sa.Boolean(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("type", sa.String(16), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.CheckConstraint("purpose IN ('avatar', 'project')", name=op.f("ck_pictures_purpose")),
        sa.CheckConstraint("type IN ('jpeg', 'png')", name=op.f("ck_pictures_type")),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_pictures_owner_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pictures")),
        sa.UniqueConstraint("digest", name=op.f("uq_pictures_digest")),
        # An id is never given out twice: browsers keep a picture by its address.
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_pictures_owner_id"), "pictures", ["owner_id"])
    is_avatar = sa.text("attached AND purpose = 'avatar'")
    op.create_index(
        "uq_pictures_avatar",
        "pictures",
        ["owner_id"],
        unique=True,
        sqlite_where=is_avatar,
        postgresql_where=is_avatar,
    )


def downgrade() -> None:
    op.drop_table("pictures")
