"""Homeroom: a class's portfolio site that its teacher runs in one command."""


def __getattr__(name: str) -> str:
    """`__version__`, when it is asked for: a process that decodes one picture does without."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    return version("homeroom")
