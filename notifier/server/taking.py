"""A request → what it gives, as the model that a call takes; every fault in it is told, none of its values."""

import re
from collections import Counter
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from notifier.config.faults import Wrong
from notifier.config.words import nearest
from notifier.server.access import READING
from notifier.server.problems import Fault, Problem
from notifier.store import UnknownNameError

JSON = "application/json"
LONGEST_KEY = 100
"""Characters of a key that nobody knows, in what is said of it."""
SENTENCES = {
    "missing": "a value: it has no default",
    "model_type": "a JSON object",
    "string_type": "a string",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
}
"""What pydantic finds by itself, in our words; the rest is plain enough without its first ones."""


Limit = Annotated[int, Field(ge=1, le=1000)]


class Taken(BaseModel):
    """What a call may give: no unknown keys, no silent conversions, no values in errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Nothing(Taken):
    """Nothing at all."""


Number = Annotated[int, Field(ge=1, lt=1 << 62)]
"""Of a row, and so of the page before it."""


class Page(Taken):
    """Which page of what is listed, the newest first."""

    cursor: Number | None = None
    limit: Limit = 100


class Names(Taken):
    """Which page of what is listed by its name."""

    cursor: str | None = None
    limit: Limit = 100


T = TypeVar("T", bound=Taken)


async def taken(request: web.Request, takes: type[T]) -> T:
    """What is asked; raises `Problem`, or aiohttp's own where the body is too large or breaks off."""
    reads = request.method in READING
    try:
        parameters = _parameters(request)
        if reads:
            return takes.model_validate(parameters)
        Nothing.model_validate(parameters)
    except ValidationError as error:
        raise _problem(error, takes if reads else Nothing, HTTPStatus.BAD_REQUEST) from None
    body = await request.read()
    if body and request.content_type != JSON:
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"a body is {JSON}: say so in the header content-type")
    try:
        return takes.model_validate_json(body or b"{}", strict=True)
    except ValidationError as error:
        raise _problem(error, takes, HTTPStatus.UNPROCESSABLE_ENTITY) from None


def _parameters(request: web.Request) -> Mapping[str, str]:
    given = Counter(name for name, _ in request.query.items())
    twice = [
        Fault(where=name[:LONGEST_KEY], expected="once, and not twice") for name, count in given.items() if count > 1
    ]
    if twice:
        raise Problem(HTTPStatus.BAD_REQUEST, _sentence(twice), twice)
    return dict(request.query)


def _problem(error: ValidationError, takes: type[Taken], status: HTTPStatus) -> Problem:
    details = error.errors(include_url=False, include_input=False)
    if details[0]["type"] == "json_invalid":
        return Problem(HTTPStatus.BAD_REQUEST, f"the body is no JSON: {details[0]['ctx']['error']}")
    faults = [_fault(detail, takes) for detail in details]
    return Problem(status, _sentence(faults), faults)


def _fault(detail: Mapping[str, Any], takes: type[Taken]) -> Fault:
    where = ".".join(str(part) for part in detail["loc"])[:LONGEST_KEY]
    match detail["type"]:
        case "extra_forbidden":
            expected = _instead(where, takes)
        case "value_error":
            wrong = detail["ctx"]["error"]
            hint = f'; did you mean "{wrong.suggestion}"?' if isinstance(wrong, Wrong) and wrong.suggestion else ""
            expected = str(wrong).removeprefix("expected ") + hint
        case kind:
            said = detail["msg"].removeprefix("Input should be ").replace("'", '"')
            expected = SENTENCES.get(kind, said)
    return Fault(where=where, expected=expected)


def _instead(key: str, takes: type[Taken]) -> str:
    if not takes.model_fields:
        return "nothing: this call takes none"
    if near := nearest(key, takes.model_fields):
        return f'a known key; did you mean "{near}"?'
    return f"one of {', '.join(takes.model_fields)}"


def _sentence(faults: list[Fault]) -> str:
    return "; ".join(f"{one.where}: expected {one.expected}" if one.where else one.expected for one in faults)


def numbered(call: Mapping[str, str], what: str) -> int:
    """The id of something that goes by a number, from the path; raises `UnknownNameError` where it is none."""
    text = call[what]
    if not re.fullmatch("[0-9]{1,18}", text):
        raise UnknownNameError(f"a {what} has a number, and this is none: {text[:LONGEST_KEY]!r}")
    return int(text)
