"""Names, titles and tags are found whichever apostrophe or hyphen they are written with, and without strokes.

Phones write another apostrophe into O'Connor than keyboards do, and many keyboards have no ł for Łukasz.

What the version before writes while an update is under way keeps its key until it is changed.
"""

from functools import reduce

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None
backward_compatible = True

_MAX_KEY_LENGTH = 200
_KEYS = (("users", "name_key"), ("projects", "title_key"), ("project_tags", "key"))
# What `name_key` folds since then; a quote is doubled, because it is written into SQL.
_FOLDED = {
    **dict.fromkeys("’‘‛ʼʻ′`", "''"),
    **dict.fromkeys("‐‑‒–—−", "-"),
    **dict(zip("łøđðħŧı", "loddhti", strict=True)),
    "æ": "ae",
    "œ": "oe",
    "þ": "th",
}


def upgrade() -> None:
    for table, key in _KEYS:
        folded = reduce(lambda text, pair: f"replace({text}, '{pair[0]}', '{pair[1]}')", _FOLDED.items(), key)
        new = f"substr({folded}, 1, {_MAX_KEY_LENGTH})"
        op.execute(f"UPDATE {table} SET {key} = {new} WHERE {key} <> {new}")  # noqa: S608  ours


def downgrade() -> None:
    """The version before finds by a folded key, too, if it is written like that."""
