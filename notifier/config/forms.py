"""The forms that values of the config may have; a value stays as it is written, or `Wrong` tells what was expected."""

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, WithJsonSchema

from notifier.config import secrets, units
from notifier.config.faults import NAME, Wrong
from notifier.config.urls import check_text
from notifier.config.words import nearest, one_of
from notifier.core.callbacks import has_right_host, is_plain
from notifier.core.moments import DURATION, SPELLED
from notifier.core.secret import Secret
from notifier.providers.expressions import FUNCTIONS, BadExpression, compiled

LONGEST_EXPRESSION = 4000
URL_PATTERN = 'expected a pattern like "https://app.example.com/*"'
CLIENT_ERRORS = range(400, 500)
JUDGED_OTHERWISE = {401, 403, 429}
"""Answers that tell of the credential or of a limit, and of no upload."""


def form(expected: str, read: Callable[[str], Any], pattern: str | None = None) -> BeforeValidator:
    """A string that `read` can read, which a `pattern` tells those who read the schema alone, as far as one can."""

    def check(value: object) -> object:
        if not isinstance(value, str):
            raise Wrong(expected)
        read(value)
        return value

    shown = Field(description=_plain(expected), pattern=None if pattern is None else f"^(?:{pattern})$")
    return BeforeValidator(check, json_schema_input_type=Annotated[str, shown])


def _plain(expected: str) -> str:
    """What was expected, as a description."""
    return expected.removeprefix("expected ")


def like(expected: str, pattern: str) -> BeforeValidator:
    """A string that the whole of `pattern` matches."""

    def read(text: str) -> None:
        if not re.fullmatch(pattern, text):
            raise Wrong(expected)

    return form(expected, read, pattern)


def word(words: tuple[str, ...]) -> BeforeValidator:
    """One of `words`."""
    return BeforeValidator(lambda value: one_of(value, words), json_schema_input_type=Literal.__getitem__(words))


def lasting(shortest: str, longest: str) -> AfterValidator:
    """A duration within bounds."""

    def check(text: str) -> str:
        if not units.seconds(shortest) <= units.seconds(text) <= units.seconds(longest):
            raise Wrong(f'expected a duration from "{shortest}" to "{longest}"')
        return text

    return AfterValidator(check)


def number(kind: type[int] | type[float], lowest: float, highest: float) -> BeforeValidator:
    """A number within bounds; a whole one may stand for any."""
    whole = "whole " if kind is int else ""

    def check(value: object) -> object:
        right = isinstance(value, int | kind) and not isinstance(value, bool)
        if not right or not lowest <= value <= highest:  # type: ignore[operator]  # it is a number
            raise Wrong(f"expected a {whole}number from {lowest} to {highest}")
        return value

    return BeforeValidator(check, json_schema_input_type=Annotated[kind, Field(ge=lowest, le=highest)])


def items(fewest: int, most: int) -> AfterValidator:
    """A list that is neither too short nor too long."""

    def check(items: list[Any]) -> list[Any]:
        if not fewest <= len(items) <= most:
            raise Wrong(f"expected {fewest} to {most} items")
        return items

    return AfterValidator(check)


def above_zero(text: str) -> str:
    """A rate that lets something through."""
    if not units.rate(text).count:
        raise Wrong("expected a rate above 0")
    return text


def _expression(text: str) -> None:
    if len(text) > LONGEST_EXPRESSION:
        raise Wrong(f"expected an expression of at most {LONGEST_EXPRESSION} characters")
    try:
        compiled(text)
    except BadExpression as error:
        raise Wrong(str(error), nearest(error.function, FUNCTIONS)) from None


def _url_pattern(text: str) -> None:
    check_text(text.replace("*", "x"))
    if not has_right_host(text):
        raise Wrong('expected a host like "app.example.com", "*.example.com" or "*": the rest of it is literal')
    if not is_plain(text):
        raise Wrong("expected a path without . and .. and control characters, however encoded")


def _denial(value: object) -> object:
    right = isinstance(value, int) and not isinstance(value, bool)
    if not right or value in JUDGED_OTHERWISE or value not in CLIENT_ERRORS:
        raise Wrong("expected an HTTP status from 400 to 499, and not 401, 403 or 429")
    return value


Name = Annotated[str, like("expected a name of the letters a-z, digits, _ and -", NAME.pattern)]
Text = Annotated[str, like("expected a string that is not empty and has no control characters", r"[^\x00-\x1f\x7f]+")]
Output = Annotated[str, like('expected an output in Encoding.com\'s words, like "mp4"', r"[A-Za-z0-9_.-]{1,32}")]
User = Annotated[str, like("expected a user without colons and control characters", r"[^:\x00-\x1f\x7f]+")]
Duration = Annotated[str, form(DURATION, units.seconds, SPELLED)]
Delay = Annotated[Duration, lasting("0s", units.LONGEST)]
SomeTime = Annotated[Duration, lasting("1s", units.LONGEST)]
Rate = Annotated[str, form(units.RATE, units.rate, units.RATE_SPELLED)]
EventPattern = Annotated[str, like('expected a pattern like "upload.*" or "!upload.updated"', r"!?[a-z0-9_.*-]+")]
SourcePattern = Annotated[str, like('expected the name of a source or a pattern like "*"', r"!?[a-z0-9_*-]+")]
UrlPattern = Annotated[str, form(URL_PATTERN, _url_pattern, r"[Hh][Tt][Tt][Pp][Ss]?://[^\x00-\x20\x7f\\#]+")]
UrlTemplate = Annotated[
    str,
    like('expected a path below base_url like "/jobs/{id}", without blanks or fragment', r"/[\x21\x24-\x5b\x5d-\x7e]*"),
]
Expression = Annotated[str, form("expected a JMESPath expression, which is a string", _expression)]
Denial = Annotated[int, BeforeValidator(_denial, json_schema_input_type=Annotated[int, Field(ge=400, le=499)])]
TEXT = {"type": "string"}
PLACES = {"env": TEXT, "file": TEXT, "credential": TEXT}
KEPT = {
    "type": "object",
    "properties": PLACES,
    "additionalProperties": False,
    "minProperties": 1,
    "maxProperties": 1,
}
"""Where a secret is kept, in the terms of a schema."""
ENDING = {
    "type": "object",
    "properties": {**PLACES, "value": TEXT, "not_after": {**TEXT, "format": "date-time"}},
    "additionalProperties": False,
}
FilePath = Annotated[secrets.Reference, PlainValidator(secrets.read_file), WithJsonSchema({"anyOf": [TEXT, KEPT]})]
SigningText = Annotated[
    Secret | secrets.Reference, PlainValidator(secrets.read_for_signing), WithJsonSchema({"anyOf": [TEXT, ENDING]})
]
HiddenText = Annotated[
    Secret | secrets.Reference, PlainValidator(secrets.read), WithJsonSchema({"anyOf": [TEXT, KEPT]})
]
