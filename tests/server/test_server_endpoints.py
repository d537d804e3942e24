"""/v1/endpoints: how each receiver fares, and who is told what."""

from asking import BEARER, served

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
