"""Who sends a request, as a value: it holds no connection, and stays what it is while the request lasts."""

from dataclasses import dataclass

from homeroom.auth.models import Role, User


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in person, as they were when the guard looked.

    Whoever decides something that is then written decides it on the `User`, locked in the same unit.
    """

    id: int
    uid: str
    name: str
    role: Role
    pending: bool


def viewer_of(user: User) -> Viewer:
    """A user as a value, to be used after the unit that has read it."""
    return Viewer(user.id, user.uid, user.name, user.role, user.pending)
