"""The example to copy: an address that only who is signed in may ask, with one checked parameter."""

from typing import Literal

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import Field

from homeroom.auth.guard import token_required
from homeroom.auth.models import User
from homeroom.web.schema import Message, Query

bp = APIBlueprint("greeting", __name__, url_prefix="/api/greeting", tag="Resources")

GREETINGS = {"en": "Hello", "es": "Hola", "fr": "Bonjour", "de": "Hallo"}


class GreetingQuery(Query):
    """What may be asked: anything else is refused with a 422 that names the field."""

    language: Literal["en", "es", "fr", "de"] = Field(default="en", description="The language to greet in.")


@bp.get("/")
@token_required()
@bp.input(GreetingQuery, location="query")
@bp.output(Message)
def greet(user: User, query_data: GreetingQuery) -> Response:
    """Greet who is signed in."""
    return jsonify(message=f"{GREETINGS[query_data.language]}, {user.name}!")
