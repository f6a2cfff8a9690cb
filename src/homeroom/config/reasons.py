"""Why a value was refused, in words for people: of a body's field, and of a setting."""

import re
from collections.abc import Mapping
from typing import Any

from homeroom.translations.messages import message, text_of

# By pydantic's names: https://docs.pydantic.dev/latest/errors/validation_errors/
_REASONS = {
    "missing": message("This is required."),
    "extra_forbidden": message("This field doesn't exist."),
    "string_type": message("This must be text."),
    "string_too_short": message("Use at least {min_length:,} characters."),
    "string_too_long": message("Use at most {max_length:,} characters."),
    "too_short": message("Use at least {min_length:,} {things}; you sent {actual_length:,}."),
    "too_long": message("Use at most {max_length:,} {things}; you sent {actual_length:,}."),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), message("This must be a whole number.")),
    "int_parsing_size": message("This number is too large."),
    **dict.fromkeys(("float_type", "float_parsing"), message("This must be a number.")),
    **dict.fromkeys(("bool_type", "bool_parsing"), message("This must be true or false.")),
    "list_type": message("This must be a list."),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), message("This must be an object.")),
    "greater_than": message("This must be more than {gt}."),
    "greater_than_equal": message("This must be at least {ge:,}."),
    "less_than_equal": message("This must be at most {le:,}."),
    **dict.fromkeys(("enum", "literal_error"), message("This must be one of: {choices}.")),
    "is_instance_of": message("This must be a file."),
}
# What the lists of bodies hold, by the field's name.
_THINGS = {"links": message("links"), "pictures": message("pictures"), "tags": message("tags")}


def reason_of(problem: Mapping[str, Any]) -> str:
    """The words of our own rule, or ours for one of pydantic's; its own reach nobody."""
    kind, bounds = problem["type"], problem.get("ctx", {})
    if kind == "value_error":
        return text_of(bounds["error"])
    if bounds.get("min_length") == 1:
        return message("This can't be empty.")
    if kind in ("too_long", "too_short"):
        bounds = bounds | {"things": _things(problem)}
    if "expected" in bounds:
        bounds = bounds | {"choices": ", ".join(re.findall("'([^']+)'", bounds["expected"]))}
    whole = {name: int(bound) if _is_whole(bound) else bound for name, bound in bounds.items()}
    return _REASONS.get(kind, message("This value isn't valid.")).filled(**whole)


def _things(problem: Mapping[str, Any]) -> str:
    """What a list holds. Of a text that is checked by a rule of ours before, pydantic knows no type."""
    if problem["ctx"]["field_type"] != "List":
        return message("characters")
    return _THINGS.get(str(problem["loc"][-1]) if problem["loc"] else "", message("entries"))


def _is_whole(bound: object) -> bool:
    return isinstance(bound, float) and bound.is_integer()
