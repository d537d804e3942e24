"""How many looks go, and which are left out where few may: budgets, limits, holds, and a clock that is set."""

import asyncio
from dataclasses import replace
from itertools import pairwise
from math import inf

import pytest
from pacing import most_in_a_window
from world import CADENCE, LISTING, PACE, endpoint, world

from notifier.core.model import Limit, LookKind, Rate, Status
from notifier.core.rhythm import Listing
from notifier.providers.base import Unavailable

S = Status
MINUTE, HOUR = 60.0, 3600.0
IDS = tuple(f"u{number}" for number in range(40))
FEED = Listing(LookKind.FEED, "finished", active=30, idle=300)
SCARCE = Rate(6, 60)
FULL = 1_800_000_000.0
"""A full hour, UTC: at it the clock of the world begins."""


async def types(w):
    rows = await w.store.database.rows("SELECT type FROM events WHERE upload IS NOT NULL ORDER BY position")
    return [row[0] for row in rows]


def alone(path, **more):
    """Uploads that can only be asked for one by one."""
    return world(path, **{"uploads": IDS, "discover": False, "listings": (), **more})


def processing(w, *ids):
    for id_ in ids:
        w.client.set(id_, S.PROCESSING)


# --- one credential


@pytest.mark.parametrize(("accounts", "most"), [({"posts": "k", "more": "k"}, 6), ({"posts": "k", "more": "l"}, 12)])
async def test_sources_with_one_credential_share_one_budget(tmp_path, accounts, most):
    async with alone(tmp_path, budget=SCARCE, accounts=accounts) as w:
        processing(w, *IDS)
        await w.polls_until(FULL + 600)
        assert most_in_a_window(w.client.times, MINUTE) == most
        rows = await w.store.database.rows("SELECT DISTINCT json_extract(body, '$.data.source') FROM events")
        assert {row[0] for row in rows} == {"posts", "more"}


@pytest.mark.parametrize("together", [False, True])
async def test_no_source_takes_every_turn_of_a_scarce_credential(tmp_path, together):
    async with alone(tmp_path, budget=SCARCE, accounts={"posts": "k", "more": "k"}) as w:
        processing(w, *IDS)
        due = {"more": w.clock.now, "posts": w.clock.now}
        while w.clock.now < FULL + 2400:  # of two that are due, always over the same first, or over both at once
            first = min(due, key=lambda one: (due[one], one))
            w.clock.now = max(w.clock.now, due[first])
            names = [name for name in sorted(due) if due[name] <= w.clock.now] if together else [first]
            due |= zip(names, await asyncio.gather(*map(w.poller.poll, names)), strict=True)
        seen = await w.store.database.rows("SELECT source, count(*) FROM uploads WHERE snapshot IS NOT NULL GROUP BY 1")
        assert [count for _, count in seen] == [40, 40]


async def test_a_source_that_asked_by_a_clock_that_was_ahead_has_its_turn_all_the_same(tmp_path):
    async with alone(tmp_path, accounts={"posts": "k", "more": "k"}) as w:
        credentials, (posts, more) = w.poller.credentials, w.poller.watched.values()
        credentials.spend(posts, FULL + 24 * HOUR, 0.5)
        credentials.believe(-24 * HOUR, FULL)
        credentials.waits(posts)
        credentials.waits(more)
        assert (credentials.is_first(posts), credentials.is_first(more)) == (True, False)


async def test_what_answers_to_one_source_tell_of_a_limit_holds_for_the_others_of_its_credential(tmp_path):
    async with alone(tmp_path, accounts={"posts": "k", "more": "k"}) as w:
        w.client.limit = Limit(remaining=30, reset_in=1.0, total=30, window=60.0)
        await w.poll()
        assert {one.allowance.limit for one in w.poller.watched.values()} == {Rate(30, 60.0)}


async def test_a_limit_that_one_source_met_holds_the_other_of_the_same_credential(tmp_path):
    async with alone(tmp_path, accounts={"posts": "k", "more": "k"}) as w:
        processing(w, *IDS)
        w.client.fault = Unavailable("429", retry_after=100.0, limited=True)
        await w.poll()
        w.client.fault = None
        await w.polls_until(FULL + 99)
        assert len(w.client.asked) == 1
        await w.polls_until(FULL + 110)
        assert len(w.client.asked) > 1


async def test_a_restart_forgets_nothing_of_what_was_spent(tmp_path):
    async with alone(tmp_path, budget=SCARCE) as w:
        processing(w, *IDS)
        for _ in range(10):
            await w.polls_until(w.clock.now + 30)
            await w.stop()
            await w.start()
        assert most_in_a_window(w.client.times, MINUTE) == 6


# --- what answers tell of the limit


async def test_a_limit_that_answers_tell_is_kept_with_a_share_for_the_user(tmp_path):
    async with alone(tmp_path) as w:
        processing(w, *IDS)
        w.client.limit = Limit(remaining=30, reset_in=1.0, total=30, window=60.0)
        await w.polls_until(FULL + 600)
        assert 10 < most_in_a_window(w.client.times[1:], MINUTE) <= 22  # three quarters of 30


async def test_what_is_left_of_a_limit_lasts_until_it_is_reset(tmp_path):
    async with alone(tmp_path) as w:
        processing(w, *IDS)
        w.client.limit = Limit(remaining=10, reset_in=200.0)
        await w.poll()
        await w.polls_until(FULL + 199)
        assert 2 <= len(w.client.asked) <= 11


@pytest.mark.parametrize("skew", [0.0, 900.0])
async def test_a_bare_refusal_where_hours_are_counted_holds_until_the_next_one_begins_there(tmp_path, skew):
    hourly = Rate(60, HOUR)
    async with alone(tmp_path, hourly=True, limit=hourly, budget=hourly) as w:
        processing(w, *IDS)
        w.client.skew = skew
        await w.polls_until(FULL + 1000)
        w.client.fault = Unavailable("429", limited=True)
        asked = len(w.client.asked)
        await w.polls_until(FULL + 1200)
        w.client.fault = None
        await w.polls_until(FULL + HOUR)
        await w.polls_until(FULL + HOUR + 60)
        _, after = w.client.times[asked : asked + 2]
        assert 1 <= after - (FULL + HOUR - skew) <= 5


async def test_the_requests_of_a_clock_hour_last_for_the_hour(tmp_path):
    hourly = Rate(60, HOUR)
    lists = replace(LISTING, active=240, idle=480)
    pace = replace(PACE, price=5.0, caps=((600, 38), (inf, 3600)))
    cadence = replace(CADENCE, stuck_after=1e6)
    async with world(
        tmp_path, listings=(lists,), single=False, hourly=True, limit=hourly, budget=hourly, pace=pace, cadence=cadence
    ) as w:
        await w.polls_until(FULL + HOUR)
        for number in range(4 * 60):  # each takes a minute, and another is there at once
            w.client.put_on_top(f"u{number}", status=S.PROCESSING)
            if number:
                w.client.set(f"u{number - 1}", S.COMPLETED)
            await w.polls_until(w.clock.now + MINUTE)
        for hour in range(1, 5):
            times = [time - FULL - hour * HOUR for time in w.client.times if 0 <= time - FULL - hour * HOUR < HOUR]
            assert 30 <= len(times) <= 45
            assert times[-1] > HOUR - 300


# --- where few may go


@pytest.mark.parametrize("count", [2, 3])
async def test_the_requests_of_a_clock_hour_last_for_all_sources_that_share_them(tmp_path, count):
    hourly, names = Rate(60, HOUR), ("posts", "more", "most")[:count]
    lists, pace = replace(LISTING, active=240, idle=480), replace(PACE, price=5.0, caps=((600, 38), (inf, HOUR)))
    async with world(
        tmp_path, listings=(lists,), single=False, hourly=True, limit=hourly, budget=hourly, pace=pace,
        accounts=dict.fromkeys(names, "k"),
    ) as w:  # fmt: skip
        await w.polls_until(FULL + HOUR)
        for number in range(180):
            w.client.put_on_top(f"u{number}", status=S.PROCESSING)
            if number:
                w.client.set(f"u{number - 1}", S.COMPLETED)
            await w.polls_until(w.clock.now + MINUTE)
        for began in (FULL + 2 * HOUR, FULL + 3 * HOUR):
            looks = [at - began for at in w.client.times if began <= at < began + HOUR]
            assert max(later - sooner for sooner, later in pairwise([0.0, *looks, HOUR])) < 600


@pytest.mark.parametrize("count", [1, 3])
async def test_what_has_settled_at_several_sources_takes_no_more_than_a_tenth_of_what_they_share(tmp_path, count):
    names, often = ("posts", "more", "most")[:count], replace(CADENCE, settled=((86400, 60),))
    accounts = dict.fromkeys(names, "k")
    async with alone(tmp_path, budget=Rate(60, 60), cadence=often, accounts=accounts) as w:
        for id_ in IDS:
            w.client.set(id_, S.FAILED)
        await w.polls_until(FULL + 1200)
        w.client.asked.clear()
        await w.polls_until(FULL + 3200)
        assert 100 < len(w.client.asked) <= 200


@pytest.mark.parametrize("scheduled", [False, True])
async def test_time_in_which_nothing_young_is_open_is_no_time_to_save_for(tmp_path, scheduled):
    hourly = Rate(60, HOUR)
    async with world(tmp_path, single=False, hourly=True, limit=hourly, budget=hourly) as w:
        w.client.set("stuck", S.PROCESSING)
        if scheduled:
            w.client.set("later", S.SCHEDULED, scheduled_at=FULL + 7 * 24 * HOUR)
        await w.polls_until(FULL + 6 * HOUR)
        assert w.poller.watched["posts"]._busy.share < 0.1


async def test_where_few_may_go_a_feed_tells_the_end_and_no_first_look_is_spent(tmp_path):
    pace = replace(PACE, caps=((inf, 10),))
    async with world(tmp_path, uploads=IDS, discover=False, listings=(FEED,), budget=SCARCE, pace=pace) as w:
        processing(w, *IDS)
        await w.polls_until(FULL + 500)
        kinds = [look.kind for look in w.client.asked]
        assert kinds.count(LookKind.GET) < len(IDS) / 2
        w.client.asked.clear()
        w.client.set("u39", S.COMPLETED, updated_at=w.clock.now)
        await w.polls_until(w.clock.now + MINUTE)
        assert await types(w)
        assert (await types(w))[-1] == "upload.completed"


async def test_what_has_waited_too_long_goes_before_what_is_watched(tmp_path):
    async with alone(tmp_path, budget=SCARCE) as w:
        processing(w, *IDS)
        await w.polls_until(FULL + HOUR)
        assert {look.id for look in w.client.asked} == set(IDS)


async def test_what_has_settled_never_takes_more_than_a_tenth(tmp_path):
    often = replace(CADENCE, settled=((86400, 60),))
    async with alone(tmp_path, budget=Rate(60, 60), cadence=often) as w:
        for id_ in IDS:
            w.client.set(id_, S.FAILED)
        await w.polls_until(FULL + 600)
        first = len(w.client.asked)
        await w.polls_until(w.clock.now + 2000)
        assert 0.8 * 200 <= len(w.client.asked) - first <= 200


# --- a source that rests


async def test_a_source_that_asks_for_time_gets_it_and_no_more(tmp_path):
    async with alone(tmp_path, endpoints=(endpoint("ops", events=("source.*",)),)) as w:
        processing(w, *IDS)
        w.client.fault = Unavailable("503", retry_after=500.0)
        await w.poll()
        w.client.fault = None
        await w.polls_until(FULL + 499)
        assert len(w.client.asked) == 1
        await w.polls_until(FULL + 502)
        assert len(w.client.asked) > 1


# --- the clock is set


@pytest.mark.parametrize("jump", [-1e8, -5000.0, 5000.0, 1e8])
async def test_a_hold_is_as_long_as_it_was_when_the_clock_is_set(tmp_path, jump):
    async with alone(tmp_path) as w:
        processing(w, *IDS)
        await w.poll()
        w.client.fault = Unavailable("429", retry_after=1000.0, limited=True)
        await w.poll()
        w.client.fault = None
        held_from, asked = w.clock.now + jump, len(w.client.asked)
        w.clock.now += jump
        await w.poller.believe_no_later(jump)
        await w.polls_until(held_from + 990)
        assert len(w.client.asked) == asked
        await w.polls_until(held_from + 1010)
        assert len(w.client.asked) > asked


@pytest.mark.parametrize("listings", [(), (LISTING,)])
async def test_a_clock_that_was_ahead_delays_nothing_that_is_watched(tmp_path, listings):
    async with world(tmp_path, uploads=("a", "b"), listings=listings) as w:
        processing(w, "a", "b")
        await w.polls_until(FULL + 60)
        w.clock.now -= 1e7
        await w.poller.believe_no_later(-1e7)
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 30)
        assert (await types(w))[-1] == "upload.completed"
        w.client.put_on_top("c")
        await w.polls_until(w.clock.now + LISTING.idle)
        assert ("upload.completed" in (await types(w))[3:]) == bool(listings)


async def test_half_an_answer_by_a_clock_that_was_ahead_is_asked_for_from_the_start(tmp_path):
    async with alone(tmp_path, uploads=("a",)) as w:
        processing(w, "a")
        observe = w.client.observe

        async def half(look, at):
            answer = await observe(look, at)
            return answer if look.ref else replace(answer, observations=(), then=replace(look, ref="job"))

        w.client.observe = half
        await w.poll()
        w.clock.now -= 1e7
        await w.poller.believe_no_later(-1e7)
        await w.polls_until(w.clock.now + 30)
        assert [look.ref for look in w.client.asked[:3]] == [None, None, "job"]
        assert await types(w) == ["upload.processing"]
