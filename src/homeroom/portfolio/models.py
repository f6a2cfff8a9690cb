"""The tables of the portfolio: projects with their tags and pictures, and what people say of themselves."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.ext.orderinglist import ordering_list
from sqlalchemy.orm import Mapped, mapped_column, relationship

from homeroom.auth.models import User
from homeroom.data.database import Base
from homeroom.data.types import Id, Key, UTCDateTime, utc_now, words
from homeroom.uploads.models import Picture

# Few are, and who looks for them shall not look at all.
_HIDDEN = text("hidden_at IS NOT NULL")
# Until a project is changed, `ix_projects_updated_at_id` finds when it was shared.
_CHANGED_SINCE_SHARED = text("shared_at <> updated_at")


class Visibility(StrEnum):
    """Who may see a project."""

    DRAFT = "draft"
    CLASS = "class"
    PUBLIC = "public"


class Profile(Base):
    """What somebody says of themselves on their portfolio's page."""

    __tablename__ = "profiles"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    about: Mapped[str] = mapped_column(Text, default="")
    links: Mapped[list[dict[str, str]]] = mapped_column(JSON, default=list)
    # How the public sees the author; None: as the class does.
    shown_name: Mapped[str | None] = mapped_column(String(100))


class Project(Base):
    """A piece of work, in the words of its owner."""

    __tablename__ = "projects"
    __table_args__ = (
        Index("ix_projects_title_key_id", "title_key", "id"),
        Index("ix_projects_updated_at_id", "updated_at", "id"),
        Index(
            "ix_projects_shared_at_id",
            "shared_at",
            "id",
            sqlite_where=_CHANGED_SINCE_SHARED,
            postgresql_where=_CHANGED_SINCE_SHARED,
        ),
        Index("ix_projects_hidden_at_id", "hidden_at", "id", sqlite_where=_HIDDEN, postgresql_where=_HIDDEN),
        Index("ix_projects_hidden_id", "id", sqlite_where=_HIDDEN, postgresql_where=_HIDDEN),
        Index(
            "ix_projects_hidden_title_key_id",
            "title_key",
            "id",
            sqlite_where=_HIDDEN,
            postgresql_where=_HIDDEN,
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(String(120))
    title_key: Mapped[str] = mapped_column(Key)
    summary: Mapped[str] = mapped_column(String(300), default="")
    body: Mapped[str] = mapped_column(Text, default="")
    # The body's tree as JSON, and what it was made of: see `texts.py`; None: by an older program.
    tree: Mapped[str | None] = mapped_column(Text)
    tree_source: Mapped[str | None] = mapped_column(String(64))
    # Every change raises it.
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    visibility: Mapped[Visibility] = mapped_column(words(Visibility, "visibility"), default=Visibility.DRAFT)
    links: Mapped[list[dict[str, str]]] = mapped_column(JSON, default=list)
    # Both are set while the staff keeps the project from everyone but its owner.
    hidden_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    hidden_reason: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utc_now)
    # When it first was more than a draft; the same as `updated_at` until it is changed.
    shared_at: Mapped[datetime | None] = mapped_column(UTCDateTime)

    owner: Mapped[User] = relationship()
    tags: Mapped[list["ProjectTag"]] = relationship(
        cascade="all, delete-orphan",
        passive_deletes=True,
        order_by="ProjectTag.position",
        collection_class=ordering_list("position"),
    )
    pictures: Mapped[list["ProjectPicture"]] = relationship(
        cascade="all, delete-orphan",
        passive_deletes=True,
        order_by="ProjectPicture.position",
        collection_class=ordering_list("position"),
    )


class ProjectTag(Base):
    """A word that a project is found by."""

    __tablename__ = "project_tags"
    __table_args__ = (Index("ix_project_tags_key_project_id", "key", "project_id"),)

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    tag: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(Key)


class ProjectPicture(Base):
    """A picture's place in a project, and what it shows in words."""

    __tablename__ = "project_pictures"
    __table_args__ = (UniqueConstraint("picture_id"),)

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    picture_id: Mapped[int] = mapped_column(ForeignKey("pictures.id", ondelete="CASCADE"))
    alt: Mapped[str] = mapped_column(String(300), default="")

    picture: Mapped[Picture] = relationship()
