"""The --language option of commands that write for people: pages, and slips on paper."""

from collections.abc import Callable, Collection
from typing import TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., object])


def language_option(
    of: str, *, default: str, known: Callable[[], Collection[str]], unknown: str
) -> Callable[[Command], Command]:
    """The option for the language `of` something; `unknown` begins the refusal of one that isn't `known`."""

    def check(_context: click.Context, _option: click.Parameter, language: str) -> str:
        if language not in known():
            raise click.BadParameter(f"{unknown} {language!r}. Choose from: {', '.join(known())}")
        return language

    return click.option(
        "--language",
        metavar="CODE",
        default=default,
        show_default=True,
        callback=check,
        help=f"Language of {of}, such as es.",
    )
