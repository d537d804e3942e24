"""an upload as it is kept → the elements that tell of a media.

See "GetStatus", "GetStatus Extended", "GetMediaList" and "GetMediaInfo" of the vendor. What nobody knows is left out
where an answer need not hold it, and empty where it must.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from notifier.core.encoding_com import ERROR, FINISHED, NEW, STOPPED, WAITING, Format, Medium, medium
from notifier.core.encoding_com_document import Element
from notifier.core.model import SETTLED, Observation, Status, Target
from notifier.store.media import Shown

NEVER = "0000-00-00 00:00:00"
FULL = 100.0
"""Per cent."""
UNBEGUN = frozenset({NEW, WAITING})
ENDED = frozenset({FINISHED, ERROR, STOPPED})
STREAMS: list[Element] = [
    (name, "")
    for name in (
        *("bitrate", "duration", "video_codec", "video_bitrate", "frame_rate", "size", "pixel_aspect_ratio"),
        *("display_aspect_ratio", "audio_codec", "audio_sample_rate", "audio_channels"),
    )
]
"""What GetMediaInfo tells of a file, into which no snapshot looks."""


@dataclass(frozen=True, slots=True)
class Media:
    """What a callback tells of an upload, and what is told besides to who asks."""

    medium: Medium
    user_id: str
    """Of who asks."""
    created: float
    started: float | None
    finished: float | None
    progress: float
    """Per cent."""
    is_gone: bool
    targets: Mapping[int | None, Target]
    """By the number that each is as a format."""


def media(shown: Shown, output: str, user_id: str) -> Media:
    """The upload as a media; `output` as `medium` takes it."""
    upload = shown.upload
    seen = upload.snapshot or Observation(upload.kind, upload.id, Status.UNKNOWN)
    settled = seen.status in SETTLED
    created = _first(seen.created_at, upload.followed_at)
    begun = created if settled or seen.status is Status.PROCESSING else None
    over = _first(seen.finished_at, shown.came_at, seen.updated_at, upload.followed_at)
    return Media(
        medium=medium(upload, seen, shown.provider, output),
        user_id=user_id,
        created=created,
        started=next((one for one in (seen.started_at, shown.began_at) if one is not None), begun),
        finished=over if settled else None,
        progress=FULL if settled else seen.progress or 0.0,
        is_gone=seen.status is Status.GONE,
        targets={target.task: target for target in seen.targets},
    )


def _first(*moments: float | None) -> float:
    """The first moment that is known; the last one always is."""
    return next(moment for moment in moments if moment is not None)


def status(one: Media, *, extended: bool) -> list[Element]:
    """What GetStatus tells of a media. The extended form does not tell what its formats make, as ever."""
    if one.is_gone:
        return [("id", str(one.medium.mediaid)), ("userid", one.user_id), ("status", "Deleted"), ("deleted", "yes")]
    return [
        *row(one),
        *_known("description", one.medium.description),
        ("time_left", "0"),
        ("progress", f"{one.progress:.1f}"),
        *(("format", _format(one, part, extended=extended)) for part in one.medium.formats),
    ]


def row(one: Media) -> list[Element]:
    """A media as a list of version 3 tells of it."""
    return [
        ("id", str(one.medium.mediaid)),
        ("userid", one.user_id),
        ("sourcefile", one.medium.source),
        ("status", one.medium.status),
        ("created", date(one.created)),
        ("started", date(one.started)),
        ("finished", date(one.finished)),
    ]


def old_row(one: Media) -> list[Element]:
    """A media as a list of before version 3 tells of it."""
    return [
        ("mediafile", one.medium.source),
        ("mediaid", str(one.medium.mediaid)),
        ("mediastatus", one.medium.status),
        ("createdate", date(one.created)),
        ("startdate", date(one.started)),
        ("finishdate", date(one.finished)),
    ]


def _format(one: Media, part: Format, *, extended: bool) -> list[Element]:
    target = one.targets.get(part.taskid)
    own = (None, None) if target is None else (target.started_at, target.finished_at)
    started, finished = (mine or whole for mine, whole in zip(own, (one.started, one.finished), strict=True))
    return [
        ("id", str(part.taskid)),
        ("status", part.status),
        ("created", date(one.created)),
        ("started", date(None if part.status in UNBEGUN else started)),
        ("finished", date(finished if part.status in ENDED else None)),
        *_known("description", part.description),
        *_known("output", "" if extended else part.output),
        *_destinations(part),
    ]


def _destinations(part: Format) -> Iterator[Element]:
    for place in part.destinations:
        yield "destination", place.url
        yield "destination_status", place.status


def _known(name: str, text: str) -> list[Element]:
    return [(name, text)] if text else []


def date(moment: float | None) -> str:
    """As the service writes it, in UTC and whole seconds."""
    return NEVER if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S")
