"""what was sent × what was answered × the clock → when the next request of a credential may go.

Rates are kept by the generic cell rate algorithm: one number, the theoretical arrival time, says when the next request
may go. Where a provider counts by the clock hour, so do we. A request is spent before it leaves, so that a kill can
only forget allowance, never overdraw it. Moments are told by our clock; `stepped` says that it was put to another time.
"""

from dataclasses import dataclass, replace
from math import ceil, floor

from notifier.core.allowance import (
    DEAREST,
    HOUR,
    LONGEST_HOLD,
    Allowance,
    Bucket,
    bucket,
    gap_told,
    hourly_quota,
)
from notifier.core.model import Limit, Rate

LIMITED_REST = (60.0, 900.0)
"""Seconds of rest after a rate-limit answer that tells no time: after the first one, and at most."""
MOST_RESERVED = 0.75
"""Up to this share the reserve is doubled where others use up the limit."""
SLOWER, CALM, FASTER, SLOWEST = 0.85, 30.0, 0.01, 0.1
"""An unknown limit is felt for: where it is met the rate falls to this share, rests for so many seconds, then grows by
this share of itself a second; it does not fall below so many requests a second."""
JITTER = 0.05
"""Share by which the gaps between requests vary while an unknown limit is felt for."""
GUARD = 2.0
"""So many seconds before and after a full hour nobody knows in which of the two a request counts: none goes."""
MEASURES, SLOWEST_ANSWER = 9, 60.0
"""So many measures of the provider's clock are kept; an answer takes no longer than this: more is another time."""
FIRST_WITHIN = 5.0
"""Seconds after a full hour within which its first request may go."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of its allowance a credential has used: what is to be remembered across restarts."""

    tat: float = 0.0
    """Theoretical arrival time of the request after the last one."""
    window_start: float = 0.0
    """The hour, by the provider's clock, in which `used` requests went."""
    used: int = 0
    hold_until: float = 0.0
    """Nothing goes before: the provider said so."""
    refusals: int = 0
    """Rate-limit answers in a row."""
    rate: float = 0.0
    """Requests a second at `slowed_at`, where the limit is unknown; 0: it was never met."""
    slowed_at: float = 0.0
    boost: float = 0.0
    """The reserve at `boosted_at`, where others had used up the limit; it halves every hour."""
    boosted_at: float = 0.0
    skew: float = 0.0
    """Seconds that the provider's clock is ahead of ours: the median of what was `measured` last."""
    measured: tuple[float, ...] = ()
    told_left: int | None = None
    """Requests that were left of the limit by the provider's own word, which holds until `told_until`."""
    told_until: float = 0.0


# --- asking and spending


def may_go(budget: Budget, allowance: Allowance, now: float, cost: int = 1) -> float:
    """When a look of this cost, 1 to `DEAREST`, may go: `now`, or later. It need not be asked again before."""
    at = max(now, budget.hold_until)
    pace = pace_of(budget, allowance, now)
    if pace is not None:
        at = max(at, arrival(budget, pace, now) - (pace.burst - min(cost, pace.burst)) * pace.every)
    return max(now, _in_its_hour(budget, allowance, at, cost)) if allowance.hourly else at


def spend(budget: Budget, allowance: Allowance, now: float, cost: int = 1, draw: float = 0.5) -> Budget:
    """The budget after a look that goes `now`, to be stored before it leaves; `draw` is a random number from 0 to 1."""
    tat, pace = budget.tat, pace_of(budget, allowance, now)
    if pace is not None:
        every = pace.every
        if _is_slowed(budget, allowance, now):
            every = max(every * (1 + JITTER * (2 * draw - 1)), _whole(budget, allowance, now).every)
        tat = max(now, arrival(budget, pace, now)) + cost * every
    start, before = _hour(budget, now)
    return replace(budget, tat=tat, window_start=start, used=before + cost)


def quota(budget: Budget, allowance: Allowance, now: float) -> int:
    """Requests that may go in the provider's clock hour, where it counts by it."""
    return hourly_quota(allowance, reserve(budget, allowance, now))


def left(budget: Budget, allowance: Allowance, now: float) -> int:
    """Requests that are left of the `quota`."""
    return max(0, quota(budget, allowance, now) - used(budget, now))


def window(budget: Budget, allowance: Allowance, now: float) -> Rate:
    """How many requests may go in how many seconds: the tighter one of our own budget and the provider's limit."""
    if allowance.hourly:
        return Rate(quota(budget, allowance, now), HOUR)
    rates, limit = [allowance.budget], allowance.limit
    if limit.count:
        rates.append(Rate((1 - reserve(budget, allowance, now)) * limit.count, limit.seconds))
    tight = min(rates, key=lambda rate: rate.count / rate.seconds)
    count = _rate(budget, allowance, now) * tight.seconds if _is_slowed(budget, allowance, now) else tight.count
    return Rate(max(1, floor(count + 1e-9)), tight.seconds)


def rest(budget: Budget, now: float) -> float:
    """Seconds that are left of the provider's clock hour."""
    return _hour_of(now + budget.skew) + HOUR - (now + budget.skew)


def reserve(budget: Budget, allowance: Allowance, now: float) -> float:
    """The share of the limit that is the user's own at the moment."""
    if not budget.boost:
        return allowance.reserve
    hours = max(0, floor((now - budget.boosted_at) / HOUR))
    return max(allowance.reserve, budget.boost * 0.5 ** min(hours, 60))


# --- what answers tell


def told(budget: Budget, allowance: Allowance, limit: Limit | None, now: float) -> Budget:
    """The budget after an answer that was no refusal, `allowance` being what was `learned` from it."""
    if budget.refusals and now >= budget.hold_until:  # else it was under way when the hold began: that goes on
        budget = replace(budget, refusals=0)
    if limit is not None and not budget.refusals:
        until = now + min(limit.reset_in, LONGEST_HOLD)
        budget = replace(budget, told_left=limit.remaining, told_until=until)
    gap = gap_told(limit, reserve(budget, allowance, now), allowance.limit)
    return replace(budget, hold_until=max(budget.hold_until, now + gap)) if gap else budget


def refused(budget: Budget, allowance: Allowance, retry_after: float | None, now: float, draw: float) -> Budget:
    """The budget after a rate-limit answer that asks for so many seconds, `draw` being a random number from 0 to 1.

    Where the limit is known, others have used it up, and more is reserved for them; where it is not, the rate falls.
    """
    until = max(budget.hold_until, _held_until(budget, allowance, retry_after, now, draw))
    if budget.refusals and now < budget.hold_until:  # it was under way when the first of them came
        return budget if retry_after is None else replace(budget, hold_until=until)
    held = replace(budget, hold_until=until, refusals=budget.refusals + 1, told_left=None)
    if not allowance.limit.count:
        top = 1 / _whole(budget, allowance, now).every
        rate = max(min(SLOWEST, top), SLOWER * _rate(budget, allowance, now))
        return replace(held, rate=rate, slowed_at=until)
    boost = min(MOST_RESERVED, 2 * reserve(budget, allowance, now))
    return replace(held, boost=boost, boosted_at=now + rest(budget, now) if allowance.hourly else now)


def _held_until(budget: Budget, allowance: Allowance, retry_after: float | None, now: float, draw: float) -> float:
    if retry_after is not None:
        return now + min(max(retry_after, 0.0), LONGEST_HOLD) + draw
    if allowance.hourly:
        return now + rest(budget, now) + 1 + (FIRST_WITHIN - 1) * draw
    first, longest = LIMITED_REST
    return now + min(first * 2.0 ** min(budget.refusals, 10), longest)


# --- clocks and restarts


def loaded(budget: Budget, allowance: Allowance, now: float) -> Budget:
    """A budget as it was stored, no moment of it further ahead than it can be by a clock that was right."""
    every = (pace_of(budget, allowance, now) or _whole(budget, allowance, now)).every
    budget = replace(
        budget,
        tat=min(budget.tat, now + min(DEAREST * every, max(every, allowance.budget.seconds))),
        hold_until=min(budget.hold_until, now + LONGEST_HOLD),
        slowed_at=min(budget.slowed_at, now + LONGEST_HOLD),
        boosted_at=min(budget.boosted_at, now + HOUR),
        told_until=min(budget.told_until, now + LONGEST_HOLD),
    )
    if budget.window_start > _hour_of(now + budget.skew) + HOUR:
        budget = _hour_lost(budget, allowance, now)
    return budget


def stepped(budget: Budget, by: float) -> Budget:
    """The budget after our clock was put forward by so many seconds, or back: nothing is due sooner or later for it."""
    return replace(
        budget,
        tat=budget.tat + by,
        hold_until=budget.hold_until + by,
        slowed_at=budget.slowed_at + by,
        boosted_at=budget.boosted_at + by,
        told_until=budget.told_until + by,
        skew=budget.skew - by,
        measured=tuple(skew - by for skew in budget.measured),
    )


def clocked(budget: Budget, measured: float, now: float) -> Budget:
    """The budget after an answer by which the provider's clock seemed to be so many seconds ahead of ours.

    Where it turns out to be quite another time there, all that was counted counts in the hour that it is.
    """
    jumped = abs(measured - budget.skew) > SLOWEST_ANSWER
    recent = (measured,) if jumped else (*budget.measured, measured)[-MEASURES:]
    skew = sorted(recent)[len(recent) // 2]
    if abs(skew - budget.skew) <= GUARD:
        return replace(budget, skew=skew, measured=recent)
    start, used = _hour(budget, now)
    moved = _hour_of(now + skew) - _hour_of(now + budget.skew)
    return replace(budget, skew=skew, measured=recent, window_start=start + moved, used=used)


# --- the rate


def _whole(budget: Budget, allowance: Allowance, now: float) -> Bucket:
    """What may go where nobody has been refused: the limit of a clock hour is counted, not paced."""
    limit = Rate(0, HOUR) if allowance.hourly else allowance.limit
    return bucket(allowance.budget, limit, reserve(budget, allowance, now))


def _rate(budget: Budget, allowance: Allowance, now: float) -> float:
    """Requests a second that an unknown limit seems to allow."""
    top = 1 / _whole(budget, allowance, now).every
    grown = budget.rate * (1 + FASTER * max(0.0, now - budget.slowed_at - CALM))
    return min(top, grown) if budget.rate else top


def _is_slowed(budget: Budget, allowance: Allowance, now: float) -> bool:
    if allowance.limit.count or not budget.rate:
        return False
    return _rate(budget, allowance, now) < 1 / _whole(budget, allowance, now).every


def pace_of(budget: Budget, allowance: Allowance, now: float) -> Bucket | None:
    """The rate that is kept; None where only the requests of a clock hour are counted."""
    if allowance.hourly and allowance.budget.seconds == HOUR:
        return None
    if _is_slowed(budget, allowance, now):
        return Bucket(1 / _rate(budget, allowance, now))
    return _whole(budget, allowance, now)


def arrival(budget: Budget, pace: Bucket, now: float) -> float:
    """The theoretical arrival time; one that is further ahead than it can be is of a clock that has been put back."""
    furthest = (pace.burst + DEAREST) * pace.every
    return budget.tat if budget.tat <= now + furthest else now


# --- the clock hour


def used(budget: Budget, now: float) -> int:
    """Requests that went in the provider's clock hour, whether it counts by it or not."""
    return _hour(budget, now)[1]


def _hour_of(moment: float) -> float:
    return floor(moment / HOUR) * HOUR


def _hour(budget: Budget, now: float) -> tuple[float, int]:
    """The provider's clock hour, and what was used in it; a later one where our clock has been put back since."""
    start = _hour_of(now + budget.skew)
    return (budget.window_start, budget.used) if budget.window_start >= start else (start, 0)


def _in_its_hour(budget: Budget, allowance: Allowance, at: float, cost: int) -> float:
    """When a look that may go at `at` may go by what is left of its hour."""
    start, used = _hour(budget, at)
    there = max(at + budget.skew, start)
    if (used and used + cost > quota(budget, allowance, at)) or there > start + HOUR - GUARD:
        there = start + HOUR
    first = GUARD + (FIRST_WITHIN - GUARD) * allowance.phase
    return max(there, _hour_of(there) + first) - budget.skew


def _hour_lost(budget: Budget, allowance: Allowance, now: float) -> Budget:
    """Where it counts by the hour, so much is used by now as lasts for all of it."""
    if not allowance.hourly:
        return replace(budget, window_start=0.0, used=0)
    whole = allowance.limit if allowance.limit.count else allowance.budget
    elapsed = HOUR - rest(budget, now)
    return replace(
        budget, window_start=_hour_of(now + budget.skew), used=ceil(whole.count * elapsed / whole.seconds - 1e-9)
    )
