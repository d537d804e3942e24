"""Every call of the API: what it tells, what it changes, and what it says to who asks for what is not there."""

import asyncio
import logging
from dataclasses import replace

import pytest
from asking import BEARER, announced, dead, served, telling
from world import endpoint

from notifier.core.model import Attempt, Outcome, Status
from notifier.store import Store, StoreError

S = Status


# --- events


async def test_events_are_listed_with_all_that_is_known_but_their_bodies(tmp_path):
    async with telling(tmp_path) as (w, caller, _):
        await announced(w, "u1", "u2")
        said = await caller.get("/v1/events", limit=1)
        (item,) = said.body["items"]
        assert said.status == 200
        assert item == {
            "id": w.receivers.events("app")[1]["id"],
            "type": "upload.processing",
            "timestamp": w.receivers.events("app")[1]["timestamp"],
            "source": "posts",
            "endpoint": None,
            "upload": "u2",
            "status": "processing",
            "sequence": 1,
            "position": 2,
        }
        rest = await caller.get("/v1/events", limit=1, cursor=said.body["next"])
        assert [one["upload"] for one in rest.body["items"]] == ["u1"]
        assert rest.body["next"] is None
        for which, uploads in (
            ({"upload": "u1"}, ["u1"]),
            ({"type": "upload.*", "source": "posts"}, ["u2", "u1"]),
            ({"type": "source.*"}, []),
        ):
            found = (await caller.get("/v1/events", **which)).body["items"]
            assert [one["upload"] for one in found] == uploads


async def test_an_event_comes_with_its_body_its_deliveries_and_their_attempts(tmp_path):
    async with telling(tmp_path, endpoint("app"), endpoint("crm")) as (w, caller, _):
        w.receivers.down.add("crm")
        await announced(w, "u1")
        event = w.receivers.events("app")[0]
        said = (await caller.get(f"/v1/events/{event['id']}")).body
        assert said["body"] == event
        app, crm = said["deliveries"]
        assert (app["endpoint"], app["phase"], app["attempts"], app["due_at"]) == ("app", "delivered", 1, None)
        assert (crm["endpoint"], crm["phase"], crm["slots"]) == ("crm", "waiting", len(crm["tries"]))
        assert crm["tries"][0] == {
            "number": 1,
            "started_at": crm["created_at"],
            "duration": 0.01,
            "phases": {},
            "outcome": "http_5xx",
            "status": 503,
            "note": "",
            "excerpt": "",
        }
        one = (await caller.get(f"/v1/deliveries/{crm['id']}")).body
        assert one == crm


# --- deliveries


async def test_deliveries_are_listed_by_endpoint_and_phase(tmp_path):
    async with telling(tmp_path, endpoint("app"), endpoint("crm")) as (w, caller, _):
        w.receivers.down.add("crm")
        await announced(w, "u1", "u2")
        assert [one["id"] for one in (await caller.get("/v1/deliveries")).body["items"]] == [4, 3, 2, 1]
        waiting = (await caller.get("/v1/deliveries", phase="waiting", endpoint="crm", limit=1)).body
        (item,) = waiting["items"]
        assert (item["endpoint"], item["upload"], item["phase"], waiting["next"]) == ("crm", "u2", "waiting", "4")
        assert set(item) == {
            "id", "event", "type", "source", "upload", "about", "endpoint", "sequence", "phase", "due_at", "held",
            "next_at",
            "slots", "attempts",
            "created_at", "settled_at", "cause", "dropped_by", "replaced_by", "replay", "outcome",
            "note",
        }  # fmt: skip
        assert (item["outcome"], item["note"]) == ("http_5xx", "")


# --- pause, resume, ping


async def test_what_is_announced_to_a_paused_endpoint_arrives_in_order_when_it_is_resumed(tmp_path):
    async with telling(tmp_path) as (w, caller, _):
        said = await caller.post("/v1/endpoints/app/pause")
        assert (said.status, said.body["state"], said.body["reason"]["code"]) == (200, "paused", "person")
        assert said.body["paused_at"] is not None
        for status in (S.QUEUED, S.PROCESSING, S.COMPLETED):
            await announced(w, "u1", status=status)
        waiting = (await caller.get("/v1/endpoints/app")).body
        assert (waiting["waiting"], waiting["oldest_at"] is not None) == (3, True)
        assert w.receivers.types("app") == []
        said = await caller.post("/v1/endpoints/app/resume")
        assert (said.status, said.body["state"], said.body["reason"]) == (200, "ok", None)
        await w.settle()
        assert w.receivers.types("app") == ["upload.queued", "upload.processing", "upload.completed"]


async def test_a_ping_reaches_its_endpoint_alone_whatever_that_wants(tmp_path):
    narrow = endpoint("app", events=("upload.failed",), statuses=("failed",), sources=("none",))
    async with telling(tmp_path, narrow, endpoint("all", events=("*",))) as (w, caller, _):
        said = await caller.post("/v1/endpoints/app/ping")
        (event,) = w.receivers.events("app")
        assert (event["type"], event["data"]) == ("notifier.ping", {"endpoint": "app"})
        assert said.status == 200
        assert said.body == {
            "event": event["id"],
            "number": 1,
            "started_at": event["timestamp"],
            "duration": 0.01,
            "phases": {},
            "outcome": "delivered",
            "status": 200,
            "note": "",
            "excerpt": "",
        }
        w.clock.now += 1
        assert (await caller.post("/v1/endpoints/app/ping")).body["event"] != event["id"]
        assert w.receivers.events("all") == []
        assert (await caller.get("/v1/deliveries")).body["items"] == []


@pytest.mark.parametrize("status", [200, 410, 429])
async def test_a_ping_of_a_paused_endpoint_goes_at_once_and_leaves_it_paused(tmp_path, status):
    async with telling(tmp_path) as (w, caller, _):
        await caller.post("/v1/endpoints/app/pause")
        await announced(w, "u1")
        before = (await caller.get("/v1/endpoints/app")).body

        async def post(delivery):
            pinged.append(delivery.type)
            outcome = {200: Outcome.DELIVERED, 410: Outcome.HTTP_410, 429: Outcome.HTTP_429}[status]
            return Attempt(w.clock.now, 0.01, outcome, status, retry_after=900.0)

        pinged, w.post = [], post
        said = await caller.post("/v1/endpoints/app/ping")
        assert (said.status, said.body["status"], pinged) == (200, status, ["notifier.ping"])
        assert (await caller.get("/v1/endpoints/app")).body == before | {"lately": [0.01]}
        await w.settle()
        assert pinged == ["notifier.ping"]


async def test_a_ping_that_fails_is_not_repeated_and_counts_for_nothing_but_an_attempt(tmp_path, caplog):
    async with telling(tmp_path) as (w, caller, stranger):
        w.receivers.down.add("app")
        before = (await caller.get("/v1/endpoints/app")).body
        for _ in range(7):  # more than would open a breaker
            said = await caller.post("/v1/endpoints/app/ping")
            assert (said.status, said.body["outcome"], said.body["status"]) == (200, "http_5xx", 503)
        w.clock.now += 90_000
        await w.settle()
        assert w.receivers.calls == 7
        assert (await caller.get("/v1/endpoints/app")).body == before | {"lately": [0.01] * 7}
        counted = (await stranger.ask("GET", "/metrics", headers=BEARER)).body
        assert 'notifier_delivery_attempts_total{endpoint="app",outcome="http_5xx"} 7.0' in counted
        lines = [record.fields for record in caplog.records if record.msg == "pinged"]
        assert len(lines) == 7
        assert lines[0]["outcome"] == "http_5xx"


async def test_pings_of_one_endpoint_go_one_by_one(tmp_path):
    async with telling(tmp_path) as (w, caller, _):
        gate, began, taking = asyncio.Event(), asyncio.Event(), w.post
        going = []

        async def post(delivery):
            going.append(delivery.event)
            began.set()
            await gate.wait()
            return await taking(delivery)

        w.post = post
        pings = [asyncio.create_task(caller.post("/v1/endpoints/app/ping")) for _ in range(3)]
        await began.wait()
        assert (await caller.get("/v1/endpoints/app")).body["in_flight"] == 0
        assert len(going) == 1
        gate.set()
        assert [said.body["outcome"] for said in await asyncio.gather(*pings)] == ["delivered"] * 3
        assert len(going) == 3


async def test_who_takes_every_call_for_news_of_a_media_is_not_pinged(tmp_path):
    async with served(tmp_path, endpoint("old", format="encoding_com;output=m4v")) as (_, caller, _):
        said = await caller.post("/v1/endpoints/old/ping")
        assert said.status == 409
        assert said.detail.startswith("'old' takes every call for news of a media")


# --- replay


async def test_what_is_dead_is_replayed_with_the_same_bytes(tmp_path):
    async with telling(tmp_path) as (w, caller, _):
        w.receivers.down.add("app")
        await announced(w, "u1", "u2")
        await dead(w)
        assert (await caller.get("/v1/endpoints/app")).body["dead"] == 2
        was = [one["event"] for one in (await caller.get("/v1/deliveries", phase="dead")).body["items"]]
        w.receivers.down.clear()
        asked = {"endpoint": "app", "phase": "dead"}
        said = await caller.post("/v1/replay", **asked, dry_run=True)
        assert (said.status, said.body) == (200, {"matching": 2})
        said = await caller.post("/v1/replay", **asked, since="2026-01-01T00:00:00+01:00")
        assert said.status == 202
        assert said.body == {
            "id": 1,
            "event": None,
            "endpoint": "app",
            "since": "2025-12-31T23:00:00.000Z",
            "phases": ["dead"],
            "latest": False,
            "rate": 10.0,
            "count": 0,
            "created_at": said.body["created_at"],
            "done_at": None,
        }
        assert (await caller.get("/v1/replays")).body == {"items": [said.body], "next": None}
        await w.replays.step(w.clock.now)
        await w.settle()
        assert [one["id"] for one in w.receivers.events("app")] == was[::-1]
        delivered = (await caller.get("/v1/deliveries")).body["items"]
        assert {(one["phase"], one["replay"]) for one in delivered} == {("delivered", 1)}
        (done,) = (await caller.get("/v1/replays")).body["items"]
        assert (done["count"], done["done_at"] is not None) == (2, True)


async def test_a_replay_that_is_cancelled_owes_no_more(tmp_path):
    async with telling(tmp_path) as (w, caller, _):
        await announced(w, *(f"u{n:02}" for n in range(12)))
        w.clock.now += 10
        await caller.post("/v1/replay", endpoint="app")
        await w.replays.step(w.clock.now)
        said = await caller.delete("/v1/replays/1")
        assert (said.status, said.body) == (204, "")
        w.clock.now += 10
        await w.replays.step(w.clock.now)
        await w.settle()
        assert len(w.receivers.events("app")) == 12 + 10
        said = await caller.delete("/v1/replays/1")
        assert (said.status, said.detail) == (409, "replay 1 is done: what it owed again can only be dropped")


async def test_a_replay_is_to_an_endpoint_that_the_config_names(tmp_path):
    async with served(tmp_path, endpoint("app"), endpoint("gone")):
        pass
    async with telling(tmp_path, endpoint("app")) as (w, caller, _):
        await announced(w, "u1")
        said = await caller.post("/v1/replay", endpoint="app", latest=True, dry_run=True)
        assert said.body == {"matching": 0}
        assert (await caller.post("/v1/replay", endpoint="app", latest=True)).status == 202
        for which in ({"latest": True}, {}, {"dry_run": True}):
            said = await caller.post("/v1/replay", endpoint="gone", **which)
            told = "the config names 'gone' no more: put it back there, or drop what is owed to it"
            assert (said.status, said.detail) == (409, told)
            assert (await caller.post("/v1/replay", endpoint="apq", **which)).status == 404


async def test_a_replay_to_a_paused_endpoint_begins_when_that_is_resumed(tmp_path):
    async with telling(tmp_path) as (w, caller, _):
        await announced(w, "u1")
        w.clock.now += 10
        await caller.post("/v1/endpoints/app/pause")
        await caller.post("/v1/replay", endpoint="app")
        await w.replays.step(w.clock.now)
        assert (await caller.get("/v1/replays")).body["items"][0]["count"] == 0
        w.replays.wake.clear()
        await caller.post("/v1/endpoints/app/resume")
        assert w.replays.wake.is_set()
        await w.replays.step(w.clock.now)
        assert (await caller.get("/v1/replays")).body["items"][0]["count"] == 1


# --- drop


async def test_what_is_dropped_says_who_did_it_and_its_lane_goes_on(tmp_path):
    async with telling(tmp_path) as (w, caller, stranger):
        w.receivers.down.add("app")
        for status in (S.QUEUED, S.PROCESSING, S.COMPLETED):
            await announced(w, "u1", status=status)
        assert (await caller.post("/v1/drop", delivery=1, dry_run=True)).body == {"matching": 1}
        assert (await caller.post("/v1/drop", delivery=1)).body == {"dropped": 1, "replays": []}
        assert (await caller.post("/v1/drop", delivery=1)).body == {"dropped": 0, "replays": []}
        assert (await caller.get("/v1/deliveries/1")).body["dropped_by"].startswith("uid ")
        await stranger.ask("POST", "/v1/drop", BEARER, json={"delivery": 2})
        assert (await caller.get("/v1/deliveries/2")).body["dropped_by"] == "token"
        w.receivers.down.clear()
        await caller.post("/v1/endpoints/app/resume")
        await w.settle()
        assert w.receivers.types("app") == ["upload.completed"]
        assert 'notifier_deliveries_total{endpoint="app",outcome="dropped"} 2.0' in (await caller.get("/metrics")).body


async def test_nothing_is_dropped_of_a_callback_that_nobody_knows(tmp_path):
    async with telling(tmp_path) as (_, caller, _):
        answer = await caller.post("/v1/drop", endpoint="notify:3")
        assert (answer.status, answer.body["detail"]) == (
            404, "no endpoint 'notify:3': no callback has this number, or its time is over",
        )  # fmt: skip


async def test_what_is_dropped_is_not_owed_again_by_a_replay_that_goes_on(tmp_path):
    async with telling(tmp_path, endpoint("app"), endpoint("crm")) as (w, caller, _):
        await announced(w, *(f"u{n:02}" for n in range(12)))
        w.clock.now += 10
        for name in ("app", "crm", "app"):
            await caller.post("/v1/replay", endpoint=name)
        await caller.post("/v1/endpoints/app/pause")
        assert (await caller.post("/v1/drop", endpoint="app", phase="dead")).body == {"dropped": 0, "replays": []}
        assert (await caller.post("/v1/drop", endpoint="app")).body == {"dropped": 0, "replays": [1, 3]}
        await caller.post("/v1/endpoints/app/resume")
        for _ in range(3):
            w.clock.now += 10
            await w.replays.step(w.clock.now)
            await w.settle()
        assert (len(w.receivers.events("app")), len(w.receivers.events("crm"))) == (12, 24)


async def test_all_that_is_owed_to_an_endpoint_is_dropped_however_much_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr("notifier.server.deliveries.AT_ONCE", 2)
    async with telling(tmp_path) as (w, caller, _):
        w.receivers.down.add("app")
        await announced(w, "u1", "u2")
        await dead(w)
        await caller.post("/v1/endpoints/app/pause")
        await announced(w, "u3", "u4", "u5")
        for phase, count in ({}, 5), ({"phase": "dead"}, 2), ({"phase": "waiting"}, 3):
            assert (await caller.post("/v1/drop", endpoint="app", dry_run=True, **phase)).body == {"matching": count}
        assert (await caller.post("/v1/drop", endpoint="app", phase="dead")).body == {"dropped": 2, "replays": []}
        assert (await caller.post("/v1/drop", endpoint="app")).body == {"dropped": 3, "replays": []}
        assert {one["phase"] for one in (await caller.get("/v1/deliveries")).body["items"]} == {"dropped"}


# --- what is not there

GONE = "/v1/endpoints/gone"


@pytest.mark.parametrize(
    ("method", "path", "body", "detail"),
    [
        ("GET", "/v1/events/evt_9", None, "no event 'evt_9' is kept: it never was one, or its time is over"),
        ("GET", "/v1/events?source=post", None, "no source was ever called 'post': there are posts"),
        ("GET", "/v1/deliveries/9", None, "no delivery 9 is kept: it never was one, or its time is over"),
        ("GET", "/v1/deliveries/nine", None, "a delivery has a number, and this is none: 'nine'"),
        ("GET", f"/v1/deliveries/{'9' * 50}", None, f"a delivery has a number, and this is none: '{'9' * 50}'"),
        ("GET", "/v1/deliveries?endpoint=apq", None, "no endpoint was ever called 'apq': there are app"),
        ("GET", "/v1/endpoints/apq", None, "no endpoint was ever called 'apq': there are app"),
        ("POST", "/v1/endpoints/apq/ping", None, "no endpoint was ever called 'apq': there are app"),
        ("POST", "/v1/endpoints/apq/pause", None, "no endpoint was ever called 'apq': there are app"),
        ("POST", "/v1/endpoints/apq/resume", None, "no endpoint was ever called 'apq': there are app"),
        ("POST", "/v1/replay", {"event": "evt_9"}, "no event 'evt_9' is kept: it never was one, or its time is over"),
        (
            "POST",
            "/v1/replay",
            {"endpoint": "apq", "dry_run": True},
            "no endpoint was ever called 'apq': there are app",
        ),
        ("DELETE", "/v1/replays/9", None, "no replay 9 is kept: it never was one, or its time is over"),
        ("DELETE", "/v1/replays/x", None, "a replay has a number, and this is none: 'x'"),
        ("POST", "/v1/drop", {"delivery": 9}, "no delivery 9 is kept: it never was one, or its time is over"),
        ("POST", "/v1/drop", {"endpoint": "apq"}, "no endpoint was ever called 'apq': there are app"),
    ],
)
async def test_what_is_not_there_is_told_with_what_is(tmp_path, method, path, body, detail):
    async with served(tmp_path) as (_, caller, _):
        said = await caller.ask(method, path, json=body) if body else await caller.ask(method, path)
        assert (said.status, said.detail) == (404, detail)


async def test_an_endpoint_that_left_the_config_is_shown_as_long_as_it_is_owed_something(tmp_path):
    async with telling(tmp_path, endpoint("app"), endpoint("gone")) as (w, caller, _):
        await caller.post(f"{GONE}/pause")
        await announced(w, "u1")
    async with served(tmp_path, endpoint("app")) as (_, caller, _):
        _, gone = (await caller.get("/v1/endpoints")).body["items"]
        assert (gone["name"], gone["configured"], gone["url"], gone["format"]) == ("gone", False, None, None)
        assert (gone["state"], gone["waiting"], gone["in_flight"]) == ("paused", 1, 0)
        assert (await caller.get(GONE)).body == gone
        for act in ("pause", "resume", "ping"):
            said = await caller.post(f"{GONE}/{act}")
            told = "the config names 'gone' no more: put it back there, or drop what is owed to it"
            assert (said.status, said.detail) == (409, told)
        first = (await caller.get("/v1/endpoints", limit=1)).body
        assert ([one["name"] for one in first["items"]], first["next"]) == (["app"], "app")
        second = (await caller.get("/v1/endpoints", limit=1, cursor="app")).body
        assert ([one["name"] for one in second["items"]], second["next"]) == (["gone"], None)
        assert (await caller.post("/v1/drop", endpoint="gone")).body == {"dropped": 1, "replays": []}
        assert [one["name"] for one in (await caller.get("/v1/endpoints")).body["items"]] == ["app"]


async def test_an_endpoint_that_is_shut_off_or_throttled_says_so(tmp_path):
    async with telling(tmp_path, endpoint("app"), replace(endpoint("crm"), url="http://127.0.0.1/?token=hidden")) as (
        w,
        caller,
        _,
    ):

        async def answers(delivery):
            if delivery.endpoint == "crm":
                return Attempt(w.clock.now, 0.01, Outcome.HTTP_429, 429, retry_after=600.0)
            return Attempt(w.clock.now, 0.01, Outcome.HTTP_5XX, 503)

        w.post = answers
        await announced(w, *(f"u{n}" for n in range(9)))
        app, crm = (await caller.get("/v1/endpoints")).body["items"]
        assert (app["state"], app["reason"]["code"], app["failures"] >= 5) == ("open", "failing", True)
        assert app["probe_at"] is not None
        assert (crm["state"], crm["reason"]["code"], crm["url"]) == ("ok", "throttled", "http://127.0.0.1/")
        assert crm["quiet_until"] is not None


# --- who asked


async def test_what_changes_anything_is_a_line_with_who_asked_for_what(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    async with telling(tmp_path) as (w, caller, stranger):
        await announced(w, "u1")
        caplog.clear()
        await caller.get("/v1/endpoints")
        await caller.post("/v1/endpoints/app/pause")
        await stranger.ask("POST", "/v1/drop", BEARER, json={"endpoint": "app", "phase": "waiting"})
        lines = [record.fields for record in caplog.records if record.getMessage() == "asked"]
    assert [(line["call"], line["status"], line["endpoint"]) for line in lines] == [
        ("POST /v1/endpoints/app/pause", 200, "app"),
        ("POST /v1/drop", 200, "app"),
    ]
    assert lines[0]["who"].startswith("uid ")
    assert (lines[1]["who"], lines[1]["phase"]) == ("token", "waiting")


async def test_what_was_dropped_and_owed_again_while_it_was_on_its_way_is_not_counted_as_dead(tmp_path, caplog):
    async with telling(tmp_path, endpoint("app", schedule=(0.0,))) as (w, caller, _):
        began, gate, taking = asyncio.Event(), asyncio.Event(), w.post

        async def post(delivery):
            began.set()
            await gate.wait()
            return Attempt(w.clock.now, 0.01, Outcome.HTTP_4XX, 422)

        w.post = post
        w.client.set("u1", S.PROCESSING)
        w.clock.now += 300
        await w.poll()
        await w.sender.send_due()
        await began.wait()
        (delivery,) = (await caller.get("/v1/deliveries")).body["items"]
        assert (await caller.post("/v1/drop", delivery=delivery["id"])).body["dropped"] == 1
        w.clock.now += 1
        await caller.post("/v1/replay", event=delivery["event"])
        await w.replays.step(w.clock.now)
        gate.set()
        w.post = taking
        await w.settle()
        (after,) = (await caller.get("/v1/deliveries")).body["items"]
        assert (after["phase"], after["attempts"]) == ("delivered", 2)
        text = (await caller.get("/metrics")).body
        for outcome, count in (("dead", 0), ("dropped", 1), ("delivered", 1)):
            assert f'notifier_deliveries_total{{endpoint="app",outcome="{outcome}"}} {count}.0' in text
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_what_was_dropped_before_it_was_found_unwanted_is_counted_once(tmp_path):
    async with telling(tmp_path) as (w, caller, _):
        await caller.post("/v1/endpoints/app/pause")
        await announced(w, "u1")
    async with served(tmp_path, endpoint("app", events=("upload.failed",))) as (w, caller, _):
        await caller.post("/v1/endpoints/app/resume")
        await w.sender.send_due()  # which finds it unwanted, and has not written so
        assert (await caller.post("/v1/drop", delivery=1)).body["dropped"] == 1
        await w.settle()
        (row,) = (await caller.get("/v1/deliveries")).body["items"]
        assert (row["phase"], row["cause"]) == ("dropped", None)
        text = (await caller.get("/metrics")).body
        assert 'notifier_deliveries_total{endpoint="app",outcome="dropped"} 1.0' in text


class Full(Store):
    """A store whose disk is full in the middle of a drop."""

    async def drop_owed(self, *arguments, **more):
        raise StoreError("database or disk is full")


async def test_what_may_have_been_done_in_part_is_logged_with_who_asked(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    async with telling(tmp_path, open_store=Full.open) as (_, caller, _):
        assert (await caller.post("/v1/drop", endpoint="app")).status == 503
        assert (await caller.post("/v1/drop", endpoint="apq")).status == 404
    (line,) = [record.fields for record in caplog.records if record.msg == "asked"]
    assert (line["status"], line["call"], line["endpoint"]) == (500, "POST /v1/drop", "app")
    assert line["who"].startswith("uid ")
