"""The nouns, in the order a datum meets them: look, answer, observation, upload, change, event, delivery, attempt.

A moment is a float: seconds since 1970-01-01 UTC. A duration is a float: seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Any, NamedTuple

from notifier.core.description import Description
from notifier.core.secret import Secret


class Status(StrEnum):
    """Where an upload is, in our words; the provider's own word stays beside it as `raw_status`."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    PROCESSING = "processing"
    ACTION_REQUIRED = "action_required"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"
    GONE = "gone"
    UNKNOWN = "unknown"


MOST_TARGETS = 64
"""Targets of an upload that are kept: no provider has so many, and no answer can make a snapshot grow without end."""
SETTLED = frozenset({Status.COMPLETED, Status.PARTIAL, Status.FAILED, Status.CANCELLED, Status.GONE})
DORMANT = frozenset({Status.DRAFT, Status.ACTION_REQUIRED})
"""Open, but nothing will move before a person acts."""


class TargetStatus(StrEnum):
    """Where one part of an upload is."""

    IDLE = "idle"
    QUEUED = "queued"
    PROCESSING = "processing"
    RETRYING = "retrying"
    ACTION_REQUIRED = "action_required"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"


# --- what is asked, what is answered


class LookKind(StrEnum):
    """What a request to a provider can be."""

    GET = "get"
    BATCH = "batch"
    LIST = "list"
    FEED = "feed"
    SCHEDULE = "schedule"


@dataclass(frozen=True, slots=True)
class Look:
    """A request to a provider: a GET names its upload, a BATCH several; the others a collection and a page, from 1."""

    kind: LookKind
    collection: str = ""
    page: int = 1
    cursor: str | None = None
    """What the answer before said of where this page is (`Answer.cursor`); None on page 1."""
    word: str = ""
    """Of a collection that is asked for in part: which part."""
    ids: tuple[str, ...] = ()
    refs: tuple[str | None, ...] = ()
    """Of a BATCH: the `ref` of each of its `ids`, in their order."""
    id: str = ""
    ref: str | None = None
    scheduled_at: float | None = None
    """Of a GET: when the snapshot says the upload is to run."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is not well: a code for programs, a text (at most 1,000 characters) for people."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Target:
    """A part of an upload with a status of its own. Where `url` or `external_id` is None, nothing was said of it."""

    name: str
    status: TargetStatus
    raw_status: str | None = None
    external_id: str | None = None
    url: str | None = None
    reason: Reason | None = None
    started_at: float | None = None
    finished_at: float | None = None
    task: int | None = None
    """Of a snapshot: the number that Encoding.com gave it, or would have given; no provider module tells it."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What a provider said about one upload at one moment.

    `status`, `reason` and each target given are always said; any other field that is None, and any target not given,
    was not spoken of. No two targets have the same name. `complete=False`: the answer shows that the upload exists, but
    too little to tell its status for certain; only a look at the upload itself does.
    """

    kind: str
    id: str
    status: Status
    raw_status: str | None = None
    reason: Reason | None = None
    title: str | None = None
    url: str | None = None
    progress: float | None = None
    scheduled_at: float | None = None
    created_at: float | None = None
    updated_at: float | None = None
    started_at: float | None = None
    finished_at: float | None = None
    time_left: float | None = None
    """Seconds that it will still take, by the provider's own estimate at the moment of the look."""
    targets: tuple[Target, ...] = ()
    ref: str | None = None
    """The provider module's own note on how to ask for this id again."""
    alias: str | None = None
    """Another id under which the same upload may be followed already."""
    complete: bool = True
    every_target: bool = False
    """No target but those given belongs to it any more."""
    reduced: bool = False
    """Of a snapshot: it has settled and rested for long, and only its status is remembered."""
    task: int | None = None
    """Of a snapshot: a target's number of its own, for as long as it has no target."""

    @property
    def ids(self) -> tuple[str, ...]:
        """All under which the upload may be followed, its own first."""
        return (self.id, self.alias) if self.alias else (self.id,)


class StatusClass(StrEnum):
    """What a provider answered a request with, by its HTTP status."""

    SUCCESS = "2xx"
    REDIRECT = "3xx"
    LIMITED = "429"
    CLIENT_ERROR = "4xx"
    """Any but 429."""
    SERVER_ERROR = "5xx"
    OTHER = "other"
    """No status that HTTP knows for an answer."""
    NONE = "none"
    """There was no answer."""

    @classmethod
    def of(cls, status: int) -> "StatusClass":
        """The class of a status."""
        exact = {429: cls.LIMITED}
        classes = {2: cls.SUCCESS, 3: cls.REDIRECT, 4: cls.CLIENT_ERROR, 5: cls.SERVER_ERROR}
        return exact.get(status) or classes.get(status // 100, cls.OTHER)


@dataclass(frozen=True, slots=True)
class Limit:
    """What the headers say of the provider's rate limit: `remaining` requests in the next `reset_in` seconds."""

    remaining: int
    reset_in: float
    total: int | None = None
    """Requests in the whole of the window; None: not told."""
    window: float | None = None
    """Seconds that the whole of the window lasts; None: not told."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one look."""

    observations: tuple[Observation, ...] = ()
    missing: bool = False
    """Of a GET: the provider itself says that it does not know this upload, under any name."""
    then: Look | None = None
    """The same question in another form: to be asked next, nothing is known before."""
    more: bool = False
    """Of a page: there is a further one."""
    cursor: str | None = None
    """Where the further page is, if its number alone does not tell."""
    total: int | None = None
    """Of a page: the rows of all pages together, where told."""
    skipped: tuple[str, ...] = ()
    """A line for each broken row that was passed over, with no more of it than its place and fault."""
    limit: Limit | None = None
    skew: float | None = field(default=None, compare=False)
    """Seconds that the provider's clock seems to be ahead of ours; None: not told. It is no part of what was said."""


# --- what is followed, what is announced


@dataclass(frozen=True, slots=True)
class Callback:
    """The URL that an upload's registration asked to be told of it, and in which format."""

    url: str = field(repr=False)
    """With its query: that may hold a token, and is shown nowhere."""
    format: str
    number: int = 0
    """In the store, below 0; 0: it has none yet."""

    @property
    def name(self) -> str:
        """The endpoint's name."""
        return f"notify:{-self.number}"


@dataclass(frozen=True, slots=True)
class Upload:
    """The thing whose fate we follow; identity is (source, kind, id). `kind` is "" until a collection has answered."""

    media_id: int
    source: str
    kind: str
    id: str
    followed_at: float
    ref: str | None = None
    registered: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    sequence: int = 0
    """Events announced so far."""
    snapshot: Observation | None = None
    """The last announced observation, never merely the last seen."""
    changed_at: float | None = None
    stalled: bool = False
    misses: int = 0
    """Answers in a row in which the provider itself did not know it, the first at `missing_since`."""
    missing_since: float | None = None
    due_at: float | None = None
    """When it is asked for by itself, whatever is expected of it; None: not at all."""
    fingerprint: int | None = None
    """Of the last row of a list that was compared with the snapshot, and came to nothing."""
    batch_fingerprint: int | None = None
    """Of the last one in a batch: both take turns, and each tells other fields."""
    unfollowed_at: float | None = None
    """When somebody wanted no more of it: nothing is told of it, and its place is kept lest a list make it new."""
    callback: Callback | None = None
    """Who is told of it besides."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What a program asks for: that an upload be followed, be it that the provider does not know it yet."""

    source: str
    id: str
    kind: str | None = None
    """None: whichever it turns out to be."""
    labels: Mapping[str, str] | None = None
    """None: those that it has."""
    callback: Callback | None = None
    """None: the one that it has."""
    media_id: int = 0
    """The one that it would have where it is new; 0: any."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a source cannot be read: `code` is `unavailable`, `limited`, `refused` or `malformed`."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class SourceState:
    """What is remembered of a source across restarts."""

    name: str
    number: int
    sequence: int = 0
    """Events announced about the source itself."""
    hold_until: float = 0.0
    """Nothing is asked before: a rest after failures."""
    failures: int = 0
    """Failed looks in a row."""
    failing_since: float | None = None
    trouble: Trouble | None = None
    failed: str | None = None
    """The question whose failure was reported: its next good answer is the recovery. Of a batch, what is left of it."""
    failed_due_at: float = 0.0
    """When that was to be asked again: a good answer to what was due later shows that it no longer is."""


@dataclass(frozen=True, slots=True)
class ListingState:
    """How far a collection has been read: `page` is next; at `baseline_at` the first complete sweep ended."""

    collection: str
    page: int = 1
    due_at: float = 0.0
    baseline_at: float | None = None
    swept_at: float | None = None
    """When a sweep last went through to the end; None: the next one must, for an earlier one was given up."""
    failures: int = 0
    """Looks at this page in a row that failed; of the first page also those in whose answer nothing could be read."""
    cursor: str | None = None
    """Where the page is, if its number alone does not tell."""
    baseline_pages: int = 0
    """Pages that have been read until then: what is new on one of them came since."""


class ChangeReason(StrEnum):
    """Why a change is one."""

    FIRST_SEEN = "first_seen"
    STATUS = "status"
    DETAIL = "detail"
    STALLED = "stalled"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs, as it was and as it is: strings, numbers or None."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Change:
    """A difference between an upload's snapshot and what was seen, `seen` being the snapshot to come."""

    upload: Upload
    seen: Observation
    reason: ChangeReason
    fields: tuple[FieldChange, ...]
    reopened: bool
    observed_at: float


STANDARD = "standard"
"""The format that every event has; others are made from it."""


@dataclass(frozen=True, slots=True)
class Event:
    """A change with identity, sequence and type.

    `lane` is the upload's `media_id`, minus the source's number, or less than all of them for an endpoint.
    """

    id: str
    type: str
    at: float
    source: str | None
    """None where the event is about an endpoint."""
    lane: int
    sequence: int
    status: str | None
    body: bytes
    """The `standard` format, fixed here for every attempt to come."""
    upload: str | None = None
    """The upload's id; None where the event is about the source or the endpoint itself."""
    endpoint: str | None = None
    """The endpoint that the event is about."""
    renderings: Mapping[str, bytes] = field(default_factory=dict)
    """Its bytes in every other format that a receiver of it wants, fixed here as well."""
    tasks: tuple[int, ...] = ()
    """The `task` of each target that it tells of, 0 where one has none; without any, the upload's own."""


class Order(StrEnum):
    """What a lane may do: strict, one after the other; latest, a newer status replaces an unsent older one; none."""

    STRICT = "strict"
    LATEST = "latest"
    NONE = "none"


class Phase(StrEnum):
    """Where a delivery is; only `waiting` has a due time."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"
    SUPERSEDED = "superseded"
    DROPPED = "dropped"


class Cause(StrEnum):
    """Why a delivery is over that was not delivered."""

    SCHEDULE = "schedule"
    """The last slot of the schedule was used."""
    ABORTED = "aborted"
    """The receiver said so."""
    INTERNAL = "internal"
    """A bug of ours: it could not be sent at all."""
    LEFT = "left"
    """Its endpoint left the config, and has not come back for long."""
    UNWANTED_EVENT = "unwanted_event"
    """The endpoint's `events` let it pass no more."""
    UNWANTED_SOURCE = "unwanted_source"
    """Its `sources` do not."""
    UNWANTED_STATUS = "unwanted_status"
    """Its `statuses` do not."""
    UNWANTED_FORMAT = "unwanted_format"
    """It was owed unsigned and the endpoint wants signatures now, or the reverse."""


class Delivery(NamedTuple):
    """The duty to bring one event to one endpoint. `slots` counts the places of the schedule used up.

    A tuple, because it is made for every attempt: a frozen dataclass of so many fields takes five times as long.
    """

    id: int
    event: str
    type: str
    endpoint: str
    lane: int | None
    """None: the endpoint asks for no order."""
    sequence: int
    slots: int
    attempts: int
    due_at: float
    created_at: float
    body: bytes
    source: str | None
    upload: str | None
    status: str | None = None
    format: str = STANDARD
    """Of the body: what the endpoint wanted when the event was announced."""
    replay: int | None = None
    """The last replay by which it was owed again."""


class Outcome(StrEnum):
    """What came of an attempt: a closed set, in the log, the database and the metrics alike."""

    DELIVERED = "delivered"
    HTTP_3XX = "http_3xx"
    HTTP_4XX = "http_4xx"
    HTTP_5XX = "http_5xx"
    HTTP_410 = "http_410"
    HTTP_429 = "http_429"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT_CONNECT = "timeout_connect"
    TIMEOUT_FIRST_BYTE = "timeout_first_byte"
    TIMEOUT_TOTAL = "timeout_total"
    PROTOCOL = "protocol"
    RESET = "reset"
    REFUSED_ADDRESS = "refused_address"
    ABORTED = "aborted"
    """The receiver wants this delivery no more, and said so by a command."""
    LOCAL = "local"
    """Nothing was sent, for a fault of ours: it says nothing about the receiver and is no attempt."""


class Command(StrEnum):
    """What a receiver may order by the header `webhook-delivery` of its answer."""

    ABORT = "abort-message"
    """This delivery is not to be tried again."""
    DISABLE = "disable"
    """Nothing more is to be sent to this endpoint."""


_NOTHING: Mapping[str, float] = {}


class Attempt(NamedTuple):
    """One POST and what came of it. `note` is for people: why it failed and what would cure it, without any secret."""

    started_at: float
    duration: float
    outcome: Outcome
    status: int | None = None
    note: str = ""
    excerpt: str = ""
    """The beginning of the answer's body, at most 4 KiB, unprintable characters made visible."""
    retry_after: float | None = None
    """Seconds from its end, a day at most, for which a 429 or 5xx asks that the endpoint be left alone."""
    command: Command | None = None
    """What the receiver orders besides, having proven who it is; never ABORT where it was delivered."""
    phases: Mapping[str, float] = _NOTHING
    """Seconds that `dns`, `connect`, `tls` and `first_byte` took, where there were such; `duration` is the whole."""
    rule: str | None = None
    """The rule by which the address was refused; for the metrics alone, the note tells people."""


# --- what the config names


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` per `seconds`; a count of 0 means: no limit."""

    count: float
    seconds: float


class Baseline(StrEnum):
    """What the first complete look at a source does with what it finds."""

    SILENT = "silent"
    ANNOUNCE = "announce"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One account at a provider, as the config describes it."""

    name: str
    provider: str
    base_url: str
    api_key: Secret
    user_id: str = ""
    """Of providers that want one beside the key."""
    api: Description | None = None
    """Of a provider that knows nothing of the API by itself."""
    budget: Rate
    discover: bool = True
    baseline: Baseline = Baseline.SILENT
    uploads: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    """Collections, as the provider names them ("videos"); empty where it has only one."""
    reserve: float = 0.25
    stalled_after: float = 7200.0

    @property
    def credential(self) -> tuple[str, str, str, Secret]:
        """Sources with the same one share what the provider counts."""
        return self.provider, self.base_url, self.user_id, self.api_key


@dataclass(frozen=True, slots=True)
class Basic:
    """A user and the password: credentials of the `Basic` kind."""

    user: str
    password: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A receiver, as the config describes it, the defaults of `[delivery]` filled in."""

    name: str
    url: str = field(repr=False)
    """As a callback's: with its query, that may hold a token."""
    secrets: tuple[Secret, ...]
    """None in the manner of Encoding.com, which signs nothing."""
    format: str = STANDARD
    """What its events are told in; it tells the bytes apart by itself, whatever else they depend on."""
    announce_ready: bool = False
    """In the manner of Encoding.com: whether it is also called where an upload waits for a person."""
    notify_upload: bool = False
    """In the manner of Encoding.com: whether each destination of a result is a call of its own, before the result's."""
    events: tuple[str, ...] = ("upload.*",)
    sources: tuple[str, ...] = ("*",)
    statuses: tuple[str, ...] = ()
    drain: bool = False
    """Nothing new is owed to it, whatever it wants; what waits for it is sent."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # credentials belong in them
    bearer: Secret | None = None
    basic: Basic | None = None
    """At most one of the two, and then no header `authorization` beside it."""
    ca_file: str | None = None
    """The authorities whose certificates are believed, an absolute path as the next two; None: the system's."""
    client_cert: str | None = None
    client_key: str | None = None
    """None: it is in the file of the certificate."""
    files: str = ""
    """A digest of what is in these, which may become another while their paths stay."""
    schedule: tuple[float, ...] = (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    """Delay before each attempt in seconds, from the announcement, then from the end of the attempt before."""
    timeout: float = 20.0
    max_in_flight: int = 8
    rate: Rate = Rate(0, 1)
    order: Order = Order.STRICT
    allow_http: bool = False
    allow_networks: tuple[IPv4Network | IPv6Network, ...] = ()
