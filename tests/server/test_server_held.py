"""What holds up a delivery that waits, and when it is tried, as /v1/deliveries and /v1/events tell it."""

from dataclasses import replace

import pytest
from asking import announced, served, telling
from things import HOUR
from world import CALLBACKS, CALLING, endpoint

from notifier.core.callbacks import Calling
from notifier.core.model import Attempt, Callback, Outcome, Rate, Status
from notifier.core.moments import moment

S = Status
APP = endpoint("app", schedule=(0.0, *[1.0] * 99))
DOWN = "127.0.0.1 answers 500"


def answering(w, outcome=Outcome.HTTP_5XX, **more):
    """The receivers do this from now on."""

    async def post(delivery):
        return Attempt(w.clock.now, 0.01, outcome, note=DOWN, **more)

    w.post = post


async def waiting(caller):
    """What holds each delivery that waits, by its code, and when it is tried; the oldest first."""
    items = (await caller.get("/v1/deliveries", phase="waiting")).body["items"]
    for one in items:
        shown = (await caller.get(f"/v1/deliveries/{one['id']}")).body
        (of_event,) = (await caller.get(f"/v1/events/{one['event']}")).body["deliveries"]
        assert {key: one[key] for key in ("held", "next_at")} == {key: shown[key] for key in ("held", "next_at")}
        assert of_event == shown
    told = [(one["held"] and one["held"]["code"], one["next_at"]) for one in reversed(items)]
    return [(code, at and moment(at)) for code, at in told]


async def test_no_attempt_is_promised_to_a_paused_endpoint(tmp_path):
    async with telling(tmp_path, APP) as (w, caller, _):
        answering(w)
        w.client.set("u1", S.PROCESSING)
        await w.poll()
        await w.settle()
        assert await waiting(caller) == [(None, pytest.approx(w.clock.now + 1, abs=0.3))]
        await caller.post("/v1/endpoints/app/pause")
        await announced(w, "u2")  # never tried
        assert await waiting(caller) == [("paused", None)] * 2
        w.post = w.receivers.post
        await caller.post("/v1/endpoints/app/resume")
        for _ in range(2):
            await w.settle()
        assert await waiting(caller) == []
        assert {(one["held"], one["next_at"]) for one in (await caller.get("/v1/deliveries")).body["items"]} == {
            (None, None)
        }


async def test_a_delivery_of_news_of_an_endpoint_says_which_one_that_is(tmp_path):
    async with telling(tmp_path, APP, endpoint("ops", events=("endpoint.*",))) as (_, caller, _):
        await caller.post("/v1/endpoints/app/pause")
        (told,) = (await caller.get("/v1/deliveries")).body["items"]
        assert (told["type"], told["endpoint"], told["about"]) == ("endpoint.paused", "ops", "app")


async def test_nor_to_one_that_left_the_config_nor_where_nothing_can_be_signed(tmp_path):
    async with telling(tmp_path, APP) as (w, caller, _):
        answering(w)
        await announced(w, "u1")
        w.sender.served["app"].is_unsigned = True
        assert await waiting(caller) == [("unsigned", None)]
        clock = w.clock
    async with telling(tmp_path, endpoint("crm"), clock=clock) as (w, caller, _):
        assert await waiting(caller) == [("unconfigured", None)]


async def test_what_comes_after_another_of_its_upload_waits_for_that(tmp_path):
    async with telling(tmp_path, replace(APP, schedule=(0.0, *[36_000.0] * 99))) as (w, caller, _):
        answering(w)
        await announced(w, "u1")
        due = pytest.approx(w.clock.now + 36_000, rel=0.3)
        await announced(w, "u1", status=S.COMPLETED)
        assert [code for code, _ in await waiting(caller)] == [None, "behind"]
        assert await waiting(caller) == [(None, due), ("behind", None)]
        await caller.post("/v1/endpoints/app/pause")
        assert await waiting(caller) == [("paused", None)] * 2  # that is what a person can do something about


async def test_where_the_endpoint_opens_later_than_it_is_due_that_is_when_it_is_tried_and_else_when_it_is_due(tmp_path):
    async with telling(tmp_path, APP) as (w, caller, _):
        answering(w)
        await announced(w, "u1")
        await w.sends_until(w.clock.now + 10)
        probe_at = w.sender.served["app"].health.probe_at
        assert await waiting(caller) == [("open", pytest.approx(probe_at, abs=0.001))]
        answering(w, retry_after=5000.0)
        await w.sends_until(probe_at + 10)
        quiet_until = w.sender.served["app"].health.quiet_until
        assert await waiting(caller) == [("throttled", pytest.approx(quiet_until, abs=0.001))]
    late = replace(APP, schedule=(0.0, *[36_000.0] * 99))
    (tmp_path / "late").mkdir()
    async with telling(tmp_path / "late", late) as (w, caller, _):
        answering(w)
        await announced(w, *(f"u{n}" for n in range(5)))
        ((due,),) = await w.store.database.rows("SELECT min(due_at) FROM deliveries")
        assert due > w.sender.served["app"].health.probe_at
        told = await waiting(caller)
        assert {code for code, _ in told} == {"open"}
        assert min(at for _, at in told) == pytest.approx(due, abs=0.001)


async def test_a_fault_of_this_machine_holds_it_until_the_rest_is_over(tmp_path):
    async with telling(tmp_path, APP) as (w, caller, _):
        answering(w, Outcome.LOCAL)
        await announced(w, "u1")
        rests_until = w.sender.served["app"].rests_until
        ((code, at),) = await waiting(caller)
        assert (code, at >= rests_until - 0.001) == ("local", True)
        w.clock.now = rests_until
        assert (await waiting(caller))[0][0] is None


async def test_what_is_owed_to_callbacks_is_held_like_all_else(tmp_path):
    async def held(caller):
        items = (await caller.get("/v1/deliveries", phase="waiting")).body["items"]
        return {one["endpoint"]: one["held"] and one["held"]["code"] for one in items}

    async with served(tmp_path, calling=CALLING, discover=False) as (w, caller, _):
        answering(w)
        for name in ("a", "b"):
            await w.register(name, callback=Callback(f"https://app.example.com/{name}", "standard"))
            w.client.set(name, S.PROCESSING)
        await caller.post("/v1/endpoints/notify:1/pause")
        await w.polls_until(w.clock.now + 30)
        await w.settle()
        assert await held(caller) == {"app": None, "notify:1": "paused", "notify:2": None}
        clock = w.clock
    async with served(tmp_path, calling=Calling(CALLBACKS), discover=False, clock=clock) as (w, caller, _):
        assert await held(caller) == {"app": None, "notify:1": "unpermitted", "notify:2": "unpermitted"}


async def test_what_the_rate_of_its_endpoint_lets_go_later_is_not_said_to_go_now(tmp_path):
    async with telling(tmp_path, replace(APP, rate=Rate(2, HOUR))) as (w, caller, _):
        await announced(w, "u1", "u2", "u3")
        told = await waiting(caller)
        assert [code for code, _ in told] == ["rate", "rate"]
        assert all(w.clock.now < at <= w.clock.now + HOUR for _, at in told)
        app = (await caller.get("/v1/endpoints/app")).body
        assert (app["reason"]["code"], moment(app["next_at"])) == ("rate", told[0][1])
        w.clock.now = told[0][1]
        await w.settle()
        assert len(await waiting(caller)) == 1


async def test_a_rate_that_holds_up_nothing_is_no_matter(tmp_path):
    async with telling(tmp_path, replace(APP, rate=Rate(2, HOUR))) as (w, caller, _):
        await announced(w, "u1")
        assert (await caller.get("/v1/endpoints/app")).body["reason"] is None
