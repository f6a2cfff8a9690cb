"""Making, changing, hiding and deleting projects, with their pictures."""

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from homeroom.auth.confirmation import require_confirmation
from homeroom.auth.locking import lock_user
from homeroom.auth.models import User, name_key
from homeroom.auth.permissions import Principal
from homeroom.data.database import db
from homeroom.data.errors import Conflict, Forbidden, reject_field
from homeroom.data.transactions import write_transaction
from homeroom.data.types import utc_now
from homeroom.portfolio.models import Profile, Project, ProjectPicture, ProjectTag, Visibility
from homeroom.portfolio.permissions import may_edit, may_make_draft, may_make_projects, may_place_uploads
from homeroom.portfolio.queries import get_profile, get_project, lock_project, pictures_of
from homeroom.portfolio.schemas import NewProject, PictureIn, ProfileChanges, ProjectChanges
from homeroom.portfolio.texts import Tree, read_text
from homeroom.portfolio.versions import require_version
from homeroom.uploads.models import Picture, Purpose
from homeroom.uploads.services import delete_pictures, forget_files

MAX_PROJECTS_PER_USER = 200

_IDS_OF_OWNER = (
    select(Project.id).where(Project.owner_id == bindparam("owner_id")).limit(MAX_PROJECTS_PER_USER)
)


def create_project(new: NewProject, owner: Principal) -> Project:
    """Make a project; as it was written.

    Raises:
        Forbidden: the owner waits for admission (403).
        Conflict: the owner has as many as anyone may (409).
        InvalidFields: a picture is not the owner's to use, or the text unfolds to too much (422).
        Unavailable: too many texts wait to be read (503).
    """
    owner_id = owner.id
    _require_admission(owner)
    tree = read_text(new.body, reader=owner_id)
    with write_transaction() as session:
        owner = _locked(session, owner_id)
        _require_room(session, owner)
        project = Project(owner=owner, visibility=Visibility(new.visibility), tags=[], pictures=[], links=[])
        _date(project)
        session.add(project)
        _apply(session, project, new, owner, fields=set(NewProject.model_fields), tree=tree)
        return project


def _locked(session: Session, user_id: int) -> User:
    user = lock_user(session, user_id)
    if user is None:
        raise Conflict("This account has been deleted.")
    return user


def _require_admission(owner: Principal) -> None:
    if not may_make_projects(owner):
        raise Forbidden("Your account is waiting for approval. After that you can create projects.")


def _require_room(session: Session, owner: Principal) -> None:
    _require_admission(owner)
    ids = session.connection().execute(_IDS_OF_OWNER, {"owner_id": owner.id}).all()
    if len(ids) == MAX_PROJECTS_PER_USER:
        raise Conflict("You can have at most {max_projects:,} projects.", max_projects=MAX_PROJECTS_PER_USER)


def change_project(
    project_id: int, changes: ProjectChanges, actor: Principal, *, known: frozenset[str] | None
) -> Project:
    """Change a project, only the fields that were sent; as it was written.

    `known` are the versions that the caller knows; None: any.

    Raises:
        Forbidden: neither its owner nor an admin (403).
        NotFound: there is no such project (404).
        Outdated: somebody else changed it meanwhile (412).
        InvalidFields: a field is wrong, or the text unfolds to too much (422).
        Unavailable: too many texts wait to be read (503).
    """
    actor_id, fields, tree = actor.id, changes.model_fields_set, None
    if "body" in fields:
        # Who may not save, or knows an older version, has no text read.
        _require_editor(get_project(db.session(), project_id, actor), actor, known)
        tree = read_text(changes.body, reader=actor_id)
    with write_transaction() as session:
        actor = _locked(session, actor_id)
        project = lock_project(session, project_id, actor)
        _require_editor(project, actor, known)
        dropped = _apply(session, project, changes, actor, fields=fields, tree=tree)
        if fields:
            project.version += 1
            _date(project)
        files = delete_pictures(session, dropped)
    forget_files(files)
    return project


def _date(project: Project) -> None:
    project.updated_at = utc_now()
    if project.shared_at is None and project.visibility is not Visibility.DRAFT:
        project.shared_at = project.updated_at


def delete_project(project_id: int, actor: Principal, *, known: frozenset[str] | None) -> str:
    """Delete a project with its pictures; its title is returned for the answer.

    Raises:
        Forbidden: neither its owner nor an admin (403).
        NotFound: there is no such project (404).
        Outdated: somebody else changed it meanwhile (412).
    """
    actor_id = actor.id
    with write_transaction() as session:
        actor = _locked(session, actor_id)
        # Its tags and places go with it, in the database.
        project = lock_project(session, project_id, actor, whole=False)
        _require_editor(project, actor, known)
        title, pictures = project.title, pictures_of(session, project_id)
        session.delete(project)
        session.flush()
        files = delete_pictures(session, pictures)
    forget_files(files)
    return title


def hide_project(
    project_id: int, reason: str | None, actor: Principal, *, known: frozenset[str] | None
) -> Project:
    """Keep a project from everyone but its owner and the staff, or, without a reason, show it again.

    Raises:
        NotFound: there is no such project (404).
        Outdated: somebody else changed it meanwhile (412).
    """
    actor_id = actor.id
    with write_transaction() as session:
        project = lock_project(session, project_id, _locked(session, actor_id))
        require_version(project.version, known)
        project.hidden_at = None if reason is None else utc_now()
        project.hidden_reason = reason
        project.version += 1
        return project


def change_profile(user_id: int, changes: ProfileChanges) -> Profile:
    """Change what somebody says of themselves; only the fields that were sent."""
    with write_transaction() as session:
        profile = get_profile(session, _locked(session, user_id))
        session.add(profile)
        if "about" in changes.model_fields_set:
            profile.about = changes.about
        if "links" in changes.model_fields_set:
            profile.links = [link.model_dump() for link in changes.links]
        if "shown_name" in changes.model_fields_set:
            profile.shown_name = changes.shown_name
        return profile


def _require_editor(project: Project, actor: Principal, known: frozenset[str] | None) -> None:
    if not may_edit(project, actor):
        raise Forbidden("Only the author or an admin can change this project.")
    if project.owner_id != actor.id:
        require_confirmation()
    require_version(project.version, known)


def _apply(
    session: Session,
    project: Project,
    changes: ProjectChanges,
    actor: Principal,
    *,
    fields: set[str],
    tree: Tree | None,
) -> list[Picture]:
    """Put what was sent into a project; the pictures that it no longer shows are returned."""
    if changes.title is not None:
        project.title, project.title_key = changes.title, name_key(changes.title)
    if "summary" in fields:
        project.summary = changes.summary
    if tree is not None:
        project.body, project.tree, project.tree_source = changes.body, tree.json, tree.source
    if "visibility" in fields:
        project.visibility = _allowed_visibility(project, Visibility(changes.visibility), actor)
    if "links" in fields:
        project.links = [link.model_dump() for link in changes.links]
    if "tags" in fields:
        _put_tags(session, project, changes.tags)
    return _place_pictures(session, project, changes.pictures, actor) if "pictures" in fields else []


def _allowed_visibility(project: Project, wanted: Visibility, actor: Principal) -> Visibility:
    if wanted is Visibility.DRAFT and not may_make_draft(project, actor):
        raise Forbidden("Only the author can turn this project into a draft. Hide it instead.")
    return wanted


def _put_tags(session: Session, project: Project, tags: list[str]) -> None:
    # Two spellings of a word are one tag; the first one stands.
    words: dict[str, str] = {}
    for tag in tags:
        words.setdefault(name_key(tag), tag)
    if project.tags:
        # The old places are given up first: two rows may not hold one place.
        project.tags = []
        session.flush()
    project.tags = [ProjectTag(tag=tag, key=key) for key, tag in words.items()]


def _place_pictures(
    session: Session, project: Project, wanted: list[PictureIn], actor: Principal
) -> list[Picture]:
    shown = {placed.picture_id: placed.picture for placed in project.pictures}
    new = [picture.id for picture in wanted if picture.id not in shown]
    free = _lock_unused(session, project, new) if may_place_uploads(project, actor) else {}
    placed: list[ProjectPicture] = []
    for place, picture_in in enumerate(wanted):
        picture = shown.pop(picture_in.id, None) or free.get(picture_in.id)
        if picture is None or any(picture is other.picture for other in placed):
            reject_field(f"#/pictures/{place}/id", "Choose a picture of yours that isn't in use yet.")
        picture.attached = True
        placed.append(ProjectPicture(picture=picture, alt=picture_in.alt))
    if project.pictures:
        # The old places are given up first: two rows may not hold one place, nor one picture.
        project.pictures = []
        session.flush()
    project.pictures = placed
    return list(shown.values())


def _lock_unused(session: Session, project: Project, picture_ids: list[int]) -> dict[int, Picture]:
    """The pictures of the project's owner that nothing uses, by id.

    Of two projects that take one at once, one gets it; a sweep waits, or has taken it already. They are
    locked by id, so that two that take the same ones in another order do not wait for each other for ever.
    """
    if not picture_ids:
        return {}
    pictures = session.scalars(
        select(Picture)
        .where(
            Picture.id.in_(picture_ids),
            Picture.owner_id == project.owner.id,
            Picture.purpose == Purpose.PROJECT,
            Picture.attached.is_(False),
        )
        .order_by(Picture.id)
        .with_for_update()
    )
    return {picture.id: picture for picture in pictures}
