"""Changing and deleting users: the rules, for the API and the command line alike."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from homeroom.auth.confirmation import require_confirmation
from homeroom.auth.guard import TOKEN_UNKNOWN, current_claims
from homeroom.auth.join_codes import IssuedCode, issue_code
from homeroom.auth.limits import RENAME, count_attempt
from homeroom.auth.locking import lock_users
from homeroom.auth.models import Role, User, uid_key
from homeroom.auth.permissions import Principal, admins
from homeroom.auth.sessions import (
    confirm_password,
    hash_new_password,
    refuse_id_as_password,
    set_password_hash,
)
from homeroom.config import today
from homeroom.data.database import db
from homeroom.data.errors import Conflict, Forbidden, NotSignedIn, reject_field
from homeroom.data.transactions import write_transaction
from homeroom.uploads.services import delete_pictures, forget_files, pictures_of
from homeroom.users.fields import read_dob, read_role
from homeroom.users.permissions import (
    gives_another_role,
    gives_ids_for_the_roster,
    is_last_admin,
    loses_admin,
    may_change,
    may_give_roles,
    may_see,
    must_confirm_new_own_id,
)
from homeroom.users.presenters import show_user
from homeroom.users.queries import avatar_of, found, get_user
from homeroom.users.schemas import READ_ONLY_FIELDS, UserChanges
from homeroom.users.uniqueness import flush_unique, leave_others_roster_keys

# With one of these, something is decided before the lock.
_DECIDED_FIRST = {"uid", "password", "role"}


def change_user(user_id: int, changes: UserChanges, actor: Principal) -> None:
    """Change a user's fields; only those that were sent.

    Raises:
        Forbidden: neither oneself nor an admin, a role without being one, a wrong password (403).
        NotFound: there is no such user (404).
        Conflict: the ID is taken, the password was changed meanwhile, or the last admin would lose the
            role (409).
        InvalidFields: a field is wrong or read-only (422).
    """
    actor_id, stored, new_hash = actor.id, None, None
    if not may_change(actor, user_id) or changes.model_fields_set & _DECIDED_FIRST:
        stored, new_hash = _decide_first(user_id, changes, actor)
    with write_transaction() as session:
        target, actor = _locked_pair(session, user_id, actor_id, and_admins=changes.role is not None)
        _require_owner_or_admin(target, actor)
        _refuse_read_only(session, target, changes, actor)
        _apply_role(session, target, changes, actor)
        by_staff = _gives_id(target, changes) and gives_ids_for_the_roster(actor)
        _apply_fields(target, changes)
        if by_staff and target.roster_key is None:
            target.roster_key = target.uid_key
            leave_others_roster_keys(session, [target])
        # Before any other statement, whose own flush would not know what a taken ID means.
        flush_unique(session)
        if new_hash is not None:
            if target.password_hash != stored:
                raise Conflict("This password was changed somewhere else at the same time. Try again.")
            keep = current_claims().session_id if target.id == actor.id else None
            set_password_hash(session, target, new_hash, keep_session=keep)


def _decide_first(user_id: int, changes: UserChanges, actor: Principal) -> tuple[str | None, str | None]:
    """What takes its time or is counted, before anything is locked: the stored hash, and the new one."""
    target = get_user(db.session(), user_id, actor)
    _require_owner_or_admin(target, actor)
    gives_role = gives_another_role(target, changes.role)
    gives_id = _gives_id(target, changes)
    takes_over = target.id != actor.id and (changes.password is not None or gives_id)
    # Who doesn't know the own ID any more cannot sign in; of the staff that would be everybody's trouble.
    locks_out = gives_id and must_confirm_new_own_id(actor)
    if gives_role or takes_over or locks_out:
        require_confirmation()
    if gives_id and not gives_ids_for_the_roster(actor):
        # Whether an ID is taken tells who is in the class.
        count_attempt(RENAME, str(actor.id))
    stored = target.password_hash
    if gives_id and changes.password is None:
        refuse_id_as_password(stored, str(changes.uid))
    return stored, _new_hash(target, changes, actor)


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
    actor, target = locked.get(actor_id), locked.get(user_id)
    if actor is None:
        raise NotSignedIn(TOKEN_UNKNOWN)
    return found(target if target and may_see(actor, target) else None), actor


def _require_owner_or_admin(target: User, actor: Principal) -> None:
    if not may_change(actor, target.id):
        raise Forbidden("Only this user or an admin can do that.")


def _new_hash(target: User, changes: UserChanges, actor: Principal) -> str | None:
    if changes.password is None:
        return None
    uid, name = changes.uid or target.uid, changes.name or target.name
    if target.id == actor.id:
        if changes.current_password is None:
            raise Forbidden("To change your password, enter your current one too.")
        confirm_password(target.id, changes.current_password, current_claims())
    return hash_new_password(changes.password, uid=uid, name=name)


def _refuse_read_only(session: Session, target: User, changes: UserChanges, actor: Principal) -> None:
    """A page may send back what it was given, but nothing else, for a field that the server sets."""
    sent = [field for field in (*READ_ONLY_FIELDS, "id") if field in changes.model_fields_set]
    if not sent:
        return
    shown = show_user(target, avatar_of(session, target.id), actor, today())
    for field in sent:
        if getattr(changes, field) != shown.get(field):
            reject_field(f"#/{field}", "You can't change `{field}`.", field=field)


def _apply_role(session: Session, target: User, changes: UserChanges, actor: Principal) -> None:
    if changes.role is None or not gives_another_role(target, changes.role):
        return
    if not may_give_roles(actor):
        raise Forbidden("Only an admin can change roles.")
    give_role(session, target, read_role(changes.role, "#/role"))


def give_role(session: Session, target: User, role: Role) -> None:
    """Give a user a role; the caller has locked the user and the admins.

    Raises:
        Conflict: the last admin would lose it (409).
    """
    if loses_admin(target, role):
        _require_another_admin(session, target)
    target.role = role


def _require_another_admin(session: Session, admin: User) -> None:
    """The caller has locked the admins, so that two cannot leave at the same moment."""
    if is_last_admin(admin, set(session.scalars(select(User.id).where(admins())))):
        raise Conflict("This is the last admin. Make someone else an admin first.")


def _apply_fields(target: User, changes: UserChanges) -> None:
    sent = changes.model_fields_set
    target.rename(name=changes.name, uid=changes.uid)
    if "email" in sent:
        target.email = changes.email
    if "dob" in sent:
        target.dob = None if changes.dob is None else read_dob(changes.dob, "#/dob")


def delete_user(user_id: int, actor: Principal) -> str:
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
        _require_another_admin(session, target)
        name = target.name
        files = delete_pictures(session, pictures_of(session, user_id))
        session.delete(target)
    forget_files(files)
    return name


def issue_join_code(user_id: int, actor: Principal) -> IssuedCode:
    """A new one-time code for somebody, for a first or a forgotten password; an older one ends.

    Raises:
        NotFound: there is no such user (404).
    """
    actor_id = actor.id
    with write_transaction() as session:
        target, _ = _locked_pair(session, user_id, actor_id)
        return issue_code(session, target)


def admit_user(user_id: int, actor: Principal) -> None:
    """Let a pending account into the class.

    Raises:
        NotFound: there is no such user (404).
    """
    actor_id = actor.id
    with write_transaction() as session:
        user, _ = _locked_pair(session, user_id, actor_id)
        user.pending = False
