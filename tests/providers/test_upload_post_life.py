"""Uploads at Upload-Post over time: the real poller over the fake provider, and the events that come of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import web
from living import HOUR, MINUTE, Life, living, upload
from planning import overheard
from providing import KEY, source
from world import Clock

from notifier.demo.provider import Fault, iso
from notifier.demo.upload_post import FakeUploadPost, Post

ID, JOB = "7b2c2f5e", "job_abc123xyz"
LIVE = {"platform": "x", "success": True, "message": "Published"}


@asynccontextmanager
async def life(path: Path, *posts: Post, **more: Any) -> AsyncIterator[Life]:
    clock = Clock()
    async with (
        FakeUploadPost(posts, clock, key=KEY) as fake,
        living(path, fake, source("upload_post", fake.base_url, **more), clock) as it,
    ):
        yield it


async def followed(it: Life) -> dict[str, str | None]:
    return dict(await it.store.database.rows("SELECT id, ref FROM uploads"))


def asked(it: Life, part: str) -> int:
    return sum(part in request for request in it.fake.requests)


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
    async with life(tmp_path, uploads=(ID,), discover=False) as it:
        it.fake.put(Post(ID, "in_progress", ({**LIVE, "message": "Queued"},), total=2))
        await it.polls_for(MINUTE)
        it.fake.put(Post(ID, "completed", (LIVE, {**LIVE, "platform": "linkedin"}), total=2))
        await it.polls_for(MINUTE)
        first, last = await it.news()
        assert (first["type"], last["type"]) == ("upload.processing", "upload.completed")
        assert [target["status"] for target in upload(first)["targets"]] == ["queued"]
        assert [target["status"] for target in upload(last)["targets"]] == ["completed", "completed"]


async def test_a_failure_without_activity_is_reopened_by_a_retry_once_its_cached_verdict_expires(
    tmp_path,
):
    async with life(tmp_path, uploads=(ID,), discover=False) as it:
        it.fake.put(Post(ID, "processing"))
        await it.polls_for(MINUTE)
        message = "Upload appears to have failed (no activity for over 1 hour)"
        it.fake.put(Post(ID, "failed", message=message))
        await it.polls_for(MINUTE)
        before = len(it.fake.requests)
        await it.polls_for(4 * MINUTE)  # retried by its owner meanwhile, which the cache does not tell
        assert len(it.fake.requests) == before
        it.fake.put(Post(ID, "processing"))
        await it.polls_for(2 * MINUTE)
        it.fake.put(Post(ID, "completed", (LIVE,)))
        await it.polls_for(MINUTE)
        events = await it.news()
        assert [(event["type"], event["data"]["reopened"]) for event in events] == [
            ("upload.processing", False),
            ("upload.failed", False),
            ("upload.processing", True),
            ("upload.completed", False),
        ]
        reasons = [upload(event)["reason"] for event in events]
        assert reasons == [None, {"code": "no_activity_1h", "text": message}, None, None]


async def test_an_id_that_is_registered_before_it_is_used_is_not_gone(tmp_path):
    async with life(tmp_path, uploads=(ID,), discover=False) as it:
        await it.polls_for(5.0)
        assert asked(it, f"request_id={ID}") == asked(it, f"job_id={ID}") == 1
        await it.polls_for(20.0)
        assert asked(it, f"job_id={ID}") >= 2
        assert await it.types() == []
        it.fake.put(Post(ID, "pending"))
        await it.polls_for(MINUTE)
        (event,) = await it.news()
        assert (event["type"], event["data"]["first_seen"]) == ("upload.queued", True)
        assert await followed(it) == {ID: "request_id"}


async def test_a_registered_job_is_found_by_its_other_name_and_asked_for_by_it_from_then_on(tmp_path):
    async with life(tmp_path, Post(JOB, job=True), uploads=(JOB,), discover=False) as it:
        await it.polls_for(2 * MINUTE)
        assert await it.types() == ["upload.scheduled"]
        assert asked(it, f"request_id={JOB}") == 1
        assert asked(it, f"job_id={JOB}") > 1


async def test_a_retryable_row_is_no_failure(tmp_path):
    async with life(tmp_path, uploads=(ID,), discover=False) as it:
        failed = {"platform": "x", "success": False, "message": "Failed", "error": "rate limited"}
        for rows in ({**failed, "status": "retryable"}, {**failed, "status": "processing"}):
            it.fake.put(Post(ID, "in_progress", (rows,)))
            await it.polls_for(MINUTE)
        it.fake.put(Post(ID, "completed", ({**LIVE, "status": "completed"},)))
        await it.polls_for(MINUTE)
        events = await it.news()
        assert [event["type"] for event in events] == ["upload.processing", "upload.updated", "upload.completed"]
        targets = [upload(event)["targets"][0] for event in events]
        assert [target["status"] for target in targets] == ["retrying", "processing", "completed"]


async def test_a_job_that_leaves_the_schedule_list_has_run(tmp_path):
    async with life(tmp_path) as it:
        await it.polls_for(MINUTE)
        it.fake.put(Post(JOB, job=True, scheduled_at=it.clock.now + HOUR, title="Monday tip"))
        await it.polls_for(HOUR)
        it.fake.put(Post(JOB, "completed", whole(LIVE), job=True))
        await it.polls_for(10 * MINUTE)
        events = await it.news()
        assert [event["type"] for event in events] == ["upload.scheduled", "upload.completed"]
        assert {upload(event)["title"] for event in events} == {"Monday tip"}
        assert await followed(it) == {JOB: "job_id"}


async def test_jobs_whose_time_has_come_are_asked_for_although_the_schedule_list_goes_on_to_show_them(tmp_path):
    async with life(tmp_path) as it:
        await it.polls_for(MINUTE)
        for job in ("one", "other"):  # what is alone is not left to the history
            it.fake.put(Post(job, job=True, scheduled_at=it.clock.now + HOUR))
        await it.polls_for(HOUR + 5 * MINUTE)
        assert sorted(await it.types()) == ["upload.queued", "upload.queued", "upload.scheduled", "upload.scheduled"]


async def test_a_job_that_is_put_off_when_its_time_has_come_is_scheduled_again(tmp_path):
    async with life(tmp_path) as it:
        await it.polls_for(MINUTE)
        job = Post(JOB, job=True, scheduled_at=it.clock.now + HOUR)
        it.fake.put(job)
        await it.polls_for(HOUR + 5 * MINUTE)
        assert await it.types() == ["upload.scheduled", "upload.queued"]
        later = it.clock.now + 2 * HOUR
        it.fake.put(replace(job, scheduled_at=later))
        await it.polls_for(HOUR)
        (event,) = await it.news()
        assert (event["type"], upload(event)["scheduled_at"]) == ("upload.scheduled", iso(later).replace(".000", ""))
        await it.polls_for(HOUR + 5 * MINUTE)
        assert await it.types() == ["upload.queued"]


async def test_a_job_that_leaves_the_schedule_list_and_is_not_found_is_cancelled(tmp_path):
    async with life(tmp_path) as it:
        await it.polls_for(MINUTE)
        it.fake.put(Post(JOB, job=True, scheduled_at=it.clock.now + HOUR))
        await it.polls_for(30 * MINUTE)
        it.fake.remove(JOB)
        await it.polls_for(30 * MINUTE)
        assert await it.types() == ["upload.scheduled"]
        await it.polls_for(HOUR)
        (event,) = await it.news()
        assert (event["type"], upload(event)["reason"]) == ("upload.cancelled", None)
        await it.polls_for(2 * HOUR)
        assert await it.types() == []


async def test_a_job_that_runs_under_another_id_is_still_the_same_upload(tmp_path):
    async with life(tmp_path) as it:
        await it.polls_for(MINUTE)
        due_at = it.clock.now + HOUR
        it.fake.put(Post(JOB, job=True, scheduled_at=due_at))
        await it.polls_for(10 * MINUTE)
        it.fake.put(Post(JOB, "completed", whole({**LIVE, "request_id": ID}), job=True))
        await it.polls_for(10 * MINUTE)
        events = await it.news()
        assert [event["type"] for event in events] == ["upload.scheduled", "upload.completed"]
        assert {upload(event)["id"] for event in events} == {JOB}
        assert await followed(it) == {JOB: "job_id"}


async def test_a_job_that_ran_under_another_id_is_written_and_read_again_only_where_something_is_new(tmp_path):
    async with life(tmp_path) as it:
        await it.baseline()
        jobs = [Post(f"job{n}", job=True, scheduled_at=it.clock.now + 10 * MINUTE) for n in range(3)]
        for job in jobs:
            it.fake.put(job)
        await it.polls_for(8 * MINUTE)
        done = {**LIVE, "post_url": "https://x.example/1"}
        for n, job in enumerate(jobs):
            it.fake.put(replace(job, status="completed", rows=whole({**done, "request_id": f"r{n}"})))
        await it.polls_for(HOUR)
        assert await it.types() == ["upload.scheduled"] * 3 + ["upload.completed"] * 3
        await it.store.unfollow("posts", "job0", None, it.clock.now)
        for n in range(99):
            it.clock.now += 1
            it.fake.put(Post(f"u{n}", "completed", whole(done)))
        await it.polls_for(HOUR)
        it.fake.requests.clear()
        async with overheard(it.store) as asked:
            await it.polls_for(HOUR)
        assert [one for one in asked if one.startswith("UPDATE uploads")] == []
        assert {one for one in it.fake.requests if "history" in one} == {"/api/uploadposts/history?page=1&limit=100"}


async def test_a_schedule_list_signed_anew_every_time_is_no_news(tmp_path):
    async with life(tmp_path) as it:
        it.fake.put(Post(JOB, job=True, scheduled_at=it.clock.now + 24 * HOUR))
        await it.polls_for(HOUR)
        assert asked(it, "schedule") > 1
        assert await it.types() == []


async def test_the_history_tells_how_what_nobody_looked_at_ended(tmp_path):
    async with life(tmp_path) as it:
        await it.polls_for(MINUTE)
        failed = {"platform": "linkedin", "success": False, "error_message": "Token expired"}
        it.fake.put(Post(ID, "completed", whole(LIVE, failed), total=2))
        await it.polls_for(5 * MINUTE)
        (event,) = await it.news()
        assert (event["type"], event["data"]["first_seen"]) == ("upload.partial", True)
        assert upload(event)["reason"] == {"code": "error", "text": "Token expired"}
        assert asked(it, "status") == 0


async def test_a_history_that_does_not_say_how_many_platforms_there_are_leads_to_one_look(tmp_path):
    async with life(tmp_path) as it:
        await it.polls_for(MINUTE)
        it.fake.put(Post(ID, "completed", (LIVE,)))
        await it.polls_for(6 * MINUTE)
        assert await it.types() == ["upload.completed"]
        assert asked(it, "status") == 1


async def test_a_silent_baseline_says_nothing_of_rows_that_tell_too_little(tmp_path):
    failed = {"platform": "linkedin", "success": False, "error": "Token expired", "request_total_platforms": 3}
    async with life(tmp_path, Post(ID, "completed", (LIVE,)), Post("b", "failed", (failed, LIVE), total=3)) as it:
        await it.polls_for(HOUR)
        assert asked(it, f"status?request_id={ID}") >= 1
        assert asked(it, "status?request_id=b") >= 1
        assert await it.types() == []


async def test_a_silent_baseline_is_followed_by_what_happens_to_rows_that_told_too_little(tmp_path):
    row = {**LIVE, "request_total_platforms": 2}
    async with life(tmp_path, Post(ID, "failed", (row,), total=2)) as it:
        it.fake.faults.append(empty)  # the schedule list comes first
        it.fake.faults.append(one_row(row))
        it.fake.put(Post(ID, "in_progress", (row,), total=2))
        await it.polls_for(MINUTE)
        assert await it.types() == []
        it.fake.put(Post(ID, "completed", whole(LIVE, {**LIVE, "platform": "linkedin"}), total=2))
        await it.polls_for(MINUTE)
        assert await it.types() == ["upload.completed"]


async def test_a_silent_baseline_does_not_ask_after_what_is_long_over(tmp_path):
    long_ago = {**LIVE, "upload_timestamp": "2025-01-01T12:34:56Z"}
    async with life(tmp_path, *(Post(f"{ID}-{n}", "completed", (long_ago,)) for n in range(3))) as it:
        await it.polls_for(HOUR)
        assert asked(it, "status") == 0
        assert len(await followed(it)) == 3


async def test_a_social_account_to_be_connected_anew_does_not_stop_the_source(tmp_path):
    async with life(tmp_path, Post(ID, "processing"), uploads=(ID,), discover=False) as it:
        it.fake.faults.extend([reauth] * 3)
        await it.polls_for(MINUTE)
        assert await it.types() == ["upload.processing"]


async def test_a_page_of_the_baseline_that_cannot_be_read_is_read_again(tmp_path):
    async with life(tmp_path, Post(ID, "completed", whole(LIVE))) as it:
        it.fake.faults.extend([reauth] * 2)
        await it.polls_for(HOUR)
        assert await followed(it) == {ID: "request_id"}
        assert await it.types() == []


async def test_a_history_of_ten_rows_a_page_is_read_to_its_end(tmp_path):
    posts = [Post(f"{ID}-{n}", "completed", whole(LIVE)) for n in range(25)]
    async with life(tmp_path, *posts) as it:
        it.fake.faults.extend([empty, tenfold])  # the schedule list comes first
        await it.polls_for(MINUTE)
        pages = [request for request in it.fake.requests if "history" in request]
        assert [request.partition("?")[2] for request in pages[:4]] == [
            "page=1&limit=100",
            "page=1&limit=10",
            "page=2&limit=10",
            "page=3&limit=10",
        ]
        assert len(await followed(it)) == 25
        assert await it.types() == []
