"""Who sees the class at a glance."""

from homeroom.auth.permissions import STAFF

# Whom the guard lets in.
SEE_CLASS = STAFF
