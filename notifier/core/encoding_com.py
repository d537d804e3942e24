"""upload × what was said of it → the media that Encoding.com would have had in its place.

What a callback tells and what is told to who asks afterwards are both made of this, so that they agree. The rules are
those that the receivers of 2010 to 2017 rely on: docs/encoding-com.md has them all.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from notifier.core.model import Observation, Status, Target, TargetStatus, Upload

ENCODING_COM = "encoding_com"
"""The name of the provider, and of the format."""
OUTPUT = "mp4"
"""What an upload is said to be made into where nobody says otherwise."""
NEW, READY, WAITING, PROCESSING = "New", "Ready to process", "Waiting for encoder", "Processing"
FINISHED, ERROR, STOPPED = "Finished", "Error", "Stopped"
SAVED = "Saved"
WORDS: Mapping[Status, str] = {
    Status.DRAFT: NEW,
    Status.SCHEDULED: NEW,
    Status.QUEUED: WAITING,
    Status.PROCESSING: PROCESSING,
    Status.ACTION_REQUIRED: READY,
    Status.COMPLETED: FINISHED,
    Status.PARTIAL: FINISHED,
    Status.FAILED: ERROR,
    Status.CANCELLED: STOPPED,
    Status.GONE: STOPPED,
    Status.UNKNOWN: NEW,
}
"""What a media is, for each of our words. Encoding.com has `Downloading`, `Downloaded` and `Saving` besides."""
TASK_WORDS: Mapping[TargetStatus, str] = {
    TargetStatus.IDLE: NEW,
    TargetStatus.QUEUED: WAITING,
    TargetStatus.PROCESSING: PROCESSING,
    TargetStatus.RETRYING: PROCESSING,
    TargetStatus.ACTION_REQUIRED: READY,
    TargetStatus.COMPLETED: FINISHED,
    TargetStatus.FAILED: ERROR,
    TargetStatus.SKIPPED: STOPPED,
    TargetStatus.UNKNOWN: NEW,
}
"""What a format is, for each of our words for a target."""
CALLED = frozenset({Status.COMPLETED, Status.PARTIAL, Status.FAILED, Status.ACTION_REQUIRED})
"""Where a callback tells of all formats by the media's word; elsewhere Encoding.com's own words are given on."""
_CALLS = frozenset(f"upload.{status.value}" for status in CALLED)
_READY = f"upload.{Status.ACTION_REQUIRED.value}"
UNBEGUN = frozenset({Status.DRAFT, Status.SCHEDULED, Status.QUEUED, Status.UNKNOWN, Status.ACTION_REQUIRED})

_BLANKS = re.compile(r"[\t\n\r\x85\u2028\u2029]")
_FORBIDDEN = re.compile("[^\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, section 2.2, besides the blanks."""
_A_FILE = re.compile(r"https?://[^?#]*/[^/?#]*\.[A-Za-z0-9]{1,8}")
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]")
_DESTINATION = re.compile(r"(.+)/\d+")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a result is, and whether it is: `Saved`, or `Error (why)`."""

    url: str
    status: str


@dataclass(frozen=True, slots=True)
class Format:
    """One result of a media, made or to be made. `description` is "" but where its status is `Error`."""

    taskid: int
    output: str
    status: str
    description: str = ""
    destinations: tuple[Destination, ...] = ()


@dataclass(frozen=True, slots=True)
class Medium:
    """An upload as a media of Encoding.com; it has a format at least. No text holds a line break."""

    mediaid: int
    source: str
    status: str
    description: str
    formats: tuple[Format, ...]


def is_called(type_: str, *, announce_ready: bool) -> bool:
    """Whether Encoding.com would call for an event of this type: some receivers take any call for the end."""
    return type_ in _CALLS and (announce_ready or type_ != _READY)


def medium(upload: Upload, seen: Observation, provider: str, output: str = OUTPUT) -> Medium:
    """What an upload is when this was said of it, `seen` being a snapshot of it.

    `output` is what it is said to be made into, unless Encoding.com tells that itself.
    """
    native = provider == ENCODING_COM
    status = _own(seen.raw_status, native=native) if seen.status not in CALLED else ""
    return Medium(
        upload.media_id,
        _source(upload, seen, output, native=native),
        status or WORDS[seen.status],
        _why(seen) if seen.status is Status.FAILED else "",
        tuple(_formats(upload, seen, output, native=native)),
    )


def clean(text: str) -> str:
    """The text without what XML cannot hold, on one line."""
    return _FORBIDDEN.sub("", _BLANKS.sub(" ", text))


def _own(word: str | None, *, native: bool) -> str:
    """Encoding.com's word for what is its own; "" for what it never heard of."""
    return clean(word or "") if native else ""


def _source(upload: Upload, seen: Observation, output: str, *, native: bool) -> str:
    """A URL whose last segment ends in an extension: receivers cut there, and some fail where they find none."""
    url = clean(seen.url or "")
    if url and (native or _A_FILE.fullmatch(url)):
        return url
    return f"https://notifier.invalid/{upload.source}/{_NOT_IN_A_NAME.sub('_', upload.id)[:100]}.{output}"


def _why(part: Observation | Target) -> str:
    return (clean(part.reason.text) if part.reason is not None else "") or ERROR


# --- formats


def _formats(upload: Upload, seen: Observation, output: str, *, native: bool) -> Iterator[Format]:
    """One for each target, in the order of their first sight; an upload without any is its own."""
    formats, saved = _grouped(seen.targets) if native else ({one.name: one for one in seen.targets}, {})
    if not formats:
        status = _without_targets(seen)
        urls = () if native else _told(seen.url)
        yield _format(seen.task or upload.media_id, output, status, _why(seen), urls)
    for name, target in formats.items():
        status = _status(seen, target, native=native)
        made = clean(name.partition(":")[0]) if native else output
        why = _why(target if target.reason is not None else seen)
        alone = seen.url if len(formats) == 1 and not native else None
        places = saved.get(name) or _told(target.url or alone)
        yield _format(target.task or upload.media_id, made, status, why, places)


def _format(taskid: int, output: str, status: str, why: str, places: tuple[Destination, ...]) -> Format:
    done = places if status == FINISHED else ()
    return Format(taskid, output, status, why if status == ERROR else "", done)


def _told(url: str | None) -> tuple[Destination, ...]:
    place = clean(url or "")
    return (Destination(place, SAVED),) if place else ()


def places(targets: Iterable[Target]) -> dict[str, str]:
    """The targets of an upload of Encoding.com's that are destinations, and the name of the format of each."""
    found = {one.name: _DESTINATION.fullmatch(one.name) for one in targets}
    return {name: part[1] for name, part in found.items() if part is not None and part[1] in found}


def _grouped(targets: tuple[Target, ...]) -> tuple[dict[str, Target], dict[str, tuple[Destination, ...]]]:
    """Encoding.com's formats by their names, and the destinations of those that have several."""
    of = places(targets)
    saved: dict[str, tuple[Destination, ...]] = {}
    for one in targets:
        if one.name in of:
            place = Destination(clean(one.url or ""), _kept(one))
            saved[of[one.name]] = (*saved.get(of[one.name], ()), place)
    return {one.name: one for one in targets if one.name not in of}, saved


def _kept(place: Target) -> str:
    if place.status is TargetStatus.FAILED:
        return f"{ERROR} ({_why(place)})"
    return SAVED if place.status is TargetStatus.COMPLETED else clean(place.raw_status or "Open")


def _without_targets(seen: Observation) -> str:
    return NEW if seen.status in UNBEGUN else WORDS[seen.status]


def _status(seen: Observation, target: Target, *, native: bool) -> str:
    """By the media, where a callback tells of it: no format of a failure may look as if it could still be made."""
    if seen.status is Status.COMPLETED:
        return FINISHED
    if seen.status is Status.FAILED:
        return ERROR
    if seen.status is Status.PARTIAL:
        return FINISHED if target.status is TargetStatus.COMPLETED else ERROR
    if seen.status is Status.ACTION_REQUIRED:
        return NEW
    return _own(target.raw_status, native=native) or (NEW if seen.status in UNBEGUN else TASK_WORDS[target.status])
