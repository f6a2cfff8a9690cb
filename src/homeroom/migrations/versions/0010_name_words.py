"""Every word of a name is a key that a search finds, kept by the database's own triggers.

A row holds a name as it reads from one of its words on: "maria diaz ana" and "diaz ana maria" for "ana maria
diaz". The name from its first word on is `users.name_key`. Triggers write the words, so every way of writing
a name does: an import, a restore, `psql`, and the version before this one while an update is under way.

On SQLite a migration that rebuilds `users` (Alembic's batch mode) drops these triggers and must make them
again; tests/users/test_name_words.py tells.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None
backward_compatible = True

# No real name has more words, but a text of a hundred characters could.
_MAX_WORDS = 16
_MAX_KEY_LENGTH = 200
_USERS_AT_ONCE = 1000
# What stands between words; the quote is doubled, because it is written into SQL.
_BETWEEN = " -‐‑‒–—''’‘ʼ`´.,·・/|()[]_&+\""
# Nearly all scripts from here on (kana, Han, Hangul) put no space between words: each character begins one.
_WITHOUT_SPACES = 0x3040
# What the two databases call the code of a character, where one text is in another, and numbers from 2 on.
_CODE = {"sqlite": "unicode", "postgresql": "ascii"}
_FIND = {"sqlite": "instr", "postgresql": "strpos"}
_PLACES = {
    "sqlite": (
        "(WITH RECURSIVE numbers (place) AS (SELECT 2 UNION ALL SELECT place + 1 FROM numbers "
        "WHERE place < length({key})) SELECT place FROM numbers WHERE place <= length({key}))"
    ),
    "postgresql": "generate_series(2, length({key})) AS numbers (place)",
}
_INSERT = "INSERT INTO name_words (user_id, name_from) SELECT"
_POSTGRESQL = (
    """
    CREATE FUNCTION name_words_write() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' THEN
            DELETE FROM name_words WHERE user_id = NEW.id;
        END IF;
        {write};
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER name_words_insert AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION name_words_write()",
    "CREATE TRIGGER name_words_update AFTER UPDATE OF name_key ON users "
    "FOR EACH ROW WHEN (OLD.name_key <> NEW.name_key) EXECUTE FUNCTION name_words_write()",
)
_SQLITE = (
    "CREATE TRIGGER name_words_insert AFTER INSERT ON users BEGIN {write}; END",
    "CREATE TRIGGER name_words_update AFTER UPDATE OF name_key ON users WHEN OLD.name_key <> NEW.name_key "
    "BEGIN DELETE FROM name_words WHERE user_id = NEW.id; {write}; END",
    # A foreign key counts on those connections alone that enforce it; a restore's does not.
    "CREATE TRIGGER name_words_delete AFTER DELETE ON users "
    "BEGIN DELETE FROM name_words WHERE user_id = OLD.id; END",
)


def upgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    key = sa.String(_MAX_KEY_LENGTH)
    op.create_table(
        "name_words",
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "name_from",
            key.with_variant(sa.String(_MAX_KEY_LENGTH, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_name_words_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "name_from", name=op.f("pk_name_words")),
        sqlite_with_rowid=False,
    )
    if postgresql:
        # What is written between filling and the triggers would be in neither.
        op.execute("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE")
    _fill()
    op.create_index("ix_name_words_name_from_user_id", "name_words", ["name_from", "user_id"])
    write = f"{_INSERT} NEW.id, name_from FROM ({_words('NEW.name_key')}) AS words"
    for statement in _POSTGRESQL if postgresql else _SQLITE:
        op.execute(statement.format(write=write))
    if postgresql:
        # Whoever searches first shall find a good plan.
        op.execute("ANALYZE name_words")


def _fill() -> None:
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        op.execute(f"{_INSERT} id, name_from FROM users, LATERAL ({_words('name_key')}) AS words")
        return
    # A subquery of SQLite in FROM knows nothing of the tables beside it.
    one = sa.text(f"{_INSERT} :id, name_from FROM ({_words(':key')}) AS words")
    users = bind.execute(sa.text("SELECT id, name_key AS key FROM users")).mappings()
    for some in users.partitions(_USERS_AT_ONCE):
        bind.execute(one, [dict(user) for user in some])


def _words(key: str) -> str:
    """A query for a name as it reads from each word on but the first."""
    dialect = op.get_bind().dialect.name
    here, before = f"substr({key}, place, 1)", f"substr({key}, place - 1, 1)"
    between = f"{_FIND[dialect]}('{_BETWEEN}', {{}}) > 0"
    alone = " OR ".join(f"{_CODE[dialect]}({character}) >= {_WITHOUT_SPACES}" for character in (here, before))
    begins = f"NOT {between.format(here)} AND ({between.format(before)} OR {alone})"
    places = _PLACES[dialect].format(key=key)
    first = f"SELECT place FROM {places} WHERE {begins} ORDER BY place LIMIT {_MAX_WORDS}"  # noqa: S608  ours
    turned = f"rtrim(substr({key}, place) || ' ' || substr({key}, 1, place - 1))"
    return f"SELECT DISTINCT substr({turned}, 1, {_MAX_KEY_LENGTH}) AS name_from FROM ({first}) AS places"  # noqa: S608


def downgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    for change in ("insert", "update"):
        op.execute(f"DROP TRIGGER name_words_{change}" + (" ON users" if postgresql else ""))
    op.execute("DROP FUNCTION name_words_write()" if postgresql else "DROP TRIGGER name_words_delete")
    op.drop_table("name_words")
