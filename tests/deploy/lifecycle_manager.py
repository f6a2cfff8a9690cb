"""Amazon Data Lifecycle Manager, as far as a policy is kept, which moto does not have.

What is sent is held against Amazon's own model of the service, as botocore carries it: wrong names, types,
words and patterns are refused. No snapshot is ever made here.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from botocore.session import get_session
from botocore.validate import ParamValidator
from werkzeug.wrappers import Request, Response

_SERVICE = get_session().get_service_model("dlm")
ACCOUNT = "123456789012"


class LifecycleManager:
    """The policies of one account, over HTTP."""

    def __init__(self) -> None:
        self._policies: dict[str, dict[str, Any]] = {}

    def answer(self, request: Request) -> Response:
        match request.method, request.path.split("/")[1:]:
            case "POST", ["policies"]:
                return self._create(request)
            case "GET", ["policies"]:
                return _json({"Policies": [_summary(policy) for policy in self._policies.values()]})
            case "GET" | "PATCH" | "DELETE", ["policies", name]:
                if name not in self._policies:
                    return _refusal(404, "ResourceNotFoundException", f"No policy {name}")
                return self._one(request, name)
            case _:
                return _refusal(400, "InvalidRequestException", f"{request.method} {request.path}")

    def _create(self, request: Request) -> Response:
        sent = request.get_json()
        if faults := _faults("CreateLifecyclePolicy", sent):
            return _refusal(400, "InvalidRequestException", faults)
        name = f"policy-{len(self._policies) + 1:017x}"
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        details = {"PolicyType": "EBS_SNAPSHOT_MANAGEMENT", "ResourceLocations": ["CLOUD"]}
        arn = f"arn:aws:dlm:eu-central-1:{ACCOUNT}:policy/{name}"
        kept = {"PolicyId": name, "PolicyArn": arn, "DateCreated": now, "DateModified": now, "Tags": {}}
        self._policies[name] = kept | sent | {"PolicyDetails": details | sent["PolicyDetails"]}
        return _json({"PolicyId": name})

    def _one(self, request: Request, name: str) -> Response:
        if request.method == "DELETE":
            del self._policies[name]
            return _json({})
        if request.method == "PATCH":
            sent = request.get_json()
            if faults := _faults("UpdateLifecyclePolicy", sent | {"PolicyId": name}):
                return _refusal(400, "InvalidRequestException", faults)
            self._policies[name] |= sent
            return _json({})
        return _json({"Policy": self._policies[name]})


def _summary(policy: dict[str, Any]) -> dict[str, Any]:
    return {name: policy[name] for name in ("PolicyId", "Description", "State", "Tags")}


def _faults(operation: str, sent: dict[str, Any]) -> str:
    shape = _SERVICE.operation_model(operation).input_shape
    assert shape is not None
    report = ParamValidator().validate(sent, shape).generate_report()
    return report or "; ".join(_wrong_words(shape, sent, "the policy"))


def _wrong_words(shape: Shape, value: Any, where: str) -> Iterator[str]:
    """What botocore leaves to the service: names it does not know, words outside of a set, patterns."""
    if isinstance(shape, StructureShape):
        for name, part in value.items():
            if name not in shape.members:
                yield f"{where} has no {name}"
            else:
                yield from _wrong_words(shape.members[name], part, name)
    elif isinstance(shape, ListShape):
        for part in value:
            yield from _wrong_words(shape.member, part, where)
    elif isinstance(shape, MapShape):
        for part in value.values():
            yield from _wrong_words(shape.value, part, where)
    elif isinstance(shape, StringShape):
        yield from _wrong_word(shape, value, where)


def _wrong_word(shape: StringShape, value: str, where: str) -> Iterator[str]:
    # The model's patterns are Java's.
    pattern = shape.metadata.get("pattern", r"[\s\S]*").replace(r"\p{all}", r"\s\S")
    if shape.enum and value not in shape.enum:
        yield f"{where} cannot be {value}"
    elif not re.fullmatch(pattern, value):
        yield f"{where} cannot be {value}: {pattern}"


def _json(answer: dict[str, Any]) -> Response:
    return Response(json.dumps(answer), mimetype="application/json")


def _refusal(status: int, kind: str, told: str) -> Response:
    answer = Response(json.dumps({"Message": told}), status, mimetype="application/json")
    answer.headers["x-amzn-ErrorType"] = kind
    return answer
