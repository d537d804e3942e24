"""When to look again, and how many requests may go."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from things import CADENCE, DAY, HOUR, NOW, moments, seen, upload

from notifier.core.model import DORMANT, SETTLED, Limit, Rate, Status
from notifier.core.pace import (
    Bucket,
    Cadence,
    back_off,
    bucket,
    faster,
    held_until,
    limit_told,
    look_for_missing,
    next_look,
)
from notifier.providers import upload_post, xenonflare

S = Status
ages = st.floats(0, 60 * DAY)


def wait(status, age, cadence=CADENCE, **more):
    """Seconds until the next look at an upload that got its status `age` seconds ago."""
    at = next_look(upload(followed_at=NOW - age, changed_at=NOW - age), seen(status, **more), cadence, NOW)
    return None if at is None else at - NOW


# --- a single upload


@given(st.sampled_from(Status), ages, moments, moments, st.booleans())
def test_the_next_look_is_never_now_or_in_the_past(status, age, scheduled_at, updated_at, ever_changed):
    one = upload(followed_at=NOW - age, changed_at=NOW - age if ever_changed else None)
    at = next_look(one, seen(status, scheduled_at=scheduled_at, updated_at=updated_at), CADENCE, NOW)
    assert at is None or at > NOW
    assert at is not None or status in SETTLED


@given(st.sampled_from(sorted(set(Status) - SETTLED)), ages, ages)
def test_the_longer_it_rests_the_rarer_the_looks(status, one, other):
    assert wait(status, min(one, other)) <= wait(status, max(one, other))


@given(ages)
def test_a_clock_that_was_put_back_hurries_nothing(ahead):
    one = upload(followed_at=NOW + ahead, changed_at=NOW + ahead)
    assert next_look(one, seen(), CADENCE, NOW) == NOW + 10


@pytest.mark.parametrize(
    ("age", "every"),
    [
        (0, 10),
        (599, 10),
        (600, 30),
        (3599, 30),
        (3600, 300),
        (7200, 900),
        (DAY - 1, 900),
        (DAY, 21600),
        (99 * DAY, 21600),
    ],
)
def test_an_open_upload_is_looked_at_by_its_age(age, every):
    assert wait(S.PROCESSING, age) == every


def test_the_last_rhythm_goes_on_where_it_has_an_end():
    assert wait(S.QUEUED, 101, Cadence(open=((100, 5), (100, 7)), settled=())) == 7


def test_its_age_counts_from_what_happened_last():
    old = upload(followed_at=NOW - DAY, changed_at=NOW - HOUR)
    assert next_look(old, seen(S.QUEUED, scheduled_at=NOW - 60), CADENCE, NOW) == NOW + 10
    assert next_look(old, seen(S.QUEUED), CADENCE, NOW) == NOW + 300
    assert next_look(upload(followed_at=NOW - DAY), seen(S.QUEUED), CADENCE, NOW) == NOW + 21600


def test_a_time_to_come_makes_nothing_young_that_runs_already():
    assert wait(S.QUEUED, DAY, scheduled_at=NOW + DAY) == 21600


@pytest.mark.parametrize(("age", "every"), [(0, 360), (359, 360), (360, HOUR), (DAY - 1, HOUR), (DAY, None)])
def test_a_settled_upload_is_looked_at_for_a_while(age, every):
    assert wait(S.COMPLETED, age) == every


def test_a_settled_upload_that_moves_is_looked_at_for_another_while():
    assert wait(S.FAILED, 5 * DAY, updated_at=NOW - 60) == 360
    assert wait(S.FAILED, 60, updated_at=NOW - 5 * DAY) == 360


@pytest.mark.parametrize(("ahead", "every"), [(60, 360), (300, 360), (301, None), (400 * DAY, None)])
def test_a_date_far_ahead_keeps_no_settled_upload_young(ahead, every):
    assert wait(S.FAILED, 5 * DAY, updated_at=NOW + ahead) == every


def test_a_settled_upload_without_any_date_is_let_be():
    assert next_look(upload(), seen(S.COMPLETED), CADENCE, NOW) is None


@pytest.mark.parametrize("status", sorted(DORMANT))
@pytest.mark.parametrize(("age", "every"), [(0, 900), (900, 900), (1800, 1800), (DAY, 21600)])
def test_what_waits_for_a_person_is_looked_at_more_and_more_slowly(status, age, every):
    assert wait(status, age) == every
    assert next_look(upload(followed_at=NOW - age), seen(status), CADENCE, NOW) == NOW + every


@pytest.mark.parametrize(("ahead", "next_in"), [(0.5, 5.5), (1800, 1805), (3595, 3600), (3596, 3600), (DAY, 3600)])
def test_what_is_to_run_later_sleeps_until_shortly_after_but_an_hour_at_most(ahead, next_in):
    assert wait(S.SCHEDULED, DAY, scheduled_at=NOW + ahead) == next_in


def test_what_should_have_run_is_looked_at_like_anything_young():
    assert wait(S.SCHEDULED, DAY, scheduled_at=NOW) == 10
    assert wait(S.SCHEDULED, DAY, scheduled_at=NOW - 700) == 30
    assert wait(S.SCHEDULED, 0) == 10


# --- one that the provider does not know


def test_what_is_missing_is_looked_for_soon_and_then_ever_more_slowly():
    brisk = Cadence(open=((600, 1), (float("inf"), 900)), settled=())
    assert [look_for_missing(n, NOW, brisk, NOW) - NOW for n in range(1, 9)] == [5, 10, 20, 40, 80, 160, 300, 300]
    assert look_for_missing(1000, NOW, brisk, NOW) == NOW + 300
    assert look_for_missing(9, NOW - 600, brisk, NOW) == NOW + 900


def test_nobody_asks_for_a_missing_upload_more_often_than_for_one_that_is_there():
    assert look_for_missing(1, NOW, CADENCE, NOW) == NOW + 10


# --- rests after failures


@pytest.mark.parametrize(("failures", "bound"), [(1, 2), (2, 4), (3, 8), (8, 256), (9, 300), (5000, 300)])
def test_a_rest_after_failures_is_drawn_below_a_bound_that_doubles(failures, bound):
    assert [back_off(failures, draw) for draw in (0.0, 0.5, 1.0)] == [0, bound / 2, bound]


@pytest.mark.parametrize(("failures", "rest"), [(1, 60), (2, 120), (6, 1920), (7, 3600), (5000, 3600)])
def test_a_refused_credential_rests_evenly(failures, rest):
    assert back_off(failures, 0.0, refused=True) == back_off(failures, 1.0, refused=True) == rest


# --- budgets

rates = st.builds(Rate, st.integers(1, 400), st.sampled_from([1, 60, 3600]))
limits = st.just(Rate(0, 60)) | rates
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


def most_in_a_window(times: list[float], seconds: float) -> int:
    """The most requests in any stretch shorter than `seconds`."""
    most = start = 0
    for end, time in enumerate(times):
        while time - times[start] >= seconds - 1e-4:
            start += 1
        most = max(most, end - start + 1)
    return most


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
    assert [time - NOW for time in sent(one, [0, 0, 0, 0, 0, 1000, 0, 0, 0])] == [
        0,
        0,
        0,
        10,
        20,
        1020,
        1020,
        1020,
        1030,
    ]


def test_a_budget_below_one_in_its_window_waits_for_several():
    assert bucket(Rate(60, 60), Rate(1, 60), 0.5) == Bucket(every=120, burst=1)


def test_a_clock_that_was_put_back_a_day_stops_no_source_for_a_day():
    one = Bucket(every=10, burst=3)
    assert one.may_go(NOW + DAY, NOW) == NOW + 10


# --- what the headers tell


@pytest.mark.parametrize(
    ("told", "limit", "reserve", "until"),
    [
        (None, Rate(60, 60), 0.25, 0.0),
        (Limit(16, 20.0), Rate(60, 60), 0.25, 0.0),
        (Limit(15, 20.0), Rate(60, 60), 0.25, NOW + 20),
        (Limit(0, 0.0), Rate(60, 60), 0.25, NOW),
        (Limit(1, 20.0), Rate(60, 60), 0.0, 0.0),
        (Limit(0, 20.0), Rate(60, 60), 0.0, NOW + 20),
        (Limit(15, 20.0, 20), Rate(60, 60), 0.25, 0.0),
        (Limit(5, 20.0, 20), Rate(60, 60), 0.25, NOW + 20),
        (Limit(200, 20.0, 1000), Rate(60, 60), 0.25, NOW + 20),
        (Limit(1, 20.0), Rate(0, 60), 0.25, 0.0),
        (Limit(0, 20.0), Rate(0, 60), 0.25, NOW + 20),
        (Limit(25, 20.0, 100), Rate(0, 60), 0.25, NOW + 20),
        (Limit(26, 20.0, 100), Rate(0, 60), 0.25, 0.0),
        (Limit(0, 1e12), Rate(60, 60), 0.25, NOW + HOUR),
    ],
)
def test_what_is_left_below_the_reserve_is_the_user_s(told, limit, reserve, until):
    assert held_until(told, reserve, limit_told(told, limit), NOW) == until


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
    ],
)
def test_a_limit_that_is_told_goes_before_the_documented_one(told, limit):
    assert limit_told(told, Rate(60, 60)) == limit


def test_a_window_is_never_taken_for_shorter_than_it_was_seen_to_be():
    hourly = limit_told(Limit(99, 3500, 100), Rate(60, 60))
    assert limit_told(Limit(1, 10, 100), hourly) == hourly


# --- demonstrations


def test_a_faster_rhythm_is_the_same_rhythm():
    quick = faster(Cadence(open=((600, 10), (float("inf"), 60)), settled=((DAY, HOUR),)), 10)
    assert quick == Cadence(open=((60, 1), (float("inf"), 6)), settled=((8640, 360),), grace=60)


def test_intervals_never_shrink_with_age_in_the_cadences_we_have():
    for provider in (upload_post.PROVIDER, xenonflare.PROVIDER):
        for steps in (provider.cadence.open, provider.cadence.settled):
            assert all(older < old and every <= slower for (older, every), (old, slower) in pairwise(steps))
        assert provider.cadence.open[-1][0] == float("inf")
