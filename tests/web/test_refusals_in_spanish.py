"""Every refusal of every operation is in the reader's language: each is asked for twice and compared."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from apiflask import APIFlask
from werkzeug.test import TestResponse

from homeroom.auth.models import Role
from tests.conftest import MakePerson

# What a client can get wrong: nothing at all, another type, no JSON, wrong fields, values of the wrong kind.
BODIES: tuple[dict[str, Any], ...] = (
    {},
    {"data": b"x", "content_type": "text/plain"},
    {"data": b"{", "content_type": "application/json"},
    {"json": []},
    {"json": {}},
    {"data": b"x", "content_type": "image/png"},
    {"data": {}, "content_type": "multipart/form-data"},
    {"data": b"uid,name\nnew,<b>\n", "content_type": "text/csv"},
)
WRONG_VALUES: tuple[object, ...] = (None, 7, "<\u202e> ", "x" * 21_000, ["x"] * 50)
QUERIES = ("limit=0&cursor=x&sort=x", "limit=x&date_format=x")
# Their refusals are asked last: a success ends the session.
ENDING = ("/api/authenticate", "/api/sessions")


def operations(document: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    """The method, the address and the body's fields of all that the API describes."""
    schemas = document["components"]["schemas"]
    found = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            name = body.get("schema", {}).get("$ref", "").rpartition("/")[2]
            fields = list(schemas.get(name, {}).get("properties", {}))
            found.append((method.upper(), re.sub(r"{\w+}", "999999", path), fields))
    return sorted(found, key=lambda one: one[1].startswith(ENDING))


def questions(method: str, path: str, fields: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Whatever one operation may refuse."""
    yield from ((f"{path}?{query}", {}) for query in QUERIES)
    # It answers at one address with a word in place of the number, too.
    yield path.replace("999999", "x"), {}
    if method != "GET":
        yield from ((path, body) for body in BODIES)
        yield from ((path, {"json": dict.fromkeys(fields, value)}) for value in WRONG_VALUES)


def texts_of(answer: TestResponse) -> list[str]:
    """What a person reads of a refusal; nothing, where it is none."""
    # A download ends with its reader, and each person has one at a time.
    answer.close()
    if answer.status_code < 400 or answer.mimetype != "application/problem+json":
        return []
    return [answer.json["detail"], *(error["detail"] for error in answer.json.get("errors", []))]


@pytest.mark.parametrize("role", [None, Role.USER, Role.ADMIN], ids=["guest", "student", "admin"])
def test_no_operation_refuses_in_english(app: APIFlask, make_person: MakePerson, role: Role | None) -> None:
    client = app.test_client() if role is None else make_person("asker", role=role).client
    document = app.test_client().get("/api/openapi.json").json
    told, left = set(), set()
    for method, path, fields in operations(document):
        for address, sent in questions(method, path, fields):
            english, spanish = (
                texts_of(client.open(address, method=method, headers={"Accept-Language": language}, **sent))
                for language in ("en", "es")
            )
            told |= set(english)
            left |= {(method, path, text) for text in spanish if text in english}
    assert left == set()
    assert len(told) > (5 if role is None else 40)
