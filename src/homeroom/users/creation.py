"""Making accounts: by the staff, by oneself, with a join code, and the first one."""

from collections.abc import Sequence
from operator import attrgetter

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from homeroom.auth.join_codes import issue_code
from homeroom.auth.limits import SIGN_UP, count_attempt, network_of
from homeroom.auth.models import Role, User, name_key, uid_key
from homeroom.auth.permissions import admins
from homeroom.auth.sessions import (
    Device,
    claim_code,
    hash_new_password,
    preview_code,
    set_password_hash,
)
from homeroom.config import Registration, current_config
from homeroom.data.errors import Forbidden, InvalidFields, RejectedField, reject_field
from homeroom.data.transactions import write_transaction
from homeroom.translations.messages import message
from homeroom.users.fields import read_dob, read_role
from homeroom.users.schemas import (
    CodeSignUp,
    NewUser,
)
from homeroom.users.uniqueness import flush_unique, leave_others_roster_keys

_REFUSALS = {
    Registration.CODE: message("To sign up, you need a join code from your teacher (REGISTRATION=code)."),
    Registration.CLOSED: message("Sign-up is closed on this site (REGISTRATION=closed)."),
}

_DISAGREEMENTS = {
    "uid": message("This isn't the ID that goes with the code."),
    "name": message("This isn't the name that goes with the code."),
    "email": message("This isn't the email address that goes with the code."),
    "dob": message("This isn't the date of birth that goes with the code."),
}


def create_user(new: NewUser) -> User:
    """Make one user on behalf of an admin; without a password they get a join code.

    Raises:
        As `create_users` does.
    """
    (user,) = _create([new], pointers=["#"])
    return user


def create_users(new_users: Sequence[NewUser]) -> list[User]:
    """Make users on behalf of an admin, all or none; one without a password gets a join code.

    Raises:
        Conflict: an ID is taken (409).
        InvalidFields: a password or date of birth may not be (422).
    """
    return _create(new_users, pointers=[f"#/{place}" for place in range(len(new_users))])


def _create(new_users: Sequence[NewUser], *, pointers: Sequence[str]) -> list[User]:
    hashes = [
        hash_new_password(new.password, uid=new.uid, name=new.name, pointer=f"{pointer}/password")
        if new.password is not None
        else None
        for pointer, new in zip(pointers, new_users, strict=True)
    ]
    with write_transaction() as session:
        users = [
            _built_by_staff(new, password_hash, pointer=pointer)
            for pointer, new, password_hash in zip(pointers, new_users, hashes, strict=True)
        ]
        _insert(session, users)
        for user in users:
            if user.password_hash is None:
                issue_code(session, user)
        return users


def sign_up(new: NewUser, device: Device) -> User:
    """Make one's own account, where `REGISTRATION` is `open` or `approval`; a role is not taken from it.

    Raises:
        Forbidden: signing up is not open (403).
        Conflict: the ID is taken (409).
        InvalidFields: a field is wrong (422).
    """
    registration = current_config().registration
    if registration in _REFUSALS:
        raise Forbidden(_REFUSALS[registration])
    if new.password is None:
        reject_field("#/password", "Choose a password.")
    count_attempt(SIGN_UP, network_of(device.address))
    password_hash = hash_new_password(new.password, uid=new.uid, name=new.name)
    with write_transaction() as session:
        user = _build_user(new, password_hash)
        user.pending = registration is Registration.APPROVAL
        _insert(session, [user])
        return user


def sign_up_with_code(sign_up: CodeSignUp, device: Device) -> User:
    """Claim the account that the roster made, with its one-time code.

    Raises:
        NotFound: it is no valid code (404).
        InvalidFields: a field is wrong, or not what the roster says (422).
    """
    owner = preview_code(sign_up.code, device)
    password_hash = hash_new_password(sign_up.password, uid=owner.uid, name=owner.name)
    with write_transaction() as session:
        owner = claim_code(session, sign_up.code)
        _apply_agreed(sign_up, owner)
        set_password_hash(session, owner, password_hash)
        return owner


def _apply_agreed(sign_up: CodeSignUp, owner: User) -> None:
    """What was sent with a code must be what the roster says; what the roster leaves open is taken.

    Raises:
        InvalidFields: something differs; it is never dropped without a word (422).
    """
    pairs: list[tuple[str, object, object]] = [
        ("uid", sign_up.uid and uid_key(sign_up.uid), owner.uid_key),
        ("name", sign_up.name and name_key(sign_up.name), owner.name_key),
        ("email", sign_up.email and sign_up.email.casefold(), owner.email and owner.email.casefold()),
        ("dob", sign_up.dob, owner.dob),
    ]
    wrong = [
        RejectedField(f"#/{field}", _DISAGREEMENTS[field])
        for field, sent, known in pairs
        if sent is not None and known is not None and sent != known
    ]
    if wrong:
        raise InvalidFields(wrong, wrong[0].detail)
    owner.email = owner.email or sign_up.email
    if owner.dob is None and sign_up.dob is not None:
        owner.dob = read_dob(sign_up.dob, "#/dob")


def _build_user(new: NewUser, password_hash: str | None, *, pointer: str = "#") -> User:
    user = User(email=new.email, password_hash=password_hash, role=Role.USER)
    user.rename(name=new.name, uid=new.uid)
    user.dob = None if new.dob is None else read_dob(new.dob, f"{pointer}/dob")
    return user


def _built_by_staff(new: NewUser, password_hash: str | None, *, pointer: str) -> User:
    """The roster knows the ID that the staff gave; one that somebody chose themselves it does not."""
    user = _build_user(new, password_hash, pointer=pointer)
    user.role = Role.USER if new.role is None else read_role(new.role, f"{pointer}/role")
    user.roster_key = user.uid_key
    return user


def _insert(session: Session, users: Sequence[User]) -> None:
    leave_others_roster_keys(session, users)
    # In one order: two who make the same users at once then wait for each other at the first of them.
    session.add_all(sorted(users, key=attrgetter("uid_key")))
    flush_unique(session)


def count_users(session: Session) -> int:
    """How many accounts there are."""
    return session.scalars(select(func.count(User.id))).one()


FIRST_ADMIN_UID = "admin"


def make_first_admin() -> None:
    """The first account; its password is set by a one-time link, there is no default one."""
    create_user(NewUser(uid=FIRST_ADMIN_UID, name="Class Admin", role=Role.ADMIN.value))


def find_unjoined_admin(session: Session) -> User | None:
    """An admin who has not set a password, as long as no admin has."""
    found = session.scalars(select(User).where(admins()).order_by(User.id)).all()
    if any(admin.password_hash is not None for admin in found):
        return None
    return found[0] if found else None
