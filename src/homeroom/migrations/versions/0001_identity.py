"""Users, their sessions and join codes, and counted attempts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None
backward_compatible = True

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Key = sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql")
Moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", Id, nullable=False),
        sa.Column("uid", sa.String(100), nullable=False),
        sa.Column("uid_key", Key, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("name_key", Key, nullable=False),
        sa.Column("roster_key", Key, nullable=True),
        sa.Column("email", sa.String(254), nullable=True),
        sa.Column("dob", sa.Date(), nullable=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password_hash", sa.String(300), nullable=True),
        sa.Column("pending", sa.Boolean(), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.CheckConstraint("role IN ('User', 'Teacher', 'Admin')", name=op.f("ck_users_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("uid_key", name=op.f("uq_users_uid_key")),
        sa.UniqueConstraint("roster_key", name=op.f("uq_users_roster_key")),
        # An id is never given out twice: tokens name it.
        sqlite_autoincrement=True,
    )
    op.create_index("ix_users_name_key_id", "users", ["name_key", "id"])
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
        sa.Column("user_agent", sa.String(300), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_sessions_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"])
    op.create_table(
        "join_codes",
        sa.Column("user_id", Id, nullable=False),
        sa.Column("nonce", sa.LargeBinary(16), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_join_codes_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_join_codes")),
        sa.UniqueConstraint("digest", name=op.f("uq_join_codes_digest")),
    )
    op.create_table(
        "attempt_counts",
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_attempt_counts")),
    )
    op.create_index(op.f("ix_attempt_counts_expires_at"), "attempt_counts", ["expires_at"])


def downgrade() -> None:
    op.drop_table("attempt_counts")
    op.drop_table("join_codes")
    op.drop_table("sessions")
    op.drop_table("users")
