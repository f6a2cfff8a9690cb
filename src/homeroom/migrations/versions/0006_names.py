"""Names hold nothing that a page would run, on any way in; sessions note when the password was confirmed.

Names that hold `<`, `>`, control characters or marks of direction are cleaned here, and the log tells how
many. From then on the database refuses the first two itself: a CHECK on PostgreSQL, triggers on SQLite, where
a CHECK would rebuild the table and drop the triggers of 0004.
"""

import unicodedata

import sqlalchemy as sa
import structlog
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
# The version before writes names that are refused here only if somebody asks it to.
backward_compatible = True

_COLUMNS = (("users", "name"), ("profiles", "shown_name"))
_ANGLES = str.maketrans({"<": "\u2039", ">": "\u203a"})
_JOINERS = "\u200c\u200d"
_MAX_KEY_LENGTH = 200


def upgrade() -> None:
    _clean()
    if op.get_bind().dialect.name == "postgresql":
        # The directory's counts, which wait for the commit; a table with such a wait cannot be altered.
        op.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table, column in _COLUMNS:
        if op.get_bind().dialect.name == "sqlite":
            for event in ("INSERT", f"UPDATE OF {column}"):
                op.execute(
                    f"CREATE TRIGGER {_guard(table, event)} BEFORE {event} ON {table} "
                    f"WHEN NEW.{column} GLOB '*[<>]*' BEGIN "
                    f"SELECT RAISE(ABORT, 'a name holds < or >'); END"
                )
        else:
            op.create_check_constraint(f"plain_{column}", table, f"{column} !~ '[<>]'")
    op.add_column("sessions", sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("sessions", sa.Column("confirmed_origin", sa.String(200), nullable=True))


def downgrade() -> None:
    op.drop_column("sessions", "confirmed_origin")
    op.drop_column("sessions", "confirmed_at")
    for table, column in _COLUMNS:
        if op.get_bind().dialect.name == "sqlite":
            for event in ("INSERT", "UPDATE"):
                op.execute(f"DROP TRIGGER {_guard(table, event)}")
        else:
            op.drop_constraint(f"ck_{table}_plain_{column}", table)


def _guard(table: str, event: str) -> str:
    return f"{table}_plain_name_{event.split()[0].lower()}"


def _clean() -> None:
    bind = op.get_bind()
    cleaned = 0
    users = sa.table("users", sa.column("id"), sa.column("uid"), sa.column("name"), sa.column("name_key"))
    for user_id, uid, name in bind.execute(sa.select(users.c.id, users.c.uid, users.c.name)).all():
        plain = _plain(name)
        if plain != name:
            plain = plain or uid
            values = {"name": plain, "name_key": _name_key(plain)}
            bind.execute(sa.update(users).where(users.c.id == user_id).values(values))
            cleaned += 1
    profiles = sa.table("profiles", sa.column("user_id"), sa.column("shown_name"))
    shown = sa.select(profiles.c.user_id, profiles.c.shown_name).where(profiles.c.shown_name.is_not(None))
    for user_id, name in bind.execute(shown).all():
        plain = _plain(name)
        if plain != name:
            named = sa.update(profiles).where(profiles.c.user_id == user_id)
            bind.execute(named.values(shown_name=plain or None))
            cleaned += 1
    if cleaned:
        structlog.get_logger(__name__).warning("names held characters that pages would run", cleaned=cleaned)


def _plain(name: str) -> str:
    kept = "".join(
        character
        for character in name.translate(_ANGLES)
        if character in _JOINERS or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
    )
    return " ".join(kept.split()) if kept != name else name


def _name_key(name: str) -> str:
    """As `auth.models.name_key` was when this was written."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(mark for mark in decomposed if not unicodedata.combining(mark))
    return (unicodedata.normalize("NFC", plain) or name)[:_MAX_KEY_LENGTH]
