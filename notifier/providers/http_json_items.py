"""A described API's documents → observations: which member says what is for the description to tell."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, ValidationError

from notifier.core.description import Description, TargetCall
from notifier.core.model import MOST_TARGETS, Observation, Reason, Status, Target, TargetStatus
from notifier.providers.expressions import Ask, compiled
from notifier.providers.shapes import (
    LAST_MOMENT,
    Id,
    RowReader,
    Shape,
    Text,
    Title,
    Url,
    Word,
    dated,
    each,
    faults,
    moment,
)

KIND = "media"
FIRST_MS = 100_000_000_000
"""A number from here on is a moment in milliseconds: in seconds it would be more than 3,000 years ahead."""
EXPLAINED = {
    *(Status.FAILED, Status.PARTIAL, Status.CANCELLED, Status.ACTION_REQUIRED, Status.GONE, Status.UNKNOWN),
    *(TargetStatus.RETRYING, TargetStatus.SKIPPED),
}
"""What needs a reason, of uploads and targets; beside any other status an error is one that has been got over."""


def _moment(value: object) -> float | None:
    """Seconds since 1970: of an ISO 8601 text, of a number of seconds or of milliseconds."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return moment(value)
    return dated(value / 1000 if value >= FIRST_MS else value)


def _number(value: object) -> float | None:
    """A number from 0 on that JSON can spell."""
    right = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < LAST_MOMENT
    return float(value) if right and math.isfinite(value) else None  # type: ignore[arg-type]  # it is a number


_When = Annotated[float | None, BeforeValidator(_moment)]
_Number = Annotated[float | None, BeforeValidator(_number)]


class _Part(Shape):
    """What an upload and a target tell alike."""

    status: Word
    url: Url = None
    reason_code: Text = None
    reason_text: Text = None
    started_at: _When = None
    finished_at: _When = None

    def reason(self, status: Status | TargetStatus) -> Reason | None:
        """Why it is as it is, where that needs to be explained."""
        code, text = self.reason_code, self.reason_text
        return Reason(code or "error", text or code or "") if status in EXPLAINED and (code or text) else None


class _Item(_Part):
    id: Id
    title: Title = None
    progress: _Number = None
    time_left: _Number = None
    scheduled_at: _When = None
    created_at: _When = None
    updated_at: _When = None


class _Target(_Part):
    name: Id
    external_id: Url = None


@dataclass(frozen=True, slots=True)
class _Told:
    """The targets of one upload; `whole`: there are no others."""

    targets: tuple[Target, ...] = ()
    skipped: tuple[str, ...] = ()
    whole: bool = False


class _Row(NamedTuple):
    """What one item says, if it can be read, and what is broken in it."""

    seen: Observation | None
    skipped: tuple[str, ...]


class Reader:
    """A description, ready to read what its API says."""

    def __init__(self, api: Description) -> None:
        """Raises `BadExpression`; a description that a config was checked for has none."""
        self._fields = _asks(api.fields)
        self._statuses = {_folded(word): Status(ours) for word, ours in api.statuses.items()}
        self._targets = None if api.targets is None else _Targets(api.targets, api.target_statuses)
        self._explains = bool({"reason_code", "reason_text"} & api.fields.keys())

    def read(
        self, items: Iterable[Any], read_rows: RowReader = each, *, lean: bool = False
    ) -> tuple[tuple[Observation, ...], tuple[str, ...]]:
        """What the items say, and a line for each item or target that is broken: it spoils nothing but itself.

        `lean`: an item may lack what a look at the upload itself would tell; one that does not say why it failed is
        then a hint that it did, lest the reason come and go with the way in which was asked.
        """
        rows, _ = read_rows(items, partial(self._row, lean=lean))
        skipped = [f"row {number}: {line}" for number, row in enumerate(rows, 1) for line in row.skipped]
        return tuple(row.seen for row in rows if row.seen is not None), tuple(skipped)

    def _row(self, item: Any, *, lean: bool) -> _Row:
        try:
            told = _Item.model_validate(_answers(self._fields, item))
        except ValidationError as error:
            return _Row(None, (faults(error),))
        parts = _Told() if self._targets is None else self._targets.read(item)
        return _Row(self._observed(told, parts, lean=lean), parts.skipped)

    def _observed(self, told: _Item, parts: _Told, *, lean: bool) -> Observation:
        status = self._statuses.get(_folded(told.status), Status.UNKNOWN)
        needed = status in EXPLAINED
        reason = told.reason(status) or (_reason_of(parts.targets) if needed else None)
        return Observation(
            kind=KIND,
            id=told.id,
            status=status,
            raw_status=told.status,
            reason=reason,
            title=told.title,
            url=told.url,
            progress=told.progress,
            scheduled_at=told.scheduled_at,
            created_at=told.created_at,
            updated_at=told.updated_at,
            started_at=told.started_at,
            finished_at=told.finished_at,
            time_left=told.time_left,
            targets=parts.targets,
            complete=not (lean and self._explains and needed and reason is None),
            every_target=parts.whole,
        )


class _Targets:
    """How an upload tells of its targets."""

    def __init__(self, call: TargetCall, statuses: Mapping[str, str]) -> None:
        self._items = compiled(call.items)
        self._fields = _asks(call.fields)
        self._statuses = {_folded(word): TargetStatus(ours) for word, ours in statuses.items()}

    def read(self, item: Any) -> _Told:
        told = self._items(item)
        if not isinstance(told, list):  # of targets nothing is said here
            return _Told()
        targets: dict[str, Target] = {}
        skipped = []
        for number, part in enumerate(told, 1):
            try:
                read = _Target.model_validate(_answers(self._fields, part))
            except ValidationError as error:
                skipped.append(f"target {number}: {faults(error)}")
                continue
            name = _unused(read.name, targets)
            targets[name] = self._observed(name, read)
        kept = tuple(targets.values())[:MOST_TARGETS]
        return _Told(kept, tuple(skipped), whole=len(kept) == len(told))

    def _observed(self, name: str, read: _Target) -> Target:
        status = self._statuses.get(_folded(read.status), TargetStatus.UNKNOWN)
        return Target(
            name,
            status,
            read.status,
            read.external_id,
            read.url,
            read.reason(status),
            read.started_at,
            read.finished_at,
        )


def _reason_of(targets: Iterable[Target]) -> Reason | None:
    """That of the first target that failed."""
    failed = (target for target in targets if target.status is TargetStatus.FAILED)
    return next((target.reason for target in failed if target.reason), None)


def _unused(name: str, names: Iterable[str]) -> str:
    """The name, or where it is taken one with a number behind it: no two targets have the same."""
    taken, number, free = set(names), 1, name
    while free in taken:
        number += 1
        free = f"{name}/{number}"
    return free


def _asks(expressions: Mapping[str, str]) -> Mapping[str, Ask]:
    return {name: compiled(expression) for name, expression in expressions.items()}


def _answers(asks: Mapping[str, Callable[[Any], Any]], item: Any) -> dict[str, Any]:
    return {name: ask(item) for name, ask in asks.items()}


def _folded(word: str) -> str:
    """A status word as it is compared."""
    return word.strip().lower()
