"""What is over for long goes, a bite at a time, whatever comes between; what the lists still show is not told again."""

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest
from stored import NOW, altered, announce, due, event, opened, result
from world import endpoint, world

from notifier.core.model import Baseline, Status
from notifier.housekeeping import BITE, DOUBTED, EVERY, PAUSE, SHORTEST, Housekeeping

S = Status
DAY = 86400.0
APP = endpoint("app")


async def round_of(keeping, now):
    """All bites of a round; answers how many, and when the next one begins."""
    bites = 0
    while True:
        bites += 1
        at = await keeping.step(now)
        if at > now + PAUSE:
            return bites, at


async def count(store, table):
    ((number,),) = await store.database.rows(f"SELECT count(*) FROM {table}")
    return number


@asynccontextmanager
async def delivered(path, number):
    """A store with so many deliveries that have arrived, at NOW."""
    async with opened(path / "notifier.db") as store:
        for start in range(1, number + 1, 100):
            await announce(store, *(event(lane, 1) for lane in range(start, min(start + 100, number + 1))))
            await store.record([result(one) for one in await due(store)])
        yield store


async def test_a_round_goes_bite_by_bite_and_then_rests_for_an_hour(tmp_path):
    async with delivered(tmp_path, 2 * BITE) as store:
        keeping = Housekeeping(store, 30 * DAY)
        now = NOW + 31 * DAY
        assert await keeping.step(now) == now + PAUSE
        assert await count(store, "deliveries") == BITE
        bites, at = await round_of(keeping, now)
        assert bites >= 8
        assert at == now + EVERY
        assert [await count(store, name) for name in ("deliveries", "attempts", "events")] == [0, 0, 0]
        assert (await store.figures()).free == 0


async def test_between_rounds_nothing_is_done_and_a_clock_that_is_set_back_stops_none(tmp_path):
    async with delivered(tmp_path, 1) as store:
        keeping = Housekeeping(store, 30 * DAY)
        _, at = await round_of(keeping, NOW)
        assert await keeping.step(NOW + EVERY - 1) == at
        assert await count(store, "deliveries") == 1
        assert (await round_of(keeping, NOW + 31 * DAY))[1] == NOW + 31 * DAY + EVERY
        assert await count(store, "deliveries") == 0
        assert (await round_of(keeping, NOW))[1] == NOW + EVERY


@pytest.mark.parametrize("bites", range(9))
async def test_a_round_that_is_cut_off_anywhere_is_made_anew_by_the_next_process(tmp_path, bites):
    now = NOW + 31 * DAY
    async with delivered(tmp_path, BITE + 5) as store:
        keeping = Housekeeping(store, 30 * DAY)
        for _ in range(bites):
            await keeping.step(now)
    async with opened(tmp_path / "notifier.db") as store:
        await round_of(Housekeeping(store, 30 * DAY), now)
        assert [await count(store, name) for name in ("deliveries", "attempts", "events")] == [0, 0, 0]


@pytest.mark.parametrize(("age", "left"), [(SHORTEST, 1), (SHORTEST + 1, 0)])
async def test_what_has_just_ended_is_kept_for_an_hour_however_little_keep_says(tmp_path, age, left):
    async with delivered(tmp_path, 1) as store:
        await round_of(Housekeeping(store, 1.0), NOW + 0.5 + age)
        assert await count(store, "deliveries") == left


async def living(w, keeping, until):
    """The daemon's day: polls and sends, and a round every hour."""
    while w.clock.now < until:
        await w.polls_until(w.clock.now + EVERY)
        await w.settle()
        await round_of(keeping, w.clock.now)


async def test_what_a_list_still_shows_long_after_is_not_told_again_and_what_moves_then_is(tmp_path):
    async with world(tmp_path, endpoints=(APP,), baseline=Baseline.ANNOUNCE) as w:
        for id_ in ("a", "b", "c"):
            w.client.set(id_, S.COMPLETED, title="a film", url="https://example.com/1")
        w.client.set("d", S.DRAFT)
        keeping = Housekeeping(w.store, 2 * DAY)
        await living(w, keeping, w.clock.now + 4 * DAY)
        told = w.receivers.types("app")
        assert sorted(told) == ["upload.completed"] * 3 + ["upload.draft"]
        assert [await count(w.store, name) for name in ("deliveries", "events", "uploads")] == [1, 1, 4]
        w.client.set("a", S.COMPLETED, title="a new title", url="https://example.com/2")
        w.client.set("b", S.PROCESSING)
        w.client.set("new", S.QUEUED)
        await living(w, keeping, w.clock.now + EVERY)
        later = [one["data"] for one in w.receivers.events("app")[4:]]
        assert {one["upload"]["id"]: (one["upload"]["status"], one["sequence"]) for one in later} == {
            "b": ("processing", 2),
            "new": ("queued", 1),
        }
        reopened = next(one for one in later if one["upload"]["id"] == "b")
        assert reopened["previous"] == {"status": "completed", "raw_status": "completed"}
        assert (reopened["reopened"], reopened["first_seen"]) == (True, False)
        assert reopened["changes"] == [{"field": "status", "from": "completed", "to": "processing"}]
        w.client.set("b", S.COMPLETED, url="https://example.com/3")
        await living(w, keeping, w.clock.now + EVERY)
        assert w.receivers.events("app")[-1]["data"]["sequence"] == 3


async def test_what_a_silent_baseline_took_is_never_told_however_often_the_program_starts(tmp_path):
    async with world(tmp_path, endpoints=(APP,)) as w:
        for n in range(3):
            w.client.set(f"u{n}", S.COMPLETED)
        await living(w, Housekeeping(w.store, DAY), w.clock.now + 3 * DAY)
    for _ in range(2):
        await w.start()
        await living(w, Housekeeping(w.store, DAY), w.clock.now + DAY)
        await w.stop()
    assert w.receivers.types("app") == []


# --- what waits for an endpoint that left the config


@asynccontextmanager
async def left(path, number, **more):
    """A world that names "crm" alone, in which so many lanes of two wait for "app"; the last of each is first in it."""
    async with world(path, endpoints=(APP, endpoint("crm"))) as w:
        for sequence in (2, 1):
            news = (event(lane, sequence, at=w.clock.now) for lane in range(1, number + 1))
            await announce(w.store, *news, to=(APP,))
    async with world(path, endpoints=(endpoint("crm"),), **more) as w:
        yield w


async def waits(store):
    found = await store.database.rows("SELECT phase, cause, count(*) FROM deliveries GROUP BY phase, cause ORDER BY 1")
    return [tuple(row) for row in found]


async def test_what_waits_for_an_endpoint_that_left_the_config_is_kept_and_in_the_end_dead(tmp_path, caplog):
    async with left(tmp_path, BITE) as w:
        start = w.clock.now
        await round_of(Housekeeping(w.store, 30 * DAY), start + 30 * DAY)
        await w.settle()
        assert await waits(w.store) == [("waiting", None, 2 * BITE)]
        bites, _ = await round_of(Housekeeping(w.store, 30 * DAY), start + 30 * DAY + 1)
        assert bites >= 9
        assert await waits(w.store) == [("dead", "left", 2 * BITE)]
        ((at,),) = await w.store.database.rows("SELECT DISTINCT settled_at FROM deliveries")
        assert at == start + 30 * DAY + 1
        assert w.receivers.calls == 0
    told = [(one.levelname, one.fields) for one in caplog.records if one.message.startswith("endpoint left the config")]
    assert told == [
        ("WARNING", {"endpoint": "app", "waiting": 2 * BITE, "since": start}),
        ("ERROR", {"endpoint": "app", "deliveries": 2 * BITE}),
    ]


async def test_who_comes_back_gets_what_waits_in_order_be_it_while_it_is_given_up(tmp_path):
    async with left(tmp_path, BITE) as w:
        await w.store.bury_left(w.clock.now + 1, w.clock.now, BITE)
        assert await waits(w.store) == [("dead", "left", BITE), ("waiting", None, BITE)]
    async with world(tmp_path, endpoints=(APP, endpoint("crm"))) as w:
        await round_of(Housekeeping(w.store, 30 * DAY), w.clock.now + 31 * DAY)
        await w.settle()
        assert await waits(w.store) == [("dead", "left", BITE), ("delivered", None, BITE)]


async def test_who_left_again_has_all_of_its_time_again(tmp_path):
    async with left(tmp_path, 1) as w:
        start = w.clock.now
    async with world(tmp_path, endpoints=(APP,)):
        pass
    async with world(tmp_path, endpoints=()) as w:
        w.clock.now = start + 29 * DAY
        await w.sender.open()  # as a restart does
        for now, phase in ((start + 30 * DAY, "waiting"), (start + 31 * DAY, "dead")):
            await round_of(Housekeeping(w.store, 30 * DAY), now)
            assert [one[0] for one in await waits(w.store)] == [phase]


@pytest.mark.parametrize("jump", [-400 * DAY, 400 * DAY])
async def test_a_clock_that_is_set_neither_shortens_nor_prolongs_the_time_of_who_left(tmp_path, jump):
    async with left(tmp_path, 1) as w:
        w.clock.now += DAY + jump
        await w.sender.believe_no_later(jump)
        for days, phase in ((29, "waiting"), (29.1, "dead")):
            await round_of(Housekeeping(w.store, 30 * DAY), w.clock.now + days * DAY)
            assert [one[0] for one in await waits(w.store)] == [phase]


async def test_a_clock_that_was_ahead_when_one_left_does_not_prolong_its_time(tmp_path):
    async with left(tmp_path, 1) as w:
        await altered(w.store, "UPDATE endpoints SET left_at = 1e12 WHERE name = 'app'")
        await w.stop()
        await w.start()
        await round_of(Housekeeping(w.store, 30 * DAY), w.clock.now + 30.1 * DAY)
        assert await waits(w.store) == [("dead", "left", 2)]


async def test_a_clock_that_was_set_forgets_nothing_for_hours(tmp_path):
    async with delivered(tmp_path, 1) as store:
        keeping = Housekeeping(store, 30 * DAY)
        ahead = NOW + 3650 * DAY
        keeping.doubt_the_clock(ahead)
        assert await keeping.step(ahead) == ahead + DOUBTED
        assert await count(store, "deliveries") == 1
        keeping.doubt_the_clock(NOW)  # and back
        assert await keeping.step(NOW) == NOW + DOUBTED
        await round_of(keeping, NOW + DOUBTED)
        assert await count(store, "deliveries") == 1


async def test_a_clock_that_is_set_in_the_middle_of_a_bite_ends_the_round_and_not_the_daemon(tmp_path):
    async with delivered(tmp_path, 1) as store:
        keeping = Housekeeping(store, 30 * DAY)
        go_on = threading.Event()
        held = asyncio.create_task(store.database.write(lambda _: go_on.wait()))  # so that the bite waits
        bite = asyncio.create_task(keeping.step(NOW + 60 * DAY))
        await asyncio.sleep(0)
        keeping.doubt_the_clock(NOW)
        go_on.set()
        await held
        assert await bite == NOW + DOUBTED
        assert await keeping.step(NOW) == NOW + DOUBTED
