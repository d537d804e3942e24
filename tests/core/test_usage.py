"""What people are told of a budget: how much of it is used, of how much, and what the provider says is left."""

from dataclasses import replace

import pytest
from things import DAY, HOUR, NOW

from notifier.core.allowance import Allowance
from notifier.core.budget import Budget, left, loaded, quota, refused, spend, stepped, told, used, window
from notifier.core.model import Limit, Rate
from notifier.core.usage import per_hour, told_left

OWN = Allowance(Rate(600, 60), Rate(0, 60))
CLOCK_HOUR = Allowance(Rate(60, 3600), Rate(60, 3600), 0.25, hourly=True)
NOON = NOW
assert NOON % DAY == 12 * HOUR


def spent(allowance, *moments, budget=None):
    """The budget after a request at each of these seconds after noon."""
    budget = budget or Budget()
    for after in moments:
        budget = spend(budget, allowance, NOON + after)
    return budget


@pytest.mark.parametrize(
    ("budget", "limit", "share", "whole"),
    [
        (Rate(600, 60), Rate(0, 60), 0.25, Rate(600, 60)),
        (Rate(600, 60), Rate(60, 60), 0.25, Rate(45, 60)),
        (Rate(30, 60), Rate(60, 60), 0.25, Rate(30, 60)),
        (Rate(600, 60), Rate(5000, 86400), 0.5, Rate(2500, 86400)),
        (Rate(600, 60), Rate(1, 3600), 0.25, Rate(1, 3600)),
    ],
)
def test_the_tighter_one_of_budget_and_limit_is_told_as_it_was_written(budget, limit, share, whole):
    assert window(Budget(), Allowance(budget, limit, share), NOON) == whole


def test_a_limit_that_is_felt_for_is_told_as_it_is_felt():
    budget = refused(Budget(), OWN, 1, NOON, 0.0)
    assert window(budget, OWN, NOON + 1) == Rate(501, 60)  # 85 % of what the burst leaves
    assert window(budget, OWN, NOON + HOUR) == Rate(600, 60)


def test_what_went_in_this_hour_is_used_and_nothing_of_it_in_the_next():
    budget = spent(OWN, 1, 2, 59)
    assert [used(budget, NOON + after) for after in (59, 60, HOUR - 1, HOUR)] == [3, 3, 3, 0]
    assert used(spent(OWN, HOUR + 1, budget=budget), NOON + HOUR + 2) == 1


def test_what_sources_with_other_budgets_use_of_one_credential_is_counted_together():
    slower, budget = Allowance(Rate(1000, 3600), Rate(0, 60)), Budget()
    for after in range(6):
        for allowance in (OWN, slower):
            budget = spend(budget, allowance, NOON + 2 * after)
    assert used(budget, NOON + 12) == 12


def test_of_a_clock_hour_what_is_used_and_what_is_left_are_all_of_it():
    budget = spent(CLOCK_HOUR, 10, 20, 30)
    assert window(budget, CLOCK_HOUR, NOON + 40) == Rate(45, 3600)
    assert (used(budget, NOON + 40), left(budget, CLOCK_HOUR, NOON + 40)) == (3, 42)
    assert quota(budget, CLOCK_HOUR, NOON + 40) == 45
    seldom = Allowance(Rate(48, 86400), Rate(60, 3600), 0.25, hourly=True)
    assert window(Budget(), seldom, NOON) == Rate(2, 3600)


def test_another_clock_changes_nothing_of_what_is_used():
    budget = stepped(spent(OWN, 1, 2), 1000.0)
    assert [used(budget, NOON + 1000 + after) for after in (3, HOUR - 1, HOUR)] == [2, 2, 0]


def test_a_clock_that_was_put_back_while_nobody_looked_tells_of_no_hour_to_come():
    budget = loaded(spent(OWN, 1, 2), OWN, NOON - DAY)
    assert (budget.window_start, budget.used, used(budget, NOON - DAY)) == (0.0, 0, 0)
    assert used(spent(OWN, 1 - DAY, budget=budget), NOON + 2 - DAY) == 1


@pytest.mark.parametrize(
    ("budget", "allowance", "most"),
    [
        (Budget(), CLOCK_HOUR, 45),
        (Budget(), Allowance(Rate(60, 60), Rate(0, 60)), 3240),
        (Budget(rate=0.1, slowed_at=NOON), OWN, 360),
        (Budget(rate=0.0999, slowed_at=NOON), OWN, 359),
        (Budget(), Allowance(Rate(7, 3600), Rate(0, 60)), 7),  # though 3600 / (3600 / 7) is a little less
    ],
)
def test_how_many_may_go_in_an_hour_is_told_in_whole_requests(budget, allowance, most):
    assert per_hour(budget, allowance, NOON) == most


# --- what the provider says


def test_what_the_provider_says_is_left_is_told_until_that_ends():
    budget = told(Budget(), OWN, Limit(57, 30.0, 60), NOON)
    assert [told_left(budget, NOON + after) for after in (0, 29, 30)] == [57, 57, None]
    assert told_left(told(budget, OWN, None, NOON + 1), NOON + 2) == 57
    assert told_left(told(budget, OWN, Limit(0, 28.0), NOON + 2), NOON + 3) == 0
    assert told_left(stepped(budget, -500.0), NOON - 499) == 57
    assert told_left(Budget(), NOON) is None


def test_a_refusal_ends_what_the_provider_had_said_before():
    budget = told(Budget(), OWN, Limit(57, 30.0, 60), NOON)
    refusal = refused(budget, OWN, 5.0, NOON + 1, 0.0)
    assert told_left(refusal, NOON + 2) is None
    assert told_left(told(refusal, OWN, Limit(56, 28.0, 60), NOON + 2), NOON + 3) is None  # it was under way


def test_what_is_left_by_a_clock_that_was_ahead_is_believed_for_an_hour_at_most():
    ahead = told(Budget(), OWN, Limit(57, 30.0, 60), NOON + 9000 * DAY)
    budget = loaded(ahead, OWN, NOON)
    assert told_left(budget, NOON + HOUR) is None
    assert replace(budget, told_until=0.0) == replace(loaded(replace(ahead, told_until=0.0), OWN, NOON), told_until=0.0)
