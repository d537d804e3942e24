"""XenonFlare over time: the real poller over the fake, with a clock moved by hand, and the events that come of it."""

from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import web
from living import HOUR, living, upload
from world import Clock

from notifier.core.model import Baseline, Source
from notifier.core.secret import Secret
from notifier.demo.provider import NOT_FOUND_PAGE, html_page, page, server_error
from notifier.demo.xenonflare import FakeXenonFlare, Media
from notifier.providers.xenonflare import PROVIDER

SINGLE = "/api/v1/media/{}s/{}"


async def not_found_page(_):
    return page(NOT_FOUND_PAGE, status=404)


async def success_false(_):
    return web.json_response({"success": False, "message": "try again"})


def listed(*rows, total=0):
    """A fault: a list with these rows, whatever there is."""

    async def answer(request):
        collection = request.match_info["collection"]
        pagination = {"total": total, "page": 1, "limit": 100, "pages": 1}
        return web.json_response({"success": True, "data": {collection: list(rows), "pagination": pagination}})

    return answer


@asynccontextmanager
async def life(path, *media, base="/api/v1", key="xf-key", kinds=PROVIDER.kinds, lean_rows=False, **more):
    clock = Clock()
    async with FakeXenonFlare(media, clock, lean_rows=lean_rows) as fake:
        source = Source(
            name="media", provider="xenonflare", base_url=fake.origin + base, api_key=Secret(key),
            budget=PROVIDER.budget, kinds=kinds, **more,
        )  # fmt: skip
        async with living(path, fake, source, clock, first_sweep=30) as it:
            yield it


def move(it, media, status, **parts):
    moved = replace(media, status=status, parts=parts)
    it.fake.put(moved)
    return moved


# --- a whole life


async def test_a_video_from_its_arrival_to_its_end(tmp_path):
    async with life(tmp_path) as it:
        await it.baseline()
        video = Media("a", status="pending", title="Launch film", platforms=("youtube", "linkedin"))
        video = move(it, video, "pending", youtube="idle", linkedin="idle", pinterest="idle")
        await it.polls_for(HOUR)
        video = move(it, video, "processing", youtube="processing", linkedin="pending")
        await it.polls_for(90)
        video = move(it, video, "processing", youtube="published", linkedin="processing")
        await it.polls_for(90)
        move(it, video, "completed", youtube="published", linkedin="published")
        await it.polls_for(2 * 24 * HOUR)
        events = await it.news()
        assert [event["type"] for event in events] == [
            "upload.queued",
            "upload.processing",
            "upload.updated",
            "upload.completed",
        ]
        assert (events[0]["data"]["first_seen"], upload(events[0])["kind"]) == (True, "video")
        assert events[2]["data"]["changes"] == [
            {"field": "targets.youtube.status", "from": "processing", "to": "completed"},
            {"field": "targets.youtube.url", "from": None, "to": "https://youtube.example.com/a"},
            {"field": "targets.youtube.external_id", "from": None, "to": "youtube-a"},
            {"field": "targets.linkedin.status", "from": "queued", "to": "processing"},
        ]
        assert [target["name"] for target in upload(events[3])["targets"]] == ["youtube", "linkedin"]


async def test_a_scheduled_image_is_looked_at_when_its_time_has_come(tmp_path):
    async with life(tmp_path) as it:
        due = it.clock.now + 6 * HOUR
        image = Media("a", "images", "scheduled", parts={"youtube": "idle"}, scheduled_at=due)
        it.fake.put(image)
        await it.baseline()
        await it.polls_for(6 * HOUR - 60)
        assert len(it.asked(SINGLE.format("image", "a"))) <= 6
        move(it, image, "processing", youtube="processing")
        await it.polls_for(60)
        (event,) = await it.news()
        assert (event["type"], upload(event)["scheduled_at"]) == ("upload.processing", "2027-01-15T14:00:00Z")


async def test_a_failure_is_told_without_a_reason_and_a_retry_reopens_it(tmp_path):
    video = Media("a", status="processing", parts={"youtube": "processing"})
    async with life(tmp_path, video) as it:
        await it.baseline()
        move(it, video, "failed", youtube="failed")
        await it.polls_for(90)
        move(it, video, "pending", youtube="pending")
        await it.polls_for(2 * HOUR)
        failed, queued = await it.news()
        assert (failed["type"], upload(failed)["reason"]) == ("upload.failed", None)
        assert upload(failed)["targets"][0]["reason"] is None
        assert (queued["type"], queued["data"]["reopened"]) == ("upload.queued", True)


async def test_failed_with_one_published_is_partial_and_never_failed(tmp_path):
    video = Media("a", status="processing", platforms=("youtube", "tiktok"))
    for lean in (False, True):
        (folder := tmp_path / str(lean)).mkdir()
        async with life(folder, video, lean_rows=lean) as it:
            await it.baseline()
            move(it, video, "failed", youtube="published", tiktok="failed")
            await it.polls_for(HOUR)
            (event,) = await it.news()
            assert (event["type"], upload(event)["raw_status"]) == ("upload.partial", "failed")


async def test_what_waits_for_a_person_is_told_and_what_the_person_did_too(tmp_path):
    video = Media("a", status="processing", platforms=("instagram",), parts={"instagram": "processing"})
    async with life(tmp_path, video) as it:
        await it.baseline()
        move(it, video, "processing", instagram="manual")
        await it.polls_for(HOUR)
        move(it, video, "completed", instagram="published")
        await it.polls_for(HOUR)
        assert await it.types() == ["upload.action_required", "upload.completed"]


async def test_an_unselected_platform_is_no_news(tmp_path):
    video = Media("a", status="completed", parts={"youtube": "published", "pinterest": "idle"})
    async with life(tmp_path, video) as it:
        await it.baseline()
        move(it, video, "completed", youtube="published", pinterest="failed")
        await it.polls_for(HOUR)
        assert await it.types() == []


async def test_an_unknown_word_is_told_once_and_polled_on(tmp_path):
    video = Media("a", status="processing", parts={"youtube": "processing"})
    async with life(tmp_path, video) as it:
        await it.baseline()
        move(it, video, "reviewing", youtube="processing")
        await it.polls_for(HOUR)
        move(it, video, "completed", youtube="published")
        await it.polls_for(HOUR)
        unknown, completed = await it.news()
        assert (unknown["type"], upload(unknown)["raw_status"]) == ("upload.unknown", "reviewing")
        assert (completed["type"], completed["data"]["reopened"]) == ("upload.completed", False)


# --- bases and keys


@pytest.mark.parametrize("base", ["", "/v1"])
async def test_below_a_wrong_base_the_source_fails_and_no_upload_is_judged(tmp_path, base):
    async with life(tmp_path, Media("a"), base=base, uploads=("a",)) as it:
        await it.polls_for(24 * HOUR)
        (failing,) = await it.news()
        assert failing["type"] == "source.failing"
        assert failing["data"]["reason"] == {
            "code": "unavailable",
            "text": "answers 404, and not in its own words: check base_url",
        }


@pytest.mark.parametrize("key", ["xf-key", "Bearer xf-key"])
async def test_both_forms_of_the_key_are_taken(tmp_path, key):
    async with life(tmp_path, Media("a", parts={"youtube": "pending"}), key=key, uploads=("a",)) as it:
        await it.polls_for(60)
        assert await it.types() == ["upload.queued"]


@pytest.mark.parametrize("key", ["xf-revoked", "Bearer xf-revoked"])
async def test_a_refused_key_is_told_once_and_nowhere_shown(tmp_path, key):
    async with life(tmp_path, Media("a"), key=key, uploads=("a",)) as it:
        await it.polls_for(24 * HOUR)
        (failing,) = await it.news()
        text = "answers 401: check api_key; nothing more is asked until a reload (notifier reload), or a restart"
        assert failing["data"]["reason"] == {"code": "refused", "text": text}
        assert len(it.fake.requests) == 1
    assert all(b"xf-revoked" not in file.read_bytes() for file in tmp_path.iterdir())


# --- kinds


async def test_an_id_of_unknown_kind_is_asked_for_in_both_collections_before_anything_is_told(tmp_path):
    image = Media("a", "images", "processing", parts={"youtube": "processing"})
    async with life(tmp_path, image, discover=False, uploads=("a",)) as it:
        await it.polls_for(0)
        assert it.fake.requests == [SINGLE.format("video", "a"), SINGLE.format("image", "a")]
        (event,) = await it.news()
        assert (event["type"], upload(event)["kind"]) == ("upload.processing", "image")
        it.fake.requests.clear()
        await it.polls_for(HOUR)
        assert set(it.fake.requests) == {SINGLE.format("image", "a")}


@pytest.mark.parametrize("kinds", [("images", "videos"), ("images",)])
async def test_the_collections_are_asked_in_the_order_of_the_kinds_and_no_others(tmp_path, kinds):
    async with life(tmp_path, kinds=kinds, discover=False, uploads=("a",)) as it:
        await it.polls_for(0)
        assert it.fake.requests == [f"/api/v1/media/{kind}/a" for kind in kinds]


async def test_an_id_that_no_collection_knows_is_unknown_after_its_grace_and_found_later(tmp_path):
    async with life(tmp_path, discover=False, uploads=("a",)) as it:
        await it.polls_for(9 * 60)
        assert await it.types() == []
        await it.polls_for(HOUR)
        (event,) = await it.news()
        assert (event["type"], upload(event)["reason"]["code"]) == ("upload.unknown", "not_found")
        assert it.fake.requests[-2:] == [SINGLE.format("video", "a"), SINGLE.format("image", "a")]
        it.fake.put(Media("a", "images", "completed", parts={"youtube": "published"}))
        await it.polls_for(HOUR)
        assert await it.types() == ["upload.completed"]


async def test_the_same_id_in_both_collections_is_two_uploads(tmp_path):
    async with life(tmp_path) as it:
        await it.baseline()
        for collection in ("videos", "images"):
            it.fake.put(Media("a", collection, "processing", parts={"youtube": "processing"}))
        await it.polls_for(HOUR)
        it.fake.put(Media("a", "images", "completed", parts={"youtube": "published"}))
        await it.polls_for(HOUR)
        told = sorted((event["type"], upload(event)["kind"]) for event in await it.news())
        assert told == [("upload.completed", "image"), ("upload.processing", "image"), ("upload.processing", "video")]


# --- absence


async def test_a_404_page_is_never_gone_and_a_404_in_the_envelope_is_gone_after_its_grace(tmp_path):
    video = Media("a", status="processing", parts={"youtube": "processing"})
    async with life(tmp_path, video, discover=False, uploads=("a",), stalled_after=48 * HOUR) as it:
        await it.polls_for(60)
        assert await it.types() == ["upload.processing"]
        it.fake.faults.extend([not_found_page] * 100)
        await it.polls_for(HOUR)
        assert len(it.fake.faults) < 95
        assert await it.types() == ["source.failing"]
        it.fake.faults.clear()
        await it.polls_for(20 * 60)
        assert await it.types() == ["source.recovered"]
        it.fake.remove("videos", "a")
        await it.polls_for(9 * 60)
        assert await it.types() == []
        await it.polls_for(10 * 60)
        (gone,) = await it.news()
        assert (gone["type"], gone["data"]["previous"]["status"]) == ("upload.gone", "processing")
        it.fake.put(video)
        await it.polls_for(24 * HOUR)
        (back,) = await it.news()
        assert (back["type"], back["data"]["reopened"]) == ("upload.processing", True)


async def test_a_404_once_or_twice_is_not_gone(tmp_path):
    video = Media("a", status="processing", parts={"youtube": "processing"})
    async with life(tmp_path, video) as it:
        await it.baseline()
        it.fake.remove("videos", "a")
        await it.polls_for(5 * 60)
        assert len(it.asked("/api/v1/media/videos/a")) >= 2
        it.fake.put(video)
        await it.polls_for(HOUR)
        assert await it.types() == []


async def test_an_empty_list_after_a_full_one_is_no_news(tmp_path):
    videos = [Media(f"v{n}", status="completed", parts={"youtube": "published"}) for n in range(5)]
    async with life(tmp_path, *videos) as it:
        await it.baseline()
        it.fake.faults.extend([listed()] * 6)
        await it.polls_for(15 * 60)
        assert not it.fake.faults
        assert set(it.fake.requests) == {f"/api/v1/media/{kind}?page=1&limit=100" for kind in PROVIDER.kinds}
        await it.polls_for(24 * HOUR)
        assert await it.types() == []


async def test_a_list_that_hides_what_it_counts_is_a_fault_of_theirs(tmp_path):
    async with life(tmp_path, Media("a", status="completed", parts={"youtube": "published"})) as it:
        await it.baseline()
        it.fake.faults.append(listed(total=124))
        await it.polls_for(HOUR)
        failing, recovered = await it.news()
        assert (failing["type"], failing["data"]["reason"]["code"]) == ("source.failing", "malformed")
        assert recovered["type"] == "source.recovered"


@pytest.mark.parametrize(
    ("fault", "code"), [(success_false, "malformed"), (server_error, "unavailable"), (html_page, "unavailable")]
)
async def test_a_bad_hour_makes_no_false_alarm(tmp_path, fault, code):
    video = Media("a", status="processing", parts={"youtube": "processing"})
    async with life(tmp_path, video, uploads=("a",)) as it:
        await it.polls_for(60)
        assert await it.types() == ["upload.processing"]
        it.fake.faults.extend([fault] * 1000)
        await it.polls_for(HOUR)
        it.fake.faults.clear()
        move(it, video, "completed", youtube="published")
        await it.polls_for(HOUR)
        events = await it.news()
        assert sorted(event["type"] for event in events) == ["source.failing", "source.recovered", "upload.completed"]
        assert events[0]["data"]["reason"]["code"] == code


# --- lists


async def test_an_upload_inserted_between_two_pages_is_told_once_and_hides_none(tmp_path):
    async with life(tmp_path, baseline=Baseline.ANNOUNCE) as it:
        for n in range(150):
            it.clock.now += 1
            it.fake.put(Media(f"v{n}", status="completed", parts={"youtube": "published"}))
        await it.poller.poll("media")
        it.fake.put(Media("new", status="completed", parts={"youtube": "published"}))
        await it.polls_for(HOUR)
        pages = it.asked("/api/v1/media/videos?")
        assert pages[:3] == [f"/api/v1/media/videos?page={number}&limit=100" for number in (1, 2, 1)]
        told = [(event["type"], upload(event)["id"]) for event in await it.news()]
        assert sorted(told) == sorted(("upload.completed", id_) for id_ in ["new", *(f"v{n}" for n in range(150))])


async def test_a_silent_baseline_reads_to_the_end_and_only_what_comes_later_is_news(tmp_path):
    async with life(tmp_path) as it:
        for n in range(250):
            it.clock.now += 1
            it.fake.put(Media(f"v{n}", "images", "completed", parts={"youtube": "published"}))
        await it.baseline()
        it.fake.put(Media("new", "images", "completed", parts={"youtube": "published"}))
        await it.polls_for(HOUR)
        (event,) = await it.news()
        assert (upload(event)["id"], event["data"]["first_seen"]) == ("new", True)


async def test_a_lean_row_that_moved_is_followed_by_one_look_and_one_event(tmp_path):
    video = Media("a", status="completed", platforms=("youtube", "tiktok"))
    video = replace(video, parts={"youtube": "published", "tiktok": "published"})
    async with life(tmp_path, video, Media("b", status="completed"), lean_rows=True) as it:
        await it.baseline()
        move(it, video, "completed", youtube="published", tiktok="failed")
        await it.polls_for(10 * 60)
        assert it.asked(SINGLE.format("video", "a")) == [SINGLE.format("video", "a")]
        assert it.asked(SINGLE.format("video", "b")) == []
        (event,) = await it.news()
        assert (event["type"], event["data"]["previous"]["status"]) == ("upload.partial", "completed")


async def test_a_new_lean_row_is_told_with_what_only_the_upload_itself_tells(tmp_path):
    async with life(tmp_path, lean_rows=True) as it:
        await it.baseline()
        it.fake.put(Media("a", status="completed", platforms=("instagram",), parts={"instagram": "manual"}))
        await it.polls_for(10 * 60)
        (event,) = await it.news()
        assert (event["type"], event["data"]["first_seen"]) == ("upload.action_required", True)
        assert [target["name"] for target in upload(event)["targets"]] == ["instagram"]


async def test_a_broken_row_spoils_neither_its_page_nor_itself_for_ever(tmp_path, caplog):
    async with life(tmp_path) as it:
        await it.baseline()
        it.fake.put(Media("a", parts={"youtube": "pending"}))
        it.fake.put(Media("b", parts={"youtube": "pending"}, extra={"status": {"xf-key": 1}}))
        await it.polls_for(10 * 60)
        assert [upload(event)["id"] for event in await it.news()] == ["a"]
        skipped = [record for record in caplog.records if record.getMessage() == "skipped"]
        assert skipped[0].fields["reason"] in {"row 1: status: no text", "row 2: status: no text"}
        it.fake.put(Media("b", parts={"youtube": "pending"}))
        await it.polls_for(10 * 60)
        assert [upload(event)["id"] for event in await it.news()] == ["b"]


async def test_a_text_that_nothing_can_hold_does_not_end_the_poller(tmp_path):
    odd = {"title": "cut \ud83d", "scheduledAt": "9999-12-31T23:59:59-14:00", "nul\0": "\0"}
    async with life(tmp_path) as it:
        await it.baseline()
        it.fake.put(Media("a\0b", parts={"youtube": "pending"}, extra=odd))
        await it.polls_for(HOUR)
        event, *more = await it.news()
        assert (upload(event)["title"], upload(event)["scheduled_at"], more) == ("cut ?", None, [])
