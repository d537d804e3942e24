"""The fake Upload-Post speaks as the documentation says."""

import aiohttp
import pytest

from notifier.demo.provider import html_page, server_error
from notifier.demo.upload_post import FakeUploadPost, Post

AUTH = {"Authorization": "Apikey up-key"}
NOW = 1_767_225_600.25
QUEUED_ROW = {"platform": "x", "success": True, "message": "Queued", "upload_timestamp": "2025-01-01T12:34:56Z"}


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def fake(clock):
    async with FakeUploadPost([Post("first", "queued")], clock, limit=5) as fake:
        yield fake


@pytest.fixture
async def ask(fake):
    async with aiohttp.ClientSession(headers=AUTH) as session:

        async def ask(path, **query):
            async with session.get(f"{fake.base_url}/uploadposts/{path}", params=query) as answer:
                is_json = answer.content_type == "application/json"
                return answer.status, await (answer.json() if is_json else answer.text()), answer.headers

        yield ask


async def test_a_running_upload_is_told_as_documented(fake, ask):
    fake.put(Post("7b2c2f5e", "in_progress", (QUEUED_ROW,), total=2))
    status, body, _ = await ask("status", request_id="7b2c2f5e")
    assert status == 200
    assert body == {
        "request_id": "7b2c2f5e",
        "status": "in_progress",
        "completed": 1,
        "total": 2,
        "results": [QUEUED_ROW],
        "last_update": "2025-01-01T12:34:56Z",
    }


async def test_a_failure_without_activity_has_a_message_and_no_last_update(fake, ask):
    text = "Upload appears to have failed (no activity for over 1 hour)"
    fake.put(Post("ae8e8d98", "failed", message=text))
    _, body, _ = await ask("status", request_id="ae8e8d98")
    assert body == {
        "request_id": "ae8e8d98", "status": "failed", "message": text, "completed": 0, "total": 1, "results": [],
    }  # fmt: skip


async def test_a_job_is_known_by_its_job_id_alone(fake, ask):
    fake.put(Post("job_1", job=True))
    _, body, _ = await ask("status", job_id="job_1")
    assert (body["job_id"], body["status"]) == ("job_1", "pending")
    status, body, _ = await ask("status", request_id="job_1")
    assert status == 404
    assert body == {
        "request_id": "job_1", "status": "not_found", "message": "No upload request found with this ID",
    }  # fmt: skip


async def test_what_is_removed_is_not_found(fake, ask):
    assert (await ask("status", request_id="first"))[0] == 200
    fake.remove("first")
    status, body, _ = await ask("status", request_id="first")
    assert (status, body["status"]) == (404, "not_found")


async def test_a_status_needs_an_id(ask):
    status, body, _ = await ask("status")
    assert (status, body) == (400, {"error": "request_id or job_id is required"})


async def test_extra_breaks_the_shape_where_a_test_wants_it_broken(fake, ask):
    fake.put(Post("a", "completed", extra={"results": {"x": {"success": True}}, "total": None}))
    _, body, _ = await ask("status", request_id="a")
    assert (body["results"], body["total"]) == ({"x": {"success": True}}, None)


async def test_a_wrong_key_is_refused_without_rate_limit_headers(fake):
    async with (
        aiohttp.ClientSession(headers={"Authorization": "Apikey other"}) as session,
        session.get(f"{fake.base_url}/uploadposts/status") as answer,
    ):
        assert answer.status == 401
        assert await answer.json() == {"success": False, "message": "Invalid or expired token"}
        assert "X-RateLimit-Limit" not in answer.headers


async def test_a_wrong_base_answers_a_page_for_people(fake):
    async with aiohttp.ClientSession(headers=AUTH) as session:
        for path in ("/uploadposts/status", "/api/elsewhere"):
            async with session.get(fake.origin + path) as answer:
                assert (answer.status, answer.content_type) == (404, "text/html")


async def test_history_has_a_row_for_each_platform_of_what_is_finished(fake, ask, clock):
    fake.put(Post("a", "completed", ({"platform": "x"}, {"platform": "linkedin"})))
    clock.now += 1
    fake.put(Post("job_b", "failed", ({"platform": "x"},), job=True))
    fake.put(Post("c", "processing", ({"platform": "x"},)))
    _, body, _ = await ask("history", page=1, limit=10)
    told = [(row.get("request_id") or row.get("job_id"), row["platform"]) for row in body["history"]]
    assert told == [("job_b", "x"), ("a", "x"), ("a", "linkedin")]
    assert body["history"][1]["upload_timestamp"] == "2026-01-01T00:00:00.250Z"
    assert (body["total"], body["page"], body["limit"]) == (3, 1, 10)


async def test_history_comes_in_pages_of_certain_sizes(fake, ask):
    fake.put(Post("a", "completed", tuple({"platform": f"p{n}"} for n in range(12))))
    _, body, _ = await ask("history", page=2, limit=10)
    assert len(body["history"]) == 2
    status, body, _ = await ask("history", limit=30)
    assert (status, body) == (400, {"error": "Invalid limit"})


async def test_the_schedule_lists_what_has_not_run_the_next_one_first(fake, ask):
    fake.put(Post("job_late", job=True, scheduled_at=NOW + 60, title="late"))
    fake.put(Post("job_soon", job=True, scheduled_at=NOW + 30))
    fake.put(Post("job_ran", "completed", job=True, scheduled_at=NOW))
    fake.put(Post("job_dateless", job=True))
    _, body, _ = await ask("schedule", offset=1)
    assert [job["job_id"] for job in body["scheduled_posts"]] == ["job_soon", "job_late"]
    late = body["scheduled_posts"][1]
    assert (late["scheduled_date"], late["title"]) == ("2026-01-01T00:01:00.250Z", "late")
    _, body, _ = await ask("schedule", limit=1)
    assert [job["scheduled_date"] for job in body["scheduled_posts"]] == [None]


async def test_a_preview_url_is_another_one_each_time(fake, ask):
    fake.put(Post("job_a", job=True, scheduled_at=NOW))
    urls = {(await ask("schedule"))[1]["scheduled_posts"][0]["preview_url"] for _ in range(2)}
    assert len(urls) == 2


async def test_every_answer_tells_the_limit_and_beyond_it_comes_429(fake, ask, clock):
    remaining = []
    for _ in range(5):
        status, _, headers = await ask("schedule")
        remaining.append((status, headers["X-RateLimit-Remaining"]))
    assert remaining == [(200, "4"), (200, "3"), (200, "2"), (200, "1"), (200, "0")]
    assert headers["X-RateLimit-Limit"] == "5"
    status, body, headers = await ask("schedule")
    assert (status, body["success"], fake.overruns) == (429, False, 1)
    assert "Retry-After" not in headers
    clock.now = float(headers["X-RateLimit-Reset"])
    assert (await ask("schedule"))[0] == 200


async def test_a_scripted_429_holds_for_a_second_or_two(fake, ask, clock):
    fake.faults.append(fake.rate_limited)
    status, _, headers = await ask("schedule")
    assert (status, headers["X-RateLimit-Remaining"], fake.overruns) == (429, "0", 0)
    assert 1 <= float(headers["X-RateLimit-Reset"]) - clock.now <= 2
    assert (await ask("schedule"))[0] == 429
    clock.now = float(headers["X-RateLimit-Reset"])
    assert (await ask("schedule"))[0] == 200


async def test_a_fault_is_answered_once(fake, ask):
    fake.faults.extend([server_error, html_page])
    status, body, headers = await ask("schedule")
    assert (status, body["error"], headers["X-RateLimit-Remaining"]) == (500, "Failed to get status", "4")
    status, body, _ = await ask("schedule")
    assert status == 200
    assert body.startswith("<!doctype html>")
    assert (await ask("schedule"))[0] == 200


async def test_requests_are_counted_and_what_they_show_is_told(fake, ask):
    told = []
    fake.tell = told.append
    fake.put(Post("a", "completed", ({"platform": "x"},)))
    fake.put(Post("job_b", job=True))
    await ask("status", request_id="a")
    await ask("status", request_id="nobody")
    await ask("history")
    await ask("schedule")
    assert told == ["a", "a", "job_b"]
    assert fake.requests[0] == "/api/uploadposts/status?request_id=a"
    assert len(fake.requests) == 4


async def test_a_fake_may_be_closed_twice_and_opened_again_at_the_same_port(fake, ask):
    origin = fake.origin
    await fake.close()
    await fake.close()
    await fake.start()
    assert fake.origin == origin
    assert (await ask("schedule"))[0] == 200
