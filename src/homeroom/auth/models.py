"""The tables of identity: users, their sessions, their join codes, and counted attempts."""

import hashlib
import unicodedata
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from homeroom.data.database import Base
from homeroom.data.types import MAX_KEY_LENGTH, Id, Key, UTCDateTime, utc_now, words
from homeroom.translations.messages import message


class Role(StrEnum):
    """What someone is in the class; the words are the contract's."""

    USER = "User"
    TEACHER = "Teacher"
    ADMIN = "Admin"


# What people call the roles; in English, as the contract does.
ROLE_NAMES = {
    Role.USER: message("User"),
    Role.TEACHER: message("Teacher"),
    Role.ADMIN: message("Admin"),
}


class Status(StrEnum):
    """How far an account has come."""

    ACTIVE = "active"
    INVITED = "invited"
    PENDING = "pending"


def status_of(*, pending: bool, joined: bool) -> Status:
    """How far an account has come that waits for admission or not, and has a password or not."""
    if pending:
        return Status.PENDING
    return Status.ACTIVE if joined else Status.INVITED


def uid_key(uid: str) -> str:
    """What makes two spellings of an ID the same: neither width nor case nor spaces around it count."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", uid).casefold()).strip()


# Phones write other apostrophes and hyphens than keyboards do, and these letters don't decompose.
_FOLDED = str.maketrans(
    {
        **dict.fromkeys("’‘‛ʼʻ′`", "'"),
        **dict.fromkeys("‐‑‒–—−", "-"),
        **dict(zip("łøđðħŧı", "loddhti", strict=True)),
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
    }
)


def name_key(name: str) -> str:
    """A name as it is sorted and searched: without case, accents and strokes, with one kind of apostrophe."""
    decomposed = unicodedata.normalize("NFKD", name.casefold().translate(_FOLDED))
    plain = "".join(mark for mark in decomposed if not unicodedata.combining(mark))
    # A name made of marks alone still needs a key; one character may become eighteen (U+FDFA).
    return (unicodedata.normalize("NFC", plain) or name)[:MAX_KEY_LENGTH]


class User(Base):
    """A person of the class. Tokens name the `id`, which is never given out twice."""

    __tablename__ = "users"
    __table_args__ = (
        Index("ix_users_name_key_id", "name_key", "id"),
        Index("ix_users_created_at_id", "created_at", "id"),
        Index(
            "ix_users_not_joined",
            "name_key",
            "id",
            sqlite_where=text("password_hash IS NULL"),
            postgresql_where=text("password_hash IS NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    uid: Mapped[str] = mapped_column(String(100))
    uid_key: Mapped[str] = mapped_column(Key, unique=True)
    name: Mapped[str] = mapped_column(String(100))
    name_key: Mapped[str] = mapped_column(Key)
    # The key of the ID that the roster knows this person by: who renames the own ID is still found.
    roster_key: Mapped[str | None] = mapped_column(Key, unique=True)
    email: Mapped[str | None] = mapped_column(String(254))
    dob: Mapped[date | None]
    role: Mapped[Role] = mapped_column(words(Role, "role"), default=Role.USER)
    # None: no password was set yet, the join code sets the first one.
    password_hash: Mapped[str | None] = mapped_column(String(300))
    # Signed up by oneself, and waits for the staff (REGISTRATION=approval).
    pending: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utc_now)

    sessions: Mapped[list["UserSession"]] = relationship(
        back_populates="user", cascade="all, delete-orphan", passive_deletes=True
    )
    join_code: Mapped["JoinCode | None"] = relationship(
        back_populates="user", cascade="all, delete-orphan", passive_deletes=True
    )

    def rename(self, *, name: str | None = None, uid: str | None = None) -> None:
        """Set the name or the ID together with the key that it is found by."""
        if name is not None:
            self.name, self.name_key = name, name_key(name)
        if uid is not None:
            self.uid, self.uid_key = uid, uid_key(uid)

    @property
    def status(self) -> Status:
        return status_of(pending=self.pending, joined=self.password_hash is not None)


class NameWord(Base):
    """A name as it reads from one of its words on: "diaz ana maria". Kept by triggers (migration 0010).

    A search for any word of a name is so the search for a beginning. The name from its first word on is
    `User.name_key` and is not here.
    """

    __tablename__ = "name_words"
    __table_args__ = (
        Index("ix_name_words_name_from_user_id", "name_from", "user_id"),
        {"sqlite_with_rowid": False},
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    name_from: Mapped[str] = mapped_column(Key, primary_key=True)


class Directory(Base):
    """What the database itself knows of the class: one row, kept by triggers (migrations 0004 and 0013).

    The versions are raised by every committed change, whoever made it: of a user or an avatar, and of a
    shared project or what somebody says of themselves. Two equal versions mean equal answers; the counts
    spare counting the users.
    """

    __tablename__ = "directory"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)
    portfolio_version: Mapped[int] = mapped_column(BigInteger, server_default="1")
    # Users who are in the class, and those who wait for the staff to admit them.
    members: Mapped[int] = mapped_column(BigInteger)
    pending: Mapped[int] = mapped_column(BigInteger)


class DraftVersion(Base):
    """What the database itself knows of somebody's drafts, raised as those of `Directory` (migration 0013).

    It has a row of its own for each person, so that who works on a draft changes nobody else's answers.
    """

    __tablename__ = "draft_versions"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(BigInteger)


class UserSession(Base):
    """One sign-in on one device; deleting the row ends it on the very next request."""

    __tablename__ = "sessions"

    # 128 random bits as text: the `sid` of the token.
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utc_now)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    # To the nearest few minutes; None: not known.
    last_used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    user_agent: Mapped[str] = mapped_column(String(300), default="")
    # When the password was last given once more, and in a page of which origin.
    confirmed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    confirmed_origin: Mapped[str | None] = mapped_column(String(200))

    user: Mapped[User] = relationship(back_populates="sessions")

    @property
    def public_name(self) -> str:
        """What pages call a session; the id itself is part of the token and stays here."""
        return hashlib.sha256(self.id.encode()).hexdigest()[:16]


class JoinCode(Base):
    """The one-time code with which someone sets a password; the code itself is not stored.

    It is derived from the secret key, the user and the `nonce`, so that a sheet can be printed again,
    while a stolen copy of the database holds no code.
    """

    __tablename__ = "join_codes"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    nonce: Mapped[bytes] = mapped_column(LargeBinary(16))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=utc_now)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)

    user: Mapped[User] = relationship(back_populates="join_code")


class AttemptCount(Base):
    """How often something was tried within a window; rows, so that all workers count as one."""

    __tablename__ = "attempt_counts"

    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    count: Mapped[int]
    # Seconds since 1970, as the `limits` library counts.
    expires_at: Mapped[float] = mapped_column(Float(53), index=True)
