"""Encoding.com's elements that tell of one media → observations.

Such an element is a <job>, in the simple form the <response> itself, in a list a <media>.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Self
from xml.etree.ElementTree import Element

from pydantic import AliasChoices, BeforeValidator, Field

from notifier.core.encoding_com import places
from notifier.core.model import Observation, Reason, Status, Target, TargetStatus
from notifier.providers.encoding_com_formats import STATUSES, Formats, Note, discreet, formats, place, spelled
from notifier.providers.shapes import Shape, Text, When, Word, reference
from notifier.providers.xml import members

KIND = "media"
MOVING = {"downloading", "processing", "saving"}
"""Where progress and the time left mean something; beside other words they are told as well, and are not true."""
LONGEST_LEFT = 14 * 86400.0
"""Seconds; not even the id lives longer."""
FULL = 100.0
"""Per cent."""

_ID = re.compile("[0-9]{1,20}")


def is_id(text: str) -> bool:
    """Whether this can be the id of a media: anything else might be taken for several, or for something to do."""
    return _ID.fullmatch(text) is not None


def _id(value: object) -> str | None:
    id_ = reference(value)
    return id_ if id_ and is_id(id_) else None


def _number(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, str) else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


Number = Annotated[float | None, BeforeValidator(_number)]


class _Media(Shape):
    """The lists of before 2023 had other names for the same things."""

    id: Annotated[str, BeforeValidator(_id)] = Field(validation_alias=AliasChoices("id", "mediaid"))
    status: Word = Field(validation_alias=AliasChoices("status", "mediastatus"))
    deleted: bool = False
    sourcefile: Annotated[str | None, BeforeValidator(place)] = Field(
        default=None, validation_alias=AliasChoices("sourcefile", "mediafile")
    )
    created: When = Field(default=None, validation_alias=AliasChoices("created", "createdate"))
    started: When = Field(default=None, validation_alias=AliasChoices("started", "startdate"))
    finished: When = Field(default=None, validation_alias=AliasChoices("finished", "finishdate"))
    closeddate: When = None
    description: Text = None
    progress: Number = None
    time_left: Number = None

    @classmethod
    def of(cls, element: Element) -> Self:
        """Raises `ValidationError`. Of a removed one nothing may be told but that it is."""
        told = members(element)
        deleted = told.pop("deleted", "").lower() == "yes"
        return cls.model_validate({"status": "Deleted", **told, "deleted": True} if deleted else told)

    @property
    def said(self) -> Status:
        """What its word alone means."""
        return Status.GONE if self.deleted else STATUSES.get(spelled(self.status), Status.UNKNOWN)

    @property
    def updated(self) -> float | None:
        """The latest of the moments that both a look at it and a list tell, so that these can be compared."""
        moments = (self.created, self.started, self.finished, self.closeddate)
        return max((moment for moment in moments if moment is not None), default=None)


@dataclass(frozen=True, slots=True)
class Told:
    """What an element tells of a media. `nameless`: it has formats whose output was never told."""

    seen: Observation
    nameless: bool = False
    skipped: tuple[str, ...] = ()


def media(element: Element, notes: Mapping[str, Note], *, simple: bool) -> Told:
    """What the answer to GetStatus tells of a media; `notes` are what is noted of those asked for, by their ids.

    Raises `ValidationError` where the element tells of none.
    """
    told = _Media.of(element)
    if told.said is Status.GONE:
        return Told(_observed(told, Formats()))
    hopeless = told.said is Status.FAILED and told.description is not None
    parts = formats(element, notes.get(told.id, Note()), simple=simple, hopeless=hopeless)
    skipped = tuple(f"{told.id}, format: {line}" for line in parts.skipped)
    return Told(_observed(told, parts), parts.nameless, skipped)


def row(element: Element) -> Observation:
    """What a row of a list tells: that the media is there, and by its word and dates whether it has moved.

    A word that only lists have is not given on: beside the media's own it would be another one for ever. Raises
    `ValidationError`.
    """
    told = _Media.of(element)
    raw = told.status if spelled(told.status) in STATUSES else None
    seen = _observed(told, Formats())
    return replace(seen, raw_status=raw, progress=None, time_left=None, complete=False)


def _observed(told: _Media, parts: Formats) -> Observation:
    status, moving = _status(told.said, parts.targets), spelled(told.status) in MOVING
    return Observation(
        kind=KIND,
        id=told.id,
        status=status,
        raw_status=told.status,
        reason=_reason(status, told, parts.targets),
        url=told.sourcefile,
        progress=_within(told.progress, FULL) if moving or told.said is Status.COMPLETED else None,
        created_at=told.created,
        updated_at=told.updated,
        started_at=told.started,
        finished_at=told.finished,
        time_left=(_within(told.time_left, LONGEST_LEFT) or None) if moving else None,
        targets=parts.targets,
        ref=parts.note.written(),
        complete=not parts.nameless,
        every_target=bool(parts.targets) and not (parts.nameless or parts.skipped),
    )


def _within(number: float | None, most: float) -> float | None:
    return number if number is not None and 0 <= number <= most else None


def _status(said: Status, targets: Sequence[Target]) -> Status:
    """Finished beside a failure, and Error beside a format that finished, are partial.

    A destination that has the file of a format in Error is no success: nobody knows what it has there.
    """
    destinations = places(targets)
    of_formats = {target.status for target in targets if target.name not in destinations}
    if said is Status.COMPLETED and any(target.status is TargetStatus.FAILED for target in targets):
        return Status.PARTIAL
    if said is Status.FAILED and TargetStatus.COMPLETED in of_formats:
        return Status.PARTIAL
    return said


def _reason(status: Status, told: _Media, targets: Iterable[Target]) -> Reason | None:
    """An upload's own reason, else its first failed target's."""
    if status not in {Status.FAILED, Status.PARTIAL}:
        return None
    if told.said is Status.FAILED and told.description:
        return Reason("error", discreet(told.description) or told.description)
    return next((target.reason for target in targets if target.reason), None)
