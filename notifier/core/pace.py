"""source × answer × budget → when to look again, and at what.

Budgets are kept by the generic cell rate algorithm: one number, the theoretical arrival time, says when the next
request may go; it is stored before the request leaves, so that a kill can only forget allowance, never overdraw it.
"""

from dataclasses import dataclass, replace
from math import floor

from notifier.core.model import DORMANT, SETTLED, Limit, LookKind, Observation, Rate, Status, Upload


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

    @property
    def name(self) -> str:
        """Under which it is remembered how far it has been read."""
        return f"{self.collection}:{self.word}" if self.word else self.collection


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often an upload of a provider is worth a look.

    `open` holds (age, every): younger than `age` seconds it is looked at `every` seconds; older than all, at the last
    `every`. `settled` holds the same for the time since it settled; older than all, it is not looked at any more.
    """

    open: tuple[tuple[float, float], ...]
    settled: tuple[tuple[float, float], ...]
    grace: float = 600.0
    """An upload that the provider does not know is `gone` after so long, and after `grace_looks` looks."""
    grace_looks: int = 3


# --- when a single upload is looked at again

SLEEP_PAST_DUE = 5.0
"""Seconds after a stated time at which what was to run then is looked at first."""
LONGEST_SLEEP = 3600.0
"""A scheduled upload is looked at so often all the same: it may be moved forward or cancelled."""
DORMANT_EVERY = (900.0, 21600.0)
MISSING_EVERY = (5.0, 300.0)
BACK_OFF = (2.0, 300.0)
REFUSED_EVERY = (60.0, 3600.0)
LONGEST_HOLD = 3600.0
"""Seconds at most that a provider's own word keeps a source waiting."""
SKEW = 300.0
"""Seconds that a provider's clock may be ahead: a date still further ahead is none to go by."""


def next_look(upload: Upload, seen: Observation, cadence: Cadence, now: float) -> float | None:
    """When an upload just seen is looked at again by itself; None: no more."""
    if seen.status in SETTLED:
        moved_at = _moved_at(upload, seen, now)
        every = None if moved_at is None else _every(cadence.settled, now - moved_at)
        return None if every is None else now + every
    if seen.status in DORMANT:
        shortest, longest = DORMANT_EVERY
        return now + min(max(now - (upload.changed_at or upload.followed_at), shortest), longest)
    if seen.status is Status.SCHEDULED and seen.scheduled_at is not None and seen.scheduled_at > now:
        return min(seen.scheduled_at + SLEEP_PAST_DUE, now + LONGEST_SLEEP)
    times = (upload.followed_at, upload.changed_at, seen.scheduled_at)
    began = max((time for time in times if time is not None and time <= now), default=now)
    return now + _every_open(cadence, now - began)


def _moved_at(upload: Upload, seen: Observation, now: float) -> float | None:
    """When a settled upload was last heard to move; it may have been reopened although its verdict still stands."""
    times = (upload.changed_at, seen.updated_at)
    return max((time for time in times if time is not None and time <= now + SKEW), default=None)


def look_for_missing(misses: int, since: float, cadence: Cadence, now: float) -> float:
    """When an upload that the provider did not know is asked for again, after so many misses in a row."""
    first, longest = MISSING_EVERY
    soon = min(longest, first * 2.0 ** min(misses - 1, 10))
    return now + max(soon, _every_open(cadence, now - since))


def back_off(failures: int, draw: float, *, refused: bool = False) -> float:
    """Seconds of rest after so many failed looks in a row, `draw` being a random number from 0 to 1.

    A refused credential rests longer, and evenly: nothing but a person's act will mend it.
    """
    first, longest = REFUSED_EVERY if refused else BACK_OFF
    bound = min(longest, first * 2.0 ** min(failures - 1, 10))
    return bound if refused else bound * draw


def _every_open(cadence: Cadence, age: float) -> float:
    return _every(cadence.open, age) or cadence.open[-1][1]


def _every(steps: tuple[tuple[float, float], ...], age: float) -> float | None:
    return next((every for older, every in steps if age < older), None)


# --- how many requests may go


@dataclass(frozen=True, slots=True)
class Bucket:
    """A budget as the cell rate algorithm wants it: `every` seconds a request on average, `burst` of them at once."""

    every: float
    burst: int = 1

    def may_go(self, tat: float, now: float) -> float:
        """When the next request may go, `tat` being the theoretical arrival time after the last one.

        One further ahead than the whole burst is of another budget, or of a clock that has since been put back.
        """
        return max(now, min(tat, now + self.burst * self.every) - (self.burst - 1) * self.every)

    def spent(self, tat: float, now: float) -> float:
        """The theoretical arrival time after one more request at `now`."""
        return max(now, tat) + self.every


def bucket(budget: Rate, limit: Rate, reserve: float) -> Bucket:
    """The allowance: our own `budget`, or what the provider's `limit` leaves when `reserve` of it is the user's.

    In no window of either do more requests go than it allows, the burst included.
    """
    rates = [budget]
    if limit.count:
        rates.append(Rate((1 - reserve) * limit.count, limit.seconds))
    burst = int(min(max(min(rate.count for rate in rates) / 10, 1.0), 10.0))
    return Bucket(max(_interval(rate, burst) for rate in rates), burst)


def _interval(rate: Rate, burst: int) -> float:
    """Seconds between two requests, so that a window holds no more of them than `rate` says, the burst included."""
    return rate.seconds / (rate.count - burst if burst > 1 else floor(rate.count) or rate.count)


def limit_told(told: Limit | None, limit: Rate) -> Rate:
    """The provider's limit after an answer: what headers tell of the whole goes before the documented `limit`.

    No header tells how long the window is: as long as it was taken for, or as long as it still lasts, which is believed
    up to an hour: a clock that is wrong must not silence a source.
    """
    if told is None or told.total is None:
        return limit
    return Rate(told.total, max(limit.seconds, min(told.reset_in, LONGEST_HOLD)))


def held_until(told: Limit | None, reserve: float, limit: Rate, now: float) -> float:
    """When a source may be asked again by what its headers told: the rest below `reserve` is the user's own.

    `limit` is what `limit_told` makes of the same answer. Where none is known, nobody can say how much the reserve is,
    and there is none.
    """
    if told is None or told.remaining > reserve * limit.count:
        return 0.0
    return now + min(told.reset_in, LONGEST_HOLD)


def faster(cadence: Cadence, by: float) -> Cadence:
    """The same rhythm with every interval divided."""
    return replace(
        cadence,
        open=tuple((age / by, every / by) for age, every in cadence.open),
        settled=tuple((age / by, every / by) for age, every in cadence.settled),
        grace=cadence.grace / by,
    )
