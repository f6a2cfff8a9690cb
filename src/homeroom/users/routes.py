"""The users API: the contract's table, every path with and without its trailing slash."""

from functools import wraps
from typing import Any

from apiflask import APIBlueprint
from flask import Response, g, jsonify, request

from homeroom.auth.confirmation import require_confirmation
from homeroom.auth.guard import current_claims, current_viewer, signed_in, token_required
from homeroom.auth.models import User
from homeroom.auth.origins import clear_session_cookie
from homeroom.auth.routes import current_device
from homeroom.auth.sessions import confirm_password
from homeroom.config import today
from homeroom.data.database import db
from homeroom.data.errors import Forbidden, NotSignedIn
from homeroom.users.creation import create_user, create_users, sign_up, sign_up_with_code
from homeroom.users.permissions import ADMIT, DELETE_BY_UID, GIVE_JOIN_CODES, may_create_others
from homeroom.users.queries import get_user, get_user_by_uid, users_page
from homeroom.users.schemas import (
    CodeOut,
    CodeSignUp,
    CreatedOut,
    NewUser,
    NewUsers,
    OwnDeletion,
    SelfOut,
    UserChanges,
    UserOut,
    UsersOut,
    UsersQuery,
    UserToDelete,
    VisitorOut,
    show_one,
    show_self,
    show_user,
    show_users,
)
from homeroom.users.services import admit_user, change_user, delete_user, issue_join_code
from homeroom.web.answers import PageHeaders, VersionHeaders, page_answer, private_answer
from homeroom.web.ignored_fields import note_ignored
from homeroom.web.read_path import KeptRoutes
from homeroom.web.schema import Message, View, reads_body

bp = APIBlueprint("users", __name__, url_prefix="/api", tag="Users")

# `/api/user` is another name of `/api/id`.
KEPT_ROUTES = KeptRoutes(
    paths=frozenset({"/api/id", "/api/user", "/api/users"}), parameters=frozenset(UsersQuery.model_fields)
)
USER = "/users/<int:user_id>"


@bp.get("/id")
@bp.get("/user", endpoint="read_self_as_user")
@token_required()
@bp.output(SelfOut, headers=VersionHeaders)
def read_self(user: User) -> Response:
    """Who is signed in."""
    return private_answer(jsonify(show_self(user, today())))


@bp.get("/session")
@bp.output(VisitorOut, headers=VersionHeaders)
def read_session() -> Response:
    """Who is signed in, or that nobody is, which is no error here."""
    user = current_viewer()
    return private_answer(jsonify(user=None if user is None else show_self(user, today())))


@bp.get("/users/")
@token_required()
@bp.input(UsersQuery, location="query")
@bp.output(UsersOut, headers=PageHeaders)
def list_users(viewer: User, query_data: UsersQuery) -> Response:
    """The class's users, a page at a time.

    `q` finds those whose name or ID begins with it, whatever the case and accents.
    """
    page, total = users_page(db.session(), query_data, viewer)
    day = today()
    return page_answer([show_one(row, row.avatar, viewer, day) for row in page.rows], page, total)


def _lists_are_for_admins(view: View) -> View:
    """Refuse others' lists before anything in them is looked at: a thousand e-mail addresses take seconds."""

    @wraps(view)
    def guarded(**inputs: Any) -> Any:
        if isinstance(request.get_json(), list) and not may_create_others(signed_in()[0]):
            raise Forbidden("Only an admin may make several users at once.")
        return view(**inputs)

    return guarded  # type: ignore[return-value]  # it is called as the view is


@bp.post("/users/", endpoint="create_user")
@bp.post("/user", endpoint="sign_up")
@_lists_are_for_admins
@bp.input(NewUsers)
@bp.output(CreatedOut, status_code=201)
def create(json_data: NewUsers) -> Response:
    """Sign up, or, as an admin, make one user or an array of them.

    Who may sign up is the setting `REGISTRATION`; by default a join code is needed.
    """
    body = json_data.root
    if isinstance(body, list):
        response = jsonify(_create_many(body))
    elif isinstance(body, CodeSignUp):
        user = sign_up_with_code(body, current_device())
        response = jsonify(show_user(user, user, today()))
    else:
        response = jsonify(_create_one(body))
    response.status_code = 201
    return response


def _create_one(body: NewUser) -> dict[str, Any]:
    admin = _admin_if_any()
    if admin is None:
        if body.role is not None:
            note_ignored(["role"])
        user = sign_up(body, current_device())
        return show_user(user, user, today())
    require_confirmation()
    return show_user(create_user(body), admin, today())


def _create_many(body: list[NewUser]) -> list[dict[str, Any]]:
    admin, g.claims = signed_in()
    require_confirmation()
    users = create_users(body)
    return show_users(users, admin, today())


def _admin_if_any() -> User | None:
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
def change_named(actor: User, json_data: UserChanges) -> Response:
    """Change the user whom `id` or `uid` names; neither means oneself."""
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
def change_self(actor: User, json_data: UserChanges) -> Response:
    """Change oneself; `uid` is the new ID here."""
    return _changed(actor.id, json_data, actor)


@bp.delete("/users/")
@bp.doc(operation_id="delete_named_user")
@token_required(DELETE_BY_UID)
@bp.input(UserToDelete)
@bp.output(Message)
def delete_named(actor: User, json_data: UserToDelete) -> Response:
    """Delete the user with an ID; oneself only with the password."""
    target = get_user_by_uid(db.session(), json_data.uid, actor)
    return _deleted(target.id, actor, json_data.current_password)


@bp.delete("/user")
@token_required()
@bp.input(OwnDeletion)
@bp.output(Message)
def delete_self(actor: User, json_data: OwnDeletion) -> Response:
    """Delete oneself with all that is one's own."""
    return _deleted(actor.id, actor, json_data.current_password)


@bp.get(USER)
@token_required()
@bp.output(UserOut, headers=VersionHeaders)
def read_user(viewer: User, user_id: int) -> Response:
    """One user."""
    return private_answer(jsonify(show_user(get_user(db.session(), user_id, viewer), viewer, today())))


@bp.route(USER, methods=["PUT", "PATCH"])
@bp.doc(operation_id="change_user")
@token_required()
@bp.input(UserChanges)
@bp.output(UserOut)
def change_one(actor: User, user_id: int, json_data: UserChanges) -> Response:
    """Change one user; fields that are not sent stay as they are."""
    return _changed(user_id, json_data, actor)


@bp.delete(USER)
@bp.doc(operation_id="delete_user")
@token_required()
@bp.input(OwnDeletion)
@bp.output(Message)
# An admin who deletes somebody else has nothing to say.
@reads_body({"application/json": OwnDeletion}, required=False)
def delete_one(actor: User, user_id: int, json_data: OwnDeletion) -> Response:
    """Delete one user with all that is theirs: oneself with `current_password`, or, as an admin, anyone."""
    return _deleted(user_id, actor, json_data.current_password)


@bp.post(f"{USER}/join-code")
@token_required(GIVE_JOIN_CODES)
@bp.output(CodeOut)
def make_join_code(actor: User, user_id: int) -> Response:
    """A new one-time code for a first or a forgotten password; an older one ends."""
    require_confirmation()
    issued = issue_join_code(user_id, actor)
    return jsonify(code=issued.code, expires_at=issued.expires_at.isoformat(timespec="seconds"))


@bp.post(f"{USER}/admission")
@bp.doc(operation_id="admit_user")
@token_required(ADMIT)
@bp.output(UserOut)
def admit(actor: User, user_id: int) -> Response:
    """Let a pending account into the class (`REGISTRATION=approval`)."""
    require_confirmation()
    return jsonify(show_user(admit_user(user_id, actor), actor, today()))


def _changed(user_id: int, changes: UserChanges, actor: User) -> Response:
    return jsonify(show_user(change_user(user_id, changes, actor), actor, today()))


def _deleted(user_id: int, actor: User, password: str | None) -> Response:
    is_self = user_id == actor.id
    if is_self:
        if not password:
            raise Forbidden("To delete your account, send your current password.")
        confirm_password(actor, password, current_claims())
    else:
        require_confirmation()
    response = jsonify(message=f"{delete_user(user_id, actor)} was deleted.")
    if is_self:
        clear_session_cookie(response)
    return response
