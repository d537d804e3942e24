"""What is told over the API. Moments are RFC 3339 in UTC with milliseconds, durations seconds; absent is null."""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, Field

from notifier.core.health import State
from notifier.core.model import Cause, Outcome, Phase, Status
from notifier.core.render import iso

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
T = TypeVar("T", bound=BaseModel)


def moment(at: float | None) -> Moment | None:
    """As it is told."""
    return None if at is None else known(at)


def known(at: float) -> Moment:
    """The same of a moment that there always is."""
    return iso(at, always_ms=True)


class Listed(BaseModel, Generic[T]):
    """A page of a list; `next` is the `cursor` of the one that follows, null where none does."""

    items: list[T]
    next: str | None = None


class Reason(BaseModel):
    """Why something is as it is: a code for programs, a text for people."""

    code: str
    text: str


class Endpoint(BaseModel):
    """A receiver, and how it fares. Where the config names it no more, `url` and `format` are null."""

    name: str
    url: str | None
    """Without what may be a credential in it."""
    format: str | None
    configured: bool
    state: State
    reason: Reason | None
    """What fails, what keeps it from being sent to, or how far it is drained; null: all is well."""
    next_at: Moment | None
    """When something is sent to it next; null where nothing waits, or only a person can end what holds it."""
    waiting: int
    dead: int
    oldest_at: Moment | None
    """Since when the oldest that waits is owed."""
    in_flight: int
    failures: int
    """In a row."""
    failure: str | None
    """What came of the last of them, in words."""
    failing_since: Moment | None
    succeeded_at: Moment | None
    """The last 2xx, to the minute."""
    quiet_until: Moment | None
    """Until when it is left alone because it asks for it."""
    probe_at: Moment | None
    """While it is shut off, when that may next be tried by a delivery that is due."""
    paused_at: Moment | None
    lately: list[float]
    """Seconds that each of the last attempts took, the newest last; of a callback those of all, since the start."""


class Event(BaseModel):
    """A change with identity, type and sequence. `position` is its place in the log of all events."""

    id: str
    type: str
    timestamp: Moment
    source: str | None
    """Null where it is about an endpoint."""
    endpoint: str | None
    """Which it is about."""
    upload: str | None
    status: str | None
    sequence: int
    position: int


class Attempt(BaseModel):
    """One POST and what came of it."""

    number: int
    """Of its delivery, from 1."""
    started_at: Moment
    duration: float
    phases: dict[str, float]
    """Seconds that each part of it took."""
    outcome: Outcome
    status: int | None
    note: str
    excerpt: str
    """The beginning of the answer's body."""


class Ping(Attempt):
    """The one attempt to bring a `notifier.ping`, and the id under which it went."""

    event: str


class Delivery(BaseModel):
    """The duty to bring one event to one endpoint."""

    id: int
    event: str
    type: str
    source: str | None
    upload: str | None
    about: str | None
    """The endpoint that the event is about; null where it is about an upload or a source."""
    endpoint: str
    """To which it is brought."""
    sequence: int
    phase: Phase
    due_at: Moment | None
    """When its schedule has it tried; null where it does not wait."""
    held: Reason | None
    """Why it is not sent when it is due, or not with others at once."""
    next_at: Moment | None
    """When it is tried: the later of `due_at` and when its endpoint is sent to again; null where no moment ends what
    holds it: `unconfigured`, `unpermitted`, `paused`, `unsigned`, `behind`."""
    slots: int
    """Places of the schedule used."""
    attempts: int
    created_at: Moment
    settled_at: Moment | None
    cause: Cause | None
    """Why it is dead, or was dropped by nobody."""
    dropped_by: str | None
    replaced_by: str | None
    """The event for which it was given up."""
    replay: int | None
    """The last replay by which it was owed again."""
    outcome: Outcome | None
    """Of its last attempt; null where there was none."""
    note: str | None
    """What is said of that: why it failed, and what would cure it."""


class DeliveryTold(Delivery):
    """A delivery with all its attempts."""

    tries: list[Attempt]


class EventTold(Event):
    """An event with its body, in the format `standard`, and what became of it at each endpoint."""

    body: dict[str, Any]
    deliveries: list[DeliveryTold]


class Replay(BaseModel):
    """A selection that is being owed again, and how far that has come."""

    id: int
    event: str | None
    endpoint: str | None
    since: Moment | None
    phases: list[Phase]
    latest: bool
    rate: float
    """Deliveries a second."""
    count: int
    """Deliveries that were owed again."""
    created_at: Moment
    done_at: Moment | None


class Backup(BaseModel):
    """A copy of the database."""

    path: str
    bytes: int


class Reload(BaseModel):
    """What became of a reload: what is another than it was, in words, and what is worth a second look."""

    verdict: Literal["applied"]
    changes: list[str]
    warnings: list[str]


class Matching(BaseModel):
    """How many deliveries it would be."""

    matching: int


class Dropped(BaseModel):
    """How many deliveries were given up."""

    dropped: int
    replays: list[int] = []
    """Which replays to the endpoint have ended by that: they would have owed more to it."""


SourceCondition = Literal["ok", "failing", "stopped"]
"""`stopped`: its credential was refused, and nothing is asked before a person has acted."""


class Source(BaseModel):
    """A source, and how it fares."""

    name: str
    provider: str
    state: SourceCondition
    reason: Reason | None
    failing_since: Moment | None
    open: int
    """Uploads that have not settled."""
    looked_at: Moment | None
    """The last request, since the daemon started."""
    next_at: Moment | None
    """When it is seen to next: to look, or to see whether it may."""
    rests_until: Moment | None
    """Nothing is asked before: after failures, or because the provider said so."""
    may_go_at: Moment | None
    """Its budget lets nothing go before, and a look waits for that; else null."""
    requests_used: int
    """Since the full hour, by all sources of its credential together."""
    requests_limit: int
    """How many may go in `requests_window` seconds: by its `budget`, or what its `reserve` leaves of the provider's
    limit, whichever is less."""
    requests_window: float
    provider_left: int | None
    """What the provider itself said is left, until it said that this ends; null where it says nothing."""
    requests_per_hour: int
    """What it may be asked, with all sources of its credential together, at the pace that is kept now."""
    requests_left: int | None
    """In this hour, where the provider counts by the clock; else null."""


class Upload(BaseModel):
    """An upload that is followed, as it was last announced; what was not told of it is null."""

    source: str
    provider: str | None
    """Null where the source left the config."""
    id: str
    kind: str | None
    """Null until a collection has answered."""
    media_id: int
    registered: bool
    status: Status | None
    """Null until it was seen."""
    raw_status: str | None
    reason: Reason | None
    title: str | None
    url: str | None
    progress: float | None
    scheduled_at: Moment | None
    created_at: Moment | None
    updated_at: Moment | None
    targets: list[dict[str, Any]]
    """As in a webhook."""
    labels: dict[str, str]
    notify_url: str | None
    """Without its query."""
    notify_format: str | None
    sequence: int
    """Events announced so far."""
    followed_at: Moment | None
    changed_at: Moment | None
    stalled: bool
    next_look_at: Moment | None
    """When it is looked at at the latest, as far as the budget lets it; null where lists alone show it any more."""


class UploadTold(Upload):
    """An upload with what was announced of it, the newest first, 100 at most."""

    events: list[Event]
