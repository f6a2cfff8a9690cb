"""Homeroom: a class's portfolio site that its teacher runs in one command."""

from importlib.metadata import version

__version__ = version("homeroom")
