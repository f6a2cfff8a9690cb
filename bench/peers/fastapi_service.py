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
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from harness.people import age_on, make_class

ALGORITHM = "HS256"
KEY = os.environ.get("BENCH_KEY", "")
engine = create_engine(f"sqlite:///{os.environ.get('BENCH_DATABASE', '')}")
app = FastAPI(title="Users")
bearer = OAuth2PasswordBearer(tokenUrl="/login/access-token")


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    uid: Mapped[str] = mapped_column(unique=True, index=True)
    role: Mapped[str]
    dob: Mapped[date]
    picture: Mapped[str | None]


class TokenPayload(BaseModel):
    sub: int


class UserPublic(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    uid: str
    age: int
    role: str
    access: list[str]
    picture: str | None


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


@app.get("/api/users/", response_model=list[UserPublic])
def read_users(session: SessionDep, current_user: CurrentUser, skip: int = 0, limit: int = 100) -> object:
    users = session.scalars(select(User).order_by(User.name).offset(skip).limit(limit)).all()
    today = datetime.now(UTC).date()
    return [
        UserPublic(
            id=user.id,
            name=user.name,
            uid=user.uid,
            age=age_on(user.dob, today),
            role=user.role,
            access=["rw"] if user.id == current_user.id else ["ro"],
            picture=user.picture,
        )
        for user in users
    ]


def fill() -> str:
    """Make the class; the token of its last student."""
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        people = make_class()
        session.add_all(
            User(name=person.name, uid=person.uid, role=person.role, dob=person.dob) for person in people
        )
        session.commit()
    claims = {"sub": str(len(people)), "exp": datetime.now(UTC) + timedelta(hours=12)}
    return jwt.encode(claims, KEY, algorithm=ALGORITHM)


if __name__ == "__main__":
    sys.stdout.write(fill())
