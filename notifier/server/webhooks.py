"""What a webhook says, as a model for each kind of event: for those who read them by a schema.

The bodies themselves are made in `notifier.core.events`; tests hold the two together.
"""

from collections.abc import Mapping
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from notifier.core.events import EVENT_TYPES
from notifier.core.model import Status, TargetStatus
from notifier.server.models import Moment, Reason

D = TypeVar("D", bound=BaseModel)
Simple = str | float | bool | None


class Said(BaseModel):
    """A part of a webhook. Members may come to it: a reader passes over what it does not know."""

    model_config = ConfigDict(extra="allow")


class Target(Said):
    """A part of an upload with a status of its own."""

    name: str
    status: TargetStatus
    raw_status: str | None
    external_id: str | None
    url: str | None
    reason: Reason | None
    started_at: Moment | None = None
    finished_at: Moment | None = None


class EventUpload(Said):
    """An upload as its provider tells it; what that does not say is null."""

    id: str
    kind: str | None
    media_id: Annotated[int, Field(ge=1, le=2_147_483_647)]
    status: Status
    raw_status: str | None
    """The provider's own word."""
    reason: Reason | None
    title: str | None
    url: str | None
    progress: float | None
    scheduled_at: Moment | None
    created_at: Moment | None
    updated_at: Moment | None
    started_at: Moment | None = None
    finished_at: Moment | None = None
    targets: list[Target]
    labels: dict[str, str]


class Previous(Said):
    """What was told before."""

    status: Status
    raw_status: str | None


class FieldChange(BaseModel):
    """One field that is another: `status`, `targets.x.url`."""

    model_config = ConfigDict(extra="forbid")

    field: str
    from_: Annotated[Simple | Reason, Field(alias="from")]
    to: Simple | Reason


class UploadChanged(Said):
    """A change of an upload."""

    source: str
    provider: str
    upload: EventUpload
    previous: Previous | None
    changes: list[FieldChange]
    sequence: Annotated[int, Field(ge=1)]
    first_seen: bool
    reopened: bool
    observed_at: Moment


class SourceTold(Said):
    """How it stands with a source."""

    source: str
    provider: str
    reason: Reason
    since: Moment


class EndpointTold(Said):
    """How it stands with an endpoint."""

    endpoint: str
    reason: Reason
    waiting: int
    since: Moment


class Pinged(Said):
    """Nothing but that somebody asked for it."""

    endpoint: str


class Webhook(Said, Generic[D]):
    """The body of a webhook; its `id` is the same however often it comes, and wherever."""

    id: Annotated[str, Field(pattern="^evt_[0-9a-f]{32}$")]
    type: str
    timestamp: Moment
    data: D


BY_SUBJECT: Mapping[str, type[BaseModel]] = {
    "upload": Webhook[UploadChanged],
    "source": Webhook[SourceTold],
    "endpoint": Webhook[EndpointTold],
    "notifier": Webhook[Pinged],
}
BODIES = {type_: BY_SUBJECT[type_.partition(".")[0]] for type_ in EVENT_TYPES}
"""The body of the events of each type."""
