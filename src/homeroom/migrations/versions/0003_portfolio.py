"""Projects with their tags and pictures, profiles, and when a session was last used."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
backward_compatible = True

Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Key = sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql")
Moment = sa.DateTime(timezone=True)


def _references(column: str, table: str, target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, ondelete="CASCADE")


def upgrade() -> None:
    op.create_table(
        "profiles",
        sa.Column("user_id", Id, nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("links", sa.JSON(), nullable=False),
        sa.Column("shown_name", sa.String(100), nullable=True),
        _references("user_id", "profiles", "users"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_profiles")),
    )
    op.create_table(
        "projects",
        sa.Column("id", Id, nullable=False),
        sa.Column("owner_id", Id, nullable=False),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("title_key", Key, nullable=False),
        sa.Column("summary", sa.String(300), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("visibility", sa.String(16), nullable=False),
        sa.Column("links", sa.JSON(), nullable=False),
        sa.Column("hidden_at", Moment, nullable=True),
        sa.Column("hidden_reason", sa.String(500), nullable=True),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("updated_at", Moment, nullable=False),
        sa.CheckConstraint("visibility IN ('draft', 'class', 'public')", name=op.f("ck_projects_visibility")),
        _references("owner_id", "projects", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_projects_owner_id"), "projects", ["owner_id"])
    op.create_index("ix_projects_title_key_id", "projects", ["title_key", "id"])
    op.create_table(
        "project_tags",
        sa.Column("project_id", Id, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("tag", sa.String(40), nullable=False),
        sa.Column("key", Key, nullable=False),
        _references("project_id", "project_tags", "projects"),
        sa.PrimaryKeyConstraint("project_id", "position", name=op.f("pk_project_tags")),
    )
    op.create_index("ix_project_tags_key_project_id", "project_tags", ["key", "project_id"])
    op.create_table(
        "project_pictures",
        sa.Column("project_id", Id, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("picture_id", Id, nullable=False),
        sa.Column("alt", sa.String(300), nullable=False),
        _references("project_id", "project_pictures", "projects"),
        _references("picture_id", "project_pictures", "pictures"),
        sa.PrimaryKeyConstraint("project_id", "position", name=op.f("pk_project_pictures")),
        sa.UniqueConstraint("picture_id", name=op.f("uq_project_pictures_picture_id")),
    )
    op.add_column("sessions", sa.Column("last_used_at", Moment, nullable=True))


def downgrade() -> None:
    op.drop_column("sessions", "last_used_at")
    op.drop_table("project_pictures")
    op.drop_table("project_tags")
    op.drop_table("projects")
    op.drop_table("profiles")
