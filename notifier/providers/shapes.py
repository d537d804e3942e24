"""foreign JSON → values that fit us: the pieces from which provider modules make the models of their answers.

What is missing, null, empty or of another type than documented becomes None wherever the module can go on without it;
what it cannot go on without is required, and its absence spoils its row alone.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, tzinfo
from itertools import islice
from typing import Annotated, Any, Protocol, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from notifier.providers.base import Malformed

LONGEST_TEXT = 1000
LONGEST_TITLE = 500
LONGEST_URL = 2048
PLAIN = {"string": "no text", "model": "no object", "dict": "no object", "list": "no list"}
"""What is wrong, by what was wanted; a member that is not there is simply "missing"."""
FIRST_MOMENT = 0.001
"""Written to the millisecond, what is before it is a zero date."""
LAST_MOMENT = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
"""Nothing later can be written as RFC 3339 in every zone."""

Parsed = TypeVar("Parsed", bound=BaseModel)
Read = TypeVar("Read")


class Shape(BaseModel):
    """An object of a provider's answer: members we do not name are passed over, no error shows a value."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


def moment(value: object, *, zone: tzinfo = UTC) -> float | None:
    """An ISO 8601 text as seconds since 1970-01-01 UTC; one without a zone is taken to be of `zone`.

    None where it is no such text, and for what stands for "never": zero dates, and any other before 1970.
    """
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return dated((read if read.tzinfo else read.replace(tzinfo=zone)).timestamp())


def dated(seconds: float) -> float | None:
    """Seconds since 1970-01-01 UTC; None where they would be written as a zero date, or cannot be written at all."""
    return float(seconds) if FIRST_MOMENT <= seconds < LAST_MOMENT else None


def text(longest: int = LONGEST_TEXT) -> Callable[[object], str | None]:
    """A reader of texts: trimmed and cut; a number is a text too; None for anything else and for an empty one.

    JSON can spell what neither UTF-8 nor a database can hold: half a surrogate pair becomes "?", NUL nothing.
    """

    def read(value: object) -> str | None:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return None
        writable = str(value).encode(errors="replace").decode().replace("\0", "")
        return writable.strip()[:longest] or None

    return read


def reference(value: object) -> str | None:
    """A text that means nothing once it is cut, an id or a URL: None where it is too long."""
    read = text(LONGEST_URL + 1)(value)
    return None if read is None or len(read) > LONGEST_URL else read


def word(value: object) -> str | None:
    """A status word as it is compared: trimmed, lower case."""
    read = text()(value)
    return read and read.lower()


def flag(value: object) -> bool | None:
    """True or false where the answer says so."""
    return value if isinstance(value, bool) else None


def count(value: object) -> int | None:
    """A whole number from 0 on."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


When = Annotated[float | None, BeforeValidator(moment)]
Text = Annotated[str | None, BeforeValidator(text())]
Title = Annotated[str | None, BeforeValidator(text(LONGEST_TITLE))]
Url = Annotated[str | None, BeforeValidator(reference)]
Flag = Annotated[bool | None, BeforeValidator(flag)]
Count = Annotated[int | None, BeforeValidator(count)]
Id = Annotated[str, BeforeValidator(reference)]
"""Required: a row without one is broken."""
Word = Annotated[str, BeforeValidator(text())]
"""A status word as it is spelled; required like an id."""


def whole(shape: type[Parsed], document: Any) -> Parsed:
    """A document as `shape`; raises `Malformed`, which names the members at fault and no value."""
    try:
        return shape.model_validate(document)
    except ValidationError as error:
        raise Malformed(f"not as documented: {faults(error)}") from None


def each(rows: Iterable[Any], read: Callable[[Any], Read]) -> tuple[tuple[Read, ...], tuple[str, ...]]:
    """What the rows say, and a line for each that is broken: one rotten row does not spoil its page."""
    seen, skipped = [], []
    for number, row in enumerate(rows, 1):
        try:
            seen.append(read(row))
        except ValidationError as error:
            skipped.append(f"row {number}: {faults(error)}")
    return tuple(seen), tuple(skipped)


class RowReader(Protocol):
    """`each`, or what does the same with less work."""

    def __call__(self, rows: Iterable[Any], read: Callable[[Any], Read], /) -> tuple[tuple[Read, ...], tuple[str, ...]]:
        """What the rows say, and a line for each that is broken."""


def faults(error: ValidationError) -> str:
    """The members at fault and what is wrong with them, at most three; never a value."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [f"{'.'.join(map(str, one['loc'])) or 'it'}: {_wrong(one['type'])}" for one in islice(found, 3)]
    return "; ".join(lines)


def _wrong(code: str) -> str:
    """Pydantic's code of an error in plain words."""
    kind = code.removesuffix("_type")
    return PLAIN.get(kind, kind).replace("_", " ")
