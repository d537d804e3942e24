"""The numbers by which uploads and their parts go in the manner of Encoding.com, over time and across kills."""

import json
import logging
from dataclasses import replace

import pytest
from world import Killed, endpoint, world

from notifier.core.model import Baseline, Status, Target, TargetStatus

S, T = Status, TargetStatus
ALL = {"baseline": Baseline.ANNOUNCE}


async def snapshots(w):
    return {one.id: one.snapshot for one in await w.store.listed("posts")}


async def numbers(w, id_="a"):
    return {one.name: one.task for one in (await snapshots(w))[id_].targets}


async def test_a_target_is_numbered_at_its_first_sight_and_keeps_its_number(tmp_path):
    async with world(tmp_path) as w:
        w.client.set("a", S.PROCESSING, targets=(Target("x", T.QUEUED), Target("y", T.QUEUED)))
        await w.poll(2)
        assert await numbers(w) == {"x": 1, "y": 2}
        w.client.set("a", S.COMPLETED, targets=(Target("z", T.COMPLETED), Target("y", T.COMPLETED)))
        await w.polls_until(w.clock.now + 60)
        assert await numbers(w) == {"x": 1, "y": 2, "z": 3}


async def test_an_upload_without_targets_has_a_number_of_its_own(tmp_path):
    async with world(tmp_path) as w:
        w.client.set("a", S.PROCESSING)
        await w.poll(2)
        assert (await snapshots(w))["a"].task == 1


async def test_numbers_are_no_news_and_no_part_of_the_standard_body(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("app"),), **ALL) as w:
        w.client.set("a", S.PROCESSING, targets=(Target("x", T.QUEUED),))
        await w.polls_until(w.clock.now + 600)
        await w.settle()
        (event,) = w.receivers.events("app")
        assert "task" not in json.dumps(event)
        assert await w.store.database.rows("SELECT tasks FROM events") == [("[1]",)]


async def test_what_is_numbered_already_costs_no_transaction(tmp_path):
    async with world(tmp_path) as w:
        w.client.set("a", S.PROCESSING, targets=(Target("x", T.QUEUED),))
        await w.poll(2)
        w.store.give_tasks = None
        w.client.set("a", S.COMPLETED, targets=(Target("x", T.COMPLETED),))
        await w.polls_until(w.clock.now + 60)
        assert (await snapshots(w))["a"].status is S.COMPLETED


async def test_what_is_found_is_numbered_as_it_is_followed_where_any_number_will_do(tmp_path):
    async with world(tmp_path) as w:
        asked, give = [], w.store.give_tasks

        async def given(wanted):
            asked.append(wanted)
            return await give(wanted)

        w.store.give_tasks = given
        w.client.set("a", S.PROCESSING, targets=(Target("x", T.QUEUED), Target("y", T.QUEUED)))
        await w.polls_until(w.clock.now + 60)
        assert await numbers(w) == {"x": 1, "y": 2}
        assert asked == []
        w.client.set("a", S.PROCESSING, targets=(Target("x", T.QUEUED), Target("y", T.QUEUED), Target("z", T.QUEUED)))
        await w.polls_until(w.clock.now + 60)
        assert await numbers(w) == {"x": 1, "y": 2, "z": 3}
        assert asked == [{1: [0]}]


async def test_one_that_an_answer_shows_twice_has_the_numbers_of_its_parts_once(tmp_path):
    async with world(tmp_path) as w:
        w.client.set("a", S.PROCESSING, targets=(Target("x", T.QUEUED),), updated_at=w.clock.now)
        observe = w.client.observe

        async def twice(look, at):
            answer = await observe(look, at)
            older = replace(answer.observations[0], targets=(), updated_at=1.0)
            return replace(answer, observations=(older, *answer.observations, older))

        w.client.observe = twice
        await w.polls_until(w.clock.now + 60)
        (upload,) = await w.store.listed("posts")
        assert upload.snapshot.task is None
        assert (await numbers(w)).keys() == {"x"}
        w.client.observe = observe
        w.client.set("b", S.PROCESSING)
        await w.polls_until(w.clock.now + 60)
        assert (await snapshots(w))["b"].task not in {None, *(await numbers(w)).values()}


async def test_what_a_list_shows_by_half_takes_no_number_before_it_is_seen_whole(tmp_path):
    async with world(tmp_path, **ALL) as w:
        w.client.tells_half = True
        w.client.set("a", S.PROCESSING, targets=(Target("x", T.QUEUED),))
        await w.polls_until(w.clock.now + 60)
        assert await numbers(w) == {"x": 1}


async def test_what_was_never_seen_has_no_number(tmp_path):
    async with world(tmp_path, discover=False, uploads=("a",), listings=()) as w:
        await w.poll()
        assert await w.store.database.rows("SELECT next FROM counters WHERE name = 'task'") == [(1,)]


async def test_a_kill_after_numbers_were_given_skips_them_and_gives_none_twice(tmp_path):
    async with world(tmp_path) as w:
        w.client.set("a", S.PROCESSING, targets=(Target("x", T.QUEUED),))
        w.store.announce, announce = _killed, w.store.announce
        with pytest.raises(Killed):
            await w.poll(2)
        w.store.announce = announce
        await w.polls_until(w.clock.now + 60)
        assert await numbers(w) == {"x": 2}


async def _killed(*_):
    raise Killed


async def test_two_sources_that_show_the_same_media_have_two_numbers_and_a_warning(tmp_path, caplog):
    accounts = {"posts": "posts", "others": "others"}
    async with world(tmp_path, accounts=accounts, provider="encoding_com") as w:
        w.client.set("1042", S.PROCESSING, targets=(Target("mp4:2107", T.QUEUED, external_id="2107"),))
        with caplog.at_level(logging.WARNING):
            await w.polls_until(w.clock.now + 60)
        uploads = [one for name in accounts for one in await w.store.listed(name)]
        assert [one.media_id for one in uploads] == [1042, 1]
        assert [one.snapshot.targets[0].task for one in uploads] == [2107, 1]
        told = [record.fields for record in caplog.records if "number taken" in record.message]
        assert told == [
            {"source": "others", "upload": "1042", "media_id": 1042, "instead": 1},
            {"source": "others", "upload": "1042", "task": 2107, "instead": 1},
        ]
