"""change → event → deliveries: what is said, and to whom."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from notifier.core.encoding_com import is_called
from notifier.core.encoding_com_call import calls, is_call, tasks_of
from notifier.core.model import (
    Cause,
    Change,
    ChangeReason,
    Delivery,
    Endpoint,
    Event,
    FieldChange,
    Observation,
    Reason,
    SourceState,
    Status,
    Target,
    Trouble,
)
from notifier.core.render import iso, rendered, standard


def event_for(change: Change, provider: str, at: float) -> Event:
    """The event that announces a change of an upload: the next in the upload's sequence."""
    upload, seen = change.upload, change.seen
    sequence = upload.sequence + 1
    id_ = event_id(upload.source, seen.kind, upload.id, sequence)
    type_ = event_type(change)
    data = {
        "source": upload.source,
        "provider": provider,
        "upload": {
            "id": upload.id,
            "kind": seen.kind or None,
            "media_id": upload.media_id,
            **_observed(seen),
            "labels": dict(upload.labels),
        },
        "previous": _previous(upload.snapshot),
        "changes": [_field(change) for change in change.fields],
        "sequence": sequence,
        "first_seen": change.reason is ChangeReason.FIRST_SEEN,
        "reopened": change.reopened,
        "observed_at": iso(change.observed_at, always_ms=True),
    }
    body, status = standard(id_, type_, at, data), seen.status.value
    told = Event(id_, type_, at, upload.source, upload.media_id, sequence, status, body, upload.id)
    return replace(told, tasks=tasks_of(seen))


def source_event(type_: str, state: SourceState, provider: str, trouble: Trouble, *, since: float, at: float) -> Event:
    """An event about a source itself, `source.failing` or `source.recovered`: what it suffers from, and since when."""
    sequence = state.sequence + 1
    id_ = event_id("", type_, state.name, sequence)  # no source has an empty name, so no upload's event has this id
    reason = {"code": trouble.code, "text": trouble.text}
    since_ = iso(since, always_ms=True)
    data = {"source": state.name, "provider": provider, "reason": reason, "since": since_}
    body = standard(id_, type_, at, data)
    return Event(id_, type_, at, state.name, -state.number, sequence, None, body)


ENDPOINT_LANES = -(2**31)
"""The lane of the endpoint with number 0: below those of all sources, as uploads have theirs above 0."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What is to be told of an endpoint: `endpoint.paused` or `endpoint.resumed`, why, and since when it paused."""

    type: str
    endpoint: str
    sequence: int
    reason: Reason
    since: float
    at: float

    @property
    def event(self) -> str:
        """The id of the event that tells it."""
        return event_id("", self.type, self.endpoint, self.sequence)


def endpoint_event(notice: Notice, number: int, waiting: int) -> Event:
    """The event about an endpoint, of this number in the store, for which so many deliveries are waiting."""
    reason, since = _plain(notice.reason), iso(notice.since, always_ms=True)
    data = {"endpoint": notice.endpoint, "reason": reason, "waiting": waiting, "since": since}
    body = standard(notice.event, notice.type, notice.at, data)
    lane = ENDPOINT_LANES - number
    return Event(
        notice.event, notice.type, notice.at, None, lane, notice.sequence, None, body, endpoint=notice.endpoint
    )


def onlookers(notice: Notice, endpoints: Iterable[Endpoint]) -> Iterator[Endpoint]:
    """The endpoints to which such an event is owed: never the one that it speaks of."""
    others = (one for one in endpoints if one.name != notice.endpoint and not one.drain)
    return (one for one in others if passes(one, notice.type, None, None))


PING = "notifier.ping"
"""Told to the endpoint itself, and to it alone, when a person asks for it."""


def ping(endpoint: Endpoint, at: float) -> Delivery:
    """A `notifier.ping`: made for one attempt and kept nowhere. Its sequence is the moment, in milliseconds."""
    sequence, name = round(at * 1000), endpoint.name
    id_ = event_id("", PING, name, sequence)
    event = Event(id_, PING, at, None, 0, sequence, None, standard(id_, PING, at, {"endpoint": name}))
    body = rendered(event, [endpoint.format]).renderings.get(endpoint.format, event.body)
    return Delivery(0, id_, PING, name, None, sequence, 0, 0, at, at, body, None, None, format=endpoint.format)


def is_operators(type_: str) -> bool:
    """Whether an event is about the running of things and not about an upload."""
    return not type_.startswith("upload.")


def event_id(source: str, kind: str, upload: str, sequence: int) -> str:
    """The same change found again is the same event: the id is derived from what happened, never drawn."""
    identity = json.dumps([source, kind, upload, sequence]).encode()
    return "evt_" + hashlib.sha256(identity).hexdigest()[:32]


def event_type(change: Change) -> str:
    """`upload.<status>` for a status, `upload.updated` for anything else that matters, `upload.stalled` for nothing."""
    if change.reason is ChangeReason.DETAIL:
        return "upload.updated"
    if change.reason is ChangeReason.STALLED:
        return "upload.stalled"
    return f"upload.{change.seen.status.value}"


EVENT_TYPES = (
    *(f"upload.{status.value}" for status in Status),
    "upload.updated",
    "upload.stalled",
    "source.failing",
    "source.recovered",
    "endpoint.paused",
    "endpoint.resumed",
    PING,
)


def receivers(event: Event, endpoints: Iterable[Endpoint]) -> Iterator[Endpoint]:
    """The endpoints to which an event is owed: those that want it and are not drained."""
    return (endpoint for endpoint in endpoints if wants(endpoint, event) and not endpoint.drain)


def addressed(event: Event, endpoints: Iterable[Endpoint]) -> tuple[Event, list[Endpoint]]:
    """The endpoints to which an event is owed, and the event with its bytes in every format that they want."""
    to = list(receivers(event, endpoints))
    return rendered(event, {format_ for endpoint in to for format_ in formats(endpoint, event)}), to


def formats(endpoint: Endpoint, event: Event) -> list[str]:
    """In which formats an endpoint is told of an event that it wants, a delivery each, in their order."""
    return calls(event, endpoint.format) if endpoint.notify_upload else [endpoint.format]


def wants(endpoint: Endpoint, event: Event) -> bool:
    """Whether an endpoint's `events`, `sources` and `statuses` all let an event pass.

    What is about no source passes any `sources`, as what has no status passes any `statuses`. Where Encoding.com would
    not call, nothing passes.
    """
    return passes(endpoint, event.type, event.source, event.status)


def passes(endpoint: Endpoint, type_: str, source: str | None, status: str | None) -> bool:
    """The same of an event of which only this is known."""
    return unwanted(endpoint, type_, source, status) is None


def unwanted(
    endpoint: Endpoint, type_: str, source: str | None, status: str | None, format_: str | None = None
) -> Cause | None:
    """What does not let it pass, the first where several do not; None where it passes.

    `format_` is what it was owed in, if it was.
    """
    called = is_call(endpoint.format)
    if format_ is not None and is_call(format_) is not called:
        return Cause.UNWANTED_FORMAT
    if not matches(endpoint.events, type_) or (called and not is_called(type_, announce_ready=endpoint.announce_ready)):
        return Cause.UNWANTED_EVENT
    if source is not None and not matches(endpoint.sources, source):
        return Cause.UNWANTED_SOURCE
    if endpoint.statuses and status is not None and status not in endpoint.statuses:
        return Cause.UNWANTED_STATUS
    return None


def matches(patterns: Sequence[str], word: str) -> bool:
    """`*` stands for anything, `!` takes away again what another pattern gave."""
    taken = any(fnmatchcase(word, pattern[1:]) for pattern in patterns if pattern.startswith("!"))
    return not taken and any(fnmatchcase(word, pattern) for pattern in patterns if not pattern.startswith("!"))


# --- the JSON of an upload


def _observed(seen: Observation) -> dict[str, Any]:
    return {
        "status": seen.status.value,
        "raw_status": seen.raw_status,
        "reason": _plain(seen.reason),
        "title": seen.title,
        "url": seen.url,
        "progress": seen.progress,
        "scheduled_at": iso(seen.scheduled_at),
        "created_at": iso(seen.created_at),
        "updated_at": iso(seen.updated_at),
        **_stated(seen),
        "targets": [told_of(target) for target in seen.targets],
    }


def told_of(target: Target) -> dict[str, Any]:
    """A target as events tell of it."""
    return {
        "name": target.name,
        "status": target.status.value,
        "raw_status": target.raw_status,
        "external_id": target.external_id,
        "url": target.url,
        "reason": _plain(target.reason),
        **_stated(target),
    }


def _stated(part: Observation | Target) -> dict[str, str | None]:
    """When it began and ended, where the provider itself says so: few do, and an absent member claims nothing."""
    times = {"started_at": part.started_at, "finished_at": part.finished_at}
    return {name: iso(at) for name, at in times.items() if at is not None}


def _previous(known: Observation | None) -> dict[str, Any] | None:
    return None if known is None else {"status": known.status.value, "raw_status": known.raw_status}


def _field(change: FieldChange) -> dict[str, Any]:
    at = change.field == "scheduled_at"
    before, after = (iso(value) if at else _plain(value) for value in (change.before, change.after))
    return {"field": change.field, "from": before, "to": after}


def _plain(value: Any) -> Any:
    return {"code": value.code, "text": value.text} if isinstance(value, Reason) else value
