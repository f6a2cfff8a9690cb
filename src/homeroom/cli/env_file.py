"""The service's settings file, read as systemd hands it to the service."""

from pathlib import Path

from dotenv import dotenv_values


def read_env_file(file: Path | None) -> dict[str, str]:
    """What the file sets; nothing where there is none.

    A name without a value sets nothing; one with an empty value says that there is none. `${…}` in a value
    stays as it is written, for systemd expands nothing either.
    """
    found = dotenv_values(file, interpolate=False) if file else {}
    return {name: value for name, value in found.items() if value is not None}
