"""Uploads at Upload-Post over time: the real poller over the fake provider, and the events that come of it."""

import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web
from providing import KEY, source
from world import Clock

from notifier.demo.provider import Fault
from notifier.demo.upload_post import FakeUploadPost, Post
from notifier.poller import Poller, Watched
from notifier.providers import PROVIDERS
from notifier.providers.http import open_session
from notifier.store import Store

MINUTE, HOUR = 60.0, 3600.0
ID, JOB = "7b2c2f5e", "job_abc123xyz"
LIVE = {"platform": "x", "success": True, "message": "Published"}


@dataclass
class Life:
    """A source at Upload-Post whose clock is moved by hand."""

    fake: FakeUploadPost
    store: Store
    poller: Poller
    clock: Clock

    async def pass_by(self, seconds: float) -> None:
        """Every pass that is due in this time."""
        end = self.clock.now + seconds
        while (at := await self.poller.poll("posts")) <= end:
            self.clock.now = max(at, self.clock.now)
        self.clock.now = end

    async def events(self) -> list[dict[str, Any]]:
        rows = await self.store.database.rows("SELECT body FROM events ORDER BY position")
        return [json.loads(body) for (body,) in rows]

    async def types(self) -> list[str]:
        return [event["type"] for event in await self.events()]

    async def followed(self) -> dict[str, str | None]:
        return dict(await self.store.database.rows("SELECT id, ref FROM uploads"))

    def asked(self, part: str) -> int:
        return sum(part in request for request in self.fake.requests)


@asynccontextmanager
async def life(path: Path, *posts: Post, **more: Any) -> AsyncIterator[Life]:
    clock, provider = Clock(), PROVIDERS["upload_post"]
    async with FakeUploadPost(posts, clock, key=KEY) as fake, open_session() as session:
        one = source("upload_post", fake.base_url, **more)
        store = await Store.open(path / "notifier.db")
        try:
            watched = [Watched(one, provider, provider.connect(session, one))]
            poller = Poller(store, watched, (), clock, random.Random(1).random)
            await poller.open()
            yield Life(fake, store, poller, clock)
        finally:
            await store.close()


def whole(*rows: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """These rows, each saying that there are no others."""
    return tuple({"request_total_platforms": len(rows), **row} for row in rows)


async def reauth(_: web.Request) -> web.Response:
    return web.json_response({"success": False, "code": "instagram_reauth_required"}, status=401)


async def tenfold(_: web.Request) -> web.Response:
    return web.json_response({"error": "Invalid limit"}, status=400)


async def empty(_: web.Request) -> web.Response:
    return web.json_response({"scheduled_posts": []})


def one_row(row: dict[str, Any]) -> Fault:
    async def history(_: web.Request) -> web.Response:
        told = {"request_id": ID, "upload_timestamp": "2027-01-15T07:59:00Z", **row}
        return web.json_response({"history": [told], "total": 1, "page": 1, "limit": 100})

    return history


async def test_a_queued_row_that_says_success_is_published_only_when_the_upload_is_completed(tmp_path):
    async with life(tmp_path, uploads=(ID,), discover=False) as w:
        w.fake.put(Post(ID, "in_progress", ({**LIVE, "message": "Queued"},), total=2))
        await w.pass_by(MINUTE)
        w.fake.put(Post(ID, "completed", (LIVE, {**LIVE, "platform": "linkedin"}), total=2))
        await w.pass_by(MINUTE)
        first, last = await w.events()
        assert (first["type"], last["type"]) == ("upload.processing", "upload.completed")
        assert [target["status"] for target in first["data"]["upload"]["targets"]] == ["queued"]
        assert [target["status"] for target in last["data"]["upload"]["targets"]] == ["completed", "completed"]


async def test_a_failure_without_activity_is_reopened_by_a_retry_once_its_cached_verdict_expires(
    tmp_path,
):
    async with life(tmp_path, uploads=(ID,), discover=False) as w:
        w.fake.put(Post(ID, "processing"))
        await w.pass_by(MINUTE)
        message = "Upload appears to have failed (no activity for over 1 hour)"
        w.fake.put(Post(ID, "failed", message=message))
        await w.pass_by(MINUTE)
        before = len(w.fake.requests)
        await w.pass_by(4 * MINUTE)  # retried by its owner meanwhile, which the cache does not tell
        assert len(w.fake.requests) == before
        w.fake.put(Post(ID, "processing"))
        await w.pass_by(2 * MINUTE)
        w.fake.put(Post(ID, "completed", (LIVE,)))
        await w.pass_by(MINUTE)
        events = await w.events()
        assert [(event["type"], event["data"]["reopened"]) for event in events] == [
            ("upload.processing", False),
            ("upload.failed", False),
            ("upload.processing", True),
            ("upload.completed", False),
        ]
        reasons = [event["data"]["upload"]["reason"] for event in events]
        assert reasons == [None, {"code": "no_activity_1h", "text": message}, None, None]


async def test_an_id_that_is_registered_before_it_is_used_is_not_gone(tmp_path):
    async with life(tmp_path, uploads=(ID,), discover=False) as w:
        await w.pass_by(5.0)
        assert w.asked(f"request_id={ID}") == w.asked(f"job_id={ID}") == 1
        await w.pass_by(20.0)
        assert w.asked(f"job_id={ID}") >= 2
        assert await w.types() == []
        w.fake.put(Post(ID, "pending"))
        await w.pass_by(MINUTE)
        (event,) = await w.events()
        assert (event["type"], event["data"]["first_seen"]) == ("upload.queued", True)
        assert await w.followed() == {ID: "request_id"}


async def test_a_registered_job_is_found_by_its_other_name_and_asked_for_by_it_from_then_on(tmp_path):
    async with life(tmp_path, Post(JOB, job=True), uploads=(JOB,), discover=False) as w:
        await w.pass_by(2 * MINUTE)
        assert await w.types() == ["upload.scheduled"]
        assert w.asked(f"request_id={JOB}") == 1
        assert w.asked(f"job_id={JOB}") > 1


async def test_a_retryable_row_is_no_failure(tmp_path):
    async with life(tmp_path, uploads=(ID,), discover=False) as w:
        failed = {"platform": "x", "success": False, "message": "Failed", "error": "rate limited"}
        for rows in ({**failed, "status": "retryable"}, {**failed, "status": "processing"}):
            w.fake.put(Post(ID, "in_progress", (rows,)))
            await w.pass_by(MINUTE)
        w.fake.put(Post(ID, "completed", ({**LIVE, "status": "completed"},)))
        await w.pass_by(MINUTE)
        events = await w.events()
        assert [event["type"] for event in events] == ["upload.processing", "upload.updated", "upload.completed"]
        targets = [event["data"]["upload"]["targets"][0] for event in events]
        assert [target["status"] for target in targets] == ["retrying", "processing", "completed"]


async def test_a_job_that_leaves_the_schedule_list_has_run(tmp_path):
    async with life(tmp_path) as w:
        await w.pass_by(MINUTE)
        w.fake.put(Post(JOB, job=True, scheduled_at=w.clock.now + HOUR, title="Monday tip"))
        await w.pass_by(HOUR)
        w.fake.put(Post(JOB, "completed", whole(LIVE), job=True))
        await w.pass_by(10 * MINUTE)
        events = await w.events()
        assert [event["type"] for event in events] == ["upload.scheduled", "upload.completed"]
        assert {event["data"]["upload"]["title"] for event in events} == {"Monday tip"}
        assert await w.followed() == {JOB: "job_id"}


async def test_a_job_that_leaves_the_schedule_list_and_is_not_found_is_cancelled(tmp_path):
    async with life(tmp_path) as w:
        await w.pass_by(MINUTE)
        w.fake.put(Post(JOB, job=True, scheduled_at=w.clock.now + HOUR))
        await w.pass_by(30 * MINUTE)
        w.fake.remove(JOB)
        await w.pass_by(30 * MINUTE)
        assert await w.types() == ["upload.scheduled"]
        await w.pass_by(HOUR)
        event = (await w.events())[-1]
        assert (event["type"], event["data"]["upload"]["reason"]) == ("upload.cancelled", None)
        await w.pass_by(2 * HOUR)
        assert await w.types() == ["upload.scheduled", "upload.cancelled"]


async def test_a_job_that_runs_under_another_id_is_still_the_same_upload(tmp_path):
    async with life(tmp_path) as w:
        await w.pass_by(MINUTE)
        due_at = w.clock.now + HOUR
        w.fake.put(Post(JOB, job=True, scheduled_at=due_at))
        await w.pass_by(10 * MINUTE)
        w.fake.put(Post(JOB, "completed", whole({**LIVE, "request_id": ID}), job=True))
        await w.pass_by(10 * MINUTE)
        events = await w.events()
        assert [event["type"] for event in events] == ["upload.scheduled", "upload.completed"]
        assert {event["data"]["upload"]["id"] for event in events} == {JOB}
        assert await w.followed() == {JOB: "job_id"}


async def test_a_schedule_list_signed_anew_every_time_is_no_news(tmp_path):
    async with life(tmp_path) as w:
        w.fake.put(Post(JOB, job=True, scheduled_at=w.clock.now + 24 * HOUR))
        await w.pass_by(HOUR)
        assert w.asked("schedule") > 1
        assert await w.types() == []


async def test_the_history_tells_how_what_nobody_looked_at_ended(tmp_path):
    async with life(tmp_path) as w:
        await w.pass_by(MINUTE)
        failed = {"platform": "linkedin", "success": False, "error_message": "Token expired"}
        w.fake.put(Post(ID, "completed", whole(LIVE, failed), total=2))
        await w.pass_by(5 * MINUTE)
        (event,) = await w.events()
        assert (event["type"], event["data"]["first_seen"]) == ("upload.partial", True)
        assert event["data"]["upload"]["reason"] == {"code": "error", "text": "Token expired"}
        assert w.asked("status") == 0


async def test_a_history_that_does_not_say_how_many_platforms_there_are_leads_to_one_look(tmp_path):
    async with life(tmp_path) as w:
        await w.pass_by(MINUTE)
        w.fake.put(Post(ID, "completed", (LIVE,)))
        await w.pass_by(6 * MINUTE)
        assert await w.types() == ["upload.completed"]
        assert w.asked("status") == 1


async def test_a_silent_baseline_says_nothing_of_rows_that_tell_too_little(tmp_path):
    failed = {"platform": "linkedin", "success": False, "error": "Token expired", "request_total_platforms": 3}
    async with life(tmp_path, Post(ID, "completed", (LIVE,)), Post("b", "failed", (failed, LIVE), total=3)) as w:
        await w.pass_by(HOUR)
        assert w.asked(f"status?request_id={ID}") >= 1
        assert w.asked("status?request_id=b") >= 1
        assert await w.types() == []


async def test_a_silent_baseline_is_followed_by_what_happens_to_rows_that_told_too_little(tmp_path):
    row = {**LIVE, "request_total_platforms": 2}
    async with life(tmp_path, Post(ID, "failed", (row,), total=2)) as w:
        w.fake.faults.append(empty)  # the schedule list comes first
        w.fake.faults.append(one_row(row))
        w.fake.put(Post(ID, "in_progress", (row,), total=2))
        await w.pass_by(MINUTE)
        assert await w.types() == []
        w.fake.put(Post(ID, "completed", whole(LIVE, {**LIVE, "platform": "linkedin"}), total=2))
        await w.pass_by(MINUTE)
        assert await w.types() == ["upload.completed"]


async def test_a_silent_baseline_does_not_ask_after_what_is_long_over(tmp_path):
    long_ago = {**LIVE, "upload_timestamp": "2025-01-01T12:34:56Z"}
    async with life(tmp_path, *(Post(f"{ID}-{n}", "completed", (long_ago,)) for n in range(3))) as w:
        await w.pass_by(HOUR)
        assert w.asked("status") == 0
        assert len(await w.followed()) == 3


async def test_a_social_account_to_be_connected_anew_does_not_stop_the_source(tmp_path):
    async with life(tmp_path, Post(ID, "processing"), uploads=(ID,), discover=False) as w:
        w.fake.faults.extend([reauth] * 3)
        await w.pass_by(MINUTE)
        assert await w.types() == ["upload.processing"]


async def test_a_page_of_the_baseline_that_cannot_be_read_is_read_again(tmp_path):
    async with life(tmp_path, Post(ID, "completed", whole(LIVE))) as w:
        w.fake.faults.extend([reauth] * 2)
        await w.pass_by(HOUR)
        assert await w.followed() == {ID: "request_id"}
        assert await w.types() == []


async def test_a_history_of_ten_rows_a_page_is_read_to_its_end(tmp_path):
    posts = [Post(f"{ID}-{n}", "completed", whole(LIVE)) for n in range(25)]
    async with life(tmp_path, *posts) as w:
        w.fake.faults.extend([empty, tenfold])  # the schedule list comes first
        await w.pass_by(MINUTE)
        asked = [request for request in w.fake.requests if "history" in request]
        assert [request.partition("?")[2] for request in asked[:4]] == [
            "page=1&limit=100",
            "page=1&limit=10",
            "page=2&limit=10",
            "page=3&limit=10",
        ]
        assert len(await w.followed()) == 25
        assert await w.types() == []
