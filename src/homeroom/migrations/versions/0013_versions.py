"""Versions of the portfolio and of everybody's drafts, kept by the database's own triggers.

On SQLite a migration that rebuilds one of their tables (Alembic's batch mode) drops the triggers and must
make them again; tests/portfolio/test_portfolio_versions.py tells.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None
backward_compatible = True

_PARTS = ("project_tags", "project_pictures")
_TABLES = ("projects", *_PARTS, "profiles")
# Which states of a row a change has.
_ROWS = {"insert": ("NEW",), "update": ("OLD", "NEW"), "delete": ("OLD",)}
_RAISE = "UPDATE directory SET portfolio_version = portfolio_version + 1"
# A draft makes its owner's row, so that there is one to raise for its tags and pictures.
_RAISE_DRAFTS = (
    "INSERT INTO draft_versions (user_id, version) SELECT id, 1 FROM users WHERE id = {} "
    "ON CONFLICT (user_id) DO UPDATE SET version = draft_versions.version + 1"
)

# The deferred triggers run when a transaction commits: the one row of the class is locked last and for a
# moment only, and once a transaction (see migration 0004). Of a row that a project's deletion takes along
# nothing is left to look up; the project's own trigger has told.
_POSTGRESQL = (
    f"""
    CREATE FUNCTION portfolio_raise() RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        IF coalesce(current_setting('homeroom.portfolio_raised', true), '') = '' THEN
            {_RAISE};
            PERFORM set_config('homeroom.portfolio_raised', 'true', true);
        END IF;
    END $$
    """,
    f"""
    CREATE FUNCTION portfolio_note(visibility text, owner bigint) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        IF visibility = 'draft' THEN
            {_RAISE_DRAFTS.format("owner")};
        ELSE
            PERFORM portfolio_raise();
        END IF;
    END $$
    """,
    """
    CREATE FUNCTION portfolio_projects_write() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'INSERT' THEN
            PERFORM portfolio_note(OLD.visibility, OLD.owner_id);
        END IF;
        IF TG_OP <> 'DELETE' THEN
            PERFORM portfolio_note(NEW.visibility, NEW.owner_id);
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION portfolio_parts_write() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM portfolio_note(visibility, owner_id) FROM projects
        WHERE id IN (OLD.project_id, NEW.project_id);
        RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION portfolio_profiles_write() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM portfolio_raise();
        RETURN NULL;
    END $$
    """,
    f"""
    CREATE FUNCTION portfolio_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        {_RAISE};
        UPDATE draft_versions SET version = version + 1;
        RETURN NULL;
    END $$
    """,  # noqa: S608  ours
)
_FUNCTIONS = (
    "portfolio_truncate()",
    "portfolio_profiles_write()",
    "portfolio_parts_write()",
    "portfolio_projects_write()",
    "portfolio_note(text, bigint)",
    "portfolio_raise()",
)


def upgrade() -> None:
    op.add_column(
        "directory", sa.Column("portfolio_version", sa.BigInteger(), nullable=False, server_default="1")
    )
    op.create_table(
        "draft_versions",
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_draft_versions_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_draft_versions")),
    )
    if op.get_bind().dialect.name == "sqlite":
        _make_sqlite_triggers()
    else:
        _make_postgresql_triggers()
    op.execute(
        "INSERT INTO draft_versions (user_id, version) "
        "SELECT DISTINCT owner_id, 1 FROM projects WHERE visibility = 'draft'"
    )


def _make_sqlite_triggers() -> None:
    for table in _TABLES:
        for change, rows in _ROWS.items():
            raising = "; ".join(statement for row in rows for statement in _raising(table, row))
            op.execute(
                f"CREATE TRIGGER portfolio_{table}_{change} AFTER {change} ON {table} BEGIN {raising}; END"
            )


def _raising(table: str, row: str) -> tuple[str, ...]:
    if table == "profiles":
        return (_RAISE,)
    visibility, owner = f"{row}.visibility", f"{row}.owner_id"
    if table in _PARTS:
        visibility, owner = (
            f"(SELECT {column} FROM projects WHERE id = {row}.project_id)"  # noqa: S608  ours
            for column in ("visibility", "owner_id")
        )
    return (
        f"{_RAISE} WHERE {visibility} <> 'draft'",
        _RAISE_DRAFTS.format(f"{owner} AND {visibility} = 'draft'"),
    )


def _make_postgresql_triggers() -> None:
    # What is written between the migration's look at the drafts and its triggers would be in neither.
    op.execute(f"LOCK TABLE {', '.join(_TABLES)} IN SHARE ROW EXCLUSIVE MODE")
    for statement in _POSTGRESQL:
        op.execute(statement)
    for table in _TABLES:
        function = "portfolio_parts_write" if table in _PARTS else f"portfolio_{table}_write"
        op.execute(
            f"CREATE CONSTRAINT TRIGGER portfolio_{table}_write AFTER INSERT OR UPDATE OR DELETE ON {table} "
            f"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {function}()"
        )
        op.execute(
            f"CREATE TRIGGER portfolio_{table}_truncate AFTER TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION portfolio_truncate()"
        )


def downgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    for table in _TABLES:
        for change in ("write", "truncate") if postgresql else _ROWS:
            op.execute(f"DROP TRIGGER portfolio_{table}_{change}" + (f" ON {table}" if postgresql else ""))
    if postgresql:
        for function in _FUNCTIONS:
            op.execute(f"DROP FUNCTION {function}")
    op.drop_table("draft_versions")
    op.drop_column("directory", "portfolio_version")
