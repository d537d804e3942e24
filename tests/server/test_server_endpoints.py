"""/v1/endpoints: how each receiver fares, and who is told what."""

from dataclasses import replace

import pytest
from asking import BEARER, announced, served, telling
from world import CALLBACKS, CALLING, endpoint

from notifier.core.callbacks import Calling
from notifier.core.model import Attempt, Callback, Outcome, Status
from notifier.core.moments import moment

APP = {
    "name": "app",
    "url": "http://127.0.0.1/",
    "format": "standard",
    "configured": True,
    "state": "ok",
    "reason": None,
    "next_at": None,
    "waiting": 0,
    "dead": 0,
    "oldest_at": None,
    "in_flight": 0,
    "failures": 0,
    "failure": None,
    "failing_since": None,
    "succeeded_at": None,
    "quiet_until": None,
    "probe_at": None,
    "paused_at": None,
    "lately": [],
}


async def test_an_endpoint_without_news_is_well(tmp_path):
    async with served(tmp_path) as (_, caller, stranger):
        assert (await caller.get("/v1/endpoints/app")).body == APP
        assert (await caller.get("/v1/endpoints")).body == {"items": [APP], "next": None}
        assert (await stranger.ask("GET", "/v1/endpoints", BEARER)).body == {"items": [APP], "next": None}
        assert (await stranger.get("/v1/endpoints")).status == 401


async def test_one_that_is_drained_says_whether_it_can_be_taken_out(tmp_path):
    leaving = endpoint("leaving")
    async with telling(tmp_path, leaving) as (w, caller, _):
        await w.sender.pause("leaving")
        await announced(w, "u1")
        w.sender.served["leaving"].become(replace(leaving, drain=True))
        await w.sender.resume("leaving")
        assert (await caller.get("/v1/endpoints/leaving")).body["reason"]["code"] == "draining"
        await w.settle()
        assert (await caller.get("/v1/endpoints/leaving")).body["reason"]["code"] == "drained"


async def reason(caller, name="leaving"):
    told = (await caller.get(f"/v1/endpoints/{name}")).body["reason"]
    return told["code"], told["text"]


DRAINED = ("drained", "it is drained, and nothing waits: it can be taken out of the config")


async def test_one_that_fails_or_is_paused_says_that_it_drains_and_when_it_is_drained(tmp_path):
    leaving = endpoint("leaving", schedule=(0.0, *[1.0] * 99))
    async with telling(tmp_path, leaving) as (w, caller, _):
        w.receivers.down.add("leaving")
        await announced(w, "u1")
        w.sender.served["leaving"].become(replace(leaving, drain=True))
        assert await reason(caller) == ("failing", "draining; http_5xx; what fails is tried again by the schedule")
        await w.sends_until(w.clock.now + 10)
        assert await reason(caller) == ("failing", "draining; http_5xx; one request at a time tries it")
        await caller.post("/v1/endpoints/leaving/pause")
        assert await reason(caller) == ("person", "draining; somebody paused it; resume it, or change its URL")
        await caller.post("/v1/drop", endpoint="leaving", phase="waiting")
        assert await reason(caller) == DRAINED  # whatever was the matter with it


async def test_one_is_not_drained_while_a_replay_to_it_goes_on_and_is_listed_with_it_where_it_left(tmp_path):
    leaving, crm = endpoint("leaving"), endpoint("crm")
    async with telling(tmp_path, leaving, crm) as (w, caller, _):
        await announced(w, *(f"u{n:02}" for n in range(12)))
        w.sender.served["leaving"].become(replace(leaving, drain=True))
        assert await reason(caller) == DRAINED
        w.clock.now += 10
        await caller.post("/v1/replay", event=w.receivers.events("crm")[0]["id"])
        assert (await reason(caller))[0] == "draining"  # it may be to this one, too
        await w.replays.step(w.clock.now)
        await w.settle()
        await caller.post("/v1/replay", endpoint="leaving")
        assert await reason(caller) == ("draining", "draining; a replay to it is not done")
        await w.replays.step(w.clock.now)
        waits = ("draining", "draining; what waits is sent, nothing new is owed to it")
        assert await reason(caller) == waits
        await w.settle()
        assert (await caller.get("/v1/endpoints/leaving")).body["waiting"] == 0
        assert await reason(caller) == ("draining", "draining; a replay to it is not done")
        clock = w.clock
    async with telling(tmp_path, crm, clock=clock) as (w, caller, _):
        shown = [one["name"] for one in (await caller.get("/v1/endpoints")).body["items"]]
        assert shown == ["crm", "leaving"]
        await caller.delete("/v1/replays/2")
        assert [one["name"] for one in (await caller.get("/v1/endpoints")).body["items"]] == ["crm"]


# --- what fails is told

REFUSED = "127.0.0.1 cannot be connected to: Connection refused"
WANTED = endpoint("app", schedule=(0.0, *[1.0] * 99))


def answering(w, outcome, status=None, **more):
    """The receivers do this from now on."""

    async def post(delivery):
        return Attempt(w.clock.now, 0.01, outcome, status, **more)

    w.post = post


async def why(caller):
    told = (await caller.get("/v1/endpoints/app")).body
    return told["state"], told["reason"] and told["reason"]["code"], told["reason"] and told["reason"]["text"]


async def test_what_fails_is_told_from_the_first_failure_on_and_after_a_restart_until_it_succeeds(tmp_path):
    async with telling(tmp_path, WANTED) as (w, caller, _):
        answering(w, Outcome.CONNECT, note=REFUSED)
        w.client.set("u1", Status.PROCESSING)
        await w.poll()
        await w.settle()
        words = f"{REFUSED}; what fails is tried again by the schedule"
        assert await why(caller) == ("ok", "failing", words)
        await w.sends_until(w.clock.now + 10)
        shut = ("open", "failing", f"{REFUSED}; one request at a time tries it")
        assert await why(caller) == shut
        (delivery,) = (await caller.get("/v1/deliveries")).body["items"]
        assert (delivery["outcome"], delivery["note"]) == ("connect", REFUSED)
        clock = w.clock
    async with telling(tmp_path, WANTED, clock=clock) as (w, caller, _):
        assert await why(caller) == shut
        assert (await caller.get("/v1/endpoints/app")).body["failure"] == REFUSED
        answering(w, Outcome.HTTP_5XX, 503, note="127.0.0.1 answers 503", retry_after=900.0)
        await w.sends_until(w.clock.now + 60)
        assert (await why(caller))[2].startswith("127.0.0.1 answers 503; it asked to be left alone")
        w.post = w.receivers.post
        await w.sends_until(w.clock.now + 3600)
        assert await why(caller) == ("ok", None, None)


async def test_of_one_that_asks_for_time_and_of_one_that_failed_for_days_it_is_told_too(tmp_path):
    patient = replace(WANTED, schedule=(0.0, *[36_000.0] * 99))
    async with telling(tmp_path, patient) as (w, caller, _):
        answering(w, Outcome.HTTP_5XX, 503, note="127.0.0.1 answers 503", retry_after=900.0)
        w.client.set("u1", Status.PROCESSING)
        await w.poll()
        await w.settle()
        throttled = "127.0.0.1 answers 503; it asked to be left alone for a while"
        assert await why(caller) == ("ok", "throttled", throttled)
        answering(w, Outcome.HTTP_5XX, 503, note="127.0.0.1 answers 503")
        await w.sends_until(w.clock.now + 6 * 86400)
        state, code, text = await why(caller)
        assert (state, code) == ("paused", "failing")
        assert text.startswith("127.0.0.1 answers 503; it has taken nothing for 5 days")
        await caller.post("/v1/endpoints/app/pause")
        assert (await why(caller))[2].startswith("somebody paused it")


async def test_a_failing_endpoint_is_tried_next_when_something_is_due_and_it_is_sent_to_again(tmp_path):
    late = replace(WANTED, schedule=(0.0, *[7200.0] * 99))
    async with telling(tmp_path, late) as (w, caller, _):
        answering(w, Outcome.HTTP_5XX, 503, note="127.0.0.1 answers 503")
        await announced(w, *(f"u{n}" for n in range(6)))
        told = (await caller.get("/v1/endpoints/app")).body
        ((due_at,),) = await w.store.database.rows("SELECT min(due_at) FROM deliveries")
        assert (told["state"], moment(told["probe_at"]) < due_at) == ("open", True)
        assert moment(told["next_at"]) == pytest.approx(due_at, abs=0.001)
        await announced(w, "u1", status=Status.COMPLETED)  # it waits for the one before it
        assert (await caller.get("/v1/endpoints/app")).body["next_at"] == told["next_at"]
        await caller.post("/v1/drop", endpoint="app")
        assert (await caller.get("/v1/endpoints/app")).body["next_at"] is None  # nothing waits
    (tmp_path / "soon").mkdir()
    async with telling(tmp_path / "soon", WANTED) as (w, caller, _):
        answering(w, Outcome.HTTP_5XX, 503, note="127.0.0.1 answers 503")
        await announced(w, *(f"u{n}" for n in range(6)))
        told = (await caller.get("/v1/endpoints/app")).body
        assert (told["state"], told["next_at"]) == ("open", told["probe_at"])
        await caller.post("/v1/endpoints/app/pause")
        assert (await caller.get("/v1/endpoints/app")).body["next_at"] is None  # before a person acts
        clock = w.clock
    async with telling(tmp_path / "soon", endpoint("crm"), clock=clock) as (_, caller, _):
        told = (await caller.get("/v1/endpoints/app")).body
        words = "the config names it no more: what waits for it is kept, unsent"
        assert (told["configured"], told["reason"]) == (False, {"code": "unconfigured", "text": words})
        assert told["next_at"] is None


async def test_a_callback_that_the_config_permits_no_more_says_so_before_it_is_paused_for_that(tmp_path):
    async with served(tmp_path, calling=CALLING, discover=False) as (w, caller, _):
        await w.register("a", callback=Callback("https://app.example.com/a", "standard"))
        clock = w.clock
    async with served(tmp_path, calling=Calling(CALLBACKS), discover=False, clock=clock) as (_, caller, _):
        told = (await caller.get("/v1/endpoints/notify:1")).body
        assert (told["state"], told["reason"]["code"], told["next_at"]) == ("ok", "unpermitted", None)


async def test_a_fault_of_this_machine_and_secrets_that_have_ended_are_told(tmp_path):
    async with telling(tmp_path, WANTED) as (w, caller, _):
        answering(w, Outcome.LOCAL, note="127.0.0.1 was sent nothing, by a fault of this machine: no memory")
        w.client.set("u1", Status.PROCESSING)
        await w.poll()
        await w.settle()
        assert await why(caller) == ("ok", "local", "127.0.0.1 was sent nothing, by a fault of this machine: no memory")
        w.clock.now += 30
        assert (await why(caller))[1] is None
        w.sender.served["app"].is_unsigned = True
        assert (await why(caller))[:2] == ("ok", "unsigned")
