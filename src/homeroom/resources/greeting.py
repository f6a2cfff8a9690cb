"""The example to copy: an endpoint for signed-in users only, with one checked parameter."""

from typing import Literal

from pydantic import Field

from homeroom.auth.guard import token_required
from homeroom.auth.viewer import Viewer
from homeroom.web.answers import Blueprint
from homeroom.web.schema import Message, Query

bp = Blueprint("greeting", __name__, url_prefix="/api/greeting", tag="Resources")

GREETINGS = {"en": "Hello", "es": "Hola", "fr": "Bonjour", "de": "Hallo"}


class GreetingQuery(Query):
    """What may be asked: anything else is refused with a 422 that names the field."""

    language: Literal["en", "es", "fr", "de"] = Field(default="en", description="The language to greet in.")


@bp.get("/")
@token_required()
@bp.input(GreetingQuery, location="query")
@bp.output(Message)
def greet(user: Viewer, query_data: GreetingQuery) -> dict[str, str]:
    """Greet the signed-in user."""
    return {"message": f"{GREETINGS[query_data.language]}, {user.name}!"}
