"""The example resource: guarded, checked, and in the documentation like every other address."""

import pytest
from flask.testing import FlaskClient

from tests.conftest import Person


@pytest.mark.parametrize("path", ["/api/greeting", "/api/greeting/"])
def test_who_is_signed_in_is_greeted(ada: Person, path: str) -> None:
    assert ada.client.get(path).json == {"message": "Hello, Ada Lovelace!"}
    assert ada.client.get(f"{path}?language=fr").json == {"message": "Bonjour, Ada Lovelace!"}


def test_a_guest_is_not_greeted(guest: FlaskClient) -> None:
    assert guest.get("/api/greeting").status_code == 401


def test_an_unknown_language_is_refused_by_name(ada: Person) -> None:
    answer = ada.client.get("/api/greeting?language=tlh")
    assert answer.status_code == 422
    assert answer.json["errors"][0]["pointer"] == "#/language"


def test_it_is_documented(guest: FlaskClient) -> None:
    assert "/api/greeting" in guest.get("/api/openapi.json").json["paths"]
