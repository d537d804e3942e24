"""The fake XenonFlare speaks as the documentation says."""

import aiohttp
import pytest

from notifier.demo.xenonflare import FakeXenonFlare, Media

KEY = {"X-API-Key": "xf-key"}
NOW = 1_767_225_600.25


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
    async with FakeXenonFlare([Media("65cbde", title="first")], clock) as fake:
        yield fake


async def asked(fake, path, headers=KEY, **query):
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{fake.base_url}/media/{path}", params=query) as answer,
    ):
        return answer.status, await answer.json()


async def test_a_media_is_told_as_documented(fake, clock):
    clock.now += 1
    parts = {"youtube": "published", "pinterest": "idle"}
    fake.put(Media("65cbde", "videos", "completed", "first", ("youtube",), parts, scheduled_at=NOW))
    status, body = await asked(fake, "videos/65cbde")
    assert status == 200
    assert body == {
        "success": True,
        "data": {
            "id": "65cbde",
            "title": "first",
            "status": "completed",
            "platforms": ["youtube"],
            "scheduledAt": "2026-01-01T00:00:00.250Z",
            "youtube": {
                "status": "published",
                "videoId": "youtube-65cbde",
                "url": "https://youtube.example.com/65cbde",
            },
            "pinterest": {"status": "idle"},
            "createdAt": "2026-01-01T00:00:00.250Z",
            "updatedAt": "2026-01-01T00:00:01.250Z",
        },
    }


@pytest.mark.parametrize("path", ["videos/nobody", "images/65cbde"])
async def test_an_unknown_media_answers_404_in_the_envelope(fake, path):
    status, body = await asked(fake, path)
    assert (status, body["success"]) == (404, False)


async def test_what_is_removed_is_unknown(fake):
    fake.remove("videos", "65cbde")
    assert (await asked(fake, "videos/65cbde"))[0] == 404


async def test_both_forms_of_the_key_are_taken_and_no_other(fake):
    assert (await asked(fake, "videos", {"Authorization": "Bearer xf-key"}))[0] == 200
    for headers in ({}, {"X-API-Key": "other"}, {"Authorization": "Bearer other"}):
        status, body = await asked(fake, "videos", headers)
        assert (status, body["success"]) == (401, False)


async def test_another_base_answers_a_page_for_people(fake):
    async with (
        aiohttp.ClientSession(headers=KEY) as session,
        session.get(f"{fake.origin}/media/videos/65cbde") as answer,
    ):
        assert (answer.status, answer.content_type) == (404, "text/html")


async def test_a_list_comes_in_pages_the_newest_first(fake, clock):
    for n in range(12):
        clock.now += 1
        fake.put(Media(f"v{n}"))
    fake.put(Media("image", "images"))
    _, body = await asked(fake, "videos")
    assert [row["id"] for row in body["data"]["videos"]] == [f"v{n}" for n in range(11, 1, -1)]
    assert body["data"]["pagination"] == {"total": 13, "page": 1, "limit": 10, "pages": 2}
    _, body = await asked(fake, "videos", page=2)
    assert [row["id"] for row in body["data"]["videos"]] == ["v1", "v0", "65cbde"]
    _, body = await asked(fake, "images", limit=500)
    assert [row["id"] for row in body["data"]["images"]] == ["image"]
    assert body["data"]["pagination"]["limit"] == 100


async def test_a_list_is_filtered_by_status_and_platform(fake):
    fake.put(Media("done", status="completed"))
    fake.put(Media("tik", status="completed", platforms=("tiktok",)))
    _, body = await asked(fake, "videos", status="completed", platform="tiktok")
    assert [row["id"] for row in body["data"]["videos"]] == ["tik"]


async def test_lean_rows_leave_the_platforms_to_the_single_answer(clock):
    told = []
    async with FakeXenonFlare([Media("a", parts={"youtube": "processing"})], clock, lean_rows=True) as fake:
        fake.tell = told.append
        _, listed = await asked(fake, "videos")
        _, single = await asked(fake, "videos/a")
    assert "youtube" not in listed["data"]["videos"][0]
    assert single["data"]["youtube"] == {"status": "processing"}
    assert told == ["a", "a"]


async def test_extra_breaks_the_shape_where_a_test_wants_it_broken(fake):
    fake.put(Media("65cbde", extra={"status": "a new word"}))
    assert (await asked(fake, "videos/65cbde"))[1]["data"]["status"] == "a new word"
