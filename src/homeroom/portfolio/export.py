"""Everything that is somebody's own, as a zip that opens without Homeroom.

It is sent while it is made: neither the disk nor memory holds it, and no connection is held while its
reader, or the storage, takes their time.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from homeroom.auth.models import User
from homeroom.data.database import db
from homeroom.data.errors import Unavailable
from homeroom.portfolio.models import Project
from homeroom.portfolio.queries import get_profile
from homeroom.uploads.renditions import Rendition
from homeroom.uploads.services import pictures_of
from homeroom.uploads.storage import PictureMissingError, current_storage
from homeroom.users.presenters import show_user
from homeroom.users.queries import avatar_of

_NOT_READ = "The server could not read this picture at that moment; download your data once more.\n"

Entry: TypeAlias = tuple[str, str]


@dataclass(frozen=True)
class StoredPicture:
    """A picture's name in the zip, and its file's in the storage."""

    name: str
    file: str


class _Sent(io.RawIOBase):
    """What the zip's writer has written and nobody has taken yet; it goes forward only."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # the zip's writer gives bytes
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


def export_user(user_id: int, today: date) -> Iterator[bytes]:
    """A zip of a user's account, portfolio, projects (as Markdown) and pictures, piece by piece.

    What is needed of the database is read project by project, each time with a connection for that alone.
    """
    sent = _Sent()
    with zipfile.ZipFile(sent, "w", zipfile.ZIP_DEFLATED) as archive:
        entries, project_ids, pictures = _overview(user_id, today)
        for project_id in project_ids:
            entries += _project_entries(project_id)
            for name, text in entries:
                archive.writestr(name, text)
            entries = []
            yield sent.take()
        for name, text in entries:
            archive.writestr(name, text)
        for picture in pictures:
            _add_picture(archive, picture)
            yield sent.take()
    yield sent.take()


def _overview(user_id: int, today: date) -> tuple[list[Entry], Sequence[int], list[StoredPicture]]:
    session = db.session()
    user = session.get_one(User, user_id)
    profile = get_profile(session, user)
    about = {"about": profile.about, "links": profile.links, "shown_name": profile.shown_name}
    entries = [
        ("account.json", _json(show_user(user, avatar_of(session, user_id), user, today))),
        ("portfolio.json", _json(about)),
    ]
    project_ids = session.scalars(
        select(Project.id).where(Project.owner_id == user_id).order_by(Project.id)
    ).all()
    pictures = [
        StoredPicture(
            f"pictures/{picture.id}.{picture.suffix}", picture.file_name(Rendition.PAGE, picture.suffix)
        )
        for picture in pictures_of(session, user_id)
    ]
    session.rollback()
    return entries, project_ids, pictures


def _project_entries(project_id: int) -> list[Entry]:
    session = db.session()
    project = _read_project(session, project_id)
    if project is None:
        # Deleted meanwhile.
        return []
    folder = f"projects/{project.id}-{_slug(project.title)}"
    entries = [
        (f"{folder}/project.json", _json(_describe(project))),
        (f"{folder}/project.md", f"# {project.title}\n\n{project.body}\n"),
    ]
    session.rollback()
    return entries


def _read_project(session: Session, project_id: int) -> Project | None:
    return session.get(
        Project, project_id, options=(selectinload(Project.tags), selectinload(Project.pictures))
    )


def _add_picture(archive: zipfile.ZipFile, picture: StoredPicture) -> None:
    try:
        data = current_storage().read(picture.file)
    except PictureMissingError:
        archive.writestr(f"{picture.name}.missing.txt", "The server has lost this picture.\n")
    except Unavailable:
        # The head of the answer is sent: what cannot be had now is told in the zip.
        archive.writestr(f"{picture.name}.missing.txt", _NOT_READ)
    else:
        # Pictures are compressed already.
        archive.writestr(picture.name, data, compress_type=zipfile.ZIP_STORED)


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
