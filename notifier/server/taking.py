"""A request → what it gives, as the model that a call takes; every fault in it is told, none of its values."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from aiohttp import web
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from notifier.config.faults import Wrong
from notifier.config.words import nearest
from notifier.core import moments
from notifier.server.access import READING
from notifier.server.problems import Fault, Problem
from notifier.store import UnknownNameError

JSON = "application/json"
LONGEST_KEY = 100
"""Characters of a key that nobody knows, in what is said of it."""
MOST_FAULTS = 20
"""Told of one call; of the others it is told how many they are."""
ONCE = "once, and not twice"
TRUTH = "true or false"
PATIENCE = 30.0
"""Seconds within which a body comes."""
SENTENCES = {
    "missing": "a value: it is needed",
    "model_type": "a JSON object",
    "string_type": "a string",
    "bool_type": TRUTH,
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "string_too_short": "at least {min_length} character",
    "string_too_long": "at most {max_length} characters",
    "too_long": "at most {max_length} of them",
}
"""What pydantic finds by itself, in our words; the rest is plain enough without its first ones."""
KINDS = {list: "a list", str: "a string", bool: TRUTH, type(None): "null"}
"""What a body may be instead of an object; else it is a number."""
CURSOR = "the `next` of the page before, or none at all for the first page"


def _digits(given: object) -> object:
    """In a parameter `1_000`, `1.0` and ` 1` are no numbers, though Python might take them for such."""
    if isinstance(given, str) and not re.fullmatch("-?[0-9]+", given):
        raise ValueError(SENTENCES["int_type"])
    return given


def _truth(given: object) -> object:
    """Nor are `1` and `yes` the truth."""
    if isinstance(given, str) and given not in {"true", "false"}:
        raise ValueError(TRUTH)
    return given


def _cursor(given: object) -> object:
    if isinstance(given, str) and not (re.fullmatch("[0-9]{1,19}", given) and 1 <= int(given) < END):
        raise ValueError(CURSOR)
    return given


def _moment(given: str) -> str:
    moments.moment(given)
    return given


END = 1 << 62
"""Above the number of every row."""
DIGITS = BeforeValidator(_digits)
Truth = Annotated[bool, BeforeValidator(_truth)]
"""In a parameter."""
Limit = Annotated[int, Field(ge=1, le=1000), DIGITS]
Moment = Annotated[str, AfterValidator(_moment), Field(json_schema_extra={"format": "date-time"})]


class Taken(BaseModel):
    """What a call may give: no unknown keys, no silent conversions, no values in errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Nothing(Taken):
    """Nothing at all."""


Number = Annotated[int, Field(ge=1, lt=END), DIGITS]
"""Of a row."""
Cursor = Annotated[int, Field(ge=1, lt=END), BeforeValidator(_cursor)]
"""The last row of the page before."""


class Page(Taken):
    """Which page of what is listed, the newest first."""

    cursor: Cursor | None = None
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
    body = await _body(request)
    document = body or b"{}"
    try:
        given = takes.model_validate_json(document, strict=True)
        json.loads(document, object_pairs_hook=_once)
    except ValidationError as error:
        problem = _problem(error, takes, HTTPStatus.UNPROCESSABLE_ENTITY)
        if not body:
            problem = replace(problem, detail=f"a body is needed, a JSON object: {problem.detail}")
        raise problem from None
    return given


async def _body(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(PATIENCE):
            body = await request.read()
    except TimeoutError:
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, f"the body has not come within {PATIENCE:g} s") from None
    if body and request.content_type != JSON:
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"a body is {JSON}: say so in the header content-type")
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "a body comes as it is: without content-encoding")
    return body


def _once(pairs: list[tuple[str, object]]) -> None:
    """What is said twice is said by mistake, and no reader of JSON agrees with another on which of them counts."""
    _refuse_twice(name for name, _ in pairs)


def _refuse_twice(names: Iterable[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise _told(HTTPStatus.BAD_REQUEST, [Fault(where=name[:LONGEST_KEY], expected=ONCE) for name in twice])


def _parameters(request: web.Request) -> Mapping[str, str]:
    _refuse_twice(name for name, _ in request.query.items())
    return dict(request.query)


def _problem(error: ValidationError, takes: type[Taken], status: HTTPStatus) -> Problem:
    details = error.errors(include_url=False)
    first = details[0]
    if first["type"] == "json_invalid":
        return Problem(HTTPStatus.BAD_REQUEST, f"the body is no JSON: {first['ctx']['error']}")
    if first["type"] == "model_type" and not first["loc"]:
        expected, kind = SENTENCES["model_type"], KINDS.get(type(first["input"]), "a number")
        return Problem(status, f"the body: expected {expected}, got {kind}", [Fault(where="", expected=expected)])
    return _told(status, [_fault(detail, takes) for detail in details[:MOST_FAULTS]], len(details))


def _told(status: HTTPStatus, faults: list[Fault], count: int = 0) -> Problem:
    """The faults, of `count` in all."""
    shown = faults[:MOST_FAULTS]
    rest = max(count, len(faults)) - len(shown)
    return Problem(status, _sentence(shown) + (f"; and {rest} more" if rest else ""), shown)


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
            expected = SENTENCES[kind].format(**detail.get("ctx", {})) if kind in SENTENCES else said
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
