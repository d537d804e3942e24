"""/v1/uploads: following by request, and what is told of it."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from asking import BEARER, served
from world import CALLING, Clock

from notifier.core.model import LookKind, Reason, Registration, Status, Target, TargetStatus
from notifier.core.rhythm import Listing
from notifier.store.registering import LOOKED_AT

S = Status
NOW = datetime.fromtimestamp(Clock().now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
NEW = {
    "source": "posts", "provider": "fake", "id": "a", "kind": None, "media_id": 1, "registered": True,
    "status": None, "raw_status": None, "reason": None, "title": None, "url": None, "progress": None,
    "scheduled_at": None, "created_at": None, "updated_at": None, "targets": [], "labels": {"order": "A-17"},
    "notify_url": "https://app.example.com/cb", "notify_format": "standard", "sequence": 0, "followed_at": NOW,
    "changed_at": None, "stalled": False, "next_look_at": NOW,
}  # fmt: skip
ASKED = {
    "source": "posts", "id": "a", "labels": {"order": "A-17"},
    "notify_url": "https://app.example.com/cb?token=hush", "notify_format": "standard",
}  # fmt: skip


def followed(path, **more):
    return served(path, **{"calling": CALLING, "discover": False, **more})


async def test_a_registration_answers_the_upload_first_with_201_then_with_200(tmp_path):
    async with followed(tmp_path) as (w, caller, stranger):
        first = await caller.post("/v1/uploads", **ASKED)
        assert (first.status, first.body) == (201, NEW)
        again = await caller.post("/v1/uploads", source="posts", id="a")
        assert (again.status, again.body) == (200, NEW)
        assert (await stranger.ask("POST", "/v1/uploads", BEARER, json=ASKED)).status == 200
        assert (await stranger.ask("POST", "/v1/uploads", json=ASKED)).status == 401
        assert w.rung == ["posts"] * 3


async def test_when_one_is_looked_at_tells_how_often_it_is_watched_and_not_when_it_is_asked_for_by_itself(tmp_path):
    async with followed(tmp_path) as (w, caller, _):
        await caller.post("/v1/uploads", **ASKED)
        w.client.set("a", S.PROCESSING)
        await w.polls_until(w.clock.now + 30)

        async def left():
            told = (await caller.get("/v1/uploads/posts/a")).body["next_look_at"]
            return datetime.fromisoformat(told).timestamp() - w.clock.now

        by_itself = (await w.store.named("posts", "a")).due_at - w.clock.now
        assert 0 < await left() <= 10 < by_itself
        del w.poller.watched["posts"]
        assert await left() == pytest.approx(by_itself, abs=0.001)


async def test_an_upload_is_shown_as_it_was_last_announced_with_its_history(tmp_path):
    async with followed(tmp_path) as (w, caller, _):
        await caller.post("/v1/uploads", **ASKED)
        target = Target("x", TargetStatus.FAILED, reason=Reason("e", "text"))
        w.client.set("a", S.PROCESSING)
        await w.polls_until(w.clock.now + 30)
        w.client.set("a", S.FAILED, reason=Reason("error", "no"), targets=(target,), title="T", created_at=1.5)
        await w.polls_until(w.clock.now + 30)
        told = (await caller.get("/v1/uploads/posts/a")).body
        assert (told["status"], told["reason"]) == ("failed", {"code": "error", "text": "no"})
        assert (told["kind"], told["created_at"], told["sequence"]) == ("post", "1970-01-01T00:00:01.500Z", 2)
        assert told["targets"][0]["reason"] == {"code": "e", "text": "text"}
        assert [one["type"] for one in told["events"]] == ["upload.failed", "upload.processing"]
        assert [one["upload"] for one in told["events"]] == ["a", "a"]
        (listed,) = (await caller.get("/v1/uploads")).body["items"]
        assert {**told, "events": None} == {**listed, "events": None}


async def test_what_is_followed_is_listed_page_by_page(tmp_path):
    async with followed(tmp_path) as (w, caller, _):
        for n in range(1, 6):
            await w.register(f"u{n}")
        w.client.set("u2", S.COMPLETED)
        await w.polls_until(w.clock.now + 5)
        await caller.delete("/v1/uploads/posts/u4")
        page, seen = (await caller.get("/v1/uploads", limit=2)).body, []
        seen += page["items"]
        while page["next"]:
            page = (await caller.get("/v1/uploads", limit=2, cursor=page["next"])).body
            seen += page["items"]
        assert [one["id"] for one in seen] == ["u5", "u3", "u2", "u1"]
        assert [one["id"] for one in (await caller.get("/v1/uploads", status="completed")).body["items"]] == ["u2"]
        assert len((await caller.get("/v1/uploads", source="posts")).body["items"]) == 4
        assert "posts" in (await caller.get("/v1/uploads", source="pots")).detail
        for nothing in ("1_0", "0", "9" * 30):
            assert (await caller.get("/v1/uploads", cursor=nothing)).status == 400


async def test_a_page_looks_at_no_more_rows_than_a_moment_allows(tmp_path):
    async with followed(tmp_path) as (w, caller, _):
        await w.store.register([Registration("posts", f"u{n}") for n in range(LOOKED_AT + 1)], w.clock.now)
        page = (await caller.get("/v1/uploads", status="completed")).body
        assert (page["items"], page["next"]) == ([], "2")
        assert (await caller.get("/v1/uploads", status="completed", cursor="2")).body == {"items": [], "next": None}


async def test_what_has_not_settled_is_listed_by_itself_however_much_has(tmp_path):
    async with followed(tmp_path) as (w, caller, _):
        for id_ in ("old", "shown", "settled", "new"):
            await w.register(id_)
        w.client.set("shown", S.PROCESSING)
        w.client.set("settled", S.COMPLETED)
        await w.polls_until(w.clock.now + 5)
        ids = {}
        for is_open in ("true", "false"):
            page = (await caller.get("/v1/uploads", open=is_open, limit=2)).body
            ids[is_open] = [one["id"] for one in page["items"]]
            if page["next"]:
                page = (await caller.get("/v1/uploads", open=is_open, limit=2, cursor=page["next"])).body
                ids[is_open] += [one["id"] for one in page["items"]]
        assert ids == {"true": ["new", "shown", "old"], "false": ["settled"]}
        assert (await caller.get("/v1/uploads", open="true", source="posts", status="processing")).body["next"] is None
        for wrong in ("1", "yes", "True", ""):
            said = await caller.get("/v1/uploads", open=wrong)
            assert (said.status, said.faults) == (400, {"open": "true or false"})


async def test_what_is_followed_no_more_is_not_found(tmp_path):
    async with followed(tmp_path, uploads=("c",)) as (w, caller, _):
        await caller.post("/v1/uploads", source="posts", id="a/b ü")
        assert (await caller.get("/v1/uploads/posts/a%2Fb%20%C3%BC")).status == 200
        assert (await caller.delete("/v1/uploads/posts/a%2Fb%20%C3%BC")).status == 204
        gone = await caller.delete("/v1/uploads/posts/a%2Fb%20%C3%BC")
        assert (gone.status, "or POST /v1/uploads follows one" in gone.detail) == (404, True)
        named = await caller.delete("/v1/uploads/posts/c")
        assert (named.status, "take it out there" in named.detail) == (409, True)
        assert (await w.store.counts())["uploads"] == 1


async def test_of_several_with_one_id_the_kind_is_asked_for(tmp_path):
    async with followed(tmp_path, kinds=("posts", "videos")) as (_, caller, _):
        for kind in ("post", "video"):
            assert (await caller.post("/v1/uploads", source="posts", id="a", kind=kind)).status == 201
        several = [
            await caller.post("/v1/uploads", source="posts", id="a"),
            await caller.get("/v1/uploads/posts/a"),
            await caller.delete("/v1/uploads/posts/a"),
            await caller.get("/v1/explain", source="posts", id="a"),
        ]
        assert [(one.status, "post or video" in one.detail) for one in several] == [(409, True)] * 4
        assert (await caller.get("/v1/uploads/posts/a", kind="video")).body["kind"] == "video"
        assert (await caller.ask("DELETE", "/v1/uploads/posts/a", json={"kind": "video"})).status == 204
        assert (await caller.get("/v1/uploads/posts/a")).body["kind"] == "post"


@pytest.mark.parametrize(
    ("changed", "where", "expected"),
    [
        ({"source": "pots"}, "source", "the name of a source: posts"),
        ({"source": 5}, "source", "a string"),
        ({"id": ""}, "id", "at least 1 character"),
        ({"id": "a\nb"}, "id", "an id without control characters"),
        ({"id": ".."}, "id", 'not "." or ".."'),
        ({"id": "x" * 513}, "id", "at most 512 characters"),
        ({"kind": "video"}, "kind", "what uploads of this source are: post"),
        ({"labels": {str(n): "" for n in range(21)}}, "labels", "at most 20 of them"),
        ({"labels": {"k" * 64: ""}}, f"labels.{'k' * 64}.[key]", "at most 63 characters"),
        ({"labels": {"k": "v" * 257}}, "labels.k", "at most 256 characters"),
        ({"labels": {"k": 1}}, "labels.k", "a string"),
        ({"notify_url": "https://evil.example/?hush"}, "notify_url", "a URL that notify_urls of [server] stands for"),
        ({"notify_url": "https://app.example.com/?hu sh"}, "notify_url", "another one: a URL holds no blanks"),
        ({"notify_url": "mailto:hush@example.com"}, "notify_url", "mail and queues are not called"),
        ({"notify_url": None}, "notify_url", "a URL, for there is a notify_format"),
        ({"notify_format": "nonsense"}, "notify_format", "standard or cloudevents or encoding_com"),
        ({"notify_format": ""}, "notify_format", "standard or cloudevents or encoding_com"),
        ({"label": {}}, "label", 'did you mean "labels"?'),
    ],
)
async def test_what_cannot_be_is_answered_with_its_fault_and_nothing_is_followed(
    tmp_path, caplog, changed, where, expected
):
    async with followed(tmp_path) as (w, caller, _):
        said = await caller.ask("POST", "/v1/uploads", json={**ASKED, **changed})
        assert (said.status, list(said.faults)) == (422, [where])
        assert expected in said.faults[where]
        assert (await w.store.counts())["uploads"] == 0
        assert "hush" not in str(said.body) + caplog.text


async def test_registrations_that_race_are_one_upload(tmp_path):
    async with followed(tmp_path) as (_, caller, _):
        said = await asyncio.gather(*(caller.post("/v1/uploads", **ASKED) for _ in range(10)))
        assert sorted(one.status for one in said) == [200] * 9 + [201]


async def test_a_callback_is_shown_and_turned_like_every_endpoint(tmp_path):
    async with followed(tmp_path) as (w, caller, _):
        await caller.post("/v1/uploads", **ASKED)
        w.receivers.down = {"notify:1"}
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 30)
        await w.settle()
        told = (await caller.get("/v1/endpoints/notify:1")).body
        assert (told["url"], told["format"]) == ("https://app.example.com/cb", "standard")
        assert (told["configured"], told["waiting"], told["failures"]) == (True, 1, 1)
        assert (await caller.get("/v1/endpoints")).body["items"][1:] == [told]
        assert (await caller.get("/v1/endpoints/notify:2")).status == 404
        metrics = (await caller.get("/metrics")).body
        assert 'notifier_deliveries_waiting{endpoint="notify:*"} 1.0' in metrics
        assert "notify:1" not in metrics
        w.receivers.down = set()
        assert (await caller.post("/v1/endpoints/notify:1/ping")).body["outcome"] == "delivered"
        assert (await caller.post("/v1/endpoints/notify:1/pause")).body["state"] == "paused"
        assert (await caller.post("/v1/endpoints/notify:1/resume")).body["state"] == "ok"
        assert (await caller.post("/v1/replay", endpoint="notify:1", dry_run=True)).body == {"matching": 0}
        assert (await caller.post("/v1/drop", endpoint="notify:1")).body == {"dropped": 1, "replays": []}
        metrics = (await caller.get("/metrics")).body
        assert 'notifier_deliveries_total{endpoint="notify:*",outcome="dropped"} 1.0' in metrics
        assert (await caller.get("/v1/endpoints")).body["items"][1:] == []
        said = await caller.post("/v1/replay", endpoint="notify:1", latest=True)
        told = "'notify:1' is told of what named it, from then on: replay an event of that"
        assert (said.status, said.detail) == (409, told)
        w.clock.now += 1
        assert (await caller.post("/v1/replay", endpoint="notify:1", phase="dropped")).status == 202
        await w.replays.step(w.clock.now)
        await w.settle()
        assert w.receivers.types("notify:1") == ["notifier.ping", "upload.completed"]


async def test_a_callback_that_the_config_lets_be_called_no_more_is_neither_pinged_nor_owed_again(tmp_path):
    async with followed(tmp_path) as (_, caller, _):
        await caller.post("/v1/uploads", **ASKED)
    async with followed(tmp_path, calling=replace(CALLING, allowed=())) as (w, caller, _):
        for what, body in (("endpoints/notify:1/ping", {}), ("replay", {"endpoint": "notify:1"})):
            said = await caller.post(f"/v1/{what}", **body)
            assert (said.status, "see notify_urls and notify_secrets" in said.detail) == (409, True)
        assert (await caller.get("/v1/endpoints/notify:1")).body["url"] == "https://app.example.com/cb"
        assert w.receivers.calls == 0


async def test_a_callback_that_takes_every_call_for_news_of_a_media_is_not_pinged(tmp_path):
    async with followed(tmp_path) as (w, caller, _):
        await caller.post("/v1/uploads", **{**ASKED, "notify_format": "encoding_com"})
        said = await caller.post("/v1/endpoints/notify:1/ping")
        assert (said.status, "no ping is one" in said.detail) == (409, True)
        assert w.receivers.calls == 0


async def test_what_left_the_config_has_no_provider(tmp_path):
    listing = Listing(LookKind.LIST, "all", active=30, idle=300)
    async with followed(tmp_path, listings=(listing,)) as (w, caller, _):
        await caller.post("/v1/uploads", **ASKED)
        w.poller.watched.clear()
        assert (await caller.get("/v1/uploads/posts/a")).body["provider"] is None
