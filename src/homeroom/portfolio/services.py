"""Making, changing, hiding and deleting projects, with their pictures."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.exceptions import Conflict, Forbidden, PreconditionFailed

from homeroom.auth.models import User, name_key
from homeroom.db import utc_now, write_transaction
from homeroom.portfolio.models import Profile, Project, ProjectPicture, ProjectTag, Visibility
from homeroom.portfolio.queries import get_profile, get_project
from homeroom.portfolio.schemas import (
    NewProject,
    PictureIn,
    ProfileChanges,
    ProjectChanges,
    may_edit,
)
from homeroom.problems import reject_field
from homeroom.uploads.models import Picture, Purpose
from homeroom.uploads.services import delete_pictures, forget_files

MAX_PROJECTS_PER_USER = 200


def create_project(new: NewProject, owner: User) -> int:
    """Make a project; its id.

    Raises:
        Forbidden: the owner waits for admission (403).
        Conflict: the owner has as many as anyone may (409).
        InvalidFields: a picture is not the owner's to use (422).
    """
    owner_id = owner.id
    with write_transaction() as session:
        owner = session.get_one(User, owner_id)
        if owner.pending:
            raise Forbidden("Your account waits for admission; projects can be made after that.")
        ids = session.scalars(
            select(Project.id).where(Project.owner_id == owner_id).limit(MAX_PROJECTS_PER_USER)
        ).all()
        if len(ids) == MAX_PROJECTS_PER_USER:
            raise Conflict(f"A person has at most {MAX_PROJECTS_PER_USER} projects.")
        project = Project(owner=owner, tags=[], pictures=[], links=[])
        session.add(project)
        _apply(session, project, new, fields=set(NewProject.model_fields))
        session.flush()
        return project.id


def change_project(
    project_id: int, changes: ProjectChanges, actor: User, *, seen: Sequence[str], version_of: Any
) -> None:
    """Change a project; only the fields that were sent.

    `seen` are the versions that the caller knows, `version_of` tells the present one.

    Raises:
        Forbidden: neither its owner nor an admin (403).
        NotFound: there is no such project (404).
        PreconditionFailed: somebody else changed it meanwhile (412).
        InvalidFields: a field is wrong (422).
    """
    actor_id = actor.id
    with write_transaction() as session:
        actor = session.get_one(User, actor_id)
        project = get_project(session, project_id, actor)
        _require_editor(project, actor)
        if seen and version_of(project, actor) not in seen:
            raise PreconditionFailed("This project was changed meanwhile; load it again.")
        dropped = _apply(session, project, changes, fields=changes.model_fields_set)
        project.updated_at = utc_now()
        files = delete_pictures(session, dropped)
    forget_files(files)


def delete_project(project_id: int, actor: User) -> str:
    """Delete a project with its pictures; its title is returned for the answer.

    Raises:
        Forbidden: neither its owner nor an admin (403).
        NotFound: there is no such project (404).
    """
    actor_id = actor.id
    with write_transaction() as session:
        actor = session.get_one(User, actor_id)
        project = get_project(session, project_id, actor)
        _require_editor(project, actor)
        title = project.title
        pictures = [placed.picture for placed in project.pictures]
        session.delete(project)
        session.flush()
        files = delete_pictures(session, pictures)
    forget_files(files)
    return title


def hide_project(project_id: int, reason: str | None, actor: User) -> None:
    """Keep a project from everyone but its owner and the staff, or, without a reason, show it again.

    Raises:
        NotFound: there is no such project (404).
    """
    actor_id = actor.id
    with write_transaction() as session:
        project = get_project(session, project_id, session.get_one(User, actor_id))
        project.hidden_at = None if reason is None else utc_now()
        project.hidden_reason = reason


def change_profile(user: User, changes: ProfileChanges) -> Profile:
    """Change what somebody says of themselves; only the fields that were sent."""
    user_id = user.id
    with write_transaction() as session:
        profile = get_profile(session, session.get_one(User, user_id))
        session.add(profile)
        if "about" in changes.model_fields_set:
            profile.about = changes.about
        if "links" in changes.model_fields_set:
            profile.links = [link.model_dump() for link in changes.links]
        if "shown_name" in changes.model_fields_set:
            profile.shown_name = changes.shown_name
        return profile


def _require_editor(project: Project, actor: User) -> None:
    if not may_edit(project, actor):
        raise Forbidden("Only its author or an admin may change a project.")


def _apply(session: Session, project: Project, changes: ProjectChanges, *, fields: set[str]) -> list[Picture]:
    """Put what was sent into a project; the pictures that it no longer shows are returned."""
    if "title" in fields:
        if changes.title is None:
            reject_field("#/title", "A title may not be null.")
        project.title, project.title_key = changes.title, name_key(changes.title)
    for field in ("summary", "body"):
        if field in fields:
            setattr(project, field, getattr(changes, field))
    if "visibility" in fields:
        project.visibility = Visibility(changes.visibility)
    if "links" in fields:
        project.links = [link.model_dump() for link in changes.links]
    if "tags" in fields:
        # Two spellings of a word are one tag; the first one stands.
        words: dict[str, str] = {}
        for tag in changes.tags:
            words.setdefault(name_key(tag), tag)
        # The old places are given up first: two rows may not hold one place.
        project.tags = []
        session.flush()
        project.tags = [ProjectTag(tag=tag, key=key) for key, tag in words.items()]
    return _place_pictures(session, project, changes.pictures) if "pictures" in fields else []


def _place_pictures(session: Session, project: Project, wanted: list[PictureIn]) -> list[Picture]:
    shown = {placed.picture_id: placed.picture for placed in project.pictures}
    placed: list[ProjectPicture] = []
    for place, picture_in in enumerate(wanted):
        picture = shown.pop(picture_in.id, None) or _unused_picture(session, project, picture_in.id)
        if picture is None or any(picture is other.picture for other in placed):
            reject_field(f"#/pictures/{place}/id", "This is no picture of yours that is free to be used.")
        picture.attached = True
        placed.append(ProjectPicture(picture=picture, alt=picture_in.alt))
    # The old places are given up first: two rows may not hold one place, nor one picture.
    project.pictures = []
    session.flush()
    project.pictures = placed
    return list(shown.values())


def _unused_picture(session: Session, project: Project, picture_id: int) -> Picture | None:
    return session.scalar(
        select(Picture)
        .where(
            Picture.id == picture_id,
            Picture.owner_id == project.owner.id,
            Picture.purpose == Purpose.PROJECT,
            Picture.attached.is_(False),
        )
        # Of two projects that take it at once, one gets it; a sweep waits, or has taken it already.
        .with_for_update()
    )
