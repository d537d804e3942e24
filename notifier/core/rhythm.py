"""upload × what was seen of it → when it is asked for by itself, where no expectation says so.

What may settle at any moment is watched: `pace` says when the next look is worth its price. All else has a rhythm: what
rests, what is stuck, what has settled, what the provider does not know.
"""

from dataclasses import dataclass, replace
from math import inf

from notifier.core.diff import NOT_FOUND, SKEW, STALLABLE
from notifier.core.lives import LONGEST
from notifier.core.model import DORMANT, SETTLED, LookKind, Observation, Status, TargetStatus, Upload

Steps = tuple[tuple[float, float], ...]
"""(age, every): younger than `age` seconds it is looked at `every` seconds; older than all, never or at the last."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A collection that can be read page by page, and how often: `active` seconds apart while something is open.

    A `word` names the part of the collection that is read, where the provider lets one choose.
    """

    kind: LookKind
    collection: str
    active: float
    idle: float
    word: str = ""
    through: float = inf
    """Seconds after which a sweep goes through to the end, whatever its pages hold: where their order is no promise."""

    @property
    def name(self) -> str:
        """Under which it is remembered how far it has been read."""
        return f"{self.collection}:{self.word}" if self.word else self.collection


@dataclass(frozen=True, slots=True)
class Cadence:
    """How long the uploads of a provider are worth a look of their own, and what its silence about one means."""

    settled: Steps = ()
    """Since it settled: of those that may move once more."""
    settled_all: bool = False
    """Whether any settled upload may, and is worth a look: because a look shows many."""
    dies_after: float = inf
    """Seconds without any activity after which the provider itself calls an upload failed."""
    stuck_after: float = 7200.0
    """Seconds without a change after which an open upload is stuck, and watched no longer."""
    stuck: Steps = ((86400, 900), (604800, 3600), (inf, 21600))
    grace: float = 600.0
    """An upload that the provider does not know is `gone` after so long, and after `grace_looks` looks; 0: it never
    denies one for certain."""
    grace_looks: int = 3


SLEEP_PAST_DUE = 5.0
"""Seconds after a stated time at which what was to run then is looked at first."""
LONGEST_SLEEP = 21600.0
"""A scheduled upload is looked at so often all the same: it may be moved forward or cancelled."""
DORMANT_EVERY = (900.0, 21600.0)
MISSING_EVERY = (5.0, 300.0)
BACK_OFF = (2.0, 300.0)
DYING_EVERY = 300.0
"""Seconds between looks at an upload that its provider ought to have called failed by now."""


def is_watched(upload: Upload, cadence: Cadence, now: float) -> bool:
    """Whether an upload may settle at any moment, or begin to at a time that is known."""
    seen = upload.snapshot
    if upload.misses or seen is None:
        return upload.registered and not upload.misses
    if seen.status in SETTLED or seen.status in DORMANT or seen.reason == NOT_FOUND:
        return False
    return now - moved_at(upload, now) < cadence.stuck_after


def moved_at(upload: Upload, now: float) -> float:
    """When an open upload last moved, as far as we know, or is to begin."""
    seen = upload.snapshot
    scheduled_at = seen.scheduled_at if seen is not None and seen.status is Status.SCHEDULED else None
    past = [time for time in (upload.followed_at, upload.changed_at) if time is not None and time <= now]
    return max([*past, *([] if scheduled_at is None else [scheduled_at])], default=now)


def born_at(upload: Upload, now: float) -> float:
    """The moment from which the age of an upload counts: when it was to run, was created, or is followed since."""
    seen, moved = upload.snapshot, moved_at(upload, now)
    stated = None if seen is None else seen.created_at if seen.scheduled_at is None else seen.scheduled_at
    born = upload.followed_at if stated is None else stated
    return born if 0 <= moved - born < LONGEST else moved


def next_look(upload: Upload, seen: Observation, cadence: Cadence, stalled_after: float, now: float) -> float | None:
    """When an upload just seen is asked for by itself, whatever is expected of it; None: no more."""
    if seen.status in SETTLED:
        since = _moved_last(upload, seen, now)
        if since is None or not (cadence.settled_all or may_move_again(seen)):
            return None
        every = _every(cadence.settled, now - since)
        return None if every is None else now + every
    if seen.status in DORMANT:
        shortest, longest = DORMANT_EVERY
        return now + min(max(now - (upload.changed_at or upload.followed_at), shortest), longest)
    stalls_at = (upload.changed_at or upload.followed_at) + stalled_after + 1
    stalls = seen.status in STALLABLE and not upload.stalled and stalls_at > now
    return min(_turns(upload, seen, cadence, now), stalls_at if stalls else inf)


def _turns(upload: Upload, seen: Observation, cadence: Cadence, now: float) -> float:
    """When an open upload gets stuck, or its provider gives it up; one that is stuck has a rhythm."""
    moved = moved_at(upload, now)
    if now - moved >= cadence.stuck_after:
        return now + _every_stuck(cadence, now - moved)
    dies_at = (seen.updated_at or moved) + cadence.dies_after + SLEEP_PAST_DUE if seen.status in STALLABLE else inf
    return min(moved + cadence.stuck_after, now + LONGEST_SLEEP, dies_at if dies_at > now else now + DYING_EVERY)


def may_move_again(seen: Observation) -> bool:
    """Whether a settled upload is worth a request: what failed may be tried anew, a URL or the rest be told later.

    And what is gone may be there again: who denied it may have been wrong.
    """
    if seen.status in {Status.FAILED, Status.PARTIAL, Status.GONE} or not seen.complete:
        return True
    return any(target.status is TargetStatus.COMPLETED and target.url is None for target in seen.targets)


def _moved_last(upload: Upload, seen: Observation, now: float) -> float | None:
    """When a settled upload was last heard to move; it may have been reopened although its verdict still stands."""
    times = (upload.changed_at, seen.updated_at)
    return max((time for time in times if time is not None and time <= now + SKEW), default=None)


def look_for_missing(misses: int, since: float, cadence: Cadence, now: float) -> float:
    """When an upload that the provider did not know is asked for again, after so many misses in a row."""
    first, longest = MISSING_EVERY
    soon = min(longest, first * 2.0 ** min(misses - 1, 10))
    age = now - since
    return now + (soon if age < cadence.stuck_after else _every_stuck(cadence, age))


def back_off(failures: int, draw: float) -> float:
    """Seconds of rest after so many failed looks in a row, `draw` being a random number from 0 to 1."""
    first, longest = BACK_OFF
    return min(longest, first * 2.0 ** min(failures - 1, 10)) * draw


def _every_stuck(cadence: Cadence, age: float) -> float:
    return _every(cadence.stuck, age) or cadence.stuck[-1][1]


def _every(steps: Steps, age: float) -> float | None:
    return next((every for older, every in steps if age < older), None)


def faster(cadence: Cadence, by: float) -> Cadence:
    """The same rhythm with every interval divided."""
    return replace(
        cadence,
        settled=_divided(cadence.settled, by),
        dies_after=cadence.dies_after / by,
        stuck_after=cadence.stuck_after / by,
        stuck=_divided(cadence.stuck, by),
        grace=cadence.grace / by,
    )


def _divided(steps: Steps, by: float) -> Steps:
    return tuple((age / by, every / by) for age, every in steps)
