"""/v1/endpoints: how each receiver fares, and who is told what."""

from dataclasses import replace

from asking import BEARER, announced, served, telling
from world import endpoint

APP = {
    "name": "app",
    "url": "http://127.0.0.1/",
    "format": "standard",
    "configured": True,
    "state": "ok",
    "reason": None,
    "waiting": 0,
    "dead": 0,
    "oldest_at": None,
    "in_flight": 0,
    "failures": 0,
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
