"""The OpenAPI document: what APIFlask gathers from the views, completed so that clients can be generated."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from apiflask import APIFlask
from pydantic import BaseModel

from homeroom.config import Config
from homeroom.web.ignored_fields import HEADER as IGNORED_FIELDS
from homeroom.web.preconditions import compares
from homeroom.web.problems import MEDIA_TYPE, Problem
from homeroom.web.schema import BINARY, documented_body, drop_null, forgives_unknown_fields

SPEC_PATH = "/api/openapi.json"
# 3.0 can't say "a text or null" and would need its own form of nearly every schema. All our tools read 3.1.
OPENAPI_VERSION = "3.1.0"
# In the order of the page /api/docs. A resource may bring its own: `tag={"name": …, "description": …}`.
TAGS = {
    "Signing in": "How sessions begin and end, and how a password is confirmed.",
    "Users": "The people of the class, and their pictures.",
    "Pictures": "Uploads that projects use.",
    "Roster": "The class list as a file, and the codes that people join with.",
    "Portfolio": "Projects, and what their authors say about themselves.",
    "Class": "The class at a glance, for its staff.",
    "Resources": "What students added to the API.",
    "Health": "Whether the server is alive, and whether it can serve.",
}
# What stands between braces in a path.
PATH_PARAMETERS = {
    "user_id": "The `id` of a user.",
    "project_id": "The `id` of a project.",
    "picture_id": "The `id` of an uploaded picture.",
    "rendition": "`avatar`: 128 pixels square, `card`: at most 480 wide, `page`: at most 1600 wide.",
    "extension": "`webp`, or what the address under `original` ends with: `jpg` or `png`.",
    "uid": "The ID that a person signs in with.",
    "name": "The `id` of a session.",
}
INFO = {
    "description": (
        "The API of a class's portfolio site. Every path answers with and without a trailing slash. "
        "Errors have one shape, `Problem`."
    ),
    "contact": {"name": "The people who run this site"},
    "license": {"name": "MIT", "identifier": "MIT"},
}

_SCHEMAS = "#/components/schemas/"
_SESSION = "session"
_ID_BOUNDS = {"minimum": 1, "maximum": 10**18 - 1}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` of the version you have. If it has changed since, the answer is 412.",
    "schema": {"type": "string"},
}
_PROBLEM_CONTENT = {MEDIA_TYPE: {"schema": {"$ref": f"{_SCHEMAS}Problem"}}}
_PROBLEM_HEADERS = {
    "Retry-After": {
        "description": "The number of seconds to wait before trying again. Sent with 429 and 503.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "X-Confirmation": {
        "description": "`required`: confirm the password first, with `POST /api/confirmation`.",
        "schema": {"const": "required"},
    },
    "X-Request-ID": {
        "description": "The name of this request in the server's log.",
        "required": True,
        "schema": {"type": "string"},
    },
}
_IGNORED_FIELDS = {
    IGNORED_FIELDS: {
        "description": "Fields of the body that weren't used, percent-encoded, separated by commas.",
        "schema": {"type": "string"},
    }
}
# Ranges and not `default`, which would allow any other success as well.
_PROBLEMS = {
    "4XX": ("ClientError", "The request was refused; `detail` says why."),
    "5XX": ("ServerError", "The server could not do it; `detail` says why."),
}

Schema = dict[str, Any]
Audience = Callable[[Callable[..., Any]], str | None]


class DocumentError(Exception):
    """The views can't be described: two schemas or two operations share a name."""


def init_openapi(app: APIFlask, config: Config, audience: Audience) -> None:
    """Let APIFlask write the document, and complete it when it is asked for first.

    Args:
        audience: says in words whom a view's guard lets in; None: guests too.
    """
    app.config["OPENAPI_VERSION"] = OPENAPI_VERSION
    # Errors have our shape, not APIFlask's.
    app.config["AUTO_VALIDATION_ERROR_RESPONSE"] = False
    app.config["AUTO_AUTH_ERROR_RESPONSE"] = False
    app.config["AUTO_404_RESPONSE"] = False
    # It is relative to the document's own address, and so holds wherever that is served.
    app.servers = [{"url": "/"}]
    app.config["INFO"] = INFO
    app.security_schemes = {
        _SESSION: {
            "type": "apiKey",
            "in": "cookie",
            "name": config.cookie_name,
            "description": "Set by `POST /api/authenticate`; pages never read it, browsers send it.",
        }
    }
    app.spec_processor(partial(_complete, app, audience))


def _complete(app: APIFlask, audience: Audience, gathered: dict[str, Any]) -> dict[str, Any]:
    """The document; what is gathered holds parts of the views' own declarations, and is not changed."""
    document: dict[str, Any] = json.loads(json.dumps(gathered), object_hook=_name_by_itself)
    components = Components.of(document.setdefault("components", {}).pop("schemas", {}))
    components.add_model(Problem)
    operation_ids: set[str] = set()
    for operation in _operations(app, audience, document["paths"]):
        operation.complete(components)
        if operation.id in operation_ids:
            raise DocumentError(f"Two operations are named {operation.id}; give one an `operation_id`.")
        operation_ids.add(operation.id)
    document["paths"] = {path.rstrip("/"): methods for path, methods in document["paths"].items()}
    document["tags"] = list(_tags(document))
    document["components"] |= {
        "schemas": dict(sorted(components.schemas.items())),
        "responses": {
            name: {"description": meaning, "content": _PROBLEM_CONTENT, "headers": _PROBLEM_HEADERS}
            for name, meaning in _PROBLEMS.values()
        },
    }
    return document


def _name_by_itself(part: dict[str, Any]) -> dict[str, Any]:
    """APIFlask names what a schema refers to by both: `UserOut.Role`. One name is enough, its own."""
    if "$ref" in part:
        part["$ref"] = _SCHEMAS + _own_name(part["$ref"].removeprefix(_SCHEMAS))
    return part


def _own_name(name: str) -> str:
    return name.rpartition(".")[2]


@dataclass(frozen=True)
class Components:
    """The document's schemas, each once and under its own name."""

    schemas: dict[str, Schema]

    @classmethod
    def of(cls, gathered: dict[str, Schema]) -> "Components":
        components = cls({})
        for name, schema in gathered.items():
            # APIFlask's own shape of errors, which no view of ours answers with.
            if name != "HTTPError":
                components.add(_own_name(name), schema)
        return components

    def add_model(self, model: type[BaseModel]) -> Schema:
        """Add a model with all that it refers to.

        Returns:
            A reference to it.
        """
        schema = model.model_json_schema(ref_template=f"{_SCHEMAS}{{model}}")
        for name, part in schema.pop("$defs", {}).items():
            self.add(name, part)
        self.add(model.__name__, schema)
        return {"$ref": f"{_SCHEMAS}{model.__name__}"}

    def add(self, name: str, schema: Schema) -> None:
        """Add one schema.

        Raises:
            DocumentError: another one has this name.
        """
        # pydantic's title is the class's name. Of two classes with one name, the second gets a longer one.
        if schema.get("title") != name:
            raise DocumentError(f"Two schemas are named {schema.get('title')}; rename one of the classes.")
        for field in schema.get("properties", {}).values():
            field.pop("title", None)
            # Clients take a field with a default for one that is always there. A body's need not be sent,
            # and of a change it would be wrong: what isn't sent stays.
            field.pop("default", None)
        if self.schemas.setdefault(name, schema) != schema:
            raise DocumentError(f"Two schemas are named {name}; rename one of the classes.")


@dataclass(frozen=True)
class Operation:
    """One method of one path: what the document says of it, and the view that it leads to."""

    described: dict[str, Any]
    view: Callable[..., Any]
    id: str
    # In words; None: guests may ask too.
    audience: str | None

    def complete(self, components: Components) -> None:
        self.described["operationId"] = self.id
        self.described["description"] = self._description()
        self.described["security"] = [{_SESSION: []}] if self.audience is not None else []
        self._complete_parameters()
        self._complete_body(components)
        self._complete_responses()

    def _description(self) -> str:
        """The docstring without what it tells programmers, and who may ask."""
        written = self.described.get("description", "").partition("Raises:")[0]
        text = re.sub(r"\n +", "\n", written).strip()
        return "\n\n".join(filter(None, (text, self.audience or "Works without signing in.")))

    def _complete_parameters(self) -> None:
        for parameter in self.described["parameters"]:
            schema = parameter["schema"] = _without_default(parameter["schema"])
            schema.pop("title", None)
            if "description" in schema:
                parameter["description"] = schema.pop("description")
            if parameter["in"] == "path":
                parameter |= {"description": PATH_PARAMETERS.get(parameter["name"], "Part of the path.")}
                schema |= _ID_BOUNDS if schema["type"] == "integer" else {}
        if compares(self.view):
            self.described["parameters"].append(_IF_MATCH)
        if not self.described["parameters"]:
            del self.described["parameters"]

    def _complete_body(self, components: Components) -> None:
        by_hand = documented_body(self.view)
        if by_hand is not None:
            content = {
                media_type: {"schema": BINARY if model is None else components.add_model(model)}
                for media_type, model in by_hand.content.items()
            }
            self.described["requestBody"] = {"content": content, "required": by_hand.required}
        elif "requestBody" in self.described:
            self.described["requestBody"]["required"] = True

    def _complete_responses(self) -> None:
        responses = self.described["responses"]
        # Where APIFlask keeps what `@bp.input` was given.
        body = getattr(self.view, "_spec", {}).get("body")
        for status, response in responses.items():
            if status.startswith("2") and forgives_unknown_fields(body):
                response["headers"] = response.get("headers", {}) | _IGNORED_FIELDS
            if status.startswith(("4", "5")):
                response["content"] = _PROBLEM_CONTENT
                response["headers"] = _PROBLEM_HEADERS
            for header in response.get("headers", {}).values():
                header["schema"] = _without_default(header["schema"])
                header["schema"].pop("title", None)
                if "description" in header["schema"]:
                    header["description"] = header["schema"].pop("description")
        for statuses, (name, _) in _PROBLEMS.items():
            responses[statuses] = {"$ref": f"#/components/responses/{name}"}


def _operations(app: APIFlask, audience: Audience, paths: dict[str, Any]) -> Iterator[Operation]:
    for rule in app.url_map.iter_rules():
        described = paths.get(re.sub(r"<(?:[^<>:]+:)?([^<>]+)>", r"{\1}", rule.rule), {})
        name = rule.endpoint.rpartition(".")[2]
        methods = [method for method in described if method.upper() in (rule.methods or ())]
        for method in methods:
            operation = described[method]
            chosen = operation.get("operationId", name)
            # `PATCH` is what `PUT` is, here; a client names both.
            operation_id = f"{chosen}_patch" if method == "patch" and len(methods) > 1 else chosen
            view = app.view_functions[rule.endpoint]
            yield Operation(operation, view, operation_id, audience(view))


def _without_default(schema: Schema) -> Schema:
    """A parameter that isn't sent is not null, but not there."""
    plain = {key: value for key, value in schema.items() if (key, value) != ("default", None)}
    drop_null(plain)
    return plain


def _tags(document: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Each tag that an operation has, once: ours in our order, then those that resources bring."""
    declared = {tag["name"]: tag for tag in document.get("tags", [])}
    for name in sorted(declared, key=[*TAGS, *declared].index):
        yield {"description": TAGS[name], "name": name} if name in TAGS else declared[name]
