"""event × dialect → the callback that Encoding.com would have sent: one form field, or the bare document.

    <?xml version="1.0"?>
    <result><mediaid>…<source>…<status>…<description>…<format>…</format></result>
    {"result":{"mediaid":"1042","source":"…","status":"Finished","format":{"taskid":"2107",…}}}

Order, blanks and what is left out are those of captured callbacks of 2011 and 2012, and not those of the vendor's page:
one receiver reads by position, one by a pattern, and one refuses whatever it does not know.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self
from urllib.parse import urlencode

from notifier.core.encoding_com import ENCODING_COM, OUTPUT, SAVED, Destination, Format, Medium, medium
from notifier.core.encoding_com_document import CONTENT_TYPES, WRITERS, Element
from notifier.core.model import Event, Observation, Reason, Status, Target, TargetStatus, Upload

BODIES = tuple(WRITERS)
BODY_FORMATS = ("form_urlencoded", "raw")
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How an endpoint wants to be called. Its name is the format's: it tells the bytes apart by itself."""

    body: str = BODIES[0]
    body_format: str = BODY_FORMATS[0]
    output: str = OUTPUT
    part: int | None = None
    """The call is not about the result, but about its destination of this number, from 1."""

    @classmethod
    def read(cls, name: str) -> Self:
        """Of `encoding_com;body=json;output=m4v;part=2`, where what is usual is left out. Raises `ValueError`."""
        _, *settings = name.split(";")
        told = dict(one.split("=", 1) for one in settings)
        part = told.pop("part", None)
        return cls(**told, part=None if part is None else int(part))

    @property
    def name(self) -> str:
        """As `read` reads it."""
        settings = [
            (one.name, getattr(self, one.name)) for one in fields(self) if getattr(self, one.name) != one.default
        ]
        return ";".join([ENCODING_COM, *(f"{key}={value}" for key, value in settings)])

    @property
    def content_type(self) -> str:
        """What is said of the body."""
        return FORM if self.body_format == BODY_FORMATS[0] else CONTENT_TYPES[self.body]


def is_call(format_: str) -> bool:
    """Whether this is a format in the manner of Encoding.com: not signed, and sent with nothing of ours."""
    return format_.partition(";")[0] == ENCODING_COM


def call(event: Event, format_: str) -> bytes:
    """The body of the call that tells an event of an upload."""
    dialect = Dialect.read(format_)
    told = media_of(event, dialect.output)
    if dialect.part is None:
        result: list[Element] = list(_result(told))
    else:
        result = list(_part(told, *saved(told)[dialect.part - 1]))
    document = WRITERS[dialect.body]("result", result)
    if dialect.body_format == BODY_FORMATS[0]:
        return urlencode({dialect.body: document}).encode()
    return document.encode()


def calls(event: Event, format_: str) -> list[str]:
    """The formats in which an event is told to who is to be called for each destination, too; that call comes first."""
    dialect = Dialect.read(format_)
    parts = range(1, len(saved(media_of(event, dialect.output))) + 1)
    return [*(replace(dialect, part=part).name for part in parts), format_]


def tasks_of(seen: Observation) -> tuple[int, ...]:
    """The numbers that `media_of` needs, in its order."""
    own = () if seen.task is None else (seen.task,)
    return tuple(one.task or 0 for one in seen.targets) or own


def media_of(event: Event, output: str) -> Medium:
    """The media that an event of an upload tells of."""
    data = json.loads(event.body)["data"]
    told = data["upload"]
    upload = Upload(told["media_id"], data["source"], "", told["id"], 0.0)
    tasks = iter(event.tasks)
    seen = Observation(
        kind="",
        id=told["id"],
        status=Status(told["status"]),
        reason=_reason(told["reason"]),
        url=told["url"],
        targets=tuple(_target(one, next(tasks, 0)) for one in told["targets"]),
        task=next(tasks, 0),
    )
    return medium(upload, seen, data["provider"], output)


def saved(told: Medium) -> list[tuple[Format, Destination]]:
    """Every destination at which a result of a finished media is, in their order."""
    return [(one, place) for one in told.formats for place in one.destinations if place.status == SAVED]


def _target(told: Mapping[str, Any], task: int) -> Target:
    return Target(
        told["name"],
        TargetStatus(told["status"]),
        told["raw_status"],
        url=told["url"],
        reason=_reason(told["reason"]),
        task=task,
    )


def _reason(told: Mapping[str, str] | None) -> Reason | None:
    return None if told is None else Reason(told["code"], told["text"])


# --- what they hold


def _result(told: Medium) -> Iterator[Element]:
    yield "mediaid", str(told.mediaid)
    yield "source", told.source
    yield "status", told.status
    yield "description", told.description
    for one in told.formats:
        yield "format", list(_format(one))


def _format(one: Format) -> Iterator[Element]:
    yield "taskid", str(one.taskid)
    yield "output", one.output
    yield "status", one.status
    if one.description:
        yield "description", one.description
    for place in one.destinations:
        yield "destination", place.url
        yield "destination_status", place.status


def _part(told: Medium, one: Format, place: Destination) -> Iterator[Element]:
    yield "mediaid", str(told.mediaid)
    yield "taskid", str(one.taskid)
    yield "destination", place.url
    yield "status", place.status
