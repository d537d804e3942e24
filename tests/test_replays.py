"""What is asked to be owed again goes out at its rate, flagged, in order, and does not hold up what is new."""

import asyncio
import logging
from contextlib import asynccontextmanager

import pytest
from world import Clock, endpoint, world

from notifier.core.model import Attempt, Baseline, Outcome, Phase, Rate, Status
from notifier.core.replay import MOST, Selection
from notifier.replays import IDLE, TRIED_AGAIN, Replays

S = Status
APP = endpoint("app")


@asynccontextmanager
async def told(path, *endpoints, uploads=25, **more):
    """A world in which so many uploads have been told to all endpoints."""
    async with world(path, endpoints=endpoints, baseline=Baseline.ANNOUNCE, **more) as w:
        for n in range(uploads):
            w.client.set(f"u{n}", S.PROCESSING)
        await w.poll()
        await w.settle()
        w.clock.now += 100
        yield w, Replays(w.store, endpoints, w.sender.wake.set)


def got(w, name="app"):
    return len(w.receivers.events(name))


async def test_where_nothing_is_asked_for_it_comes_back_in_a_while(tmp_path):
    async with told(tmp_path, APP, uploads=1) as (w, replays):
        assert await replays.step(w.clock.now) == w.clock.now + IDLE


@pytest.mark.parametrize(
    ("rate", "steps"),
    [
        (Rate(0, 1), [(10, 1.0), (10, 1.0), (5, IDLE)]),
        (Rate(20, 1), [(20, 1.0), (5, IDLE)]),
        (Rate(1200, 60), [(20, 1.0), (5, IDLE)]),
        (Rate(15, 30), [(1, 2.0), (1, 2.0)]),
    ],
)
async def test_so_many_are_owed_again_as_the_endpoint_may_get_in_a_second(tmp_path, rate, steps):
    async with told(tmp_path, endpoint("app")) as (w, _):
        one = endpoint("app", rate=rate)
        replays = Replays(w.store, [one], w.sender.wake.set)
        await replays.ask(Selection(endpoint="app"), w.clock.now)
        before = got(w)
        for count, later in steps:
            w.sender.wake.clear()
            assert await replays.step(w.clock.now) == pytest.approx(w.clock.now + later)
            assert w.sender.wake.is_set()
            assert await replays.step(w.clock.now + later / 2) == pytest.approx(w.clock.now + later, abs=IDLE / 2)
            await w.settle()
            assert got(w) == before + count
            before = got(w)
            w.clock.now += later


async def test_asking_rings_for_a_step(tmp_path):
    async with told(tmp_path, APP, uploads=1) as (w, replays):
        assert not replays.wake.is_set()
        await replays.ask(Selection(endpoint="app"), w.clock.now)
        assert replays.wake.is_set()


async def test_no_step_owes_more_than_its_share_however_high_the_rate(tmp_path):
    fast = endpoint("app", rate=Rate(1e6, 1))
    async with told(tmp_path, fast, uploads=1) as (w, replays):
        replay = await replays.ask(Selection(endpoint="app"), w.clock.now)
        assert replay.rate == 1e6
        assert await replays.step(w.clock.now) == w.clock.now + IDLE
        assert MOST / replay.rate < 1


async def test_it_goes_on_where_it_was_after_a_restart_and_says_when_it_is_done(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    async with told(tmp_path, APP) as (w, replays):
        await replays.ask(Selection(endpoint="app"), w.clock.now)
        await replays.step(w.clock.now)
        await w.settle()
        for _ in range(2):
            again = Replays(w.store, [APP], w.sender.wake.set)
            await again.step(w.clock.now)
            await w.settle()
        assert got(w) == 50
    done = [one.fields for one in caplog.records if one.message == "replayed"]
    assert done == [{"replay": 1, "deliveries": 25}]


async def test_a_clock_that_is_set_back_holds_nothing_up(tmp_path):
    async with told(tmp_path, APP) as (w, replays):
        await replays.ask(Selection(endpoint="app"), w.clock.now)
        await replays.step(w.clock.now)
        w.clock.now -= 1e6
        assert await replays.step(w.clock.now) == w.clock.now + 1


async def test_two_replays_go_on_beside_each_other(tmp_path):
    slow = endpoint("crm", rate=Rate(1, 2))
    async with told(tmp_path, APP, slow, uploads=12) as (w, replays):
        await w.sends_until(w.clock.now + 60)
        for name in ("crm", "app"):
            await replays.ask(Selection(endpoint=name), w.clock.now)
        assert await replays.step(w.clock.now) == w.clock.now + 1
        assert {one.selection.endpoint: one.count for one in await w.store.unfinished()} == {"crm": 1, "app": 10}
        assert await replays.step(w.clock.now + 1) == w.clock.now + 2
        assert {one.selection.endpoint: one.count for one in await w.store.unfinished()} == {"crm": 1}


async def test_what_is_owed_again_is_flagged_and_keeps_its_bytes_and_its_retries(tmp_path):
    async with told(tmp_path, APP, uploads=1) as (w, replays):
        flagged = []

        async def post(delivery):
            flagged.append(delivery.replay)
            return await w.receivers.post(delivery)

        w.post = post
        w.receivers.down = {"app"}
        await replays.ask(Selection(endpoint="app"), w.clock.now)
        await replays.step(w.clock.now)
        await w.sends_until(w.clock.now + 400)
        w.receivers.down = set()
        await w.sends_until(w.clock.now + 3600)
        first, second = w.receivers.got["app"]
        assert first == second
        assert flagged == [1, 1, 1, 1]


async def test_a_new_endpoint_catches_up_with_the_latest_of_every_upload_and_goes_on_from_there(tmp_path):
    crm = endpoint("crm")
    async with told(tmp_path, APP, uploads=3) as (w, _):
        w.client.set("u1", S.COMPLETED)
        await w.polls_until(w.clock.now + 60)
    w.endpoints = (APP, crm)
    await w.start()
    try:
        replays = Replays(w.store, w.endpoints, w.sender.wake.set)
        await replays.ask(Selection(endpoint="crm", latest=True), w.clock.now)
        await replays.step(w.clock.now)
        await w.settle()
        w.client.set("u2", S.FAILED)
        await w.polls_until(w.clock.now + 60)
        await w.settle()
        bodies = [(one["data"]["upload"]["id"], one["type"]) for one in w.receivers.events("crm")]
        assert sorted(bodies[:3]) == [
            ("u0", "upload.processing"), ("u1", "upload.completed"), ("u2", "upload.processing"),
        ]  # fmt: skip
        assert bodies[3:] == [("u2", "upload.failed")]
    finally:
        await w.stop()


async def test_a_replay_waits_for_an_endpoint_that_left_the_config_and_holds_nobody_up(tmp_path):
    async with told(tmp_path, APP, uploads=2) as (w, replays):
        without = Replays(w.store, [], w.sender.wake.set)
        await without.ask(Selection(endpoint="app", latest=True), w.clock.now)
        await without.ask(Selection(endpoint="app"), w.clock.now)
        assert await without.step(w.clock.now) == w.clock.now + IDLE
        await without.ask(Selection(event=w.receivers.events("app")[0]["id"]), w.clock.now)
        await without.step(w.clock.now)
        assert [one.selection.latest for one in await w.store.unfinished()] == [True, False]
        await replays.step(w.clock.now)
        assert await w.store.unfinished() == []


async def test_what_an_endpoint_had_that_left_the_config_is_not_owed_to_it_again(tmp_path):
    async with told(tmp_path, APP, endpoint("old"), uploads=1) as (w, replays):
        replays.adopt([APP])
        event = w.receivers.events("app")[0]["id"]
        assert await replays.matching(Selection(event=event), w.clock.now) == 1
        await replays.ask(Selection(event=event), w.clock.now)
        await replays.step(w.clock.now)
        rows = [*(await w.store.deliveries("app")).items, *(await w.store.deliveries("old")).items]
        assert [(row.endpoint, row.phase) for row in rows] == [("app", Phase.WAITING), ("old", Phase.DELIVERED)]


async def test_what_is_new_goes_on_while_much_is_owed_again(tmp_path):
    async with told(tmp_path, APP) as (w, replays):
        await replays.ask(Selection(endpoint="app"), w.clock.now)
        await replays.step(w.clock.now)
        w.client.set("new", S.QUEUED)
        await w.polls_until(w.clock.now + 60)
        await w.settle()
        assert w.receivers.types("app")[-1] == "upload.queued"
        assert len(await w.store.unfinished()) == 1


async def test_an_event_is_owed_again_to_all_who_had_it(tmp_path):
    async with told(tmp_path, APP, endpoint("crm"), uploads=2) as (w, replays):
        page = await w.store.deliveries("app")
        await replays.ask(Selection(event=page.items[0].event, phases=(Phase.DELIVERED,)), w.clock.now)
        await replays.step(w.clock.now)
        await w.settle()
        assert (got(w), got(w, "crm")) == (3, 3)


def test_the_clock_of_the_world_is_no_real_one():
    assert Clock().now == 1_800_000_000.0
    assert asyncio.iscoroutinefunction(Replays.step)


async def test_nothing_is_owed_again_to_an_endpoint_that_is_shut_off_or_paused(tmp_path):
    async with told(tmp_path, APP, uploads=3) as (w, _):
        replays = Replays(w.store, [APP], w.sender.wake.set, w.sender.served)
        await w.sender.pause("app")
        replay = await replays.ask(Selection(endpoint="app"), w.clock.now)
        assert await replays.step(w.clock.now) == w.clock.now + IDLE
        assert [one.count for one in await w.store.unfinished()] == [0]
        await w.sender.resume("app")
        await replays.step(w.clock.now)
        replays.doubt_the_clock(w.clock.now)
        assert (await w.store.unfinished(), replay.count) == ([], 0)
        await w.settle()
        assert got(w) == 6


async def test_nothing_is_owed_again_to_an_endpoint_that_asks_for_time_until_that_is_over(tmp_path):
    async with told(tmp_path, APP) as (w, _):
        replays = Replays(w.store, [APP], w.sender.wake.set, w.sender.served)

        async def busy(_delivery):
            return Attempt(w.clock.now, 0.01, Outcome.HTTP_429, 429, retry_after=30.0)

        post, w.post = w.post, busy
        w.client.set("u0", S.COMPLETED)
        await w.poll()
        asked_at = w.clock.now
        await w.settle()
        await replays.ask(Selection(endpoint="app"), w.clock.now)
        for seconds in (0, 10, 20, 29):
            w.clock.now = asked_at + seconds
            assert await replays.step(w.clock.now) - asked_at == pytest.approx(30)
        w.post = post
        w.clock.now = asked_at + 31
        await w.settle()
        before = got(w)
        assert await replays.step(w.clock.now) - w.clock.now == pytest.approx(1)
        await w.settle()
        assert got(w) == before + 10


async def test_a_replay_to_an_endpoint_that_is_shut_off_owes_it_a_probe(tmp_path):
    brief = endpoint("app", schedule=(0.0, 1.0))
    async with told(tmp_path, brief, uploads=8) as (w, _):
        replays = Replays(w.store, [brief], w.sender.wake.set, w.sender.served)
        w.receivers.down.add("app")
        for n in range(8):
            w.client.set(f"u{n}", S.COMPLETED)
        await w.poll()
        for _ in range(12):
            w.clock.now += 2000
            await w.settle()
        assert w.sender.troubled == {"app": "open"}
        assert await w.store.waiting("app") == 0
        await replays.ask(Selection(endpoint="app", phases=(Phase.DEAD,)), w.clock.now)
        for _ in range(2):  # the second owes no more: one is enough to be tried by
            assert await replays.step(w.clock.now) <= w.clock.now + TRIED_AGAIN
            assert await w.store.waiting("app") == 1
        w.receivers.down.clear()
        w.clock.now += 2000
        await w.settle()
        assert (w.sender.troubled, got(w)) == ({}, 8 + 1)
        w.clock.now += TRIED_AGAIN
        await replays.step(w.clock.now)
        await w.settle()
        assert (await w.store.unfinished(), got(w)) == ([], 8 + 8)


async def test_a_probe_that_dies_is_followed_by_another_of_the_replay(tmp_path):
    brief = endpoint("app", schedule=(0.0,))
    async with told(tmp_path, brief, uploads=8) as (w, _):
        replays = Replays(w.store, [brief], w.sender.wake.set, w.sender.served)
        w.receivers.down.add("app")
        for n in range(8):
            w.client.set(f"u{n}", S.COMPLETED)
        await w.poll()
        for _ in range(12):
            w.clock.now += 2000
            await w.settle()
        await replays.ask(Selection(endpoint="app", phases=(Phase.DEAD,)), w.clock.now)
        for count in (1, 2, 3):
            await replays.step(w.clock.now)
            assert [one.count for one in await w.store.unfinished()] == [count]
            w.clock.now += 2000
            await w.settle()
            assert await w.store.waiting("app") == 0
