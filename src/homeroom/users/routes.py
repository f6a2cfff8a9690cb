"""The users API: the contract's table, every path with and without its trailing slash."""

from functools import wraps
from typing import Any

from flask import g, request

from homeroom.auth.confirmation import require_confirmation
from homeroom.auth.guard import TOKEN_UNKNOWN, current_claims, current_viewer, signed_in, token_required
from homeroom.auth.origins import take_session_cookie_back
from homeroom.auth.permissions import Principal
from homeroom.auth.routes import current_device
from homeroom.auth.sessions import confirm_password
from homeroom.auth.viewer import Viewer
from homeroom.config import today
from homeroom.data.database import db
from homeroom.data.errors import Forbidden, NotFound, NotSignedIn
from homeroom.translations.messages import message
from homeroom.users.creation import create_user, create_users, sign_up, sign_up_with_code
from homeroom.users.listing import list_page, show_one
from homeroom.users.permissions import ADMIT, DELETE_BY_UID, GIVE_JOIN_CODES, may_create_others
from homeroom.users.presenters import (
    CodeOut,
    CreatedOut,
    SelfOut,
    UserOut,
    UsersOut,
    VisitorOut,
    show_self,
    show_user,
)
from homeroom.users.queries import get_user_by_uid, shown_user
from homeroom.users.schemas import (
    CodeSignUp,
    NewUser,
    NewUsers,
    OwnDeletion,
    UserChanges,
    UsersQuery,
    UserToDelete,
)
from homeroom.users.services import admit_user, change_user, delete_user, issue_join_code
from homeroom.web.answers import Answer, Blueprint, PageHeaders, VersionHeaders, page_answer
from homeroom.web.ignored_fields import note_ignored
from homeroom.web.kept_answers import DependsOn, KeptRoute
from homeroom.web.languages import translated
from homeroom.web.schema import Message, View, reads_body

bp = Blueprint("users", __name__, url_prefix="/api", tag="Users")

# `/api/user` is another name of `/api/id`.
KEPT_ROUTES = (
    KeptRoute("/api/users", DependsOn.PEOPLE, frozenset(UsersQuery.model_fields)),
    KeptRoute("/api/(?:id|user|users/[0-9]+)", DependsOn.PEOPLE),
    KeptRoute("/api/session", DependsOn.PEOPLE, for_guests=True),
)
USER = "/users/<int:user_id>"


def _shown(user_id: int, viewer: Principal) -> dict[str, Any]:
    return show_one(db.session(), user_id, viewer, today())


def _shown_self(viewer: Viewer) -> dict[str, Any]:
    try:
        user = shown_user(db.session(), viewer.id, viewer)
    except NotFound:
        # On PostgreSQL each statement sees what is true then, and they may have just been deleted.
        raise NotSignedIn(TOKEN_UNKNOWN) from None
    return show_self(user, user.avatar, viewer, today())


@bp.get("/id")
@bp.get("/user", endpoint="read_self_as_user")
@token_required()
@bp.output(SelfOut, headers=VersionHeaders)
def read_self(user: Viewer) -> dict[str, Any]:
    """Get your own account."""
    return _shown_self(user)


@bp.get("/session")
@bp.output(VisitorOut, headers=VersionHeaders)
def read_session() -> dict[str, Any]:
    """Get the current session, if any."""
    user = current_viewer()
    return {"user": None if user is None else _shown_self(user)}


@bp.get("/users/")
@token_required()
@bp.input(UsersQuery, location="query")
@bp.output(UsersOut, headers=PageHeaders)
def list_users(viewer: Viewer, query_data: UsersQuery) -> Answer:
    """List the class's users, a page at a time.

    `q` finds those whose name or ID begins with it, whatever the case and accents.
    """
    listing = list_page(db.session(), query_data, viewer, today())
    return page_answer(listing.shown, listing.page, listing.total)


def _lists_are_for_admins(view: View) -> View:
    """Refuse others' lists before anything in them is looked at: a thousand e-mail addresses take seconds."""

    @wraps(view)
    def guarded(**inputs: Any) -> Any:
        if isinstance(request.get_json(), list) and not may_create_others(signed_in()[0]):
            raise Forbidden("Only an admin can add several users at once.")
        return view(**inputs)

    return guarded  # type: ignore[return-value]  # it is called as the view is


@bp.post("/users/", endpoint="create_user")
@bp.post("/user", endpoint="sign_up")
@_lists_are_for_admins
@bp.input(NewUsers)
@bp.output(CreatedOut, status_code=201)
def create(json_data: NewUsers) -> dict[str, Any] | list[dict[str, Any]]:
    """Sign up, or, as an admin, create one user or an array of users.

    Who may sign up is the setting `REGISTRATION`; by default a join code is needed.
    """
    body = json_data.root
    if isinstance(body, list):
        return _create_many(body)
    if isinstance(body, CodeSignUp):
        user = sign_up_with_code(body, current_device())
        return _shown(user.id, user)
    return _create_one(body)


def _create_one(body: NewUser) -> dict[str, Any]:
    admin = _admin_if_any()
    if admin is None:
        if body.role is not None:
            note_ignored(["role"])
        user = sign_up(body, current_device())
        return _shown(user.id, user)
    require_confirmation()
    return _shown(create_user(body).id, admin)


def _create_many(body: list[NewUser]) -> list[dict[str, Any]]:
    admin, g.claims = signed_in()
    require_confirmation()
    # Nobody who was made a moment ago has a picture.
    return [show_user(user, None, admin, today()) for user in create_users(body)]


def _admin_if_any() -> Viewer | None:
    """The admin who asks; everyone else makes an account as a guest would."""
    try:
        user, g.claims = signed_in()
    except NotSignedIn:
        return None
    return user if may_create_others(user) else None


@bp.route("/users/", methods=["PUT", "PATCH"])
@bp.doc(operation_id="change_named_user")
@token_required()
@bp.input(UserChanges)
@bp.output(UserOut)
def change_named(actor: Viewer, json_data: UserChanges) -> dict[str, Any]:
    """Change a user. Without `id` or `uid`, change your own account."""
    if json_data.id is not None:
        return _changed(json_data.id, json_data, actor)
    if json_data.uid is None:
        return _changed(actor.id, json_data, actor)
    target = get_user_by_uid(db.session(), json_data.uid, actor)
    return _changed(target.id, json_data, actor)


@bp.route("/user", methods=["PUT", "PATCH"])
@token_required()
@bp.input(UserChanges)
@bp.output(UserOut)
def change_self(actor: Viewer, json_data: UserChanges) -> dict[str, Any]:
    """Change your own account. Here, `uid` is the new ID."""
    return _changed(actor.id, json_data, actor)


@bp.delete("/users/")
@bp.doc(operation_id="delete_named_user")
@token_required(DELETE_BY_UID)
@bp.input(UserToDelete)
@bp.output(Message)
def delete_named(actor: Viewer, json_data: UserToDelete) -> dict[str, Any]:
    """Delete the user with this ID. To delete yourself, send your password."""
    target = get_user_by_uid(db.session(), json_data.uid, actor)
    return _deleted(target.id, actor, json_data.current_password)


@bp.delete("/user")
@token_required()
@bp.input(OwnDeletion)
@bp.output(Message)
def delete_self(actor: Viewer, json_data: OwnDeletion) -> dict[str, Any]:
    """Delete your account and everything in it."""
    return _deleted(actor.id, actor, json_data.current_password)


@bp.get(USER)
@token_required()
@bp.output(UserOut, headers=VersionHeaders)
def read_user(viewer: Viewer, user_id: int) -> dict[str, Any]:
    """Get a user."""
    return _shown(user_id, viewer)


@bp.route(USER, methods=["PUT", "PATCH"])
@bp.doc(operation_id="change_user")
@token_required()
@bp.input(UserChanges)
@bp.output(UserOut)
def change_one(actor: Viewer, user_id: int, json_data: UserChanges) -> dict[str, Any]:
    """Change a user. Omitted fields stay the same."""
    return _changed(user_id, json_data, actor)


@bp.delete(USER)
@bp.doc(operation_id="delete_user")
@token_required()
@bp.input(OwnDeletion)
@bp.output(Message)
# An admin who deletes somebody else has nothing to say.
@reads_body({"application/json": OwnDeletion}, required=False)
def delete_one(actor: Viewer, user_id: int, json_data: OwnDeletion) -> dict[str, Any]:
    """Delete a user and everything they have: yourself with `current_password`, or, as an admin, anyone."""
    return _deleted(user_id, actor, json_data.current_password)


@bp.post(f"{USER}/join-code")
@token_required(GIVE_JOIN_CODES)
@bp.output(CodeOut)
def make_join_code(actor: Viewer, user_id: int) -> dict[str, Any]:
    """Create a one-time code for a first or forgotten password. The old code stops working."""
    require_confirmation()
    issued = issue_join_code(user_id, actor)
    return {"code": issued.code, "expires_at": issued.expires_at.isoformat(timespec="seconds")}


@bp.post(f"{USER}/admission")
@bp.doc(operation_id="admit_user")
@token_required(ADMIT)
@bp.output(UserOut)
def admit(actor: Viewer, user_id: int) -> dict[str, Any]:
    """Admit a pending account to the class (`REGISTRATION=approval`)."""
    require_confirmation()
    admit_user(user_id, actor)
    return _shown(user_id, actor)


def _changed(user_id: int, changes: UserChanges, actor: Viewer) -> dict[str, Any]:
    change_user(user_id, changes, actor)
    return _shown(user_id, actor)


def _deleted(user_id: int, actor: Viewer, password: str | None) -> dict[str, Any]:
    if user_id != actor.id:
        require_confirmation()
        return _deletion(delete_user(user_id, actor))
    if not password:
        raise Forbidden("To delete your account, enter your current password.")
    confirm_password(actor.id, password, current_claims())
    name = delete_user(user_id, actor)
    take_session_cookie_back()
    return _deletion(name)


def _deletion(name: str) -> dict[str, Any]:
    return {"message": translated(message("{name} was deleted.", name=name))}
