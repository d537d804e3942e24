"""How many requests may go, and how far apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pacing import limits, most_in_a_window, rates
from things import DAY, HOUR, NOW

from notifier.core.allowance import (
    Allowance,
    Bucket,
    bucket,
    gap_told,
    hourly_quota,
    learned,
    limit_told,
    spacing,
)
from notifier.core.model import Limit, Rate

gaps = st.lists(st.floats(0, 5) | st.floats(0, 100) | st.just(0.0), max_size=300)


def sent(one: Bucket, arrivals: list[float]) -> list[float]:
    """When requests go that are asked for at these gaps; nothing but `tat` is remembered, so any may be a restart."""
    tat, now, times = 0.0, NOW, []
    for gap in arrivals:
        now += gap
        now = max(now, one.may_go(tat, now))
        tat = one.spent(tat, now)
        times.append(now)
    return times


# --- rates


@given(rates, limits, st.floats(0, 0.95), gaps)
def test_no_window_ever_holds_more_than_budget_and_limit_allow(budget, limit, reserve, arrivals):
    times = sent(bucket(budget, limit, reserve), arrivals)
    assert most_in_a_window(times, budget.seconds) <= budget.count
    if limit.count:
        assert most_in_a_window(times, limit.seconds) <= max(1, (1 - reserve) * limit.count)


@pytest.mark.parametrize(
    ("budget", "limit", "reserve", "most"),
    [
        (Rate(60, 60), Rate(60, 60), 0.25, 45),
        (Rate(60, 60), Rate(0, 60), 0.25, 60),
        (Rate(30, 60), Rate(60, 60), 0.25, 30),
        (Rate(10, 60), Rate(0, 60), 0.25, 10),
        (Rate(5, 60), Rate(6, 60), 0.25, 4),
        (Rate(1, 3600), Rate(0, 60), 0.25, 1),
    ],
)
def test_unlimited_demand_gets_nearly_all_of_the_allowance_and_no_more(budget, limit, reserve, most):
    times = sent(bucket(budget, limit, reserve), [0.0] * 500)
    got = most_in_a_window(times, budget.seconds)
    assert most - 1 <= got <= most


def test_an_hourly_budget_does_not_burst_through_a_limit_by_the_minute():
    times = sent(bucket(Rate(3600, 3600), Rate(60, 60), 0.0), [0.0] * 300)
    assert most_in_a_window(times, 60) <= 60


def test_a_rest_saves_up_a_burst_and_never_more():
    one = Bucket(every=10, burst=3)
    times = [time - NOW for time in sent(one, [0, 0, 0, 0, 0, 1000, 0, 0, 0])]
    assert times == [0, 0, 0, 10, 20, 1020, 1020, 1020, 1030]


def test_a_tenth_of_the_rate_may_go_at_once_and_ten_at_most():
    none = Rate(0, 60)
    assert bucket(Rate(19, 60), none, 0.25) == Bucket(60 / 19, 1)
    assert bucket(Rate(20, 60), none, 0.25) == Bucket(60 / 18, 2)
    assert bucket(Rate(6000, 60), none, 0.25) == Bucket(60 / 5990, 10)


def test_a_quarter_of_the_limit_is_the_user_s_unless_another_share_is_named():
    assert Allowance(Rate(1, 1), Rate(1, 1)).reserve == 0.25


def test_a_budget_below_one_in_its_window_waits_for_several():
    assert bucket(Rate(60, 60), Rate(1, 60), 0.5) == Bucket(every=120, burst=1)


def test_a_limit_lets_one_request_an_hour_go_however_small_it_is():
    assert bucket(Rate(60, 60), Rate(1, 1e15), 0.95) == Bucket(every=HOUR, burst=1)
    assert bucket(Rate(1, 86400), Rate(1, 1e15), 0.95) == Bucket(every=86400, burst=1)


def test_a_clock_that_was_put_back_a_day_stops_nobody_for_a_day():
    one = Bucket(every=10, burst=3)
    assert one.may_go(NOW + DAY, NOW) == NOW
    assert one.spent(NOW + DAY, NOW) == NOW + 10
    assert one.may_go(NOW + 30, NOW) == NOW + 10
    assert one.may_go(NOW + 40, NOW) == NOW + 20
    assert one.may_go(NOW + 41, NOW) == NOW


def test_a_request_was_free_to_go_before_anybody_wanted_one():
    one = Bucket(every=10, burst=3)
    assert [one.free_at(NOW + tat, NOW) - NOW for tat in (-100, 0, 30, DAY)] == [-120, -20, 10, -20]


# --- clock hours


@pytest.mark.parametrize(
    ("budget", "limit", "reserve", "quota"),
    [
        (Rate(60, 3600), Rate(60, 3600), 0.25, 45),
        (Rate(30, 3600), Rate(60, 3600), 0.25, 30),
        (Rate(60, 60), Rate(60, 3600), 0.1, 54),
        (Rate(60, 3600), Rate(60, 3600), 0.3, 42),
        (Rate(60, 3600), Rate(60, 3600), 0.9, 6),
        (Rate(60, 3600), Rate(0, 3600), 0.25, 60),
        (Rate(60, 3600), Rate(60, 3600), 0.999, 1),
        (Rate(48, 86400), Rate(60, 3600), 0.25, 2),
    ],
)
def test_an_hour_has_a_quota(budget, limit, reserve, quota):
    assert hourly_quota(Allowance(budget, limit, hourly=True), reserve) == quota


@pytest.mark.parametrize(
    ("left", "rest", "life", "busy", "gap"),
    [
        (45, 3600, 85, 0.5, (85 + 1800 + (2 * 0.25 * 85 * 3600) ** 0.5) / 45),  # and some more for chance
        (45, 3600, 85, 0.0, 85 / 45),
        (45, 3600, 85, 1.0, 3600 / 45),
        (45, 60, 85, 0.5, 60 / 45),
        (31, 3600, 85, 0.0, 3600 / 31),
        (32, 3600, 85, 0.0, 85 / 32),
        (1, 1800, 85, 0.0, 1800),
        (0, 1800, 85, 0.0, 1800),
        (-3, 1800, 85, 0.0, 1800),
        (0.25, 1800, 85, 0.0, 1800),
        (45, 0, 85, 0.5, 0),
    ],
)
def test_looks_in_a_hard_window_keep_their_distance(left, rest, life, busy, gap):
    assert spacing(left, rest, life, busy, quota=45, window=3600) == pytest.approx(gap)


def test_the_last_request_goes_when_it_is_worth_it():
    assert spacing(1, 3600, life=85, busy=0.0, quota=1) == 85
    assert spacing(7, 3600, life=85, busy=0.0, quota=10) == 85 / 7  # as many as should be left by now


def test_in_a_window_of_a_minute_looks_are_spread_evenly():
    assert spacing(30, 60, life=85, busy=0.1, quota=45, window=60) == 2


@given(st.floats(1, 60), st.floats(1, 3600), st.floats(0, 1e5), st.floats(0, 1), st.integers(1, 60))
def test_the_distance_is_never_more_than_even_nor_than_the_rest(left, rest, life, busy, quota):
    gap = spacing(left, rest, life, busy, quota)
    assert 0 <= gap <= min(rest, rest / left * (1 + 1e-9))


@given(st.floats(0, 600), st.floats(0, 1), st.integers(10, 60))
def test_a_source_where_something_is_always_open_never_goes_blind(life, busy, quota):
    left, rest, longest = quota, 3600.0, 0.0
    while rest > 1e-6 and left:
        gap = spacing(left, rest, life, busy, quota)
        longest, rest, left = max(longest, gap), rest - gap, left - 1
    assert max(longest, rest) <= 2 * 3600 / (0.7 * quota)


# --- what answers tell


@pytest.mark.parametrize(
    ("told", "limit"),
    [
        (None, Rate(60, 60)),
        (Limit(5, 30), Rate(60, 60)),
        (Limit(5, 30, 600), Rate(600, 60)),
        (Limit(5, 30, 10), Rate(10, 60)),
        (Limit(5, 3000, 100), Rate(100, 3000)),
        (Limit(5, 86400, 100), Rate(100, HOUR)),
        (Limit(5, 1e300, 100), Rate(100, HOUR)),
        (Limit(5, 1, 10, 1), Rate(10, 1)),
        (Limit(5, 60, 5000, 86400), Rate(5000, 86400)),
    ],
)
def test_a_limit_that_is_told_goes_before_the_documented_one(told, limit):
    assert limit_told(told, Rate(60, 60)) == limit
    documented = Allowance(Rate(6, 60), Rate(60, 60), 0.5)
    assert learned(documented, told) == Allowance(Rate(6, 60), limit, 0.5)


def test_a_window_is_never_taken_for_shorter_than_it_was_seen_to_be():
    hourly = limit_told(Limit(99, 3500, 100), Rate(60, 60))
    assert limit_told(Limit(1, 10, 100), hourly) == hourly


@pytest.mark.parametrize(
    ("told", "limit", "reserve", "gap"),
    [
        (None, Rate(60, 60), 0.25, 0),
        (Limit(60, 60), Rate(60, 60), 0.25, 60 / 45),
        (Limit(16, 20), Rate(60, 60), 0.25, 20),
        (Limit(17, 20), Rate(60, 60), 0.25, 10),
        (Limit(15, 20), Rate(60, 60), 0.25, 20),
        (Limit(0, 0), Rate(60, 60), 0.25, 0),
        (Limit(40, 0), Rate(60, 60), 0.25, 0),
        (Limit(1, 20), Rate(60, 60), 0.0, 20),
        (Limit(10, 20), Rate(60, 60), 0.0, 2),
        (Limit(200, 20), Rate(1000, 60), 0.25, 20),
        (Limit(2, 20), Rate(0, 60), 0.25, 10),
        (Limit(0, 20), Rate(0, 60), 0.25, 20),
        (Limit(0, 1e12), Rate(60, 60), 0.25, HOUR),
        (Limit(4998, 69076, 5000, 86400), Rate(5000, 86400), 0.25, 69076 / 3748),
    ],
)
def test_what_is_left_is_spread_evenly_and_the_reserve_is_the_user_s(told, limit, reserve, gap):
    assert gap_told(told, reserve, limit) == pytest.approx(gap)


@given(
    st.integers(0, 10**20),
    st.floats(0, 1e300),
    st.integers(1, 10**20),
    st.none() | st.floats(1, 1e300),
    limits,
    st.floats(0, 0.95),
)
def test_nothing_that_is_told_keeps_anyone_waiting_for_more_than_an_hour(left, reset, total, window, limit, reserve):
    told = Limit(left, reset, total, window)
    known = limit_told(told, limit)
    assert 0 <= gap_told(told, reserve, known) <= HOUR
    assert bucket(Rate(60, 60), known, reserve).every <= HOUR
