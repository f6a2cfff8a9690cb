"""Whether a site is where a command looks for one."""

from pathlib import Path

import click

from homeroom.config import Config

# Commands that look at a site that is there, or change it, by an app of their own.
NEED_A_SITE = frozenset({"demo", "import-legacy", "roster", "uploads", "user"})


def require_site(config: Config) -> None:
    """Make no second, empty site where somebody is in another folder than that of theirs.

    Raises:
        click.ClickException: no database is where the settings say.
    """
    database = config.database.database
    if config.database.get_backend_name() != "sqlite" or config.instance_path.is_dir():
        return
    if database and not Path(database).exists():
        raise click.ClickException(
            f"There is no class site here: {database} doesn't exist. Go to the folder that holds the site's "
            "instance/, or name that one with INSTANCE_PATH. A new site begins with `make run`."
        )
