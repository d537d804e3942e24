"""What is told over the API. Moments are RFC 3339 in UTC with milliseconds, durations seconds; absent is null."""

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, Field

from notifier.core.health import State
from notifier.core.render import iso

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
T = TypeVar("T", bound=BaseModel)


def moment(at: float | None) -> Moment | None:
    """As it is told."""
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
    waiting: int
    dead: int
    oldest_at: Moment | None
    """Since when the oldest that waits is owed."""
    in_flight: int
    failures: int
    """In a row."""
    failing_since: Moment | None
    succeeded_at: Moment | None
    """The last 2xx, to the minute."""
    quiet_until: Moment | None
    """Until when it is left alone because it asks for it."""
    probe_at: Moment | None
    """When it is tried next while it is shut off."""
    paused_at: Moment | None
