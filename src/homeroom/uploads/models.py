"""The table of pictures, and how their files are called."""

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, ForeignKey, Index, String, and_, text
from sqlalchemy.orm import Mapped, mapped_column

from homeroom.data.database import Base
from homeroom.data.types import Id, UTCDateTime, utc_now, words
from homeroom.uploads.renditions import WEBP, PictureType, Rendition


class Purpose(StrEnum):
    """What a picture was uploaded for."""

    AVATAR = "avatar"
    PROJECT = "project"


def is_digest(text: str) -> bool:
    """Whether a text is a SHA-256 in hexadecimal digits."""
    return re.fullmatch(r"[0-9a-f]{64}", text) is not None


class Picture(Base):
    """An uploaded picture. Its files are written before the row and go after it."""

    __tablename__ = "pictures"
    __table_args__ = (
        # Someone has one avatar, whoever sets it at the same moment.
        Index(
            "uq_pictures_avatar",
            "owner_id",
            unique=True,
            sqlite_where=text("attached AND purpose = 'avatar'"),
            postgresql_where=text("attached AND purpose = 'avatar'"),
        ),
        # Two, and not one that begins with the purpose: SQLite would take that for a person's pictures, too.
        *(
            Index(
                name,
                "created_at",
                "id",
                sqlite_where=text(f"purpose = '{purpose}'"),
                postgresql_where=text(f"purpose = '{purpose}'"),
            )
            for name, purpose in (
                ("ix_pictures_of_projects", Purpose.PROJECT),
                ("ix_pictures_of_people", Purpose.AVATAR),
            )
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[Purpose] = mapped_column(words(Purpose, "purpose"))
    # False: uploaded, and not yet used by anything; swept after a day.
    attached: Mapped[bool] = mapped_column(default=False)
    # Of the page rendition, in pixels.
    width: Mapped[int]
    height: Mapped[int]
    # Of all files together.
    bytes: Mapped[int]
    # Of the content and a nonce: two people, or one person twice, may upload the same picture, and
    # deleting one of them leaves the other.
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    type: Mapped[PictureType] = mapped_column(words(PictureType, "type"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utc_now)

    @property
    def suffix(self) -> str:
        """The file name's ending of the renditions that are not WebP."""
        return self.type.suffix

    def file_name(self, rendition: Rendition, suffix: str) -> str:
        """The name of one file in the storage."""
        # A digest that is none (a forged archive's) names a file that is nowhere, not one outside.
        digest = self.digest if is_digest(self.digest) else hashlib.sha256(self.digest.encode()).hexdigest()
        return f"pictures/{self.owner_id}-{digest}/{rendition}.{suffix}"

    def file_names(self) -> Iterator[str]:
        """The names of all its files."""
        for rendition in Rendition:
            for suffix in (WEBP, self.suffix):
                yield self.file_name(rendition, suffix)


def is_avatar() -> ColumnElement[bool]:
    """Whether a picture is the one that its owner shows of themselves, for the database."""
    return and_(Picture.attached, Picture.purpose == Purpose.AVATAR)
