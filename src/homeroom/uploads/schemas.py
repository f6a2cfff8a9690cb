"""What the uploads' addresses take."""

from apiflask.fields import UploadFile
from pydantic import BaseModel


class PictureFile(BaseModel):
    """A form with the picture as its file."""

    file: UploadFile
