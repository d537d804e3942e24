"""what is used of a budget × the clock → the numbers that people are told of it."""

from math import floor

from notifier.core.allowance import HOUR, Allowance
from notifier.core.budget import Budget, arrival, left, may_go, pace_of, quota


def told_left(budget: Budget, now: float) -> int | None:
    """Requests that are left by the provider's own word; None where it said nothing that still holds."""
    return budget.told_left if now < budget.told_until else None


def share_left(budget: Budget, allowance: Allowance, now: float) -> float:
    """The share of what may go at once that could go now, in the tightest window; 0: the next look has to wait."""
    if may_go(budget, allowance, now) > now:
        return 0.0
    shares = [left(budget, allowance, now) / quota(budget, allowance, now)] if allowance.hourly else []
    pace = pace_of(budget, allowance, now)
    if pace is not None:
        gone = max(0.0, arrival(budget, pace, now) - now) / pace.every
        shares.append(max(1, floor(pace.burst - gone + 1e-3)) / pace.burst)
    return min(shares)


def per_hour(budget: Budget, allowance: Allowance, now: float) -> int:
    """Requests that may go in an hour, at the rate that is kept now."""
    pace = pace_of(budget, allowance, now)
    return quota(budget, allowance, now) if pace is None else floor(HOUR / pace.every + 1e-9)
