"""/v1/sources: how each fares, and what `poll` does and does not override."""

import pytest
from asking import announced, telling
from world import LISTING, Clock

from notifier.core.model import Limit, Rate, Status
from notifier.providers.base import Refused, Unavailable

S = Status


async def fares(caller):
    (item,) = (await caller.get("/v1/sources")).body["items"]
    assert (await caller.get("/v1/sources/posts")).body == item
    return item


async def test_a_source_is_shown_with_what_is_open_there_and_when_it_is_looked_at(tmp_path):
    async with telling(tmp_path, budget=Rate(60, 60)) as (w, caller, _):
        before = await fares(caller)
        assert (before["state"], before["reason"], before["open"], before["looked_at"]) == ("ok", None, 0, None)
        await announced(w, "u1", "u2", status=S.PROCESSING)
        await announced(w, "u2", status=S.COMPLETED)
        await w.polls_until(w.clock.now + 3)
        told = await fares(caller)
        assert (told["name"], told["provider"], told["open"], told["rests_until"]) == ("posts", "fake", 1, None)
        assert told["looked_at"] is not None
        assert told["next_at"] > told["looked_at"]
        assert told["requests_left"] is None
        assert 2000 < told["requests_per_hour"] <= 3600
        assert told["requests_used"] == len(w.client.times) > 0
        assert (told["requests_limit"], told["requests_window"], told["may_go_at"]) == (60, 60.0, None)
        assert told["provider_left"] is None
        assert (await caller.get("/v1/sources", cursor="posts")).body == {"items": [], "next": None}


async def test_one_that_fails_says_why_and_until_when_it_rests(tmp_path):
    async with telling(tmp_path) as (w, caller, _):
        w.client.fault = Unavailable("answers 503")
        await w.poll()
        told = await fares(caller)
        assert (told["state"], told["reason"]["text"]) == ("failing", "answers 503")
        assert told["failing_since"] is not None
        assert told["rests_until"] > told["failing_since"]


async def test_one_whose_credential_was_refused_is_stopped_and_not_looked_at(tmp_path):
    async with telling(tmp_path) as (w, caller, _):
        w.client.fault = Refused("answers 401")
        await w.poll()
        told = await fares(caller)
        assert (told["state"], told["next_at"]) == ("stopped", None)
        said = await caller.post("/v1/sources/posts/poll")
        assert said.status == 409
        assert said.detail.startswith("'posts': its credential was refused: mend it, then")
        assert w.rung == []


async def test_a_poll_looks_at_once_at_all_that_is_open_and_through_the_lists(tmp_path):
    async with telling(tmp_path, listings=(LISTING,)) as (w, caller, _):
        await announced(w, "u1", "u2", status=S.PROCESSING)
        await w.polls_until(w.clock.now + 30)
        looks = len(w.client.asked)
        said = await caller.post("/v1/sources/posts/poll")
        assert (said.status, said.body["name"], w.rung) == (202, "posts", ["posts"])
        w.client.set("u1", S.COMPLETED)
        w.client.set("u3", S.PROCESSING)
        w.clock.now += 5
        for _ in range(6):
            await w.poller.poll("posts")
        asked = w.client.asked[looks:]
        assert {look.id for look in asked} >= {"u1", "u2"}
        assert any(look.kind is LISTING.kind for look in asked)
        await w.settle()
        assert w.receivers.types("app")[-2:] == ["upload.completed", "upload.processing"]


async def test_a_poll_overrides_no_rest(tmp_path):
    async with telling(tmp_path) as (w, caller, _):
        w.client.fault = Unavailable("answers 429", retry_after=900.0, limited=True)
        await w.poll()
        looks = len(w.client.asked)
        assert (await caller.post("/v1/sources/posts/poll")).body["rests_until"] is not None
        w.clock.now += 5
        await w.poller.poll("posts")
        assert len(w.client.asked) == looks


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_source_that_the_config_does_not_name_is_told(tmp_path, method):
    async with telling(tmp_path) as (_, caller, _):
        said = await caller.ask(method, "/v1/sources/post" + ("/poll" if method == "POST" else ""))
        assert (said.status, said.detail) == (404, "the config has no source 'post': there are posts")


async def test_of_a_clock_hour_it_is_told_what_is_left(tmp_path):
    async with telling(tmp_path, budget=Rate(45, 3600), limit=Rate(60, 3600), hourly=True) as (w, caller, _):
        assert (await fares(caller))["requests_per_hour"] == 45
        w.clock.now += 600
        await w.poll()
        told = await fares(caller)
        assert (told["requests_per_hour"], told["requests_left"]) == (45, 44)
        assert (told["requests_used"], told["requests_limit"], told["requests_window"]) == (1, 45, 3600.0)


async def test_what_the_provider_says_is_left_is_told_after_a_restart_too(tmp_path):
    clock = Clock()
    async with telling(tmp_path, clock=clock) as (w, caller, _):
        w.client.limit = Limit(57, 3000.0, 60, 3600.0)
        await w.poll()
        before = await fares(caller)
        assert (before["provider_left"], before["requests_limit"], before["requests_window"]) == (57, 45, 3600.0)
    async with telling(tmp_path, clock=clock) as (_, caller, _):
        assert ((await fares(caller))["provider_left"], (await fares(caller))["requests_used"]) == (57, 1)


async def test_where_a_look_names_many_a_poll_asks_for_them_together(tmp_path):
    async with telling(tmp_path, listings=(), batch=10, uploads=("u1", "u2", "u3")) as (w, caller, _):
        for id_ in ("u1", "u2", "u3"):
            w.client.set(id_, S.PROCESSING)
        await w.polls_until(w.clock.now + 30)
        looks = len(w.client.asked)
        await caller.post("/v1/sources/posts/poll")
        w.clock.now += 5
        await w.poller.poll("posts")
        (look,) = w.client.asked[looks:]
        assert sorted(look.ids) == ["u1", "u2", "u3"]


async def test_where_only_lists_show_them_a_poll_reads_the_lists(tmp_path):
    async with telling(tmp_path, listings=(LISTING,), single=False) as (w, caller, _):
        await announced(w, "u1", status=S.PROCESSING)
        await w.polls_until(w.clock.now + 30)
        looks = len(w.client.asked)
        await caller.post("/v1/sources/posts/poll")
        w.clock.now += 5
        await w.poller.poll("posts")
        assert [look.kind for look in w.client.asked[looks:]] == [LISTING.kind]


async def test_one_whose_budget_is_used_up_says_when_it_may_go_on(tmp_path):
    async with telling(tmp_path, budget=Rate(2, 3600)) as (w, caller, _):
        await announced(w, "u1", status=S.PROCESSING)
        told = await fares(caller)
        assert (told["rests_until"], told["may_go_at"] > told["looked_at"]) == (None, True)
