"""Answers speak the language of the page, else of the browser, else English."""

from collections.abc import Collection

import pytest
from apiflask import APIFlask
from flask import Request
from flask.testing import FlaskClient

from homeroom.web import languages
from homeroom.web.languages import best_language
from tests.conftest import MakePerson, Person

SPANISH = {"Accept-Language": "es"}


def test_a_refusal_is_in_the_browsers_language(ada: Person) -> None:
    answer = ada.client.get("/api/users/999999", headers={"Accept-Language": "es-MX,es;q=0.9,en;q=0.8"})
    assert answer.status_code == 404
    assert answer.json["detail"] == answer.json["message"] == "Esta persona no existe."
    # The title is HTTP's own.
    assert answer.json["title"] == "Not Found"
    assert answer.headers["Content-Language"] == "es"
    assert {"Accept-Language", "Cookie"} <= set(answer.vary.as_set(preserve_casing=True))
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_pages_choice_goes_before_the_browsers(ada: Person) -> None:
    ada.client.set_cookie("lang", "es")
    english = {"Accept-Language": "en-GB,en"}
    assert ada.client.get("/api/users/999999", headers=english).json["detail"] == "Esta persona no existe."
    ada.client.set_cookie("lang", "en")
    assert ada.client.get("/api/users/999999", headers=SPANISH).json["detail"] == "No such user."


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("*", "en"),
        ("tlh", "en"),
        ("../../etc", "en"),
        ("en-US,es", "en"),
        ("fr,es;q=0.5", "es"),
        ("es-419", "es"),
        ("ES", "es"),
        ("en;q=0.5,es;q=0.9", "es"),
    ],
)
def test_a_language_that_is_not_there_is_english(
    guest: FlaskClient, accepted: str | None, language: str
) -> None:
    headers = {} if accepted is None else {"Accept-Language": accepted}
    answer = guest.get("/api/nowhere", headers=headers)
    assert answer.headers["Content-Language"] == language
    says = {"en": "Nothing was found at this address.", "es": "No hay nada en esta dirección."}
    assert answer.json["detail"] == says[language]


def test_the_reason_of_a_field_is_translated_with_its_values(ada: Person) -> None:
    body = {"title": " ", "tags": ["x"] * 13, "summary": "s" * 301, "visibility": "all", "links": [{}]}
    answer = ada.client.post("/api/projects", json=body, headers=SPANISH)
    assert answer.status_code == 422
    assert answer.json["detail"] == "Algunos campos no son válidos."
    assert {error["pointer"]: error["detail"] for error in answer.json["errors"]} == {
        "#/title": "Este campo no puede estar vacío.",
        "#/tags": "Usa como máximo 12 etiquetas; has enviado 13.",
        "#/summary": "Usa como máximo 300 caracteres; has enviado 301.",
        "#/visibility": "El valor debe ser uno de estos: draft, class, public.",
        "#/links/0/label": "Este campo es obligatorio.",
        "#/links/0/url": "Este campo es obligatorio.",
    }
    one = ada.client.post("/api/projects", json={"title": "x", "summary": 1}, headers=SPANISH)
    assert one.json["detail"] == "summary: Este campo debe ser texto."


def test_the_success_is_translated_too(admin: Person, make_person: MakePerson) -> None:
    bob = make_person(uid="bob", name="Bob Ross")
    answer = admin.client.delete(f"/api/users/{bob.id}", headers=SPANISH)
    assert answer.json == {"message": "Se ha eliminado la cuenta de Bob Ross."}
    assert answer.headers["Content-Language"] == "es"


def test_the_report_of_a_roster_is_translated(admin: Person) -> None:
    roster = "uid;name;dob;Room\nada;Ada;no date;1\nada;Ada;;2\n"
    report = admin.client.post(
        "/api/roster?dry_run=true", data=roster.encode(), content_type="text/csv", headers=SPANISH
    ).json
    assert report["message"] == "Así quedaría: nuevas: 0, modificadas: 0, sin cambios: 0, rechazadas: 2."
    assert report["notes"] == [
        "Leído como UTF-8 con puntos y comas: ID de «uid», nombre de «name», fecha de nacimiento de «dob».",
        "Columnas sin usar: «Room».",
    ]
    assert [row["message"] for row in report["rows"]] == [
        "No pudimos leer «no date» como fecha. Debería escribirse así: 2010-12-31. "
        "Elige si va primero el día o el mes.",
        "La línea 2 tiene el mismo ID.",
    ]


def test_what_pages_in_the_wild_compare_stays_english(guest: FlaskClient, ada: Person) -> None:
    missing = guest.get("/api/id", headers=SPANISH)
    assert missing.json["message"] == "Authentication Token is missing!"
    guest.set_cookie("jwt", "broken")
    broken = guest.get("/api/id", headers=SPANISH)
    assert broken.json["message"] == "Something went wrong, likely with the token!"
    refused = ada.client.post("/api/roster", headers=SPANISH)
    assert refused.json["message"] == "Insufficient permissions. Required roles: Admin"
    token = ada.client.get_cookie("jwt").value
    assert ada.client.delete("/api/sessions").status_code == 200
    ada.client.set_cookie("jwt", token)
    ended = ada.client.get("/api/id", headers=SPANISH)
    assert ended.json["message"] == "Invalid Authentication token!"
    assert [answer.json["detail"] for answer in (missing, broken, refused, ended)] == [
        "Falta el token de autenticación. Inicia sesión.",
        "Algo ha fallado, probablemente con el token. Vuelve a iniciar sesión.",
        "No tienes permiso. Roles necesarios: Administrador",
        "El token de autenticación no es válido. Vuelve a iniciar sesión.",
    ]


def test_a_resource_that_answers_in_plain_words_goes_on_untranslated(app: APIFlask) -> None:
    app.add_url_rule("/api/plain", view_func=lambda: {"message": "Hello {you}"})
    answer = app.test_client().get("/api/plain", headers=SPANISH)
    assert answer.json == {"message": "Hello {you}"}
    assert "Content-Language" not in answer.headers


def test_no_text_is_kept_for_readers_of_other_languages(ada: Person) -> None:
    first = ada.client.get("/api/users/", headers=SPANISH)
    assert "Content-Language" not in first.headers
    assert ada.client.get("/api/users/?limit=0", headers=SPANISH).json["detail"].startswith("limit: El valor")
    assert ada.client.get("/api/users/?limit=0").json["detail"].startswith("limit: This must be")


def test_a_language_is_chosen_once_however_many_texts_an_answer_has(
    guest: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: list[str] = []

    def choose(asking: Request, available: Collection[str]) -> str:
        chosen.append(best_language(asking, available))
        return chosen[-1]

    monkeypatch.setattr(languages, "best_language", choose)
    body = {"code": "x", "password": "p"} | {f"unknown{number}": 1 for number in range(150)}
    answer = guest.post("/api/join", json=body, headers=SPANISH)
    assert answer.status_code == 422
    assert len(answer.json["errors"]) == 100
    assert chosen == ["es"]


@pytest.mark.parametrize(
    "sent",
    [
        {"HTTP_ACCEPT_LANGUAGE": "es," + ",".join(["xx"] * 20_000)},
        {"HTTP_ACCEPT_LANGUAGE": "es" + "-a" * 30_000},
        {"HTTP_COOKIE": "lang=es" + "-a" * 30_000},
    ],
)
def test_wishes_that_no_browser_has_are_not_read(guest: FlaskClient, sent: dict[str, str]) -> None:
    assert guest.get("/api/nowhere", environ_overrides=sent).headers["Content-Language"] == "en"
