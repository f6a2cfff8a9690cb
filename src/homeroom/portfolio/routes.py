"""The portfolio's addresses; in every habit like the users API."""

from collections.abc import Sequence
from typing import Any

import msgspec
from flask import Response

from homeroom.auth.confirmation import require_confirmation
from homeroom.auth.guard import current_viewer, token_required
from homeroom.auth.models import User
from homeroom.auth.sessions import find_by_uid
from homeroom.auth.viewer import Viewer
from homeroom.data.database import db
from homeroom.data.errors import NotFound
from homeroom.portfolio.models import Project
from homeroom.portfolio.permissions import HIDE, knows, may_meet
from homeroom.portfolio.presenters import (
    Author,
    PreviewOut,
    ProfileOut,
    ProjectOut,
    ProjectsOut,
    show_author,
    show_profile,
    show_project,
)
from homeroom.portfolio.queries import (
    authors_of,
    get_placed_picture,
    get_profile,
    get_project,
    has_public_project,
    projects_page,
)
from homeroom.portfolio.schemas import (
    Draft,
    NewProject,
    ProfileChanges,
    ProjectChanges,
    ProjectsQuery,
    Reason,
)
from homeroom.portfolio.services import (
    change_profile,
    change_project,
    create_project,
    delete_project,
    hide_project,
)
from homeroom.portfolio.texts import read_text, source_of, tree_json
from homeroom.portfolio.versions import entity_tag
from homeroom.translations.messages import message
from homeroom.uploads.serving import PICTURE_RESPONSE, send_rendition
from homeroom.web.answers import Answer, Blueprint, PageHeaders, VersionHeaders, page_answer
from homeroom.web.kept_answers import DependsOn, KeptRoute
from homeroom.web.languages import translated
from homeroom.web.preconditions import compares_versions, known_versions
from homeroom.web.schema import Message

bp = Blueprint("portfolio", __name__, url_prefix="/api", tag="Portfolio")

KEPT_ROUTES = (
    KeptRoute("/api/projects", DependsOn.PORTFOLIO, frozenset(ProjectsQuery.model_fields), for_guests=True),
    KeptRoute("/api/(?:projects|portfolio)/[^/]+", DependsOn.PORTFOLIO, for_guests=True),
)
PROJECT = "/projects/<int:project_id>"
CHANGED = "Somebody else changed it since `If-Match`."


def _authors(projects: Sequence[Project], viewer: Viewer | None) -> dict[int, dict[str, Any]]:
    """The authors of projects by their ids, as a viewer may see them."""
    owners = {project.owner_id: project.owner for project in projects}
    authors = authors_of(db.session(), projects)
    # On PostgreSQL each statement sees what is true then: who was deleted since shows nothing more.
    nothing = Author(shown_name=None, avatar=None)
    return {
        owner_id: show_author(owner, viewer, authors.get(owner_id, nothing))
        for owner_id, owner in owners.items()
    }


def _shown(project: Project, viewer: Viewer | None) -> Answer:
    shown = show_project(project, viewer, _authors([project], viewer)[project.owner_id])
    body, etag = project.body, entity_tag(project.version, shown, source_of(project.body))
    # The connection is given back before a text is read.
    tree = tree_json(body, project.tree, project.tree_source)
    return Answer(shown | {"body": body, "content": msgspec.Raw(tree)}, etag=etag)


@bp.get("/projects/")
@bp.input(ProjectsQuery, location="query")
@bp.output(ProjectsOut, headers=PageHeaders)
def list_projects(query_data: ProjectsQuery) -> Answer:
    """List the projects that you can see, a page at a time. Guests see public ones."""
    viewer = current_viewer()
    page, total = projects_page(db.session(), query_data, viewer)
    authors = _authors(page.rows, viewer)
    shown = [show_project(project, viewer, authors[project.owner_id]) for project in page.rows]
    return page_answer(shown, page, total)


@bp.post("/projects/")
@bp.doc(operation_id="create_project")
@token_required()
@bp.input(NewProject)
@bp.output(ProjectOut, status_code=201, headers=VersionHeaders)
def create(user: Viewer, json_data: NewProject) -> Answer:
    """Create a project."""
    return _shown(create_project(json_data, user), user)


@bp.post("/projects/preview")
@bp.doc(operation_id="preview_text")
@token_required()
@bp.input(Draft)
@bp.output(PreviewOut)
def preview(user: Viewer, json_data: Draft) -> dict[str, Any]:
    """Preview a text as a project's page would show it. Nothing is saved."""
    return {"content": msgspec.Raw(read_text(json_data.body, reader=user.id).json.encode())}


@bp.get(PROJECT)
@bp.doc(operation_id="read_project")
@bp.output(ProjectOut, headers=VersionHeaders)
def read(project_id: int) -> Answer:
    """Get a project with its text."""
    viewer = current_viewer()
    return _shown(get_project(db.session(), project_id, viewer), viewer)


@bp.route(PROJECT, methods=["PUT", "PATCH"])
@bp.doc(operation_id="change_project", responses={412: CHANGED})
@token_required()
@bp.input(ProjectChanges)
@bp.output(ProjectOut, headers=VersionHeaders)
@compares_versions
def change(user: Viewer, project_id: int, json_data: ProjectChanges) -> Answer:
    """Change a project. Omitted fields stay the same. `If-Match` protects other people's changes."""
    return _shown(change_project(project_id, json_data, user, known=known_versions()), user)


@bp.delete(PROJECT)
@bp.doc(operation_id="delete_project", responses={412: CHANGED})
@token_required()
@bp.output(Message)
@compares_versions
def delete(user: Viewer, project_id: int) -> dict[str, Any]:
    """Delete a project with its pictures."""
    title = delete_project(project_id, user, known=known_versions())
    return {"message": translated(message("“{title}” was deleted.", title=title))}


@bp.put(f"{PROJECT}/hidden")
@bp.doc(operation_id="hide_project", responses={412: CHANGED})
@token_required(HIDE)
@bp.input(Reason)
@bp.output(ProjectOut, headers=VersionHeaders)
@compares_versions
def hide(user: Viewer, project_id: int, json_data: Reason) -> Answer:
    """Hide a project, with a reason for its owner."""
    require_confirmation()
    return _shown(hide_project(project_id, json_data.reason, user, known=known_versions()), user)


@bp.delete(f"{PROJECT}/hidden")
@bp.doc(operation_id="show_project_again", responses={412: CHANGED})
@token_required(HIDE)
@bp.output(ProjectOut, headers=VersionHeaders)
@compares_versions
def show_again(user: Viewer, project_id: int) -> Answer:
    """Show a hidden project again."""
    require_confirmation()
    return _shown(hide_project(project_id, None, user, known=known_versions()), user)


@bp.get(f"{PROJECT}/pictures/<int:picture_id>/<rendition>.<extension>")
@bp.doc(responses=PICTURE_RESPONSE, operation_id="read_project_picture")
def read_picture(project_id: int, picture_id: int, rendition: str, extension: str) -> Response:
    """Get a picture of a project, if you can see the project."""
    placed = get_placed_picture(db.session(), project_id, picture_id, current_viewer())
    return send_rendition(placed.picture, rendition, extension)


@bp.get("/portfolio/<uid>")
@bp.output(ProfileOut, headers=VersionHeaders)
def read_profile(uid: str) -> dict[str, Any]:
    """Get a person's portfolio page. Guests can see it if the person shows something to the public."""
    viewer = current_viewer()
    user = find_by_uid(db.session(), uid)
    if user is None or not _may_meet(user, viewer):
        raise NotFound("No such portfolio, or you can't see it.")
    return show_profile(user, get_profile(db.session(), user), viewer)


def _may_meet(user: User, viewer: Viewer | None) -> bool:
    if viewer is not None and knows(viewer, user):
        return may_meet(viewer, user)
    return has_public_project(db.session(), user)


@bp.put("/portfolio")
@token_required()
@bp.input(ProfileChanges)
@bp.output(ProfileOut)
def change_own_profile(user: Viewer, json_data: ProfileChanges) -> dict[str, Any]:
    """Change your profile."""
    profile = change_profile(user.id, json_data)
    return show_profile(user, profile, user)
