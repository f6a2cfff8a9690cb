"""Which migrations a database still lacks, and whether the version before could live with each."""

from dataclasses import dataclass

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


@dataclass(frozen=True)
class PendingMigration:
    """A migration that is still to be run."""

    name: str
    # Declared by the migration itself: the code before it works on the tables after it, so that both may
    # run at once while one takes over from the other.
    backward_compatible: bool


def pending_migrations(connection: Connection, folder: str) -> list[PendingMigration]:
    """What `homeroom db upgrade` would run, the oldest first; a new database lacks everything.

    An empty database has no version before that could be hurt, so all of it counts as compatible.
    """
    scripts = ScriptDirectory(folder)
    present = MigrationContext.configure(connection).get_current_heads()
    if not {*present} <= {script.revision for script in scripts.walk_revisions()}:
        # The tables are a newer version's: this one has nothing to add.
        return []
    pending = list(scripts.iterate_revisions("heads", present or "base"))
    return [
        PendingMigration(
            name=f"{script.revision} ({(script.doc or '').rstrip('.')})",
            backward_compatible=not present or bool(getattr(script.module, "backward_compatible", False)),
        )
        for script in reversed(pending)
    ]
