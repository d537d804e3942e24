"""snapshot × observations → changes: what is news, and what is not.

An upload's life, as far as it can be told (settled is not for ever, any state may be skipped between two looks):

    unseen ──► draft | scheduled ──► queued ──► processing ──► completed | partial | failed | cancelled
                                        ▲                          │            (reopened)
                                        └──────────────────────────┘
    any ──► unknown (a word we do not know, or an id that nobody knows) ──► any
    any ──► gone    (the provider itself denied it, more than once, past its grace)
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from math import inf
from operator import attrgetter
from typing import TypeVar

from notifier.core.model import (
    MOST_TARGETS,
    SETTLED,
    Change,
    ChangeReason,
    FieldChange,
    LookKind,
    Observation,
    Reason,
    Status,
    Target,
    Upload,
)

Part = TypeVar("Part", Observation, Target)

_said = attrgetter("raw_status", "reason", "title", "url", "scheduled_at", "updated_at", "targets", "complete")
"""What a row can tell, beside its status, that could make a difference."""
FILLED = ("title", "url", "progress", "scheduled_at", "created_at", "started_at", "finished_at", "ref", "alias", "task")
FILLED_OF_A_TARGET = ("url", "external_id", "started_at", "finished_at", "task")
"""What an observation need not speak of: it stays as it was."""
SKEW = 300.0
"""Seconds that a provider's clock may be ahead: a date still further ahead is none to go by."""
ZONES = 15 * 3600.0
"""Seconds by which a moment may be ahead that a provider states in its own time, and as if that were UTC."""
STALLABLE = frozenset({Status.QUEUED, Status.PROCESSING})
NOT_FOUND = Reason("not_found", "the provider does not know this upload")


def diff(upload: Upload, seen: Observation, at: float, stalled_after: float) -> Change | None:
    """What a complete observation changes; None where there is nothing to announce.

    `at` is when it was seen; `stalled_after` (seconds) is how long a queued or processing upload may rest unremarked.
    """
    known = upload.snapshot
    if known is None:
        return Change(upload, seen, ChangeReason.FIRST_SEEN, (), reopened=False, observed_at=at)
    now = merged(known, seen)
    changes = tuple(_fields(known, now)) if known.complete else _status_only(known, now)
    if now.status != known.status and changes:
        reopened = known.status in SETTLED and now.status not in SETTLED
        return Change(upload, now, ChangeReason.STATUS, changes, reopened, observed_at=at)
    if changes:
        return Change(upload, now, ChangeReason.DETAIL, changes, reopened=False, observed_at=at)
    resting_since = upload.changed_at or upload.followed_at
    if not upload.stalled and now.status in STALLABLE and at - resting_since >= stalled_after:
        return Change(upload, now, ChangeReason.STALLED, (), reopened=False, observed_at=at)
    return None


def merged(known: Observation | None, seen: Observation) -> Observation:
    """`seen`, with what it did not speak of taken from `known`. Targets keep the order of their first sight.

    What is reduced stays so until its status moves: what was forgotten would be told as new.
    """
    if known is None:
        return seen
    whole = _filled(seen, known, FILLED)
    now = replace(whole, targets=_targets(known, seen), updated_at=latest(known.updated_at, seen.updated_at))
    return reduced(now) if known.reduced and now.status == known.status else now


def _targets(known: Observation, seen: Observation) -> tuple[Target, ...]:
    """Those known and those seen; where they are too many, those go that are not spoken of any more."""
    before, now = ({target.name: target for target in one.targets} for one in (known, seen))
    told = {
        name: _filled(one, before[name], FILLED_OF_A_TARGET) if name in before else one for name, one in now.items()
    }
    kept = [] if seen.every_target else [name for name in before if name not in now]
    kept = kept[: max(0, MOST_TARGETS - len(now))]
    names = dict.fromkeys([*(name for name in before if name in now or name in kept), *now])
    return tuple(told.get(name) or before[name] for name in names)


def fingerprint(seen: Observation, kind: LookKind) -> int:
    """A number that is another one where anything differs that could be news, or tells how old it is."""
    said = (kind.value, seen.status.value, *_said(seen))
    return int.from_bytes(blake2b(repr(said).encode(), digest_size=8).digest(), "big", signed=True)


def completes(known: Observation | None, seen: Observation) -> bool:
    """Whether it merely tells more than what was taken from too little: all targets known by that are as they were."""
    if known is None or known.complete or not seen.complete or not known.targets:
        return False
    now = {target.name: target.status for target in seen.targets}
    return all(now.get(target.name) == target.status for target in known.targets)


def latest(one: float | None, other: float | None) -> float | None:
    """The later of two moments, either of which may be unknown."""
    known = [moment for moment in (one, other) if moment is not None]
    return max(known, default=None)


def _filled(seen: Part, known: Part, names: Iterable[str]) -> Part:
    """A list may show a status without the provider's word for it: the word stands for as long as the status does."""
    wanted = (*names, "raw_status") if seen.status == known.status else names
    return replace(seen, **{name: getattr(known, name) for name in wanted if getattr(seen, name) is None})


def reduced(known: Observation) -> Observation:
    """What is left of the snapshot of an upload that has settled and rested for long: enough to know it when it moves.

    It tells a new status from an old one, and old news from new; what else an upload has, is forgotten.
    """
    return Observation(
        kind=known.kind,
        id=known.id,
        status=known.status,
        raw_status=known.raw_status,
        scheduled_at=known.scheduled_at,
        created_at=known.created_at,
        updated_at=known.updated_at,
        complete=known.complete,
        reduced=True,
    )


def _status_only(known: Observation, now: Observation) -> tuple[FieldChange, ...]:
    """A snapshot taken from too little cannot tell what changed; only another word of the provider's is news.

    Where neither has a word, as in the rows of a feed, the statuses are compared; a word with none cannot be.
    """
    before, after = known.raw_status, now.raw_status
    wordless = before is None and after is None
    reworded = before is not None and after is not None and before != after
    if now.status == known.status or not (wordless or reworded):
        return ()
    return (FieldChange("status", known.status.value, now.status.value),)


def _fields(known: Observation, now: Observation) -> Iterator[FieldChange]:
    if known.reduced:
        yield from _compared("", known, now, ("status",))
        return
    yield from _compared("", known, now, ("status", "reason", "url", "scheduled_at"))
    before = {target.name: target for target in known.targets}
    for target in now.targets:
        names = ("status", "reason", "url", "external_id")
        yield from _compared(f"targets.{target.name}.", before.get(target.name), target, names)


def _compared(prefix: str, known: object, now: object, names: Iterable[str]) -> Iterator[FieldChange]:
    for name in names:
        before, after = getattr(known, name, None), getattr(now, name)
        if before != after:
            yield FieldChange(prefix + name, before, after)


# --- what an answer says about uploads that it does not show for certain


def is_old_news(upload: Upload, seen: Observation, kind: LookKind, at: float = inf) -> bool:
    """Whether a look of this kind can tell anything about an upload that has a snapshot.

    A feed repeats its rows for as long as they are on its page: a row speaks once, at the moment it bears. A list may
    lag behind a look at the upload itself. A schedule lists what is to come and may lag, too: it speaks of nothing that
    has begun, but of what was put off when its time had come.
    """
    known = upload.snapshot
    if known is None:
        return False
    moment = known.updated_at if known.updated_at is not None and known.updated_at <= at + ZONES else 0.0
    if kind is LookKind.FEED:
        return (seen.updated_at or 0.0) <= moment
    if kind is LookKind.LIST:
        return (seen.updated_at or inf) < moment
    if kind is not LookKind.SCHEDULE or known.status in {Status.SCHEDULED, Status.UNKNOWN}:
        return False
    return known.status is not Status.QUEUED or (seen.scheduled_at or 0.0) <= max(at, known.scheduled_at or inf)


def tells_all(seen: Observation, kind: LookKind) -> bool:
    """Whether there is no more to be told of what was seen: a schedule goes on to show a job whose time has come."""
    return seen.complete and kind not in {LookKind.FEED, LookKind.SCHEDULE}


def deserves_a_look(upload: Upload, seen: Observation) -> bool:
    """Whether an incomplete observation says that the upload itself should be looked at now."""
    known = upload.snapshot
    if known is None:
        return not upload.misses  # once denied it is asked for at its own pace, however often a list repeats it
    moved = (seen.updated_at or 0.0) > (known.updated_at or 0.0)
    return moved or (seen.raw_status is not None and seen.raw_status != known.raw_status)


def repeats(known: Observation | None, seen: Observation) -> bool:
    """Whether half a row tells of each of its targets what is known of it; where they are forgotten, that all is over.

    The word beside them is theirs then, and by the rest of them it may be another one.
    """
    if known is None or seen.complete or not seen.targets:
        return False
    words = {target.name: target.raw_status for target in known.targets}
    is_known = all(words.get(target.name) == target.raw_status for target in seen.targets)
    return seen.status in SETTLED if known.reduced else is_known


# --- absence


@dataclass(frozen=True, slots=True)
class Vanishing:
    """What it means at a provider that it does not know an upload any more, once that is confirmed.

    `scheduled` is the status of one that was to run later; `keeps_settled` is False where the provider's answers about
    settled uploads expire, so that the absence of one says nothing.
    """

    scheduled: Status = Status.GONE
    keeps_settled: bool = True

    def says_nothing(self, known: Observation) -> bool:
        """Whether an upload known as this may be absent for ever, and nothing follows from it."""
        return known.status in {Status.GONE, Status.CANCELLED} or (known.status in SETTLED and not self.keeps_settled)


def absent(upload: Upload, at: float, vanishing: Vanishing) -> Change | None:
    """What it changes that the provider does not know an upload, confirmed at the moment `at`.

    A status that was seen is gone, with the provider's word for it; one that never was is unknown, and told once.
    """
    known = upload.snapshot
    if known is None:
        nothing = Observation(kind=upload.kind, id=upload.id, status=Status.UNKNOWN, reason=NOT_FOUND)
        return Change(upload, nothing, ChangeReason.FIRST_SEEN, (), reopened=False, observed_at=at)
    if known.reason == NOT_FOUND:
        return None
    status = vanishing.scheduled if known.status is Status.SCHEDULED else Status.GONE
    reason = None if status is Status.CANCELLED else NOT_FOUND
    gone = replace(known, status=status, raw_status=None, reason=reason, complete=True)
    return Change(upload, gone, ChangeReason.STATUS, tuple(_fields(known, gone)), reopened=False, observed_at=at)


def noticed_after(change: Change, skew: float) -> float | None:
    """Seconds from a change to the moment at which it was seen; None where the provider does not state when it was.

    `skew` is by how many seconds the provider's clock is ahead of ours.
    """
    seen, known = change.seen, change.upload.snapshot
    if known is None:
        return None
    stated = (seen.finished_at, known.finished_at), (seen.updated_at, known.updated_at)
    moment = next((after for after, before in stated if after != before), None)
    return None if moment is None else change.observed_at - (moment - skew)
