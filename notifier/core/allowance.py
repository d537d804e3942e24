"""own budget × the provider's limit × reserve → how many requests may go, and how far apart."""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import floor, sqrt

from notifier.core.model import Limit, Rate

HOUR = 3600.0
LONGEST_HOLD = HOUR
"""Seconds at most that a provider's own word keeps a credential waiting."""
DEAREST = 10
"""Requests that may go at once, at most, and that one look may cost."""
SCARCE = 0.7
"""Below this share of what should be left of a hard window, all that is left is spread evenly."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A budget as the cell rate algorithm wants it: `every` seconds a request on average, `burst` of them at once."""

    every: float
    burst: int = 1

    def may_go(self, tat: float, now: float) -> float:
        """When the next request may go, `tat` being the theoretical arrival time after the last one."""
        return max(now, self._known(tat, now) - (self.burst - 1) * self.every)

    def free_at(self, tat: float, now: float) -> float:
        """When the next request became free to go, or will, `tat` being as for `may_go`."""
        return self._known(tat, now) - (self.burst - 1) * self.every

    def spent(self, tat: float, now: float) -> float:
        """The theoretical arrival time after one more request at `now`."""
        return max(now, self._known(tat, now)) + self.every

    def _known(self, tat: float, now: float) -> float:
        """One further ahead than the whole burst is of another budget, or of a clock that has since been put back."""
        return tat if tat <= now + (self.burst + 1) * self.every else now


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a credential may be asked: no more than our own `budget`, and than `reserve` leaves of the `limit`."""

    budget: Rate
    limit: Rate
    """The provider's: as its answers told, else as documented; a count of 0: unknown."""
    reserve: float = 0.25
    """The share of the limit that is the user's own."""
    hourly: bool = False
    """The provider counts from full hour to full hour, UTC, by its own clock."""
    phase: float = 0.5
    """From 0 to 1, another one for each credential: when in the first seconds of an hour its first request goes."""


def learned(allowance: Allowance, told: Limit | None) -> Allowance:
    """The allowance after an answer: the limit that it told goes before the one known until then."""
    limit = limit_told(told, allowance.limit)
    return allowance if limit == allowance.limit else replace(allowance, limit=limit)


@lru_cache(1024)
def bucket(budget: Rate, limit: Rate, reserve: float) -> Bucket:
    """The allowance: our own `budget`, or what the provider's `limit` leaves when `reserve` of it is the user's.

    In no window of either do more requests go than it allows, the burst included; but of a limit, one an hour may.
    """
    rates = [budget]
    if limit.count:
        rates.append(Rate((1 - reserve) * limit.count, limit.seconds))
    burst = int(min(max(min(rate.count for rate in rates) / 10, 1.0), DEAREST))
    own, *theirs = (_interval(rate, burst) for rate in rates)
    return Bucket(max([own, *(min(every, LONGEST_HOLD) for every in theirs)]), burst)


def _interval(rate: Rate, burst: int) -> float:
    """Seconds between two requests, so that a window holds no more of them than `rate` says, the burst included."""
    return rate.seconds / (rate.count - burst if burst > 1 else floor(rate.count) or rate.count)


def hourly_quota(allowance: Allowance, reserve: float) -> int:
    """Requests that may go in a clock hour, at least one."""
    own, limit = allowance.budget, allowance.limit
    quota = own.count * HOUR / own.seconds
    if limit.count:
        quota = min(quota, (1 - reserve) * limit.count * HOUR / limit.seconds)
    return max(1, floor(quota + 1e-9))


def spacing(left: float, rest: float, life: float, busy: float, quota: float, window: float = HOUR) -> float:
    """The least gap in seconds between two looks in a hard window while something is open.

    `left` of `quota` requests are left for the `rest` of the `window`, both in seconds. What is open will be so for
    another `life` seconds on average, and something is open `busy` of the time, 0 to 1: what is left need not last
    longer than that, and some more for chance, unless it is less than it should be by now.
    """
    if left <= 0 or not rest:
        return rest
    if left < SCARCE * quota * rest / window:
        return min(rest, rest / left)
    chance = sqrt(2 * busy * (1 - busy) * life / rest)
    return min(rest, min(rest, life + (busy + chance) * rest) / left)


# --- what answers tell


def limit_told(told: Limit | None, limit: Rate) -> Rate:
    """The provider's limit after an answer: what headers tell of the whole goes before the `limit` known until then.

    Where they do not tell how long the window is, it is as long as it was taken for, or as long as it still lasts. That
    is believed up to an hour: a clock that is wrong must not silence a source.
    """
    if told is None or told.total is None:
        return limit
    if told.window is not None:
        return Rate(told.total, told.window)
    return Rate(told.total, max(limit.seconds, min(told.reset_in, LONGEST_HOLD)))


def gap_told(told: Limit | None, reserve: float, limit: Rate) -> float:
    """Seconds until the next request, so that what is left lasts until the limit is reset; 0 where nothing is told.

    The rest below the reserve is the user's own. `limit` is what `limit_told` makes of the same answer; where none is
    known, nobody can say how much the reserve is, and there is none.
    """
    if told is None:
        return 0.0
    ours = told.remaining - reserve * limit.count
    return min(told.reset_in / max(1.0, ours), LONGEST_HOLD)
