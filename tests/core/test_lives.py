"""How long uploads take."""

from dataclasses import replace
from itertools import accumulate, pairwise
from math import exp, inf, isclose, log, sqrt
from random import Random
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st
from things import LIVES, flat, integral, survival

from notifier.core.lives import (
    BINS,
    EDGES,
    LONGEST,
    MOST_EVENTS,
    Estimated,
    Hazard,
    Lives,
    Unnoticed,
    bin_of,
    estimated,
    one_life,
    presumed,
    together,
)

rates = st.floats(1e-6, 2.0)
hazards = st.lists(rates, min_size=BINS, max_size=BINS).map(lambda each: Hazard(tuple(each)))
estimates = st.builds(Estimated, st.floats(1, 5000), st.sampled_from([0.1, 0.3, 0.6]))
lifetimes = hazards | st.builds(flat, st.floats(1, 1e4)) | estimates
ages = st.floats(0, 1.5 * LONGEST)
spans = st.floats(0, 400)
DIGITS = 1e-4
"""Seconds to which a number may be off that is the difference of two large ones."""


def by_trapezes(function, low, high, steps=20_000):
    """The integral of a function, the slow way."""
    width = (high - low) / steps
    inner = sum(function(low + width * step) for step in range(1, steps))
    return width * (inner + (function(low) + function(high)) / 2)


def delay(life, age, since):
    return Unnoticed(life, age).after(since)[0]


def settled(life, age, since):
    return Unnoticed(life, age).after(since)[1]


# --- the bins


def test_the_bins_widen_evenly_in_the_logarithm():
    assert (len(EDGES), EDGES[0], EDGES[1], round(EDGES[2], 2), round(EDGES[3], 2)) == (33, 0, 1, 1.31, 1.71)
    assert (round(EDGES[31]), round(EDGES[32], 6)) == (3209, LONGEST)


@pytest.mark.parametrize(
    ("age", "number"), [(-5, 0), (0, 0), (0.999, 0), (1, 1), (20, 12), (25.26, 12), (25.27, 13), (4200, 31), (1e9, 31)]
)
def test_an_age_falls_into_one_bin_and_the_last_has_no_end(age, number):
    assert bin_of(age) == number


# --- survival and its integral


@given(lifetimes, ages, ages)
def test_fewer_and_fewer_are_open_and_their_seconds_add_up(life, one, other):
    young, old = sorted((one, other))
    assert 1 >= survival(life, young) >= survival(life, old) >= 0
    assert -DIGITS <= integral(life, old) - integral(life, young) <= (old - young) * survival(life, young) + DIGITS


@pytest.mark.parametrize("life", [LIVES, flat(60), Estimated(40, 0.3), Estimated(1000, 0.6)])
@pytest.mark.parametrize("age", [0.5, 3, 20, 60, 300, 5000])
def test_the_integral_is_that_of_the_survival(life, age):
    assert isclose(integral(life, age), by_trapezes(lambda each: survival(life, each), 0, age), rel_tol=1e-4)


@pytest.mark.parametrize("life", [LIVES, flat(60), Estimated(40, 0.3), Estimated(1000, 0.6)])
@pytest.mark.parametrize("age", [0.5, 3, 20, 60, 300])
def test_the_hazard_is_how_fast_the_survival_falls(life, age):
    step = 1e-5
    falls = (log(survival(life, age)) - log(survival(life, age + step))) / step
    assert isclose(life.hazard(age), falls, rel_tol=1e-3, abs_tol=1e-9)


@pytest.mark.parametrize("life", [LIVES, flat(60), Estimated(40, 0.3)])
def test_before_its_beginning_nothing_settles(life):
    assert (survival(life, -10), integral(life, -10), life.hazard(-10)) == (1, -10, 0)
    assert survival(life, 0) == 1
    assert integral(life, 0) == 0


def test_a_hazard_begins_at_once_and_an_estimate_lets_nothing_settle_at_once():
    assert flat(60).hazard(0.0) == pytest.approx(1 / 60)
    assert Estimated(40.0).hazard(0.0) == 0.0


def test_what_is_estimated_to_take_half_a_second_is_mostly_over_after_one():
    one = Estimated(0.5)
    assert survival(one, 1.0) < 0.15
    assert 0.5 < integral(one, 1.0) < 0.6
    assert one.hazard(1.0) > 1.0


def test_a_hazard_of_none_is_a_life_without_end():
    never = Hazard((0.0,) * BINS)
    assert (survival(never, 1e6), integral(never, 500.0)) == (1.0, pytest.approx(500.0))
    assert delay(never, 5.0, 100.0) == pytest.approx(0.0, abs=1e-9)


def test_there_is_one_rate_for_each_bin():
    with pytest.raises(ValueError, match="zip"):
        Hazard((0.1,) * (BINS - 1))


def test_beyond_the_last_edge_the_last_hazard_holds():
    life = Hazard((1e-6,) * (BINS - 1) + (0.01,))
    assert isclose(survival(life, LONGEST + 100), survival(life, LONGEST) * exp(-1))


# --- the expected unnoticed delay


@given(lifetimes, ages, spans, spans)
def test_the_unnoticed_delay_is_never_negative_and_only_grows(life, age, one, other):
    short, long = sorted((one, other))
    assert 0 <= delay(life, age, short) <= delay(life, age, long) + DIGITS
    assert delay(life, age, long) <= long
    assert delay(life, age, 0.0) == 0


@given(lifetimes, ages, spans, spans)
def test_the_unnoticed_delay_is_convex(life, age, one, other):
    ends = delay(life, age, one) + delay(life, age, other)
    assert delay(life, age, (one + other) / 2) <= ends / 2 + DIGITS


@given(lifetimes, ages, spans, st.floats(0.01, 5))
def test_the_unnoticed_delay_grows_by_the_chance_of_having_settled(life, age, since, step):
    grown = delay(life, age, since + step) - delay(life, age, since)
    least, most = (step * settled(life, age, moment) for moment in (since, since + step))
    assert least - 2 * DIGITS <= grown <= most + 2 * DIGITS


@given(ages, spans)
def test_a_constant_hazard_knows_no_age(age, since):
    mean = 60
    expected = since - mean * (1 - exp(-since / mean))
    assert delay(flat(mean), age, since) == pytest.approx(expected, abs=DIGITS)
    assert settled(flat(mean), age, since) == pytest.approx(1 - exp(-since / mean), abs=DIGITS)


def test_one_in_a_billion_that_is_still_open_settles_by_the_hazard_of_its_age():
    hasty = Hazard((1.0,) * 20 + (0.01,) * (BINS - 20))
    age = EDGES[20] + 1
    assert survival(hasty, age) < 1e-9
    assert delay(hasty, age, 30.0) == pytest.approx(30 - (1 - exp(-0.3)) / 0.01)
    assert settled(hasty, age, 30.0) == pytest.approx(1 - exp(-0.3))


@given(st.lists(rates, min_size=BINS, max_size=BINS), st.floats(1, 3), ages, spans)
def test_a_larger_hazard_leaves_more_unnoticed(each, more, age, since):
    one, larger = Hazard(tuple(each)), Hazard(tuple(rate * more for rate in each))
    if survival(larger, age) > 1e-9:
        assert delay(one, age, since) <= delay(larger, age, since) + DIGITS


# --- the provider's own estimate


def test_half_of_those_that_are_not_stuck_have_settled_when_the_estimate_says_so():
    assert survival(Estimated(40, 0.3, never=1e-9), 40) == pytest.approx(0.5)
    assert survival(Estimated(40, 0.3, never=0.1), 40) == pytest.approx(0.1 + 0.9 / 2)
    assert survival(Estimated(40, 0.3, never=0.1), 1e9) == pytest.approx(0.1)


@pytest.mark.parametrize("left", [None, 0.0, -5.0, 86400.5, inf, float("nan")])
def test_what_is_no_estimate_is_none(left):
    assert estimated(left) is None


@pytest.mark.parametrize("left", [1e-9, 40.0, 86400.0])
def test_an_estimate_is_taken_over(left):
    assert estimated(left) == Estimated(left, sigma=0.6)
    assert 0 <= survival(estimated(left), 10.0) <= 1


@pytest.mark.parametrize("age", [5e-324, 1e-300, 1e300])
def test_an_estimate_holds_at_every_age_however_small_or_large(age):
    one = Estimated(2.0, 0.1)
    assert survival(one, age) == pytest.approx(1.0 if age < 1 else 0.005)
    assert integral(one, age) == pytest.approx(age if age < 1 else 0.005 * age)
    assert one.hazard(age) == pytest.approx(0.0)


# --- what is presumed


def test_what_is_presumed_of_lives_is_lognormal_but_for_a_few_that_never_end():
    life, normal = Hazard(presumed(60, 1.1)), NormalDist(log(60), 1.1)
    wanted = [0.995 * (1 - normal.cdf(log(edge))) + 0.005 for edge in EDGES[1:]]
    assert [survival(life, edge) for edge in EDGES[1:]] == pytest.approx(wanted)


@given(st.floats(1, 1e4), st.floats(0.1, 3))
def test_no_presumption_is_certain(median, sigma):
    assert all(1e-6 <= rate < inf for rate in presumed(median, sigma))


# --- learning


def test_a_life_is_one_settling_and_the_seconds_of_every_bin_it_passed():
    life = one_life(0.0, 1.5)
    assert life.events == (0, 0, 1) + (0,) * (BINS - 3)
    assert life.exposure == pytest.approx((1.0, EDGES[2] - 1, 1.5 - EDGES[2]) + (0,) * (BINS - 3))


@given(st.floats(0, 5000), st.floats(0, 5000))
def test_the_seconds_before_the_first_sight_do_not_count(one, other):
    first, end = sorted((one, other))
    life = one_life(first, end)
    assert sum(life.exposure) == pytest.approx(max(0, min(end, LONGEST) - min(first, LONGEST)), abs=1e-6)
    assert all(seconds == 0 for seconds, (_, high) in zip(life.exposure, pairwise(EDGES), strict=True) if high <= first)
    assert life.count == (end < LONGEST)


def test_left_truncation_hides_no_short_lives():
    """Only lives that last until the first look, at 30 s, are seen at all: their hazard is found all the same."""
    chance, mean = Random(1), 60
    ends = [end for end in (chance.expovariate(1 / mean) for _ in range(2000)) if end > 30]
    seen, from_birth = (together(one_life(first, end) for end in ends) for first in (30, 0))
    assert sum(seen.events) / sum(seen.exposure) == pytest.approx(1 / mean, rel=0.1)
    assert sum(from_birth.events) / sum(from_birth.exposure) < 0.8 / mean


def test_what_settles_past_the_last_edge_teaches_only_that_it_took_so_long():
    assert one_life(0, LONGEST).count == 0
    assert one_life(0, LONGEST + 9).exposure == one_life(0, LONGEST).exposure


def test_lives_add_up():
    one, other = one_life(0, 12), one_life(3, 20)
    both = one.plus(other)
    assert both == together([one, other]) == other.plus(one)
    assert (both.count, sum(both.exposure)) == (2, pytest.approx(29))
    assert together([]) == Lives()


def test_old_lives_fade_once_they_are_so_many_that_nothing_new_would_count():
    few = Lives((MOST_EVENTS,) + (0.0,) * (BINS - 1), (80_000.0,) * BINS)
    many = replace(few, events=(MOST_EVENTS + 1, *few.events[1:]))
    assert few.faded() is few
    assert (many.faded().count, many.faded().exposure) == ((MOST_EVENTS + 1) / 2, (40_000.0,) * BINS)
    prior = (0.01,) * BINS
    assert many.faded().hazard(prior).rates[0] == pytest.approx(many.hazard(prior).rates[0], rel=0.01)


def test_what_follows_a_change_is_believed_after_as_many_lives_as_before():
    lives = Lives()
    for end in [12.0] * 20_000 + [120.0] * 4000:
        lives = lives.plus(one_life(0, end)).faded()
    assert lives.events[bin_of(120)] > lives.events[bin_of(12)]


@given(st.lists(st.floats(1e-6, 10), min_size=BINS, max_size=BINS))
def test_without_any_life_what_was_presumed_holds(prior):
    assert Lives().hazard(prior).rates == pytest.approx(tuple(prior))


@given(st.floats(0.001, 1), st.lists(st.floats(0.1, 5000), max_size=30))
def test_what_is_learned_lies_between_what_was_presumed_and_what_was_seen(before, ends):
    lives = together(one_life(0, end) for end in ends)
    for rate, events, seconds in zip(lives.hazard((before,) * BINS).rates, lives.events, lives.exposure, strict=True):
        seen = events / seconds if seconds else inf if events else before
        assert min(seen, before) * (1 - 1e-9) <= rate <= max(seen, before) * (1 + 1e-9)


def test_many_lives_are_learned_to_a_few_per_cent():
    chance = Random(7)
    lives = together(one_life(0, chance.lognormvariate(log(60), 0.6)) for _ in range(4000))
    found, normal = lives.hazard(presumed(20, 1.1)), NormalDist(log(60), 0.6)
    wanted = {age: 1 - normal.cdf(log(age)) for age in accumulate([20] * 9)}
    assert {age: survival(found, age) for age in wanted} == pytest.approx(wanted, abs=3 / sqrt(4000))


def test_the_hazard_learned_from_eight_lives():
    assert round(survival(LIVES, 20), 4) == 0.4058
    assert round(integral(LIVES, 20), 3) == 12.417
    assert round(LIVES.hazard(20), 5) == 0.06514
    assert [round(edge, 3) for edge in EDGES[12:14]] == [19.305, 25.267]
