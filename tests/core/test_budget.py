"""When the next request of a credential may go: never too many, whatever happens, and all that may."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pacing import limits, most_in_a_window, rates
from things import DAY, HOUR, NOW

from notifier.core.allowance import Allowance, bucket
from notifier.core.budget import (
    Budget,
    clocked,
    left,
    loaded,
    may_go,
    quota,
    refused,
    reserve,
    rest,
    spend,
    stepped,
    told,
)
from notifier.core.model import Limit, Rate
from notifier.core.usage import share_left

KNOWN = Allowance(Rate(60, 60), Rate(60, 60), 0.25)
UNKNOWN = Allowance(Rate(60, 60), Rate(0, 60), 0.25)
CLOCK_HOUR = Allowance(Rate(60, 3600), Rate(60, 3600), 0.25, hourly=True)
"""45 an hour."""
WHOLE = bucket(UNKNOWN.budget, UNKNOWN.limit, 0.25)
NOON = NOW
assert NOON % HOUR == 0


class World:
    """A credential in use: true time, our clock, which may be wrong, and what went when."""

    def __init__(self, allowance: Allowance, budget: Budget | None = None) -> None:
        self.allowance, self.budget = allowance, budget or Budget()
        self.time, self.ahead = NOON, 0.0
        self.went: list[float] = []

    @property
    def now(self) -> float:
        return self.time + self.ahead

    def ask(self, cost=1, draw=0.5):
        """Wait until one may go, and let it go."""
        while (at := may_go(self.budget, self.allowance, self.now, cost)) > self.now:
            self.time += max(at - self.now, 1e-6)
        self.budget = spend(self.budget, self.allowance, self.now, cost, draw)
        self.went += [self.time] * cost

    def do(self, act, amount):
        if act == "wait":
            self.time += amount
        elif act == "ask":
            self.ask(draw=amount % 1)
        elif act == "restart":
            self.ahead -= amount  # nobody tells us how the clock was put back meanwhile
            self.budget = loaded(self.budget, self.allowance, self.now)
        elif act == "step":
            self.ahead += amount - 300
            self.budget = stepped(self.budget, amount - 300)
        elif act == "refuse":
            after = amount if amount < 100 else None
            self.budget = refused(self.budget, self.allowance, after, self.now, amount % 1)
        elif act == "answer":
            self.budget = told(self.budget, self.allowance, Limit(int(amount), amount), self.now)


def acts(*names):
    return st.lists(st.tuples(st.sampled_from(["ask", "ask", "ask", *names]), st.floats(0, 600)), max_size=120)


# --- rates


@given(rates, limits, st.floats(0, 0.95), acts("wait", "restart", "step", "refuse", "answer"))
@example(Rate(60, 60), Rate(0, 60), 0.25, [("refuse", 500.0), *[("ask", 0.0)] * 100])
def test_no_window_holds_more_than_is_allowed_whatever_happens(budget, limit, share, happens):
    world = World(Allowance(budget, limit, share))
    for act, amount in happens:
        world.do(act, amount)
    assert most_in_a_window(world.went, budget.seconds) <= budget.count
    if limit.count:
        assert most_in_a_window(world.went, limit.seconds) <= max(1, (1 - share) * limit.count)


@pytest.mark.parametrize(("allowance", "an_hour", "most"), [(KNOWN, 41 * 60, 45), (UNKNOWN, 54 * 60, 60)])
def test_at_full_demand_the_allowance_is_used(allowance, an_hour, most):
    world = World(allowance)
    while world.time < NOON + HOUR:
        world.ask()
    assert len(world.went) == pytest.approx(an_hour, abs=10)
    assert most - 1 <= most_in_a_window(world.went, 60) <= most


@given(rates, limits, st.lists(st.integers(1, 10), max_size=30))
def test_a_look_that_costs_more_is_paid_in_full(budget, limit, costs):
    world = World(Allowance(budget, limit, 0.25))
    for cost in costs:
        world.ask(cost)
    every = bucket(budget, limit, 0.25).every
    assert world.time - NOON >= (sum(costs[:-1]) - 10) * every - 1e-3


def test_a_dear_look_waits_until_the_burst_has_room_for_it():
    allowance = Allowance(Rate(60, 60), Rate(0, 60))
    used = spend(spend(Budget(), allowance, NOON), allowance, NOON)
    assert [may_go(used, allowance, NOON, cost) - NOON for cost in (1, 4)] == [0, 0]
    assert [may_go(used, allowance, NOON, cost) - NOON for cost in (5, 6, 9)] == pytest.approx(
        [WHOLE.every, 2 * WHOLE.every, 2 * WHOLE.every], abs=1e-3
    )


def test_a_moment_that_was_told_is_the_moment():
    world = World(KNOWN)
    for _ in range(100):
        at = may_go(world.budget, KNOWN, world.now)
        assert may_go(world.budget, KNOWN, at) == at
        world.time = at
        world.ask()


# --- what answers tell


def test_what_is_left_is_spread_until_the_reset():
    after = told(Budget(), KNOWN, Limit(25, 60), NOON)
    assert may_go(after, KNOWN, NOON) == NOON + 6


def test_what_is_left_below_the_reserve_is_waited_for():
    after = told(Budget(), KNOWN, Limit(15, 20), NOON)
    assert may_go(after, KNOWN, NOON) == NOON + 20
    boosted = Budget(boost=0.5, boosted_at=NOON)
    assert may_go(told(boosted, KNOWN, Limit(30, 20), NOON), KNOWN, NOON) == NOON + 20


def test_an_answer_that_tells_nothing_changes_nothing():
    budget = Budget(tat=NOON, hold_until=NOON)
    assert told(budget, KNOWN, None, NOON) == budget


def test_a_good_answer_ends_the_doubling_but_not_one_that_was_under_way():
    budget = refused(Budget(), KNOWN, None, NOON, 0.0)
    assert told(budget, KNOWN, Limit(60, 1), NOON + 59) == budget
    assert told(budget, KNOWN, None, NOON + 60).refusals == 0


def test_no_answer_shortens_a_hold():
    budget = Budget(hold_until=NOON + 100)
    assert told(budget, KNOWN, Limit(50, 1), NOON).hold_until == NOON + 100
    assert refused(budget, KNOWN, 5, NOON, 0.0).hold_until == NOON + 100


# --- refusals


@pytest.mark.parametrize("allowance", [KNOWN, UNKNOWN, CLOCK_HOUR])
@pytest.mark.parametrize(
    ("after", "draw", "held"), [(17, 0.0, 17), (17, 0.5, 17.5), (0, 1.0, 1), (1e9, 0.5, HOUR + 0.5), (-5, 0.0, 0)]
)
def test_what_a_refusal_asks_for_is_done_exactly(allowance, after, draw, held):
    begun = NOON + 600
    budget = refused(Budget(), allowance, after, begun, draw)
    assert budget.hold_until - begun == held
    assert may_go(budget, allowance, begun) == max(begun, budget.hold_until)


@pytest.mark.parametrize("allowance", [KNOWN, UNKNOWN])
def test_bare_refusals_in_a_row_rest_ever_longer(allowance):
    budget, now, rests = Budget(), NOON, []
    for _ in range(6):
        budget = refused(budget, allowance, None, now, 0.7)
        rests.append(budget.hold_until - now)
        now = budget.hold_until
    assert rests == [60, 120, 240, 480, 900, 900]
    assert refused(replace(budget, refusals=5000), allowance, None, now, 0.0).hold_until - now == 900


@pytest.mark.parametrize("allowance", [KNOWN, UNKNOWN, CLOCK_HOUR])
def test_refusals_of_what_was_under_way_say_nothing_new(allowance):
    first = refused(Budget(), allowance, None, NOON + 1, 0.0)
    assert refused(first, allowance, None, NOON + 2, 1.0) == first
    assert refused(first, allowance, HOUR, NOON + 3, 1.0) == replace(first, hold_until=NOON + 3 + HOUR + 1)


def test_a_refusal_during_a_gap_of_our_own_is_news():
    spread = told(Budget(), UNKNOWN, Limit(1, 10), NOON)
    assert refused(spread, UNKNOWN, None, NOON + 1, 0.0).refusals == 1


def test_where_others_use_up_the_limit_more_is_reserved_for_them_and_less_every_hour():
    budget = refused(Budget(), KNOWN, 0, NOON, 0.0)
    assert [reserve(budget, KNOWN, NOON + hours * HOUR) for hours in (0, 0.9, 1, 2, 1e6)] == [
        0.5,
        0.5,
        0.25,
        0.25,
        0.25,
    ]
    again = refused(replace(budget, refusals=0), KNOWN, 0, NOON + 60, 0.0)
    assert [reserve(again, KNOWN, NOON + 60 + hours * HOUR) for hours in (0, 1, 2, 3)] == [0.75, 0.375, 0.25, 0.25]
    world = World(KNOWN, budget)
    for _ in range(100):
        world.ask()
    assert most_in_a_window(world.went, 60) <= 30


def test_a_reserve_that_is_large_already_is_not_made_smaller():
    modest = replace(KNOWN, reserve=0.9)
    assert reserve(refused(Budget(), modest, 0, NOON, 0.0), modest, NOON) == 0.9


def test_a_limit_that_is_known_is_not_felt_for():
    assert refused(Budget(), KNOWN, None, NOON, 0.0).rate == 0.0


# --- unknown limits


def gaps_of(world: World, count: int, draw=0.5) -> list[float]:
    for _ in range(count):
        world.ask(draw=draw)
    times = world.went[-count:]
    return [after - before for before, after in pairwise(times)]


def test_a_limit_that_is_met_slows_us_down_for_a_while():
    world = World(UNKNOWN, refused(Budget(), UNKNOWN, None, NOON, 0.0))
    assert gaps_of(world, 10) == pytest.approx([WHOLE.every / 0.85] * 9)


@pytest.mark.parametrize(("after", "share"), [(0, 0.85), (30, 0.85), (40, 0.935), (47, 0.9945), (48, 1), (1e6, 1)])
def test_a_limit_that_is_not_met_again_is_forgotten_little_by_little(after, share):
    budget, now = refused(Budget(), UNKNOWN, None, NOON, 0.0), NOON + 60 + after
    assert spend(budget, UNKNOWN, now).tat - now == pytest.approx(WHOLE.every / share, abs=1e-6)


def test_a_limit_that_is_met_again_and_again_slows_us_down_to_a_floor():
    budget, now = Budget(), NOON
    for _ in range(40):
        budget = refused(replace(budget, refusals=0), UNKNOWN, 0, now, 0.0)
        now = budget.hold_until
    assert budget.rate == pytest.approx(0.1)
    assert gaps_of(World(UNKNOWN, budget), 3) == pytest.approx([10, 10])


def test_a_budget_below_the_floor_is_its_own_floor():
    rare = Allowance(Rate(10, 3600), Rate(0, 60))
    assert refused(Budget(), rare, 0, NOON, 0.0).rate == pytest.approx(1 / 360)


@pytest.mark.parametrize(("draw", "share"), [(0.0, 0.95), (0.5, 1.0), (1.0, 1.05)])
def test_gaps_vary_while_a_limit_is_felt_for(draw, share):
    slow = Budget(rate=0.2, slowed_at=NOON)
    assert gaps_of(World(UNKNOWN, slow), 4, draw) == pytest.approx([5 * share] * 3)


def test_gaps_never_vary_below_what_the_budget_allows():
    almost = Budget(rate=0.99 / WHOLE.every, slowed_at=NOON)
    assert gaps_of(World(UNKNOWN, almost), 4, 0.0) == pytest.approx([WHOLE.every] * 3, rel=2e-2)
    assert min(gaps_of(World(UNKNOWN, almost), 4, 0.0)) >= WHOLE.every - 1e-3


# --- clock hours


def per_hour(world: World, clock_ahead: float = 0.0) -> Counter:
    """What the provider counts, `clock_ahead` being how far its clock is ahead of true time."""
    return Counter((time + clock_ahead) // HOUR for time in world.went)


@given(
    st.floats(-2 * DAY, 2 * DAY),
    st.floats(0, 0.95),
    st.lists(
        st.tuples(
            st.sampled_from(["ask", "ask", "ask", "many", "wait", "step", "restart", "refuse", "clock"]),
            st.floats(0, 600),
        ),
        max_size=60,
    ),
)
def test_no_clock_hour_of_theirs_holds_more_than_is_allowed(clock_ahead, share, happens):
    allowance = replace(CLOCK_HOUR, reserve=share)
    world = World(allowance, Budget(skew=clock_ahead))
    for act, amount in happens:
        if act == "many":
            for _ in range(20):
                world.ask()
        elif act == "clock":  # what is measured is a second off at most
            skew = clock_ahead - world.ahead + amount / 300 - 1
            world.budget = clocked(world.budget, skew, world.now)
        elif act == "restart":
            world.do(act, 0.0)
        else:
            world.do(act, amount)
    assert max(per_hour(world, clock_ahead).values(), default=0) <= max(1, (1 - share) * 60 + 1e-6)


def test_at_full_demand_every_clock_hour_is_used_up():
    world = World(CLOCK_HOUR)
    for _ in range(45 * 3):
        world.ask()
    assert list(per_hour(world).values()) == [45, 45, 45]


def test_a_day_of_full_demand_never_overdraws_an_hour_when_the_clock_is_an_hour_off():
    world = World(CLOCK_HOUR, Budget(skew=-1800))
    for _ in range(45 * 24):
        world.ask()
    assert set(per_hour(world, -1800).values()) == {45}


@pytest.mark.parametrize(("phase", "first"), [(0.0, 2), (0.5, 3.5), (1.0, 5)])
def test_the_first_look_of_an_hour_waits_a_moment(phase, first):
    allowance = replace(CLOCK_HOUR, phase=phase)
    assert may_go(Budget(), allowance, NOON) == NOON + first
    assert may_go(Budget(), allowance, NOON + 30) == NOON + 30


def test_nothing_goes_so_near_the_hour_that_it_could_count_in_both():
    assert may_go(Budget(), CLOCK_HOUR, NOON - 2) == NOON - 2
    assert may_go(Budget(), CLOCK_HOUR, NOON - 1.9) == NOON + 3.5
    assert may_go(Budget(skew=60), CLOCK_HOUR, NOON - 61) == NOON - 60 + 3.5


def test_an_hour_that_is_used_up_is_waited_for():
    used = Budget(window_start=NOON, used=45)
    assert may_go(used, CLOCK_HOUR, NOON + 60) == NOON + HOUR + 3.5
    assert may_go(replace(used, used=44), CLOCK_HOUR, NOON + 60) == NOON + 60
    assert may_go(replace(used, used=44), CLOCK_HOUR, NOON + 60, cost=2) == NOON + HOUR + 3.5


def test_a_look_that_costs_more_counts_for_more():
    assert left(spend(Budget(), CLOCK_HOUR, NOON + 60, cost=3), CLOCK_HOUR, NOON + 61) == 42


def test_a_look_dearer_than_the_whole_quota_goes_in_an_hour_of_its_own():
    scant = replace(CLOCK_HOUR, budget=Rate(3, 3600))
    assert may_go(Budget(), scant, NOON + 60, cost=4) == NOON + 60
    assert may_go(Budget(window_start=NOON, used=1), scant, NOON + 60, cost=4) == NOON + HOUR + 3.5


def test_what_is_left_of_an_hour_is_told():
    used = Budget(window_start=NOON, used=40, skew=10)
    assert (quota(used, CLOCK_HOUR, NOON), left(used, CLOCK_HOUR, NOON), rest(used, NOON)) == (45, 5, 3590)
    assert left(used, CLOCK_HOUR, NOON + 3589) == 5
    assert left(used, CLOCK_HOUR, NOON + 3590) == 45
    assert left(replace(used, used=50), CLOCK_HOUR, NOON) == 0


@given(rates, limits, st.booleans(), st.floats(0, 0.95), acts("wait", "restart", "step", "refuse", "answer"))
def test_a_share_is_left_exactly_while_a_look_may_go(budget, limit, hourly, share, happens):
    world = World(Allowance(budget, limit, share, hourly=hourly))
    for act, amount in happens:
        world.do(act, amount)
        told = share_left(world.budget, world.allowance, world.now)
        assert 0 <= told <= 1
        assert (told > 0) == (may_go(world.budget, world.allowance, world.now) <= world.now)


def test_the_tightest_window_tells_what_is_left():
    minute, both = Allowance(Rate(60, 60), Rate(0, 60)), replace(CLOCK_HOUR, budget=Rate(60, 60))
    for allowance, expected in (
        (minute, [1, 5 / 6, 4 / 6]),
        (CLOCK_HOUR, [1, 44 / 45, 43 / 45]),
        (both, [1, 5 / 6, 4 / 6]),
    ):
        world = World(allowance)
        world.time += 10
        shares = []
        for _ in range(3):
            shares.append(share_left(world.budget, allowance, world.now))
            world.budget = spend(world.budget, allowance, world.now)
        assert shares == pytest.approx(expected)


def test_a_budget_by_the_minute_is_kept_within_the_hour_too():
    world = World(replace(CLOCK_HOUR, budget=Rate(2, 60)))
    for _ in range(46):
        world.ask()
    assert most_in_a_window(world.went, 60) == 2
    assert list(per_hour(world).values()) == [45, 1]


@pytest.mark.parametrize(("draw", "wait"), [(0.0, 1), (0.5, 3), (1.0, 5)])
def test_a_refusal_before_our_own_count_says_so_waits_for_their_next_hour(draw, wait):
    budget = refused(Budget(window_start=NOON, used=3, skew=-600), CLOCK_HOUR, None, NOON + 60, draw)
    assert budget.hold_until == NOON + 600 + wait
    assert may_go(budget, CLOCK_HOUR, NOON + 60) == max(budget.hold_until, NOON + 600 + 3.5)


def test_the_hour_after_a_refusal_reserves_twice_as_much():
    world = World(CLOCK_HOUR, refused(Budget(), CLOCK_HOUR, None, NOON + 60, 0.5))
    world.time = NOON + 60
    for _ in range(30 + 45 + 45):
        world.ask()
    assert list(per_hour(world).values()) == [30, 45, 45]


def test_refusals_hour_after_hour_leave_a_quarter_at_last():
    budget, quotas = Budget(), []
    for hour in range(4):
        now = NOON + hour * HOUR + 60
        budget = refused(told(budget, CLOCK_HOUR, None, now), CLOCK_HOUR, None, now, 0.5)
        quotas.append(quota(budget, CLOCK_HOUR, now + HOUR))
    assert quotas == [30, 15, 15, 15]


# --- clocks and restarts


def test_a_clock_that_steps_changes_nothing_of_what_is_due():
    budget = Budget(NOON + 5, NOON, 3, NOON + 60, 1, 0.5, NOON - 5, 0.5, NOON - 60, 2.0, (1.5, 2.0, 2.5))
    for by in (-DAY, -1.5, 0.0, DAY):
        after = stepped(budget, by)
        assert stepped(after, -by) == budget
        for allowance in (KNOWN, UNKNOWN, CLOCK_HOUR):
            assert may_go(after, allowance, NOON + by) == may_go(budget, allowance, NOON) + by
        assert may_go(stepped(Budget(tat=NOON + 5), by), KNOWN, NOON + by) > NOON + by


@pytest.mark.parametrize("allowance", [KNOWN, UNKNOWN, CLOCK_HOUR, replace(CLOCK_HOUR, budget=Rate(1, 60))])
@given(
    tat=st.floats(0, 1e12),
    start=st.floats(0, 1e12),
    used=st.integers(0, 1000),
    hold=st.floats(0, 1e12),
    slowed=st.floats(0, 1e12),
    boosted=st.floats(0, 1e12),
)
def test_a_row_from_the_future_keeps_nobody_waiting_for_long(allowance, tat, start, used, hold, slowed, boosted):
    stored = Budget(tat, start, used, hold, 3, 0.2, slowed, 0.75, boosted)
    assert NOON <= may_go(loaded(stored, allowance, NOON), allowance, NOON) <= NOON + 2 * HOUR + 5


def test_a_row_that_is_right_is_loaded_as_it_is():
    for allowance in (KNOWN, UNKNOWN, CLOCK_HOUR):
        stored = Budget(NOON + 5, NOON, 3, NOON + HOUR, 1, 0.5, NOON + HOUR, 0.5, NOON + HOUR, 2.0)
        assert loaded(stored, allowance, NOON) == stored


def test_a_budget_of_one_a_day_waits_for_a_day_at_most():
    daily = Allowance(Rate(1, 86400), Rate(0, 60))
    stored = spend(Budget(), daily, NOON)
    assert may_go(loaded(stored, daily, NOON), daily, NOON) == NOON + DAY
    assert may_go(loaded(stored, daily, NOON - 3 * DAY), daily, NOON - 3 * DAY) == NOON - 2 * DAY


def test_an_hour_from_the_future_is_one_nobody_knows_of():
    stored = Budget(window_start=NOON + 2 * HOUR, used=1)
    assert loaded(stored, CLOCK_HOUR, NOON + 601) == replace(stored, window_start=NOON, used=11)
    soon = Budget(window_start=NOON + HOUR, used=1)
    assert loaded(soon, CLOCK_HOUR, NOON + 601) == soon
    assert may_go(soon, CLOCK_HOUR, NOON + 601) == NOON + HOUR + 3.5


@pytest.mark.parametrize(("minutes", "used"), [(0, 0), (1, 1), (20.5, 21), (59.9, 60)])
def test_of_an_hour_nobody_knows_of_all_is_used_that_can_have_been(minutes, used):
    loaded_ = loaded(Budget(window_start=NOON + 3 * HOUR), CLOCK_HOUR, NOON + minutes * 60)
    assert loaded_ == Budget(window_start=NOON, used=used)


def test_of_an_hour_without_a_limit_all_is_used_of_our_own():
    ours = replace(CLOCK_HOUR, limit=Rate(0, 60), budget=Rate(30, 3600))
    assert loaded(Budget(window_start=NOON + 3 * HOUR), ours, NOON + 1800).used == 15


def test_an_hour_nobody_knows_of_is_counted_by_the_limit_and_by_their_clock():
    limited = replace(CLOCK_HOUR, limit=Rate(40, 3600))
    assert loaded(Budget(window_start=NOON + 3 * HOUR), limited, NOON + 1800).used == 20
    late = loaded(Budget(window_start=NOON + 9 * HOUR, skew=2 * HOUR), CLOCK_HOUR, NOON + 60)
    assert (late.window_start, late.used) == (NOON + 2 * HOUR, 1)
    right = Budget(window_start=NOON + 2 * HOUR, used=5, skew=2 * HOUR)
    assert loaded(right, CLOCK_HOUR, NOON) == right


def test_moments_that_no_clock_of_ours_can_have_written_are_brought_back():
    stored = Budget(hold_until=NOON + DAY, rate=0.1, slowed_at=NOON + DAY, boost=0.5, boosted_at=NOON + DAY)
    held = loaded(replace(stored, told_until=NOON + DAY), UNKNOWN, NOON)
    assert (held.hold_until, held.slowed_at, held.boosted_at, held.told_until) == (NOON + HOUR,) * 4


def test_a_rate_that_was_felt_for_is_waited_for_after_a_restart():
    stored = Budget(tat=NOON + 50, rate=0.1, slowed_at=NOON)
    assert loaded(stored, UNKNOWN, NOON) == stored


def test_a_clock_that_is_set_moves_every_moment_and_what_their_clock_is_ahead_by():
    one = Budget(5.0, 3600.0, 2, 7.0, 1, 0.5, 11.0, 0.5, 13.0, 100.0, (90.0, 110.0), 4, 15.0)
    assert stepped(one, 20) == Budget(25.0, 3600.0, 2, 27.0, 1, 0.5, 31.0, 0.5, 33.0, 80.0, (70.0, 90.0), 4, 35.0)


def test_a_theoretical_arrival_time_of_another_clock_is_forgotten():
    one_by_one = Allowance(Rate(5, 60), Rate(0, 60))  # every 12 s
    assert [may_go(Budget(tat=NOON + ahead), one_by_one, NOON) - NOON for ahead in (132, 133)] == [132, 0]
    assert may_go(Budget(tat=NOON + DAY), KNOWN, NOON) == NOON
    assert spend(Budget(tat=NOON + DAY), KNOWN, NOON).tat < NOON + 2


def test_another_hour_on_their_clock_takes_along_what_was_counted():
    budget = Budget(window_start=NOON, used=7)
    for skew, hours in ((1.5, 0), (50.0, 0), (7200.0, 2), (-120.0, -1)):
        moved = replace(budget, window_start=NOON + hours * HOUR, skew=skew, measured=(skew,))
        assert clocked(budget, skew, NOON + 60) == moved
    assert left(clocked(budget, -120, NOON + 60), CLOCK_HOUR, NOON + 120) == 45
    assert clocked(replace(budget, window_start=NOON - HOUR), 7200.0, NOON).used == 0  # what was used before


@pytest.mark.parametrize(("measured", "kept"), [(160.0, (100.0, 100.0, 100.0, 160.0)), (160.5, (160.5,))])
def test_what_is_further_off_than_the_slowest_answer_is_another_time(measured, kept):
    budget = Budget(window_start=NOON - DAY, used=7, skew=100.0, measured=(100.0,) * 3)
    assert clocked(budget, measured, NOON).measured == kept


@pytest.mark.parametrize(("measured", "moved"), [(101.0, False), (102.0, False), (102.5, True)])
def test_within_two_seconds_their_clock_is_as_it_was(measured, moved):
    budget = Budget(window_start=NOON - DAY, used=7, skew=100.0, measured=(100.0,))
    assert (clocked(budget, measured, NOON + 60).used == 0) is moved


def test_a_slow_answer_says_little_of_their_clock():
    budget, skews = Budget(), []
    for measured in (0.4, 0.6, 0.5, 25.0, 0.5, 29.0, 0.5, 28.0, 0.4, 26.0, 27.0, 29.0, 30.0, 31.0):
        budget = clocked(budget, measured, NOON)
        skews.append(budget.skew)
    assert skews == [0.4, 0.6, 0.5, 0.6, 0.5, 0.6, 0.5, 0.6, 0.5, 0.6, 25.0, 26.0, 27.0, 28.0]
    assert len(budget.measured) == 9


def test_a_clock_that_was_set_right_is_believed_at_once():
    budget = Budget(skew=-0.5, measured=(-0.5,) * 9)
    assert clocked(budget, 120, NOON) == replace(clocked(Budget(), 120, NOON))
    assert clocked(budget, 59, NOON).skew == -0.5


def test_a_second_more_or_less_on_their_clock_moves_nothing_into_another_hour():
    budget = clocked(Budget(window_start=NOON - HOUR, used=45), 1.0, NOON - 0.5)
    assert may_go(budget, CLOCK_HOUR, NOON - 0.5) == NOON - 1 + 3.5


# --- what is told of it


def test_of_what_was_never_asked_nothing_is_used():
    none = Budget(0.0, 0.0, 0, 0.0, 0, rate=0.0, slowed_at=0.0, boost=0.0, boosted_at=0.0, skew=0.0, measured=())
    assert Budget() == replace(none, told_left=None, told_until=0.0)


@pytest.mark.parametrize("allowance", [KNOWN, UNKNOWN])
def test_what_is_known_is_asked_for_evenly(allowance):
    for draw in (0.0, 1.0):
        assert spend(Budget(), allowance, NOON, draw=draw) == spend(Budget(), allowance, NOON)
    assert share_left(Budget(window_start=NOON, used=59), allowance, NOON) == 1


def test_a_limit_that_is_known_by_now_is_not_felt_for_any_more():
    felt = Budget(rate=0.1, slowed_at=NOON)
    assert spend(felt, KNOWN, NOON).tat == spend(Budget(), KNOWN, NOON).tat
    assert spend(felt, UNKNOWN, NOON).tat == NOON + 10


def test_of_a_burst_the_last_one_is_told():
    assert share_left(Budget(tat=NOON + (WHOLE.burst - 1) * WHOLE.every), UNKNOWN, NOON) == 1 / WHOLE.burst


def test_an_answer_without_news_holds_nothing_back():
    assert told(Budget(), KNOWN, None, NOON) == Budget()
