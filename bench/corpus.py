"""What there is to deliver: uploads that go through three statuses each, announced to every endpoint."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network

from notifier.core.events import event_for
from notifier.core.model import (
    Change,
    ChangeReason,
    Endpoint,
    Event,
    FieldChange,
    Observation,
    Status,
    Target,
    TargetStatus,
    Upload,
)
from notifier.core.secret import Secret
from notifier.store import Announcement, Store

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""Of the published test vector: nobody's."""
STATUSES = (Status.QUEUED, Status.PROCESSING, Status.COMPLETED)
PAGE = 100
"""Uploads of an announcement."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How many endpoints there are, how many requests to each at once, how many deliveries in all."""

    endpoints: int
    in_flight: int
    deliveries: int

    @property
    def uploads(self) -> int:
        """As many as make that many deliveries."""
        return max(1, self.deliveries // (self.endpoints * len(STATUSES)))


def endpoints(shape: Shape, port: int) -> list[Endpoint]:
    """Each with a path of its own at the sink."""
    return [
        Endpoint(
            name=f"endpoint-{number}",
            url=f"http://127.0.0.1:{port}/{number}",
            secrets=(Secret(SECRET),),
            max_in_flight=shape.in_flight,
            allow_http=True,
            allow_networks=(ip_network("127.0.0.0/8"),),
        )
        for number in range(shape.endpoints)
    ]


async def announce(
    store: Store, uploads: int, receivers: Sequence[Endpoint], statuses: Sequence[Status] = STATUSES, first: int = 0
) -> list[Event]:
    """Follow so many uploads and announce these statuses of all of them, page by page, as the poller does.

    Answers the events in that order. `first` is the number in the id of the first of them.
    """
    known = await follow(store, uploads, receivers, first)
    announced: list[Event] = []
    for status in statuses:
        for start in range(0, uploads, PAGE):
            page = slice(start, start + PAGE)
            known[page], events = await announce_page(store, known[page], receivers, status)
            announced += events
    return announced


async def follow(store: Store, uploads: int, receivers: Sequence[Endpoint], first: int = 0) -> list[Upload]:
    """So many uploads, and who is to hear of them."""
    await store.enrol({"posts": "upload_post"}, [endpoint.name for endpoint in receivers])
    numbers = range(first, first + uploads)
    new = [Upload(0, "posts", "post", f"post_{number:06}", time.time()) for number in numbers]
    return [upload for upload, _ in await store.follow([(one, 0) for one in new])]


async def announce_page(
    store: Store, uploads: Sequence[Upload], receivers: Sequence[Endpoint], status: Status
) -> tuple[list[Upload], list[Event]]:
    """One announcement, one commit: these uploads in that status. Answers them as they are now, and the events."""
    page = [step(upload, status) for upload in uploads]
    after, events = [upload for upload, _ in page], [event for _, event in page]
    owed = [(event, receivers) for event in events]
    await store.announce(Announcement(await store.source("posts"), uploads=after, owed=owed))
    return after, events


def step(upload: Upload, status: Status) -> tuple[Upload, Event]:
    """The upload in its next status, and the event that says so: about 850 bytes."""
    now = time.time()
    before = upload.snapshot
    seen = Observation(
        "post",
        upload.id,
        status,
        status.value,
        title=f"What we learned from {upload.id}",
        created_at=upload.followed_at,
        updated_at=now,
        targets=tuple(Target(name, TargetStatus(status.value)) for name in ("instagram", "tiktok")),
    )
    reason = ChangeReason.FIRST_SEEN if before is None else ChangeReason.STATUS
    fields = () if before is None else (FieldChange("status", before.status.value, status.value),)
    event = event_for(Change(upload, seen, reason, fields, reopened=False, observed_at=now), "upload-post", now)
    return replace(upload, snapshot=seen, sequence=event.sequence, changed_at=now), event
