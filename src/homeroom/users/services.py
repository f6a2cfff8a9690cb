"""Making, changing and deleting users: the rules, for the API and the command line alike."""

from collections.abc import Sequence
from datetime import date, datetime
from operator import attrgetter

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from homeroom.auth.confirmation import require_confirmation
from homeroom.auth.guard import TOKEN_UNKNOWN, current_claims
from homeroom.auth.join_codes import IssuedCode, issue_code
from homeroom.auth.limits import RENAME, SIGN_UP, count_attempt, network_of
from homeroom.auth.locking import lock_users
from homeroom.auth.models import Role, User, name_key, uid_key
from homeroom.auth.sessions import (
    Device,
    claim_code,
    confirm_password,
    hash_new_password,
    preview_code,
    refuse_id_as_password,
    set_password_hash,
)
from homeroom.config import Registration, current_config
from homeroom.data.database import db
from homeroom.data.errors import Conflict, FieldProblem, Forbidden, InvalidFields, NotSignedIn, reject_field
from homeroom.data.transactions import write_transaction
from homeroom.uploads.services import delete_pictures, forget_files, pictures_of
from homeroom.users.fields import check_dob
from homeroom.users.queries import get_user
from homeroom.users.schemas import (
    READ_ONLY_FIELDS,
    CodeSignUp,
    NewUser,
    UserChanges,
    show_user,
)

_REFUSALS = {
    Registration.CODE: "Signing up needs a join code from your teacher's roster (REGISTRATION=code).",
    Registration.CLOSED: "Signing up is closed here (REGISTRATION=closed).",
}

# A field as people call it.
_CALLED = {"uid": "ID", "name": "name", "email": "e-mail address", "dob": "date of birth"}


def today() -> date:
    """The day in the class's time zone."""
    return datetime.now(current_config().zone).date()


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
        reject_field("#/password", "A password is needed; nobody gets a default one.")
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
        FieldProblem(pointer=f"#/{field}", detail=f"This isn't the {_CALLED[field]} that goes with the code.")
        for field, sent, known in pairs
        if sent is not None and known is not None and sent != known
    ]
    if wrong:
        raise InvalidFields(wrong, wrong[0].detail)
    owner.email = owner.email or sign_up.email
    if owner.dob is None and sign_up.dob is not None:
        owner.dob = _checked_dob(sign_up.dob, "#/dob")


def _build_user(new: NewUser, password_hash: str | None, *, pointer: str = "#") -> User:
    user = User(email=new.email, password_hash=password_hash, role=Role.USER)
    user.rename(name=new.name, uid=new.uid)
    user.dob = None if new.dob is None else _checked_dob(new.dob, f"{pointer}/dob")
    return user


def _built_by_staff(new: NewUser, password_hash: str | None, *, pointer: str) -> User:
    """The roster knows the ID that the staff gave; one that somebody chose themselves it does not."""
    user = _build_user(new, password_hash, pointer=pointer)
    user.role = Role.USER if new.role is None else _read_role(new.role, f"{pointer}/role")
    user.roster_key = user.uid_key
    return user


def _read_role(word: str, pointer: str) -> Role:
    try:
        return Role(word)
    except ValueError:
        reject_field(pointer, f"There is no such role; there are {', '.join(Role)}.")


def _checked_dob(dob: date, pointer: str) -> date:
    try:
        return check_dob(dob, today())
    except ValueError as error:
        reject_field(pointer, str(error))


def _insert(session: Session, users: Sequence[User]) -> None:
    _leave_others_roster_keys(session, users)
    # In one order: two who make the same users at once then wait for each other at the first of them.
    session.add_all(sorted(users, key=attrgetter("uid_key")))
    _flush_unique(session)


def _leave_others_roster_keys(session: Session, users: Sequence[User]) -> None:
    """Where the roster's row of an ID means somebody who was renamed since, it goes on meaning them."""
    keys = [user.roster_key for user in users if user.roster_key is not None]
    ids = [user.id for user in users if user.id is not None]
    with session.no_autoflush:
        taken = set(
            session.scalars(select(User.roster_key).where(User.roster_key.in_(keys), User.id.not_in(ids)))
        )
    for user in users:
        if user.roster_key in taken:
            user.roster_key = None


def _flush_unique(session: Session) -> None:
    """Write what was changed.

    Raises:
        Conflict: an ID is taken; the database decides it, no earlier look could (409).
    """
    try:
        session.flush()
    except IntegrityError:
        raise Conflict("This ID is taken by someone else.") from None


def change_user(user_id: int, changes: UserChanges, actor: User) -> User:
    """Change a user's fields; only those that were sent.

    Raises:
        Forbidden: neither oneself nor an admin, a role without being one, a wrong password (403).
        NotFound: there is no such user (404).
        Conflict: the ID is taken, the password was changed meanwhile, or the last admin would lose the
            role (409).
        InvalidFields: a field is wrong or read-only (422).
    """
    actor_id = actor.id
    target = get_user(db.session(), user_id, actor)
    _require_owner_or_admin(target, actor)
    gives_role = changes.role is not None and changes.role != target.role
    gives_id = _gives_id(target, changes)
    takes_over = target.id != actor_id and (changes.password is not None or gives_id)
    # Who doesn't know the own ID any more cannot sign in; of the staff that would be everybody's trouble.
    locks_out = gives_id and actor.is_staff
    if gives_role or takes_over or locks_out:
        require_confirmation()
    if gives_id and actor.role is not Role.ADMIN:
        # Whether an ID is taken tells who is in the class.
        count_attempt(RENAME, str(actor_id))
    stored = target.password_hash
    if gives_id and changes.password is None:
        refuse_id_as_password(stored, str(changes.uid))
    new_hash = _new_hash(target, changes, actor)
    with write_transaction() as session:
        target, actor = _locked_pair(session, user_id, actor_id, and_admins=changes.role is not None)
        _require_owner_or_admin(target, actor)
        _refuse_read_only(target, changes, actor)
        _apply_role(session, target, changes, actor)
        by_staff = _gives_id(target, changes) and actor.role is Role.ADMIN
        _apply_fields(target, changes)
        if by_staff and target.roster_key is None:
            target.roster_key = target.uid_key
            _leave_others_roster_keys(session, [target])
        # Before any other statement, whose own flush would not know what a taken ID means.
        _flush_unique(session)
        if new_hash is not None:
            if target.password_hash != stored:
                raise Conflict("The password was changed at the same moment, somewhere else.")
            keep = current_claims().session_id if target.id == actor.id else None
            set_password_hash(session, target, new_hash, keep_session=keep)
        return target


def _gives_id(target: User, changes: UserChanges) -> bool:
    """Whether the ID becomes another one; pages name whom they mean by the ID, and vouch for nobody by it."""
    return changes.uid is not None and uid_key(changes.uid) != target.uid_key


def _locked_pair(
    session: Session, user_id: int, actor_id: int, *, and_admins: bool = False
) -> tuple[User, User]:
    """Whom something is done to and who does it, both as they are now, until the unit ends.

    Raises:
        NotSignedIn: whoever asks was deleted meanwhile (401).
        NotFound: there is no such user that they may see (404).
    """
    locked = lock_users(session, [user_id, actor_id], and_admins=and_admins)
    if actor_id not in locked:
        raise NotSignedIn(TOKEN_UNKNOWN)
    return get_user(session, user_id, locked[actor_id]), locked[actor_id]


def _require_owner_or_admin(target: User, actor: User) -> None:
    if target.id != actor.id and actor.role is not Role.ADMIN:
        raise Forbidden("Only the user or an admin may do this.")


def _new_hash(target: User, changes: UserChanges, actor: User) -> str | None:
    if changes.password is None:
        return None
    uid, name = changes.uid or target.uid, changes.name or target.name
    if target.id == actor.id:
        if changes.current_password is None:
            raise Forbidden("To change your password, send the current one too.")
        confirm_password(target, changes.current_password, current_claims())
    return hash_new_password(changes.password, uid=uid, name=name)


def _refuse_read_only(target: User, changes: UserChanges, actor: User) -> None:
    """A page may send back what it was given, but nothing else, for a field that the server sets."""
    shown = show_user(target, actor, today())
    for field in (*READ_ONLY_FIELDS, "id"):
        if field in changes.model_fields_set and getattr(changes, field) != shown.get(field):
            reject_field(f"#/{field}", f"The server alone sets `{field}`.")


def _apply_role(session: Session, target: User, changes: UserChanges, actor: User) -> None:
    if changes.role is None or changes.role == target.role:
        return
    if actor.role is not Role.ADMIN:
        raise Forbidden("Only an admin may change a role.")
    give_role(session, target, _read_role(changes.role, "#/role"))


def give_role(session: Session, target: User, role: Role) -> None:
    """Give a user a role; the caller has locked the user and the admins.

    Raises:
        Conflict: the last admin would lose it (409).
    """
    if target.role is Role.ADMIN and role is not Role.ADMIN:
        _require_another_admin(session, target)
    target.role = role


def _require_another_admin(session: Session, admin: User) -> None:
    """The caller has locked the admins, so that two cannot leave at the same moment."""
    admins = session.scalars(select(User.id).where(User.role == Role.ADMIN)).all()
    if set(admins) <= {admin.id}:
        raise Conflict("This is the last admin; make someone else one first.")


def _apply_fields(target: User, changes: UserChanges) -> None:
    sent = changes.model_fields_set
    target.rename(name=changes.name, uid=changes.uid)
    if "email" in sent:
        target.email = changes.email
    if "dob" in sent:
        target.dob = None if changes.dob is None else _checked_dob(changes.dob, "#/dob")


def delete_user(user_id: int, actor: User) -> str:
    """Delete a user with all that is theirs, pictures too; the name, for the answer.

    Raises:
        Forbidden: neither oneself nor an admin (403).
        NotFound: there is no such user (404).
        Conflict: it is the last admin (409).
    """
    actor_id = actor.id
    with write_transaction() as session:
        target, actor = _locked_pair(session, user_id, actor_id, and_admins=True)
        _require_owner_or_admin(target, actor)
        if target.role is Role.ADMIN:
            _require_another_admin(session, target)
        name = target.name
        files = delete_pictures(session, pictures_of(session, user_id))
        session.delete(target)
    forget_files(files)
    return name


def issue_join_code(user_id: int, actor: User) -> IssuedCode:
    """A new one-time code for somebody, for a first or a forgotten password; an older one ends.

    Raises:
        NotFound: there is no such user (404).
    """
    actor_id = actor.id
    with write_transaction() as session:
        target, _ = _locked_pair(session, user_id, actor_id)
        return issue_code(session, target)


def admit_user(user_id: int, actor: User) -> User:
    """Let a pending account into the class.

    Raises:
        NotFound: there is no such user (404).
    """
    actor_id = actor.id
    with write_transaction() as session:
        user, _ = _locked_pair(session, user_id, actor_id)
        user.pending = False
        return user


def count_users(session: Session) -> int:
    """How many accounts there are."""
    return session.scalars(select(func.count(User.id))).one()


FIRST_ADMIN_UID = "admin"


def make_first_admin() -> None:
    """The first account; its password is set by a one-time link, there is no default one."""
    create_user(NewUser(uid=FIRST_ADMIN_UID, name="Class Admin", role=Role.ADMIN.value))


def find_unjoined_admin(session: Session) -> User | None:
    """An admin who has not set a password, as long as no admin has."""
    admins = session.scalars(select(User).where(User.role == Role.ADMIN).order_by(User.id)).all()
    if any(admin.password_hash is not None for admin in admins):
        return None
    return admins[0] if admins else None
