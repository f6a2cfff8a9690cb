"""Everything that is somebody's own, as a zip that opens without Homeroom."""

import json
import re
import zipfile
from datetime import date
from typing import IO

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from homeroom.auth.models import User
from homeroom.portfolio.models import Project
from homeroom.portfolio.queries import get_profile
from homeroom.spool import open_spool
from homeroom.uploads.models import Picture
from homeroom.uploads.renditions import Rendition
from homeroom.uploads.services import pictures_of
from homeroom.uploads.storage import PictureMissingError, current_storage
from homeroom.users.schemas import show_user


def export_user(session: Session, user: User, today: date) -> IO[bytes]:
    """A zip of a user's account, portfolio, projects (as Markdown) and pictures."""
    file = open_spool()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        profile = get_profile(session, user)
        about = {"about": profile.about, "links": profile.links, "shown_name": profile.shown_name}
        archive.writestr("account.json", _json(show_user(user, user, today)))
        archive.writestr("portfolio.json", _json(about))
        for project in _projects_of(session, user):
            folder = f"projects/{project.id}-{_slug(project.title)}"
            archive.writestr(f"{folder}/project.json", _json(_describe(project)))
            archive.writestr(f"{folder}/project.md", f"# {project.title}\n\n{project.body}\n")
        for picture in pictures_of(session, user.id):
            _add_picture(archive, picture)
    file.seek(0)
    return file


def _projects_of(session: Session, user: User) -> list[Project]:
    return list(
        session.scalars(
            select(Project)
            .where(Project.owner_id == user.id)
            .order_by(Project.id)
            .options(selectinload(Project.tags), selectinload(Project.pictures))
        )
    )


def _add_picture(archive: zipfile.ZipFile, picture: Picture) -> None:
    name = f"pictures/{picture.id}.{picture.suffix}"
    try:
        data = current_storage().read(picture.file_name(Rendition.PAGE, picture.suffix))
    except PictureMissingError:
        archive.writestr(f"{name}.missing.txt", "The server has lost this picture.\n")
        return
    # Pictures are compressed already.
    archive.writestr(name, data, compress_type=zipfile.ZIP_STORED)


def _describe(project: Project) -> dict[str, object]:
    return {
        "id": project.id,
        "title": project.title,
        "summary": project.summary,
        "visibility": project.visibility.value,
        "tags": [tag.tag for tag in project.tags],
        "links": project.links,
        "pictures": [{"id": placed.picture_id, "alt": placed.alt} for placed in project.pictures],
        "hidden_reason": project.hidden_reason,
        "created_at": project.created_at.isoformat(),
        "updated_at": project.updated_at.isoformat(),
    }


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.casefold()).strip("-")[:40] or "project"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
