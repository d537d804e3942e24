"""When a look is worth its price."""

from dataclasses import replace
from itertools import pairwise
from math import inf, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from things import DAY, HOUR, LIVES, NOW, flat, survival, watch

from notifier.core.lives import BINS, Estimated, Hazard, Unnoticed
from notifier.core.pace import MOST_SUMMED, OLDER, Pace, Why, alone, audit, dearest, due, hurried, stalest, worth
from notifier.providers import PROVIDERS

PACE = Pace(price=5, floor=2, caps=((600, 10), (1800, 30), (inf, 300)), audit=600)
CLOSE = 2e-3
"""Seconds to which the moment is found."""
rates = st.floats(1e-5, 0.5)
hazards = st.lists(rates, min_size=BINS, max_size=BINS).map(lambda each: Hazard(tuple(each)))
lifetimes = hazards | st.builds(flat, st.floats(5, 3000)) | st.builds(Estimated, st.floats(1, 3000))
watches = st.builds(
    lambda life, age, ago: watch(life, NOW - age - ago, NOW - ago), lifetimes, st.floats(0, 4000), st.floats(0, 60)
)
reaches = st.lists(watches, min_size=1, max_size=12)
paces = st.builds(
    lambda price, floor, cap: Pace(price, floor, ((600, cap), (inf, 3 * cap))),
    st.floats(0.1, 100),
    st.floats(0, 10),
    st.floats(1, 300),
)


def at(price):
    """A price, and neither floor nor cap worth speaking of."""
    return Pace(price, floor=0.0, caps=((inf, 1e6),))


def wait(reach, price, since=NOW):
    return due(reach, at(price), 0.0)[0] - since


# --- to the printed digit


@pytest.mark.parametrize(
    ("price", "seconds", "by_the_root"),
    [(0.5, 7.916, 7.746), (2, 16.188, 15.492), (5, 26.281, 24.495), (25, 64.534, 54.772)],
)
def test_one_upload_of_which_nothing_but_the_mean_is_known(price, seconds, by_the_root):
    assert round(wait([watch(flat(60))], price), 3) == seconds
    assert round(sqrt(2 * price * 60), 3) == by_the_root < seconds


@given(reach=reaches, price=st.floats(0, 1e-6), about=st.floats(0, 10))
def test_a_price_too_small_for_a_clock_is_one_all_the_same(reach, price, about):
    begins = max(each.seen for each in reach) + about
    assert due(reach, at(price), 0.0, begins)[0] <= due(reach, at(0.1), 0.0, begins)[0] + CLOSE


@pytest.mark.parametrize(("number", "seconds"), [(3, 14.720), (10, 7.916), (100, 2.466)])
def test_many_uploads_in_one_look(number, seconds):
    assert round(wait([watch(flat(60))] * number, 5), 3) == seconds


def test_uploads_that_were_seen_at_different_moments():
    reach = [watch(flat(20), NOW - 60, NOW - 3), watch(flat(150), NOW - 60, NOW - 10)]
    assert round(worth(reach, NOW), 4) == 0.5402
    assert round(wait(reach, 5), 3) == 10.464


@pytest.mark.parametrize(
    ("price", "ages"),
    [(0.38, [27.6, 32.7, 36.8, 40.5, 43.9, 47.2]), (5, [41.9, 55.1, 67.4, 79.8, 94.4, 119.9])],
)
def test_looks_gather_around_the_moment_that_the_provider_states(price, ages):
    looks = [0.0]
    for _ in ages:
        looks.append(wait([watch(Estimated(40, 0.3), 0.0, looks[-1])], price, since=0.0))
    assert [round(look, 1) for look in looks[1:]] == ages


@pytest.mark.parametrize(("age", "seconds"), [(0, 15.28), (10, 17.12), (20, 15.75), (60, 21.48)])
def test_what_was_learned_says_when(age, seconds):
    assert round(wait([watch(LIVES, NOW - age, NOW)], 5), 2) == seconds


# --- properties


@given(reaches, paces)
def test_a_look_is_worth_its_price_when_it_goes_or_at_a_cap(reach, pace):
    moment, why = due(reach, pace, -inf)
    cap = min(each.cap_at(pace) for each in reach)
    if why is Why.CAP:
        assert moment == cap
        assert worth(reach, moment) <= pace.price
    else:
        assert moment <= cap
        steepest = sum(each.delay(moment)[1] for each in reach)
        assert abs(worth(reach, moment) - pace.price) <= CLOSE * max(steepest, 1e-3)


@given(reaches, watches, paces)
def test_an_upload_that_joins_makes_a_look_no_later(reach, one, pace):
    assert due([*reach, one], pace, -inf)[0] <= due(reach, pace, -inf)[0] + CLOSE


@given(reaches, paces, st.floats(0.01, 1))
def test_a_lower_price_makes_a_look_no_later(reach, pace, share):
    assert due(reach, replace(pace, price=pace.price * share), -inf)[0] <= due(reach, pace, -inf)[0] + CLOSE


@given(reaches, paces, st.floats(-60, 60))
def test_no_look_goes_before_the_floor_and_else_none_past_a_cap(reach, pace, ago):
    last = NOW - ago
    moment, _ = due(reach, pace, last)
    assert moment >= last + pace.floor
    assert moment <= max(last + pace.floor, *(each.cap_at(pace) for each in reach))


@given(st.lists(rates, min_size=BINS, max_size=BINS), st.floats(1, 5), st.floats(0, 300), paces)
def test_a_larger_hazard_makes_no_look_later(each, more, age, pace):
    one, larger = (watch(Hazard(tuple(rate * by for rate in each)), NOW - age, NOW) for by in (1, more))
    if survival(larger.life, age) > 1e-9:
        assert due([larger], pace, -inf)[0] <= due([one], pace, -inf)[0] + CLOSE


@given(reaches, paces)
def test_the_same_reach_has_the_same_moment_in_whatever_order_it_is(reach, pace):
    moment = due(reach, pace, NOW)
    assert moment == due([replace(each) for each in reach], pace, NOW)
    assert moment[0] == pytest.approx(due(reach[::-1], pace, NOW)[0], abs=CLOSE)


@given(reaches, paces, st.floats(-400, 400))
def test_the_moment_is_the_same_from_wherever_it_is_sought(reach, pace, ago):
    moment, why = due(reach, pace, -inf)
    found, sought = due(reach, pace, -inf, NOW + ago)
    assert found == pytest.approx(moment, abs=CLOSE)
    assert sought is why or worth(reach, found) == pytest.approx(pace.price, abs=CLOSE * len(reach))


@pytest.mark.parametrize(("about", "times"), [(26.281279, 1), (26.2805, 1), (26.5, 2), (26.0, 3), (20.0, 4), (99.0, 5)])
def test_the_nearer_the_moment_is_to_where_it_is_sought_the_less_work_it_is(about, times):
    asked = []

    class Counted:
        def course(self, age):
            asked.append(age)
            return flat(60).course(age)

        def hazard(self, age):
            return flat(60).hazard(age)

    moment, why = due([watch(Counted())], at(5), 0.0, NOW + about)
    assert (round(moment - NOW, 3), why) == (26.281, Why.PRICE)
    assert len(asked) == 1 + times


@given(watches, st.floats(0, 300), st.floats(0, 300))
def test_what_an_upload_is_worth_only_grows(one, sooner, later):
    first, last = sorted((one.seen + sooner, one.seen + later))
    assert 0 <= one.delay(first)[0] <= one.delay(last)[0] + 1e-4
    assert one.delay(last) == Unnoticed(one.life, one.seen - one.stated).after(last - one.seen)


def test_what_was_just_seen_is_worth_nothing():
    one = watch(flat(20))
    assert (one.delay(NOW), one.delay(NOW - 60)) == ((0, 0), (0, 0))
    assert worth([], NOW) == 0


def test_nothing_to_be_shown_is_never_due():
    assert due([], PACE, NOW) == (inf, Why.CAP)


# --- caps


@pytest.mark.parametrize(("age", "cap"), [(0, 10), (599, 10), (600, 30), (1799, 30), (1800, 300), (99 * HOUR, 300)])
def test_the_younger_an_upload_the_sooner_it_is_seen_again(age, cap):
    assert watch(born=NOW - age).cap_at(PACE) == NOW + cap


def test_past_the_last_step_the_last_cap_holds():
    assert watch(born=NOW - 101).cap_at(Pace(caps=((50, 5), (100, 7)))) == NOW + 7


def test_what_is_to_begin_later_is_let_be_until_shortly_after():
    planned = watch(flat(60), born=NOW + HOUR, at=NOW)
    assert planned.delay(NOW + HOUR)[0] == pytest.approx(0)
    assert due([planned], PACE, NOW) == (NOW + HOUR + 5, Why.CAP)


def test_many_that_begin_at_once_are_looked_at_before_the_first_has_waited_for_its_cap():
    moment, why = due([watch(flat(20), born=NOW + HOUR, at=NOW)] * 50, PACE, NOW)
    assert (NOW + HOUR + 1 < moment < NOW + HOUR + 3, why) == (True, Why.PRICE)


def test_one_that_is_past_its_cap_makes_the_look_due():
    late, fresh = watch(flat(1e6), born=NOW - 500, at=NOW - 100), watch(flat(1e6))
    assert due([fresh, late], PACE, NOW - 95) == (NOW - 90, Why.CAP)
    assert due([fresh, late], PACE, NOW - 1) == (NOW + 1, Why.CAP)


# --- large reaches


@pytest.mark.parametrize("number", [MOST_SUMMED + 1, 999, 10_000])
def test_of_very_many_some_stand_for_the_others(number):
    reach = [watch(flat(60 + n % 7), at=NOW - n % 11) for n in range(number)]
    every = sum(each.delay(NOW + 9)[0] for each in reach)
    assert worth(reach, NOW + 9) == pytest.approx(every, rel=0.02)
    moment, why = due(reach, replace(PACE, price=number / 20), -inf)
    assert sum(each.delay(moment)[0] for each in reach) == pytest.approx(number / 20, rel=0.02)
    assert why is Why.PRICE


def test_the_one_that_is_past_its_cap_is_found_among_very_many():
    reach = [watch(flat(1e6)) for _ in range(1000)]
    reach[501] = watch(flat(1e6), born=NOW - 60, at=NOW - 60)
    assert due(reach, PACE, -inf) == (NOW - 50, Why.CAP)


# --- one upload, and several out of many


def test_a_look_at_one_upload_is_worked_out_once():
    one = watch(flat(60))
    assert alone(one, PACE) == NOW + 10
    one.due = NOW + 77
    assert alone(one, PACE) == NOW + 77


def test_nothing_is_asked_for_by_itself_before_the_floor():
    assert alone(watch(flat(0.5)), replace(PACE, price=0.001)) == NOW + 2


def test_before_it_was_seen_nothing_can_have_settled_since():
    one = watch(flat(0.01), born=NOW - 600)
    assert one.delay(NOW - 5) == (0.0, 0.0)


def test_unless_a_provider_says_otherwise_the_pace_is_that_of_the_documents():
    assert Pace() == Pace(price=5.0, floor=2.0, caps=((600, 10), (1800, 30), (inf, 300)), audit=600.0)


def test_what_was_never_placed_stands_first_in_its_list_and_is_not_sought():
    assert (watch().row, watch().above, watch().is_sought) == (0, 0, False)


YOUNG = PACE.audit / OLDER
"""Seconds of age up to which an upload is audited as often as any."""


@pytest.mark.parametrize(
    ("born", "asked", "at"),
    [(-YOUNG, 0, 600), (-900, 0, OLDER * 900), (-900, -599, -599 + OLDER * 301), (-DAY, 0, OLDER * DAY)],
)
def test_what_only_others_have_shown_is_audited_the_more_seldom_the_older_it_was(born, asked, at):
    assert audit(watch(born=NOW + born, asked=NOW + asked), PACE) == NOW + at


@pytest.mark.parametrize(("born", "asked", "at"), [(500, 0, 600), (7200, 0, 7205), (-10, -20, 580), (0, -900, 5)])
def test_what_only_others_have_shown_is_not_audited_before_it_has_begun(born, asked, at):
    assert audit(watch(born=NOW + born, asked=NOW + asked), PACE) == NOW + at


def test_a_batch_is_filled_with_those_whose_cap_is_nearest():
    """Not with those that were not seen for the longest: what is old may wait for longer."""
    old, young, younger = (watch(born=NOW - age, at=NOW - ago) for age, ago in ((HOUR, 200), (60, 1), (60, 2)))
    assert stalest([old, young, younger], 3, PACE) == [old, young, younger]
    assert stalest([old, young, younger], 2, PACE) == [younger, young]
    late = watch(born=NOW - HOUR, at=NOW - 299)
    assert stalest([old, young, younger, late], 1, PACE) == [late]


@given(st.lists(watches, max_size=12), st.integers(1, 12), paces)
def test_a_batch_leaves_out_nothing_whose_cap_is_nearer(all_of_them, count, pace):
    chosen = stalest(all_of_them, count, pace)
    assert len(chosen) == min(count, len(all_of_them))
    left_out = [each for each in all_of_them if all(each is not one for one in chosen)]
    assert max([each.cap_at(pace) for each in chosen], default=-inf) <= min(
        [each.cap_at(pace) for each in left_out], default=inf
    )


def test_where_not_all_fit_into_a_batch_it_is_asked_of_whom_most_is_expected():
    never, unlikely, likely = (watch(flat(mean), born=NOW - 60, at=NOW - 20) for mean in (1e6, 100, 10))
    assert dearest([never, unlikely, likely], 2, PACE, NOW) == [likely, unlikely]
    assert dearest([never, unlikely, likely], 3, PACE, NOW) == []


def test_what_is_expected_of_whom_counts_at_the_moment_at_which_a_batch_may_go():
    """What was just seen is worth nothing yet; after the floor it may be worth the most."""
    quick, slow = watch(flat(1), born=NOW - 60), watch(flat(1000), born=NOW - 60, at=NOW - 20)
    assert slow.delay(NOW)[0] > quick.delay(NOW)[0] == 0
    assert dearest([slow, quick], 1, PACE, NOW) == [quick]


def test_a_group_look_costs_a_root_of_what_its_uploads_would_alone():
    """k uploads in one look: √k times as many looks as for one, instead of k times."""
    alone_, together = (wait([watch(flat(6000))] * number, 5) for number in (1, 100))
    assert alone_ / together == pytest.approx(10, rel=0.03)


# --- demonstrations


def test_a_hurried_pace_is_the_same_pace():
    quick = hurried(PACE, 10)
    assert quick == Pace(0.5, 0.2, ((60, 1), (180, 3), (inf, 30)), audit=60)
    slow = due([watch(flat(60), at=NOW)], PACE, NOW)[0] - NOW
    assert due([watch(flat(6), at=NOW)], quick, NOW)[0] - NOW == pytest.approx(slow / 10)


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_no_upload_of_any_provider_is_seen_more_often_as_it_grows_older(name):
    caps = PROVIDERS[name].pace.caps
    assert all(age < older and cap <= slower for (age, cap), (older, slower) in pairwise(caps))
    assert caps[-1][0] == inf


def test_the_dearest_is_what_most_is_expected_of_and_not_what_is_surest_to_have_settled():
    stale, hasty = watch(flat(600), NOW - 300, NOW - 120), watch(flat(5), NOW - 60, NOW - 3)
    assert hasty.delay(NOW)[1] > stale.delay(NOW)[1]
    assert dearest([hasty, stale], 1, PACE, NOW) == [stale]
