"""Many avatars in one transaction raise PostgreSQL's version of the directory once, not once each.

Each of the updates of one row within one transaction goes over what the ones before left: a restore of
ten thousand avatars took as long as their square.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None
backward_compatible = True

_WRITE = """
    CREATE OR REPLACE FUNCTION directory_write() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE noted text := coalesce(current_setting('homeroom.directory', true), '');
    BEGIN
        IF TG_TABLE_NAME <> 'users' AND noted = '' {once} THEN
            noted := '0,0';
        END IF;
        IF noted <> '' THEN
            UPDATE directory SET
                version = version + 1,
                members = members + split_part(noted, ',', 1)::bigint,
                pending = pending + split_part(noted, ',', 2)::bigint;
            PERFORM set_config('homeroom.directory', '', true);
            {done}
        END IF;
        RETURN NULL;
    END $$
"""


def upgrade() -> None:
    _write(
        once="AND coalesce(current_setting('homeroom.directory_raised', true), '') = ''",
        done="PERFORM set_config('homeroom.directory_raised', 'true', true);",
    )


def downgrade() -> None:
    _write(once="", done="")


def _write(*, once: str, done: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_WRITE.format(once=once, done=done))
