"""Encoding.com's <format>, one for every output of a media, and its <destination>s → targets.

The extended form does not tell what a format's output is; the simple one does. What it told is noted in the
observation's `ref`, so that the names of targets never change.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Self
from xml.etree.ElementTree import Element

from pydantic import BeforeValidator

from notifier.core.model import MOST_TARGETS, Reason, Status, Target, TargetStatus
from notifier.providers.shapes import Shape, Text, When, each, reference, text
from notifier.providers.xml import members, words

STATUSES = {
    "new": Status.QUEUED,
    "waitingforencoder": Status.QUEUED,
    "readytoprocess": Status.ACTION_REQUIRED,
    "downloading": Status.PROCESSING,
    "downloaded": Status.PROCESSING,
    "processing": Status.PROCESSING,
    "saving": Status.PROCESSING,
    "finished": Status.COMPLETED,
    "error": Status.FAILED,
    "stopped": Status.CANCELLED,
    "deleted": Status.GONE,
}
"""The words of media and formats, as `spelled`."""
PARTS = {
    Status.QUEUED: TargetStatus.QUEUED,
    Status.ACTION_REQUIRED: TargetStatus.ACTION_REQUIRED,
    Status.PROCESSING: TargetStatus.PROCESSING,
    Status.COMPLETED: TargetStatus.COMPLETED,
    Status.FAILED: TargetStatus.FAILED,
    Status.CANCELLED: TargetStatus.SKIPPED,
}
NO_OUTPUT = "format"
"""What an output is called that is not told where it should be."""

_FORMAT_ID = re.compile(r"[\w-]{1,32}", re.ASCII)
_NOT_IN_A_NAME = re.compile(r"[^\w.+-]", re.ASCII)
_ERROR = re.compile(r"error\s*\((.+)\)", re.IGNORECASE | re.DOTALL)
_USERINFO = re.compile(r"(\w[\w+.-]*://)(?:[^/?#]*@|[^/?#@]*:(?!\d*(?:[/?#]|$))[^?#]*@)", re.ASCII)
"""Also one with a slash in it, as the keys of some storages have."""


def spelled(word: str) -> str:
    """A status word as it is compared: "Waiting for encoder" is written in more than one way."""
    return "".join(word.lower().split())


def place(value: object) -> str | None:
    """Where a file is. The user name and the password that it may take to get there are nobody's business."""
    return discreet(reference(value))


def discreet(words: str | None) -> str | None:
    """What is said, without the user names and passwords of the URLs in it."""
    return words and _USERINFO.sub(r"\1", words)


@dataclass(frozen=True, slots=True)
class Note:
    """What is noted of a media between looks, as its `ref`: the outputs of its formats by the formats' ids.

    `form` is the form in which it is to be asked for, where it must be that one.
    """

    outputs: Mapping[str, str] = field(default_factory=dict)
    form: str = ""

    @classmethod
    def read(cls, ref: str | None) -> Self:
        """Of `simple 2107:mp4 2108:fl9`: the form, if there is one, then the outputs."""
        told = [word.partition(":") for word in (ref or "").split()]
        form = next((word for word, colon, _ in told if not colon), "")
        return cls({id_: output for id_, colon, output in told if colon}, form)

    def written(self, form: str = "") -> str | None:
        """As `read` reads it, with this form; None where there is nothing to note."""
        return " ".join([form, *map(":".join, self.outputs.items())]).strip() or None


def _id(value: object) -> str | None:
    id_ = reference(value)
    return id_ if id_ and _FORMAT_ID.fullmatch(id_) else None


class _Format(Shape):
    id: Annotated[str, BeforeValidator(_id)]
    status: Text = None
    output: Text = None
    started: When = None
    finished: When = None
    description: Text = None
    errorcode: Text = None
    errorsuggestion: Text = None


@dataclass(frozen=True, slots=True)
class Formats:
    """What the formats of a media tell. `nameless`: the output of some was never told; they make no target."""

    targets: tuple[Target, ...] = ()
    note: Note = field(default_factory=Note)
    nameless: bool = False
    skipped: tuple[str, ...] = ()


def formats(element: Element, note: Note, *, simple: bool, hopeless: bool) -> Formats:
    """What the formats of a media tell, `note` being what is known of their outputs.

    `hopeless`: the media failed for good; a format that still waits will not be begun any more.
    """
    told, skipped = each(element.findall("format"), lambda one: (_Format.model_validate(members(one)), one))
    known = {one.id: (one, whole) for one, whole in told[:MOST_TARGETS]}
    outputs = {id_: note.outputs.get(id_) or _output(one, simple=simple) for id_, (one, _) in known.items()}
    named = {id_: output for id_, output in outputs.items() if output}
    targets = [
        target
        for id_, output in named.items()
        for target in _targets(known[id_][0], output, _places(known[id_][1]), hopeless=hopeless)
    ]
    return Formats(tuple(targets[:MOST_TARGETS]), Note(named), len(named) < len(outputs), skipped)


def _output(told: _Format, *, simple: bool) -> str | None:
    """What a format makes, as it stands in a name; None where only the simple form would tell it."""
    return _NOT_IN_A_NAME.sub("_", told.output or "")[:64] or (NO_OUTPUT if simple else None)


def _places(element: Element) -> list[tuple[str | None, str]]:
    """Each destination and the status that belongs to it: by number where there are as many, else the one behind it."""
    urls = [place(words(one)) for one in element.iterfind("destination")]
    statuses = [words(one) for one in element.iterfind("destination_status")]
    if len(statuses) != len(urls):
        pairs = zip(element, [*element[1:], None], strict=True)
        statuses = [
            words(behind) if behind is not None and behind.tag == "destination_status" else ""
            for one, behind in pairs
            if one.tag == "destination"
        ]
    return list(zip(urls, statuses, strict=True))


def _targets(told: _Format, output: str, places: list[tuple[str | None, str]], *, hopeless: bool) -> Iterator[Target]:
    """The format's own target, and one more for each of its destinations where it has several."""
    name, status = f"{output}:{told.id}", PARTS.get(_meant(told.status), TargetStatus.UNKNOWN)
    url, saved = places[0] if len(places) == 1 else (None, "")
    lost = _lost(saved)
    if lost or (hopeless and status is TargetStatus.QUEUED):
        status = TargetStatus.FAILED
    reason = (_own_reason(told) or lost) if status is TargetStatus.FAILED else None
    yield Target(name, status, told.status, told.id, url, reason, told.started, told.finished)
    for number, (url, saved) in enumerate(places if len(places) > 1 else [], 1):
        if url:
            yield _saved(f"{name}/{number}", url, saved, status)


def _meant(word: str | None) -> Status:
    return STATUSES.get(spelled(word or ""), Status.UNKNOWN)


def _saved(name: str, url: str, saved: str, of_format: TargetStatus) -> Target:
    lost = _lost(saved)
    status = TargetStatus.FAILED if lost else TargetStatus.COMPLETED if saved.lower() == "saved" else of_format
    return Target(name, status, discreet(text()(saved)), url=url, reason=lost)


def _own_reason(told: _Format) -> Reason | None:
    said = told.description or told.errorsuggestion or told.errorcode
    return None if said is None else Reason(told.errorcode or "error", discreet(said) or said)


def _lost(saved: str) -> Reason | None:
    """Why nothing was saved at a destination, whose status is then "Error (why)"; None where it is another."""
    said = discreet(text()(saved))
    if said is None or not said.lower().startswith("error"):
        return None
    why = _ERROR.fullmatch(said)
    return Reason("error", why[1].strip() if why else said)
