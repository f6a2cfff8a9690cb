"""A demo class: people long dead, clearly labelled, without passwords, and gone with one command."""

from datetime import date

from sqlalchemy import ColumnElement, delete, select

from homeroom.auth.models import User
from homeroom.data.transactions import write_transaction

LABEL = "(demo)"
# The years are moved so that these people are of school age; the days are theirs.
DEMO_CLASS = (
    ("demo-ada", "Ada Lovelace", date(2010, 12, 10)),
    ("demo-alan", "Alan Turing", date(2011, 6, 23)),
    ("demo-annie", "Annie Easley", date(2010, 4, 23)),
    ("demo-blaise", "Blaise Pascal", date(2010, 6, 19)),
    ("demo-carl", "Carl Friedrich Gauß", date(2011, 4, 30)),
    ("demo-dorothy", "Dorothy Vaughan", date(2010, 9, 20)),
    ("demo-edsger", "Edsger Dijkstra", date(2011, 5, 11)),
    ("demo-emmy", "Emmy Noether", date(2011, 3, 23)),
    ("demo-grace", "Grace Hopper", date(2010, 12, 9)),
    ("demo-hedy", "Hedy Lamarr", date(2010, 11, 9)),
    ("demo-hypatia", "Ὑπατία", None),
    ("demo-joan", "Joan Clarke", date(2011, 6, 24)),
    ("demo-john", "John McCarthy", date(2010, 9, 4)),
    ("demo-katherine", "Katherine Johnson", date(2010, 8, 26)),
    ("demo-khwarizmi", "محمد الخوارزمي", None),
    ("demo-kurt", "Kurt Gödel", date(2011, 4, 28)),
    ("demo-lotfi", "Lotfi Zadeh", date(2011, 2, 4)),
    ("demo-maria", "Maria Mitchell", date(2010, 8, 1)),
    ("demo-mary", "Mary Jackson", date(2011, 4, 9)),
    ("demo-niklaus", "Niklaus Wirth", date(2011, 2, 15)),
    ("demo-ramanujan", "Srinivasa Ramanujan", date(2010, 12, 22)),
    ("demo-rozsa", "Rózsa Péter", date(2011, 2, 17)),
    ("demo-seki", "関孝和", None),
    ("demo-sofya", "Софья Ковалевская", date(2011, 1, 15)),
)


def load_demo_class() -> int:
    """Make those of the demo class that are not there; how many were made."""
    with write_transaction() as session:
        present = set(session.scalars(select(User.uid_key).where(_is_demo())))
        missing = [person for person in DEMO_CLASS if person[0] not in present]
        for uid, name, dob in missing:
            user = User(dob=dob)
            user.rename(name=f"{name} {LABEL}", uid=uid)
            session.add(user)
        return len(missing)


def remove_demo_class() -> int:
    """Delete the demo class and nobody else; how many were deleted."""
    with write_transaction() as session:
        # Who kept the ID but not the label, or has a password, is somebody's account by now.
        demo = _is_demo() & User.name.endswith(LABEL) & User.password_hash.is_(None)
        ids = session.scalars(select(User.id).where(demo)).all()
        session.execute(delete(User).where(User.id.in_(ids)))
        return len(ids)


def _is_demo() -> ColumnElement[bool]:
    return User.uid_key.in_([uid for uid, _, _ in DEMO_CLASS])
