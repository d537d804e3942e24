"""event × format → bytes.

`standard` is the shape of Standard Webhooks 1.0.0. An event is made with it; the other formats say the same in their
own way, are made from it, and are stored beside it where an endpoint wants them.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, overload

from notifier.core.encoding_com import ENCODING_COM
from notifier.core.encoding_com_call import Dialect, call, is_call
from notifier.core.model import STANDARD, Delivery, Event

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CLOUDEVENTS = "cloudevents"
FORMATS = (STANDARD, CLOUDEVENTS, ENCODING_COM)
"""As the config names them; the last one may go on with how exactly, as `Dialect` has it."""
REPLAYED = {"notifier-replay": "true"}
"""The header of what is owed again: its receiver may have it already."""
_CONTENT_TYPES: Mapping[str, str] = {
    STANDARD: "application/json",
    CLOUDEVENTS: "application/cloudevents+json; charset=utf-8",  # so spelt: the JavaScript SDK knows no other
}


def content_type(format_: str) -> str:
    """What is said of the body, by its format."""
    return Dialect.read(format_).content_type if is_call(format_) else _CONTENT_TYPES[format_]


def headers(delivery: Delivery) -> dict[str, str]:
    """Those that a delivery has beside its signature: what it is, and of what is owed again that it may be known.

    Encoding.com says no such thing.
    """
    replayed = delivery.replay is not None and not is_call(delivery.format)
    return {"content-type": content_type(delivery.format), **(REPLAYED if replayed else {})}


def rendered(event: Event, formats: Iterable[str]) -> Event:
    """The event with its bytes in each of the formats beside `standard`."""
    return replace(event, renderings={name: _rendering(event, name) for name in set(formats) - {STANDARD}})


def _rendering(event: Event, format_: str) -> bytes:
    return call(event, format_) if is_call(format_) else cloudevents(event)


def standard(id_: str, type_: str, at: float, data: dict[str, Any]) -> bytes:
    """Compact UTF-8 JSON: `{"id", "type", "timestamp", "data"}`, in this order."""
    return _json({"id": id_, "type": type_, "timestamp": iso(at, always_ms=True), "data": data})


def cloudevents(event: Event) -> bytes:
    """CloudEvents 1.0 in JSON, structured mode: the `data` of the standard body, and about it what it says besides.

    Its `source` is where we know it from, `/sources/<name>`, and its `subject` the upload, where it is about one.
    `sequence` is that of the extension of this name: text, so that text order is the order.
    """
    said = json.loads(event.body)
    data = said["data"]
    origin = next((f"/{kind}s/{data[kind]}" for kind in ("source", "endpoint") if kind in data), "/notifier")
    document = {
        "specversion": "1.0",
        "id": event.id,
        "source": origin,
        "type": event.type,
        "subject": event.upload,
        "time": said["timestamp"],
        "datacontenttype": "application/json",
        "sequence": f"{event.sequence:010}",
        "data": data,
    }
    return _json({name: value for name, value in document.items() if value is not None})  # an attribute is never null


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


@overload
def iso(moment: float, *, always_ms: bool = ...) -> str: ...
@overload
def iso(moment: float | None, *, always_ms: bool = ...) -> str | None: ...
def iso(moment: float | None, *, always_ms: bool = False) -> str | None:
    """RFC 3339 in UTC with `Z`, with milliseconds where there are any or they are asked for."""
    if moment is None:
        return None
    time = EPOCH + timedelta(milliseconds=round(moment * 1000))
    precision = "milliseconds" if always_ms or time.microsecond else "seconds"
    return time.replace(tzinfo=None).isoformat(timespec=precision) + "Z"
