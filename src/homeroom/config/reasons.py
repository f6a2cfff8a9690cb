"""Why a value was refused, in words for people: of a body's field, and of a setting."""

import re
from collections.abc import Mapping
from typing import Any

# By pydantic's names: https://docs.pydantic.dev/latest/errors/validation_errors/
_REASONS = {
    "missing": "This is needed.",
    "extra_forbidden": "There is no field of this name.",
    "string_type": "This must be text.",
    "string_too_short": "At least {min_length:,} characters.",
    "string_too_long": "At most {max_length:,} characters.",
    "too_short": "At least {min_length:,} {things}; there are {actual_length:,}.",
    "too_long": "At most {max_length:,} {things}; there are {actual_length:,}.",
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "This must be a whole number."),
    "int_parsing_size": "This number is too large.",
    **dict.fromkeys(("float_type", "float_parsing"), "This must be a number."),
    **dict.fromkeys(("bool_type", "bool_parsing"), "This must be true or false."),
    "list_type": "This must be a list.",
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "This must be an object."),
    "greater_than": "This must be more than {gt}.",
    "greater_than_equal": "This must be at least {ge}.",
    "less_than_equal": "This may be at most {le:,}.",
    **dict.fromkeys(("enum", "literal_error"), "This must be {expected}."),
    "is_instance_of": "A file is needed here.",
}


def reason_of(problem: Mapping[str, Any]) -> str:
    """The words of our own rule, or ours for one of pydantic's; its own reach nobody."""
    kind, bounds = problem["type"], problem.get("ctx", {})
    if kind == "value_error":
        return str(bounds["error"])
    if kind in ("too_long", "too_short"):
        # Of a text that is checked by a rule of ours before, pydantic knows no type.
        bounds = bounds | {"things": _things(problem) if bounds["field_type"] == "List" else "characters"}
    if bounds.get("min_length") == 1:
        return "This may not be empty."
    whole = {name: int(bound) if _is_whole(bound) else bound for name, bound in bounds.items()}
    return _REASONS.get(kind, "This is not a value that can stand here.").format(**whole)


def _things(problem: Mapping[str, Any]) -> str:
    """What a list holds: a field that has several is called by them."""
    name = str(problem["loc"][-1]) if problem["loc"] else ""
    return name.replace("_", " ") if re.fullmatch("[a-z_]+s", name) else "entries"


def _is_whole(bound: object) -> bool:
    return isinstance(bound, float) and bound.is_integer()
