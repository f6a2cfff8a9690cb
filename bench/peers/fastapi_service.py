"""A users service as those write it who begin from FastAPI's own project template.

OAuth2 bearer tokens, a SQLAlchemy session per request, pydantic response models, plain `def` views. Run by
uvicorn with `BENCH_DATABASE` naming the SQLite file and `BENCH_KEY` the key;
`python -m peers.fastapi_service` fills the file and prints a token.
"""

import os
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException, status
from fastapi.security import OAuth2PasswordBearer
from pwdlib import PasswordHash
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from harness.people import PASSWORD, age_on, make_class

ALGORITHM = "HS256"
KEY = os.environ.get("BENCH_KEY", "")
engine = create_engine(f"sqlite:///{os.environ.get('BENCH_DATABASE', '')}")
app = FastAPI(title="Users")
bearer = OAuth2PasswordBearer(tokenUrl="/login/access-token")
password_hash = PasswordHash.recommended()


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    uid: Mapped[str] = mapped_column(unique=True, index=True)
    role: Mapped[str]
    dob: Mapped[date | None]
    picture: Mapped[str | None]
    hashed_password: Mapped[str]


class TokenPayload(BaseModel):
    sub: int


class UserPublic(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    uid: str
    age: int | None
    role: str
    access: list[str]
    picture: str | None


class UserCreate(BaseModel):
    uid: str
    name: str
    password: str


class UserUpdateMe(BaseModel):
    name: str | None = None


class Login(BaseModel):
    username: str
    password: str


class Token(BaseModel):
    access_token: str
    token_type: str = "bearer"


def get_session() -> Iterator[Session]:
    with Session(engine) as session:
        yield session


SessionDep = Annotated[Session, Depends(get_session)]


def get_current_user(session: SessionDep, token: Annotated[str, Depends(bearer)]) -> User:
    try:
        payload = TokenPayload(**jwt.decode(token, KEY, algorithms=[ALGORITHM]))
    except (jwt.InvalidTokenError, ValidationError):
        raise HTTPException(status.HTTP_403_FORBIDDEN, "Could not validate credentials") from None
    user = session.get(User, payload.sub)
    if user is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "User not found")
    return user


CurrentUser = Annotated[User, Depends(get_current_user)]


def get_current_admin(current_user: CurrentUser) -> User:
    if current_user.role != "Admin":
        raise HTTPException(status.HTTP_403_FORBIDDEN, "The user doesn't have enough privileges")
    return current_user


CurrentAdmin = Annotated[User, Depends(get_current_admin)]


def create_access_token(user: User) -> str:
    claims = {"sub": str(user.id), "exp": datetime.now(UTC) + timedelta(hours=12)}
    return jwt.encode(claims, KEY, algorithm=ALGORITHM)


def public(user: User, viewer: User) -> UserPublic:
    today = datetime.now(UTC).date()
    return UserPublic(
        id=user.id,
        name=user.name,
        uid=user.uid,
        age=age_on(user.dob, today) if user.dob else None,
        role=user.role,
        access=["rw"] if user.id == viewer.id else ["ro"],
        picture=user.picture,
    )


@app.post("/login/access-token")
def login(session: SessionDep, given: Login) -> Token:
    user = session.scalar(select(User).where(User.uid == given.username))
    if user is None or not password_hash.verify(given.password, user.hashed_password):
        raise HTTPException(status.HTTP_400_BAD_REQUEST, "Incorrect email or password")
    return Token(access_token=create_access_token(user))


@app.get("/api/users/", response_model=list[UserPublic])
def read_users(session: SessionDep, current_user: CurrentUser, skip: int = 0, limit: int = 100) -> object:
    users = session.scalars(select(User).order_by(User.name).offset(skip).limit(limit)).all()
    return [public(user, current_user) for user in users]


@app.get("/api/users/{user_id}")
def read_user(session: SessionDep, current_user: CurrentUser, user_id: int) -> UserPublic:
    user = session.get(User, user_id)
    if user is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "User not found")
    return public(user, current_user)


@app.patch("/api/users/me")
def update_me(session: SessionDep, current_user: CurrentUser, changes: UserUpdateMe) -> UserPublic:
    for name, value in changes.model_dump(exclude_unset=True).items():
        setattr(current_user, name, value)
    session.add(current_user)
    session.commit()
    session.refresh(current_user)
    return public(current_user, current_user)


@app.post("/api/users/", status_code=status.HTTP_201_CREATED)
def create_user(session: SessionDep, admin: CurrentAdmin, new: UserCreate) -> UserPublic:
    if session.scalar(select(User).where(User.uid == new.uid)) is not None:
        raise HTTPException(status.HTTP_400_BAD_REQUEST, "The user with this ID already exists")
    hashed = password_hash.hash(new.password)
    user = User(uid=new.uid, name=new.name, role="User", hashed_password=hashed)
    session.add(user)
    session.commit()
    session.refresh(user)
    return public(user, admin)


@app.delete("/api/users/{user_id}", dependencies=[Depends(get_current_admin)])
def delete_user(session: SessionDep, user_id: int) -> dict[str, str]:
    user = session.get(User, user_id)
    if user is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "User not found")
    session.delete(user)
    session.commit()
    return {"message": "User deleted successfully"}


def fill() -> str:
    """Make the class; the token of its last student."""
    Base.metadata.create_all(engine)
    hashed = password_hash.hash(PASSWORD)
    with Session(engine) as session:
        users = [
            User(name=person.name, uid=person.uid, role=person.role, dob=person.dob, hashed_password=hashed)
            for person in make_class()
        ]
        session.add_all(users)
        session.commit()
        return create_access_token(users[-1])


if __name__ == "__main__":
    sys.stdout.write(fill())
