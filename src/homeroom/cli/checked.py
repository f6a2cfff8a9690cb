"""Options whose values are checked by a function that refuses with a sentence."""

from collections.abc import Callable

import click


def checked(check: Callable[[str], str]) -> Callable[..., str | tuple[str, ...] | None]:
    """A click callback that tells a check's refusal as a wrong option."""

    def callback(
        _context: click.Context, _option: click.Parameter, value: str | tuple[str, ...] | None
    ) -> str | tuple[str, ...] | None:
        try:
            if isinstance(value, tuple):
                return tuple(check(one) for one in value)
            return check(value) if value else value
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return callback
