"""Whether a site is where a command looks for one."""

from pathlib import Path

import click

from homeroom.config import Config

# Commands that look at a site that is there, or change it, by an app of their own.
_NEED_A_SITE = frozenset({"demo", "import-legacy", "roster", "uploads", "user"})
# Of the migrations' commands, the one that makes the tables; the others look at them or take them back.
_MIGRATIONS, _MAKES_TABLES = "db", "upgrade"


class NoSiteError(click.ClickException):
    """No class is where the settings say."""


def needs_site(command: click.Context) -> bool:
    """Whether a command is for a site that is there already."""
    group = command.find_root().invoked_subcommand
    # The migrations' group makes the app itself, before its command is asked.
    name = command.invoked_subcommand or command.info_name
    return group in _NEED_A_SITE or (group == _MIGRATIONS and name != _MAKES_TABLES)


def require_site(config: Config) -> None:
    """Make no second, empty site where somebody is in another folder than that of theirs.

    Raises:
        NoSiteError: there is no database where the settings say, or, if it is a server, no key.
    """
    missing = _missing(config)
    if missing is not None:
        raise NoSiteError(
            f"There is no class site here: {missing} doesn't exist. Go to the folder that holds the site's "
            "instance/, or name that one with INSTANCE_PATH. A new site begins with `make run`."
        )


def require_folder(config: Config) -> None:
    """For commands that note in the site's folder how they ended: that the database is gone, too.

    Raises:
        NoSiteError: there is no such folder, or it is empty, and no database elsewhere.
    """
    folder = config.instance_path
    if not folder.is_dir() or not any(folder.iterdir()):
        require_site(config)


def _missing(config: Config) -> Path | None:
    if config.database.get_backend_name() == "sqlite":
        return config.database_file if config.database_file and not config.database_file.exists() else None
    # With a key made here, codes would be printed that the site doesn't know.
    return config.key_file if config.secret_key is None and not config.key_file.exists() else None
