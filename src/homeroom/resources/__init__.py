"""What students add: one module a resource, each listed here. Copy `greeting.py` to begin."""

from homeroom.resources import greeting

RESOURCES = (greeting.bp,)
