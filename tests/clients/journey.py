"""A student's first day by the generated client: `python journey.py http://localhost:8086 picture.png`."""

import sys
from io import BytesIO
from pathlib import Path
from typing import TypeVar

from homeroom_client import AuthenticatedClient, Client
from homeroom_client.api.pictures import upload_picture
from homeroom_client.api.portfolio import create_project, list_projects
from homeroom_client.api.signing_in import authenticate, sign_out
from homeroom_client.api.users import create_user, list_users, read_self, replace_avatar
from homeroom_client.models import (
    Credentials,
    NewProject,
    NewProjectVisibility,
    NewUser,
    PictureFile,
    PictureIn,
    Problem,
    UploadToUse,
)
from homeroom_client.types import File

T = TypeVar("T")


def succeeded(answer: T | Problem | None) -> T:
    """What an answer holds; a refusal ends the journey with its reason."""
    if answer is None or isinstance(answer, Problem):
        sys.exit("an answer that the document does not name" if answer is None else answer.detail)
    return answer


def upload(student: AuthenticatedClient, picture: Path) -> int:
    form = PictureFile(file=File(BytesIO(picture.read_bytes()), picture.name))
    return succeeded(upload_picture.sync(client=student, body=form)).id


def main(address: str, picture: Path) -> None:
    guest = Client(address)
    uid, password = "ada", "correct horse battery"
    succeeded(create_user.sync(client=guest, body=NewUser(uid=uid, password=password, name="Ada Lovelace")))
    session = succeeded(authenticate.sync(client=guest, body=Credentials(uid=uid, password=password)))
    sys.stdout.write(f"Signed in as {session.user.name}\n")
    # The session is a cookie, which the guest's connection keeps; no token is sent.
    student = AuthenticatedClient(address, token="").set_httpx_client(guest.get_httpx_client())

    me = succeeded(replace_avatar.sync(client=student, body=UploadToUse(picture_id=upload(student, picture))))
    sys.stdout.write(f"Chose {me.picture.webp if me.picture else 'no picture'}\n")
    project = NewProject(
        title="A weather station",
        visibility=NewProjectVisibility.CLASS,
        pictures=[PictureIn(id=upload(student, picture), alt="The station")],
    )
    succeeded(create_project.sync(client=student, body=project))

    for shown in succeeded(list_projects.sync(client=student, uid=uid)):
        sys.stdout.write(f"{shown.title} by {shown.author.name}\n")
    for user in succeeded(list_users.sync(client=student)):
        sys.stdout.write(f"{user.name}: {', '.join(user.access)}\n")
    sys.stdout.write(f"{succeeded(sign_out.sync(client=student)).message}\n")
    refusal = read_self.sync(client=student)
    assert isinstance(refusal, Problem)
    sys.stdout.write(f"{refusal.status}: {refusal.message}\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
