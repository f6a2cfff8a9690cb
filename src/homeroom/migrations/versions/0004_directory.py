"""The directory's state: a version and two counts, kept by the database's own triggers.

On SQLite a migration that rebuilds `users` or `pictures` (Alembic's batch mode) drops their triggers
and must make them again; tests/auth/test_directory_state.py tells.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
backward_compatible = True

# A trigger's name, when it fires, and what it adds to the counts.
_SQLITE_USERS = (
    ("insert", "INSERT", "NOT NEW.pending", "NEW.pending"),
    ("update", "UPDATE", "OLD.pending - NEW.pending", "NEW.pending - OLD.pending"),
    ("delete", "DELETE", "- (NOT OLD.pending)", "- OLD.pending"),
)
_SQLITE_PICTURES = (
    ("insert", "INSERT", "NEW.purpose = 'avatar'"),
    ("update", "UPDATE", "NEW.purpose = 'avatar' OR OLD.purpose = 'avatar'"),
    ("delete", "DELETE", "OLD.purpose = 'avatar'"),
)

# Counts are noted as statements run, in a setting that lives as long as the transaction, and are written
# by a deferred trigger when it commits. So the one row is locked last and for a moment only: two
# transactions that write users neither wait for each other nor end in a deadlock over it.
_POSTGRESQL = (
    """
    CREATE FUNCTION directory_note(more_members bigint, more_pending bigint) RETURNS void
    LANGUAGE plpgsql AS $$
    DECLARE noted text := coalesce(nullif(current_setting('homeroom.directory', true), ''), '0,0');
    BEGIN
        PERFORM set_config(
            'homeroom.directory',
            (split_part(noted, ',', 1)::bigint + more_members) || ','
            || (split_part(noted, ',', 2)::bigint + more_pending),
            true
        );
    END $$
    """,
    """
    CREATE FUNCTION directory_users_note() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE members bigint := 0; pending_ bigint := 0;
    BEGIN
        IF TG_OP <> 'DELETE' THEN
            SELECT count(*) FILTER (WHERE NOT pending), count(*) FILTER (WHERE pending)
            INTO members, pending_ FROM new_rows;
        END IF;
        IF TG_OP <> 'INSERT' THEN
            SELECT members - count(*) FILTER (WHERE NOT pending),
                   pending_ - count(*) FILTER (WHERE pending)
            INTO members, pending_ FROM old_rows;
        END IF;
        PERFORM directory_note(members, pending_);
        RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION directory_write() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE noted text := coalesce(current_setting('homeroom.directory', true), '');
    BEGIN
        IF TG_TABLE_NAME <> 'users' AND noted = '' THEN
            noted := '0,0';
        END IF;
        IF noted <> '' THEN
            UPDATE directory SET
                version = version + 1,
                members = members + split_part(noted, ',', 1)::bigint,
                pending = pending + split_part(noted, ',', 2)::bigint;
            PERFORM set_config('homeroom.directory', '', true);
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION directory_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE directory SET version = version + 1,
            members = (SELECT count(*) FROM users WHERE NOT pending),
            pending = (SELECT count(*) FROM users WHERE pending);
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER directory_users_insert AFTER INSERT ON users
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION directory_users_note()
    """,
    """
    CREATE TRIGGER directory_users_update AFTER UPDATE ON users
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION directory_users_note()
    """,
    """
    CREATE TRIGGER directory_users_delete AFTER DELETE ON users
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION directory_users_note()
    """,
    """
    CREATE CONSTRAINT TRIGGER directory_users_write AFTER INSERT OR UPDATE OR DELETE ON users
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION directory_write()
    """,
    """
    CREATE CONSTRAINT TRIGGER directory_pictures_insert AFTER INSERT OR UPDATE ON pictures
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.purpose = 'avatar')
    EXECUTE FUNCTION directory_write()
    """,
    """
    CREATE CONSTRAINT TRIGGER directory_pictures_delete AFTER DELETE OR UPDATE ON pictures
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.purpose = 'avatar')
    EXECUTE FUNCTION directory_write()
    """,
    """
    CREATE TRIGGER directory_users_truncate AFTER TRUNCATE ON users
    FOR EACH STATEMENT EXECUTE FUNCTION directory_truncate()
    """,
    """
    CREATE TRIGGER directory_pictures_truncate AFTER TRUNCATE ON pictures
    FOR EACH STATEMENT EXECUTE FUNCTION directory_truncate()
    """,
)
_POSTGRESQL_TRIGGERS = {
    "users": ("insert", "update", "delete", "write", "truncate"),
    "pictures": ("insert", "delete", "truncate"),
}
_POSTGRESQL_FUNCTIONS = (
    "directory_truncate()",
    "directory_write()",
    "directory_users_note()",
    "directory_note(bigint, bigint)",
)


def upgrade() -> None:
    op.create_table(
        "directory",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("members", sa.BigInteger(), nullable=False),
        sa.Column("pending", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_directory_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory")),
    )
    op.execute(
        "INSERT INTO directory (id, version, members, pending) "
        "SELECT 1, 1, count(CASE WHEN NOT pending THEN 1 END), count(CASE WHEN pending THEN 1 END) FROM users"
    )
    if op.get_bind().dialect.name == "sqlite":
        _make_sqlite_triggers()
    else:
        for statement in _POSTGRESQL:
            op.execute(statement)


def _make_sqlite_triggers() -> None:
    for name, change, members, pending in _SQLITE_USERS:
        counts = f"members = members + ({members}), pending = pending + ({pending})"
        op.execute(
            f"CREATE TRIGGER directory_users_{name} AFTER {change} ON users BEGIN "  # noqa: S608  ours
            f"UPDATE directory SET version = version + 1, {counts}; END"
        )
    for name, change, condition in _SQLITE_PICTURES:
        op.execute(
            f"CREATE TRIGGER directory_pictures_{name} AFTER {change} ON pictures WHEN {condition} BEGIN "  # noqa: S608
            "UPDATE directory SET version = version + 1; END"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name, *_ in _SQLITE_USERS:
            op.execute(f"DROP TRIGGER directory_users_{name}")
        for name, *_ in _SQLITE_PICTURES:
            op.execute(f"DROP TRIGGER directory_pictures_{name}")
    else:
        for table, names in _POSTGRESQL_TRIGGERS.items():
            for name in names:
                op.execute(f"DROP TRIGGER directory_{table}_{name} ON {table}")
        for function in _POSTGRESQL_FUNCTIONS:
            op.execute(f"DROP FUNCTION {function}")
    op.drop_table("directory")
