"""The OpenAPI document: valid, true to the routes, and every answer true to it."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from apiflask import APIFlask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import validate
from PIL import Image
from pydantic import create_model
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from homeroom.auth.guard import audience_of
from homeroom.auth.models import Role
from homeroom.auth.schemas import Code
from homeroom.config import load_config
from homeroom.web.openapi import DocumentError, init_openapi
from homeroom.web.schema import Body
from tests.conftest import KEY, PASSWORD, MakePerson, Person

OPERATIONS_PAGE = Path(__file__).parents[2] / "docs/reference/operations.md"
PROBLEMS = {
    "4XX": {"$ref": "#/components/responses/ClientError"},
    "5XX": {"$ref": "#/components/responses/ServerError"},
}


@pytest.fixture
def document(guest: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = guest.get("/api/openapi.json").json
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    validate(document)


def test_the_document_names_every_api_route(app: APIFlask, document: dict[str, Any]) -> None:
    described = {(method, re.sub(r"\{[^}]+\}", "{}", path)) for method, path, _ in operations(document)}
    routed = {
        (method, re.sub(r"<[^>]+>", "{}", rule.rule.rstrip("/")))
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/") and rule.endpoint.split(".")[0] not in ("openapi", "site")
    }
    assert described == routed


def test_operations_say_whether_they_need_a_session_and_how_they_fail(
    guest: FlaskClient, document: dict[str, Any]
) -> None:
    for method, path, operation in operations(document):
        concrete = re.sub(r"\{[^}]+\}", "1", path)
        guarded = guest.open(concrete, method=method).status_code == 401
        assert operation["security"] == ([{"session": []}] if guarded else []), (method, path)
        assert operation["responses"].items() >= PROBLEMS.items()
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for response in document["components"]["responses"].values():
        assert response["content"] == problem
        assert "Retry-After" in response["headers"]


def test_each_schema_is_there_once_under_its_own_name(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert "RenditionUrls" in schemas
    assert [name for name in schemas if not re.fullmatch(r"[A-Z][A-Za-z0-9]+", name)] == []
    assert {name: schema["title"] for name, schema in schemas.items()} == {name: name for name in schemas}
    referred = set(re.findall(r"#/components/schemas/([^'\"]+)", str(document)))
    assert referred == set(schemas)


def test_a_field_that_need_not_be_sent_is_not_required(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["NewProject"]["required"] == ["title"]
    assert "required" not in schemas["ProjectChanges"]
    assert "required" not in schemas["UserChanges"]
    # Generators take a default for a promise that the field is there.
    with_default = [
        (name, field)
        for name, schema in schemas.items()
        for field, described in schema.get("properties", {}).items()
        if "default" in described
    ]
    assert with_default == []


def test_a_body_that_is_needed_is_required(document: dict[str, Any]) -> None:
    bodies = {
        operation["operationId"]: operation["requestBody"]["required"]
        for _, _, operation in operations(document)
        if "requestBody" in operation
    }
    assert [name for name, required in bodies.items() if not required] == ["delete_user"]
    assert bodies.keys() >= {"delete_user", "delete_named_user", "delete_self", "import_roster", "sign_up"}


def test_the_header_of_ignored_fields_is_documented_where_they_are_ignored(document: dict[str, Any]) -> None:
    forgiving = {
        operation["operationId"]
        for _, _, operation in operations(document)
        for status, response in operation["responses"].items()
        if status.startswith("2") and "X-Ignored-Fields" in response.get("headers", {})
    }
    assert forgiving >= {"authenticate", "sign_up", "create_user", "change_self", "delete_user"}
    assert forgiving >= {"replace_own_picture", "delete_self", "change_user_patch"}
    assert not forgiving & {"create_project", "join_class", "import_roster", "read_self", "confirm_session"}


def test_files_are_documented_as_what_they_are(document: dict[str, Any]) -> None:
    paths = document["paths"]
    binary = {"schema": {"type": "string", "format": "binary"}}
    pictures = {"image/webp": binary, "image/jpeg": binary, "image/png": binary}
    for path in (path for path in paths if "{rendition}" in path):
        assert paths[path]["get"]["responses"]["200"]["content"] == pictures
    assert paths["/api/id/export"]["get"]["responses"]["200"]["content"] == {"application/zip": binary}
    uploaded = paths["/api/uploads"]["post"]["requestBody"]["content"]
    assert uploaded.keys() == {"multipart/form-data", "image/jpeg", "image/png", "image/gif", "image/webp"}
    assert paths["/api/roster"]["post"]["requestBody"]["content"].keys() == {
        "multipart/form-data",
        "text/csv",
    }


def test_each_tag_is_there_once_and_says_what_it_is_about(document: dict[str, Any]) -> None:
    names = [tag["name"] for tag in document["tags"]]
    assert len(names) == len(set(names))
    assert {name for _, _, operation in operations(document) for name in operation["tags"]} == set(names)
    assert all(tag["description"] for tag in document["tags"])


def test_operations_keep_their_names(document: dict[str, Any]) -> None:
    """Functions of generated clients are named like this: who changes a name breaks them."""
    found = [
        f"| `{operation['operationId']}` | `{method} {path}` | {operation['description'].splitlines()[-1]} |"
        for method, path, operation in operations(document)
        # What a class adds is its own.
        if operation["tags"] != ["Resources"]
    ]
    listed = re.findall(r"^\| `.*$", OPERATIONS_PAGE.read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(found)
    assert all(len(operation["operationId"]) <= 30 for _, _, operation in operations(document))


def document_of(**bodies: type[Body]) -> Any:
    """The document of an app with an operation for each name, which takes that body."""
    app = APIFlask("small", title="Small", version="1", docs_path=None)
    init_openapi(app, load_config(secret_key=KEY), audience_of)
    for name, body in bodies.items():

        @app.post(f"/api/{name}", endpoint=name)
        @app.doc(tags=["Resources"], operation_id=name.rstrip("_"))
        @app.input(body)
        def view(json_data: Body) -> dict[str, str]:
            return {}

    return app.spec


def test_two_schemas_of_one_name_are_refused() -> None:
    one, other = create_model("Same", __base__=Body), create_model("Same", __base__=Body, more=int)
    assert document_of(first=one, second=one)
    with pytest.raises(DocumentError, match="Two schemas are named Same"):
        document_of(first=one, second=other)


def test_two_operations_of_one_name_are_refused() -> None:
    with pytest.raises(DocumentError, match="Two operations are named first"):
        document_of(first=Code, first_=Code)


def test_the_page_loads_nothing_from_elsewhere(guest: FlaskClient) -> None:
    page = guest.get("/api/docs", buffered=True)
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert "://" not in re.sub(r'xmlns="[^"]+"', "", page.get_data(as_text=True))


def strict_schema(app: APIFlask) -> BaseSchema:
    """The document, read so that a field which it does not name is an error."""
    document = app.test_client().get("/api/openapi.json").json
    for schema in document["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    schema = schemathesis.openapi.from_dict(document)
    schema.app = app
    schema.location = "/api/openapi.json"
    return schema


# What a schema cannot say (a past date, a free ID) is refused all the same; sessions are given by the
# test itself; HEAD and OPTIONS, which every route answers, are not in the document.
EXCLUDED = [ignored_auth, positive_data_acceptance, unsupported_method]
ENDS_THE_SESSION = {("DELETE", "/api/authenticate"), ("DELETE", "/api/sessions")}


def fields_of(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    """The fields of an operation's JSON body, each with its schema; of several forms, those of the first."""
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    while "properties" not in schema:
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        elif forms := schema.get("anyOf", schema.get("oneOf")):
            schema = forms[0]
        else:
            return {}
    return dict(schema["properties"])


def takes_null(schema: dict[str, Any]) -> bool:
    return {"type": "null"} in schema.get("anyOf", []) or not schema.keys() & {
        "type",
        "anyOf",
        "$ref",
        "enum",
    }


def test_null_is_taken_where_the_document_says_so_and_nowhere_else(app: APIFlask, admin: Person) -> None:
    """A field that is left out stays as it is; null would be said of it."""
    document, refused = app.spec, 0
    for method, path, operation in operations(document):
        for name, schema in fields_of(document, operation).items():
            answer = admin.client.open(re.sub(r"\{[^}]+\}", "1", path), method=method, json={name: None})
            told = {error["pointer"] for error in (answer.json or {}).get("errors", [])}
            if schema.get("readOnly"):
                # May come back as it was given, which is a value for most and null for some.
                continue
            assert (f"#/{name}" in told) is not takes_null(schema), (method, path, name, answer.json)
            refused += not takes_null(schema)
    assert refused > 10


@pytest.mark.parametrize("role", [None, Role.USER, Role.ADMIN], ids=str)
def test_every_answer_is_what_the_document_promises(
    app: APIFlask, make_person: MakePerson, role: Role | None
) -> None:
    """Whatever schemathesis makes up, sent as a guest, a student and an admin."""
    headers = {}
    if role is not None:
        person = make_person("tester", role=role)
        headers["Cookie"] = f"jwt={person.client.get_cookie('jwt').value}"
    tried = 0

    def check(case: schemathesis.Case) -> None:
        nonlocal tried
        tried += 1
        case.call_and_validate(headers=headers, excluded_checks=EXCLUDED)

    for result in strict_schema(app).get_all_operations():
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
    derandomize=True,
)


CONFORMANCE = [
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]


@dataclass
class Journey:
    """Requests by the names of their operations; each has to succeed, as the document says."""

    schema: BaseSchema
    done: set[str] = field(default_factory=set)

    def ask(self, client: FlaskClient, name: str, **request: Any) -> Any:
        operation = self.schema.find_operation_by_id(name)
        values = {**request.pop("at", {}), "rendition": "card", "extension": "webp"}
        path = operation.path.format(**values)
        with client.open(path, method=operation.method, **request) as answer:
            assert answer.status_code in (200, 201), (name, answer.get_data()[:500])
            operation.Case().validate_response(answer, checks=CONFORMANCE)
            self.done.add(name)
            return answer.json if answer.is_json else None


@pytest.fixture
def journey(app: APIFlask) -> Journey:
    return Journey(strict_schema(app))


def picture_form() -> dict[str, Any]:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), "seagreen").save(file, "PNG")
    file.seek(0)
    return {"data": {"file": (file, "a.png")}}


# Random bodies hardly ever succeed; here each operation does, and none is left out.
def test_every_operation_succeeds_as_the_document_says(
    app: APIFlask, journey: Journey, make_person: MakePerson
) -> None:
    admin, teacher = make_person("admin", role=Role.ADMIN), make_person("teacher", role=Role.TEACHER)
    ada = join_the_class(app, journey, admin.client)
    keep_pictures(journey, ada)
    show_a_project(app, journey, ada, teacher.client)
    look_after_the_class(app, journey, make_person, admin.client, teacher.client)
    leave(app, journey, ada)
    assert journey.done == {operation["operationId"] for _, _, operation in operations(app.spec)}


def join_the_class(app: APIFlask, journey: Journey, admin: FlaskClient) -> FlaskClient:
    ada, ben, ask = app.test_client(), app.test_client(), journey.ask
    for probe in ("read_liveness", "read_readiness"):
        ask(ada, probe)
    made = ask(admin, "create_user", json=[{"uid": "ada", "name": "Ada"}, {"uid": "ben", "name": "Ben"}])
    codes = [ask(admin, "make_join_code", at={"user_id": user["id"]})["code"] for user in made]
    ask(ada, "show_code_owner", json={"code": codes[0]})
    ask(ada, "join_class", json={"code": codes[0], "password": PASSWORD})
    ask(ben, "sign_up", json={"code": codes[1], "password": PASSWORD})
    ask(ben, "authenticate", json={"uid": "ben", "password": PASSWORD})
    ask(ben, "delete_self", json={"current_password": PASSWORD})
    ask(ada, "authenticate_user", json={"uid": "ada", "password": PASSWORD})
    user_id = ask(ada, "read_self")["id"]
    assert ask(ada, "read_self_as_user")["id"] == user_id
    assert ask(ada, "read_session")["user"]["id"] == user_id
    for name in ("change_self", "change_self_patch"):
        ask(ada, name, json={"dob": "2010-02-28"})
    for name in ("change_user", "change_user_patch"):
        ask(admin, name, at={"user_id": user_id}, json={"email": "ada@example.org"})
    for name in ("change_named_user", "change_named_user_patch"):
        ask(admin, name, json={"uid": "ada", "name": "Ada Lovelace"})
    ask(ada, "read_user", at={"user_id": user_id})
    ask(ada, "list_users", query_string={"limit": "1"})
    ask(ada, "greet")
    return ada


def keep_pictures(journey: Journey, ada: FlaskClient) -> None:
    ask = journey.ask
    upload = ask(ada, "upload_picture", **picture_form())
    ask(ada, "read_upload", at={"picture_id": upload["id"]})
    ask(ada, "delete_upload", at={"picture_id": upload["id"]})
    ask(ada, "replace_avatar", **picture_form())
    ask(ada, "replace_avatar", json={"picture_id": ask(ada, "upload_picture", **picture_form())["id"]})
    pfp = ask(ada, "read_own_picture")
    ask(ada, "replace_own_picture", json=pfp)
    ask(ada, "read_avatar", at={"user_id": ask(ada, "read_self")["id"]})
    ask(ada, "remove_avatar")
    ask(ada, "remove_own_picture")
    ask(ada, "read_usage")


def show_a_project(app: APIFlask, journey: Journey, ada: FlaskClient, teacher: FlaskClient) -> None:
    ask = journey.ask
    picture = ask(ada, "upload_picture", **picture_form())
    project = {
        "title": "A weather station",
        "body": "# It *measures*\n\n- rain",
        "visibility": "public",
        "links": [{"label": "Source", "url": "https://example.org/"}],
        "pictures": [{"id": picture["id"], "alt": "The station"}],
    }
    at = {"project_id": ask(ada, "create_project", json=project)["id"], "picture_id": picture["id"]}
    for name in ("change_project", "change_project_patch"):
        ask(ada, name, at=at, json={"tags": ["sensors"]}, headers={"If-Match": "*"})
    ask(ada, "preview_text", json={"body": "> a quotation"})
    ask(ada, "change_own_profile", json={"about": "I build things.", "shown_name": "A. L."})
    for client in (ada, app.test_client()):
        ask(client, "list_projects", query_string={"limit": "1"})
        ask(client, "read_project", at=at)
        ask(client, "read_project_picture", at=at)
        ask(client, "read_profile", at={"uid": "ada"})
    ask(teacher, "hide_project", at=at, json={"reason": "It names somebody."})
    ask(ada, "read_project", at=at)
    ask(teacher, "list_activity")
    ask(teacher, "show_project_again", at=at)
    ask(ada, "export_own_data")
    ask(ada, "delete_project", at=at)


def look_after_the_class(
    app: APIFlask, journey: Journey, make_person: MakePerson, admin: FlaskClient, teacher: FlaskClient
) -> None:
    ask = journey.ask
    ask(teacher, "admit_user", at={"user_id": make_person("cleo", pending=True).id})
    ask(teacher, "read_overview")
    ask(admin, "confirm_session", json={"current_password": PASSWORD})
    ask(admin, "import_roster", data="uid,name\ndan,Dan\n", content_type="text/csv")
    form = {"file": (io.BytesIO(b"uid,name\ndan,Dan\n"), "class.csv")}
    ask(admin, "import_roster", data=form, query_string={"dry_run": "true"})
    for name in ("make_join_codes", "list_join_codes"):
        ask(admin, name)
    ask(admin, "delete_user", at={"user_id": make_person("eve", signed_in=False).id})
    ask(admin, "delete_named_user", json={"uid": "dan"})


def leave(app: APIFlask, journey: Journey, ada: FlaskClient) -> None:
    sessions = journey.ask(ada, "list_sessions")
    (other,) = [session["id"] for session in sessions if not session["current"]][:1]
    journey.ask(ada, "end_session", at={"name": other})
    journey.ask(ada, "sign_out")
    journey.ask(ada, "authenticate", json={"uid": "ada", "password": PASSWORD})
    journey.ask(ada, "sign_out_everywhere")
