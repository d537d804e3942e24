"""Batches of ids of which one spoils whatever batch it is in: what is told of the source, and when that is over."""

from contextlib import asynccontextmanager

import pytest
from world import endpoint, world

from notifier.core.model import LookKind, Status
from notifier.providers.base import Malformed, Unavailable

S = Status
HOUR = 3600.0
OPS = endpoint("ops", events=("source.*",))


@asynccontextmanager
async def spoiled(path, fault=Malformed, *, spoilers=("u3",), count=12):
    """So many open uploads that a batch of four does not name them all; of some of them it cannot ask."""
    ids = tuple(f"u{number}" for number in range(count))
    more = {"endpoints": (OPS,), "uploads": ids, "discover": False, "listings": (), "single": False, "batch": 4}
    async with world(path, **more) as w:
        for id_ in ids:
            w.client.set(id_, S.PROCESSING)
        await w.polls_until(w.clock.now + 60)
        observe, w.spoilers = w.client.observe, set(spoilers)

        async def sometimes(look, at):
            if look.kind is LookKind.BATCH and w.spoilers & set(look.ids):
                raise fault("answered 400")
            return await observe(look, at)

        w.client.observe = sometimes
        yield w


async def told(w):
    rows = await w.store.database.rows("SELECT type FROM events WHERE upload IS NULL ORDER BY position")
    return [type_ for (type_,) in rows]


@pytest.mark.parametrize("fault", [Malformed, Unavailable])
async def test_an_id_that_spoils_every_batch_is_told_once_until_a_batch_with_it_is_answered(tmp_path, fault):
    async with spoiled(tmp_path, fault) as w:
        await w.polls_until(w.clock.now + 3 * HOUR)
        assert await told(w) == ["source.failing"]
        w.spoilers.clear()
        await w.polls_until(w.clock.now + HOUR / 3)
        assert await told(w) == ["source.failing", "source.recovered"]


async def test_two_such_ids_are_told_as_one_trouble(tmp_path):
    async with spoiled(tmp_path, spoilers=("u3", "u4")) as w:
        await w.polls_until(w.clock.now + 3 * HOUR)
        assert await told(w) == ["source.failing"]
        w.spoilers.clear()
        await w.polls_until(w.clock.now + HOUR / 3)
        assert await told(w) == ["source.failing", "source.recovered"]


@pytest.mark.parametrize("also", [set(), {"u3"}])
async def test_what_failed_and_was_let_go_is_over_with_the_next_good_answer(tmp_path, also):
    """Where others failed with it they are waited for, as ever."""
    async with spoiled(tmp_path, spoilers=also) as w:
        await w.register("other")
        w.client.set("other", S.PROCESSING)
        await w.polls_until(w.clock.now + 60)
        w.spoilers.add("other")
        await w.polls_until(w.clock.now + HOUR / 2)
        assert await told(w) == ["source.failing"]
        await w.registrations.unfollow("posts", "other")
        await w.polls_until(w.clock.now + 30)
        assert await told(w) == ["source.failing", *([] if also else ["source.recovered"])]


async def test_one_that_failed_and_was_let_go_is_over_with_the_next_good_answer(tmp_path):
    async with world(tmp_path, endpoints=(OPS,), uploads=("u1",), listings=()) as w:
        w.client.set("u1", S.PROCESSING)
        w.client.faults["other"] = Malformed("answered 400")
        await w.register("other")
        await w.polls_until(w.clock.now + 60)
        assert await told(w) == ["source.failing"]
        await w.registrations.unfollow("posts", "other")
        await w.polls_until(w.clock.now + 30)
        assert await told(w) == ["source.failing", "source.recovered"]


async def test_an_outage_is_over_with_the_first_batches_that_are_answered(tmp_path):
    async with spoiled(tmp_path, Unavailable, spoilers=[f"u{number}" for number in range(12)]) as w:
        await w.polls_until(w.clock.now + 600)
        w.spoilers.clear()
        await w.polls_until(w.clock.now + 400)
        assert await told(w) == ["source.failing", "source.recovered"]
