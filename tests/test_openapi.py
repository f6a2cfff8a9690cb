"""The OpenAPI document: true to the routes, and every answer true to it (schemathesis)."""

import re

import pytest
import schemathesis
from apiflask import APIFlask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance, unsupported_method

from homeroom.auth.models import Role
from tests.conftest import MakePerson


def test_the_document_is_openapi_3_1_and_names_every_api_route(app: APIFlask, guest: FlaskClient) -> None:
    document = guest.get("/api/openapi.json").json
    assert document["openapi"].startswith("3.1")
    described = {
        (method.upper(), re.sub(r"\{[^}]+\}", "{}", path.rstrip("/")))
        for path, operations in document["paths"].items()
        for method in operations
    }
    routed = {
        (method, re.sub(r"<[^>]+>", "{}", rule.rule.rstrip("/")))
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/") and rule.endpoint.split(".")[0] not in ("openapi", "site")
    }
    assert described == routed


def test_operations_that_need_a_session_say_so(app: APIFlask, guest: FlaskClient) -> None:
    document = guest.get("/api/openapi.json").json
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            concrete = re.sub(r"\{[^}]+\}", "1", path)
            guarded = guest.open(concrete, method=method.upper()).status_code == 401
            assert ("security" in operation) is guarded, (method, path)
            assert operation["responses"]["default"]["content"].keys() == {"application/problem+json"}


def test_the_document_loads_nothing_from_elsewhere(guest: FlaskClient) -> None:
    page = guest.get("/api/docs", buffered=True)
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert "://" not in re.sub(r'xmlns="[^"]+"', "", page.get_data(as_text=True))


# What a schema cannot say (a past date, a free ID) is refused all the same; sessions are given by the
# test itself; HEAD and OPTIONS, which every route answers, are not in the document.
EXCLUDED = [ignored_auth, positive_data_acceptance, unsupported_method]
ENDS_THE_SESSION = {("DELETE", "/api/authenticate"), ("DELETE", "/api/sessions")}


@pytest.mark.parametrize("role", [None, Role.USER, Role.ADMIN], ids=str)
def test_every_answer_is_what_the_document_promises(
    app: APIFlask, make_person: MakePerson, role: Role | None
) -> None:
    """Whatever schemathesis makes up, sent as a guest, a student and an admin."""
    headers = {}
    if role is not None:
        person = make_person("tester", role=role)
        headers["Cookie"] = f"jwt={person.client.get_cookie('jwt').value}"
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    tried = 0

    def check(case: schemathesis.Case) -> None:
        nonlocal tried
        tried += 1
        case.call_and_validate(headers=headers, excluded_checks=EXCLUDED)

    for result in schema.get_all_operations():
        operation = result.ok()
        if (operation.method.upper(), operation.path) not in ENDS_THE_SESSION:
            EXAMPLES(given(case=operation.as_strategy())(check))()
    assert tried > 100


EXAMPLES = settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    database=None,
)
