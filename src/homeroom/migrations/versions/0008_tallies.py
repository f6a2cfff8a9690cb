"""Tallies for the staff's page, kept by the database's own triggers, and the indexes that it is read by.

On SQLite a migration that rebuilds `users`, `projects` or `pictures` (Alembic's batch mode) drops their
triggers and must make them again; tests/data/test_tallies.py tells.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
backward_compatible = True

_USERS_KIND = (
    "'users_' || CASE WHEN {0}.pending THEN 'pending' WHEN {0}.password_hash IS NULL THEN 'invited' "
    "ELSE 'active' END"
)
# What one row of a table adds: to a kind, at a slot, how much. `{0}` is the row, `slot` is replaced below.
_ADDED = {
    "users": (
        (_USERS_KIND, "0", "1"),
        ("'users_made'", "slot", "1"),
    ),
    "projects": (
        ("'projects_' || {0}.visibility", "0", "1"),
        ("'projects_hidden'", "0", "CASE WHEN {0}.hidden_at IS NULL THEN 0 ELSE 1 END"),
        ("'projects_made'", "slot", "1"),
    ),
    "pictures": (
        ("'pictures_bytes'", "0", "{0}.bytes"),
        ("'pictures_made'", "slot", "{0}.bytes"),
    ),
}
_COLUMNS = {
    "users": ("pending", "password_hash", "created_at"),
    "projects": ("visibility", "hidden_at", "created_at"),
    "pictures": ("bytes", "created_at"),
}
_SLOT = {
    # The fraction is cut off: SQLite would round it, and the last moment of a day into the next.
    "sqlite": "CAST(strftime('%s', substr({0}.created_at, 1, 19)) AS INTEGER) / 900",
    "postgresql": "floor(extract(epoch FROM {0}.created_at) / 900)::bigint",
}
_INDEXES = (
    ("ix_users_created_at_id", "users", ("created_at", "id"), None),
    ("ix_users_not_joined", "users", ("name_key", "id"), "password_hash IS NULL"),
    ("ix_projects_updated_at_id", "projects", ("updated_at", "id"), None),
    ("ix_projects_hidden_at_id", "projects", ("hidden_at", "id"), "hidden_at IS NOT NULL"),
    ("ix_projects_hidden_id", "projects", ("id",), "hidden_at IS NOT NULL"),
    ("ix_projects_hidden_title_key_id", "projects", ("title_key", "id"), "hidden_at IS NOT NULL"),
    ("ix_pictures_of_projects", "pictures", ("created_at", "id"), "purpose = 'project'"),
    ("ix_pictures_of_people", "pictures", ("created_at", "id"), "purpose = 'avatar'"),
)
# Any number that nothing else in this database locks by.
_FOLDING = 0x7461_6C6C
_MAX_CHANGES = 256

# Whoever writes appends changes, and so waits for nobody. Of every so many changes one makes its transaction
# move all that are committed, and its own, into the tallies when it commits: once, since what it has moved
# is still in its way. Another one that would do the same at that time leaves it. (In stricter isolation it
# could meet rows that were moved since its transaction began.)
_FOLD = f"""
    CREATE FUNCTION tallies_fold() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF current_setting('transaction_isolation') <> 'read committed'
            OR coalesce(current_setting('homeroom.tallies_folded', true), '') <> '' THEN
            RETURN NULL;
        END IF;
        PERFORM set_config('homeroom.tallies_folded', 'true', true);
        IF pg_try_advisory_xact_lock({_FOLDING}) THEN
            WITH gone AS (DELETE FROM tally_changes RETURNING kind, slot, count)
            INSERT INTO tallies (kind, slot, count)
            SELECT kind, slot, sum(count) FROM gone GROUP BY kind, slot HAVING sum(count) <> 0
            ON CONFLICT (kind, slot) DO UPDATE SET count = tallies.count + excluded.count;
        END IF;
        RETURN NULL;
    END $$
"""  # noqa: S608  ours
_FOLDS = f"""
    CREATE CONSTRAINT TRIGGER tallies_fold AFTER INSERT ON tally_changes
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.id % {_MAX_CHANGES} = 0)
    EXECUTE FUNCTION tallies_fold()
"""
_TRUNCATE = """
    CREATE FUNCTION tallies_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        DELETE FROM tally_changes WHERE starts_with(kind, TG_TABLE_NAME || '_');
        DELETE FROM tallies WHERE starts_with(kind, TG_TABLE_NAME || '_');
        RETURN NULL;
    END $$
"""
_ROWS = {"INSERT": "NEW TABLE AS new_rows", "DELETE": "OLD TABLE AS old_rows"}
_ROWS["UPDATE"] = f"{_ROWS['DELETE']} {_ROWS['INSERT']}"


def upgrade() -> None:
    op.create_table(
        "tallies",
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "slot", name=op.f("pk_tallies")),
    )
    op.create_table(
        "tally_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tally_changes")),
    )
    if op.get_bind().dialect.name == "sqlite":
        _make_sqlite_triggers()
    else:
        # What is written between counting and the triggers would be in neither.
        op.execute(f"LOCK TABLE {', '.join(_ADDED)} IN SHARE ROW EXCLUSIVE MODE")
        _make_postgresql_triggers()
    for table in _ADDED:
        for kind, slot, count in _added(table, table):
            op.execute(
                f"INSERT INTO tallies (kind, slot, count) "  # noqa: S608  ours
                f"SELECT {kind}, {slot}, sum({count}) FROM {table} GROUP BY 1, 2"
            )
    if op.get_bind().dialect.name == "postgresql":
        # Whoever asks first shall find a good plan.
        op.execute("ANALYZE tallies")
    for name, table, columns, where in _INDEXES:
        condition = None if where is None else sa.text(where)
        op.create_index(name, table, columns, sqlite_where=condition, postgresql_where=condition)


def _added(table: str, row: str) -> list[tuple[str, str, str]]:
    slot = _SLOT[op.get_bind().dialect.name]
    return [
        (kind.format(row), slot.format(row) if at == "slot" else at, count.format(row))
        for kind, at, count in _ADDED[table]
    ]


def _make_sqlite_triggers() -> None:
    for table, columns in _COLUMNS.items():
        changed = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in columns)
        add, take = _sqlite_adding(table, "NEW", "+"), _sqlite_adding(table, "OLD", "-")
        for change, when, what in (
            ("INSERT", "", add),
            ("DELETE", "", take),
            (f"UPDATE OF {', '.join(columns)}", f"WHEN {changed}", take + add),
        ):
            name = _trigger(table, change)
            op.execute(f"CREATE TRIGGER {name} AFTER {change} ON {table} {when} BEGIN {what} END")


def _sqlite_adding(table: str, row: str, sign: str) -> str:
    return "".join(
        f"INSERT INTO tallies (kind, slot, count) VALUES ({kind}, {slot}, {sign} ({count})) "  # noqa: S608  ours
        "ON CONFLICT (kind, slot) DO UPDATE SET count = count + excluded.count; "
        for kind, slot, count in _added(table, row)
    )


def _make_postgresql_triggers() -> None:
    op.execute(_FOLD)
    op.execute(_FOLDS)
    op.execute(_TRUNCATE)
    for table in _ADDED:
        for change, rows in _ROWS.items():
            op.execute(_postgresql_noting(table, change))
            op.execute(
                f"CREATE TRIGGER {_trigger(table, change)} AFTER {change} ON {table} REFERENCING {rows} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {_trigger(table, change)}()"
            )
        op.execute(
            f"CREATE TRIGGER {_trigger(table, 'TRUNCATE')} AFTER TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION tallies_truncate()"
        )


def _postgresql_noting(table: str, change: str) -> str:
    """One statement's rows as few changes: those that leave a tally as it is are none."""
    added = ", ".join(f"({kind}, {slot}, ({count})::bigint)" for kind, slot, count in _added(table, "row_"))
    parts = [
        f"SELECT kind, slot, {sign} count AS count FROM {rows} AS row_, "  # noqa: S608  ours
        f"LATERAL (VALUES {added}) AS added (kind, slot, count)"
        for sign, rows in (("+", "new_rows"), ("-", "old_rows"))
        if rows in _ROWS[change]
    ]
    return f"""
        CREATE FUNCTION {_trigger(table, change)}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO tally_changes (kind, slot, count)
            SELECT kind, slot, sum(count) FROM ({" UNION ALL ".join(parts)}) AS changes
            GROUP BY kind, slot HAVING sum(count) <> 0;
            RETURN NULL;
        END $$
    """  # noqa: S608  ours


def _trigger(table: str, change: str) -> str:
    return f"tallies_{table}_{change.split()[0].lower()}"


def downgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    for name, table, *_ in reversed(_INDEXES):
        op.drop_index(name, table)
    for table in _ADDED:
        for change in _ROWS:
            name = _trigger(table, change)
            op.execute(f"DROP TRIGGER {name}" + (f" ON {table}" if postgresql else ""))
            if postgresql:
                op.execute(f"DROP FUNCTION {name}()")
        if postgresql:
            op.execute(f"DROP TRIGGER {_trigger(table, 'TRUNCATE')} ON {table}")
    op.drop_table("tally_changes")
    op.drop_table("tallies")
    if postgresql:
        op.execute("DROP FUNCTION tallies_truncate()")
        op.execute("DROP FUNCTION tallies_fold()")
