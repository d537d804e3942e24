"""SchedPilot over time: the real poller over the fake, with a clock moved by hand, and the events that come of it."""

from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import web
from living import HOUR, changes, living, upload
from schedpilots import PATH, FakeSchedPilot, Media, Post
from world import Clock

from notifier.core.model import Baseline, Look, LookKind, Registration, Source
from notifier.core.secret import Secret
from notifier.demo.provider import html_page, server_error
from notifier.numbering import register
from notifier.providers.base import Malformed
from notifier.providers.http import open_session
from notifier.providers.schedpilot import PROVIDER

DAY = 24 * HOUR
VIDEOS, IMAGES, POSTS = f"{PATH}/media/list?type=video", f"{PATH}/media/list?type=image", f"{PATH}/posts?"


@asynccontextmanager
async def life(path, *there, key="smm_key", accepted="smm_key", flat=False, kinds=PROVIDER.kinds, **more):
    clock = Clock()
    async with FakeSchedPilot(clock, key=accepted, flat=flat) as fake:
        fake.put(*there)
        async with living(path, fake, library(fake, key, kinds=kinds, **more), clock) as it:
            yield it


def library(fake, key, **more):
    return Source(
        name="library", provider="schedpilot", base_url=fake.base_url, api_key=Secret(key), budget=PROVIDER.budget,
        **more,
    )  # fmt: skip


# --- the media library


async def test_a_video_from_its_arrival_until_it_is_ready(tmp_path):
    async with life(tmp_path, Media("video-1", "processed")) as it:
        await it.baseline()
        it.fake.put(Media("video-2", "pending"))
        await it.polls_for(HOUR)
        it.fake.put(Media("video-2", "processed"))
        await it.polls_for(HOUR)
        processing, completed = await it.news()
        assert (processing["type"], processing["data"]["first_seen"]) == ("upload.processing", True)
        assert (completed["type"], upload(completed)["kind"], upload(completed)["id"]) == (
            "upload.completed",
            "media",
            "video-2",
        )
        assert upload(completed)["raw_status"] == "processed"
        assert changes(completed) == [("status", "processing", "completed")]


async def test_images_are_ready_on_arrival_and_cost_a_read_a_day(tmp_path):
    async with life(tmp_path, Media("image-1")) as it:
        await it.baseline()
        it.fake.put(Media("image-2"))
        await it.polls_for(2 * DAY)
        (event,) = await it.news()
        assert (event["type"], upload(event)["id"], upload(event)["raw_status"]) == (
            "upload.completed",
            "image-2",
            None,
        )
        assert len(it.asked(IMAGES)) == 2


async def test_the_list_of_images_says_nothing_of_where_the_videos_stand(tmp_path):
    async with life(tmp_path, *(Media(f"video-{number}", "pending") for number in range(5))) as it:
        await it.polls_for(10)
        assert any("type=image" in asked for asked in it.fake.requests)
        assert [watch.row for watch in it.watched.book] == [0, 1, 2, 3, 4]


async def test_a_video_without_a_status_is_unknown_until_it_has_one(tmp_path):
    async with life(tmp_path) as it:
        await it.baseline()
        it.fake.put(Media("video-1"))
        await it.polls_for(HOUR)
        it.fake.put(Media("video-1", "processed"))
        await it.polls_for(HOUR)
        assert await it.types() == ["upload.unknown", "upload.completed"]


async def test_a_video_that_is_pending_for_ever_is_stalled_once(tmp_path):
    async with life(tmp_path) as it:
        await it.baseline()
        it.fake.put(Media("video-1", "pending"))
        await it.polls_for(8 * HOUR)
        assert await it.types() == ["upload.processing", "upload.stalled"]


async def test_a_video_missing_from_one_list_is_no_news_and_neither_is_its_return(tmp_path):
    video = Media("video-1", "pending")
    async with life(tmp_path, video, Media("video-2", "processed"), stalled_after=DAY) as it:
        await it.baseline()
        it.fake.remove("video-1")
        while not it.asked(VIDEOS):
            await it.polls_for(1)
        it.fake.put(video)
        await it.polls_for(HOUR / 2)
        assert len(it.asked(VIDEOS)) > 1
        assert await it.types() == []


async def test_a_video_missing_from_two_lists_is_gone_and_one_that_is_back_is_told_of_again(tmp_path):
    video = Media("video-1", "pending")
    async with life(tmp_path, video, Media("video-2", "processed"), stalled_after=DAY) as it:
        await it.baseline()
        it.fake.remove("video-1")
        await it.polls_for(HOUR)
        assert await it.types() == ["upload.gone"]
        it.fake.put(video)
        await it.polls_for(HOUR / 2)
        (back,) = await it.news()
        assert (back["type"], back["data"]["reopened"]) == ("upload.processing", True)


async def test_a_settled_video_that_is_missed_costs_no_sweep_that_could_not_tell_more(tmp_path):
    """What has settled is compared every six hours; four sweeps an hour went through the list in between."""
    videos = [Media(f"video-{number}", "processed") for number in range(150)]
    async with life(tmp_path, *videos, kinds=("media",)) as it:
        await it.baseline()
        it.fake.remove("video-149")
        await it.polls_for(32 * HOUR)
        assert await it.types() == ["upload.gone"]
        assert len(it.asked(f"{VIDEOS}&page=2")) == 2


async def test_an_image_and_a_video_of_the_same_number_are_two_uploads(tmp_path):
    async with life(tmp_path) as it:
        await it.baseline()
        it.fake.put(Media("image-5"), Media("video-5", "processed"))
        await it.polls_for(DAY)
        told = [(event["type"], upload(event)["id"]) for event in await it.news()]
        assert sorted(told) == [("upload.completed", "image-5"), ("upload.completed", "video-5")]


async def test_an_unknown_word_is_told_once_and_looked_at_on(tmp_path):
    async with life(tmp_path, Media("video-1", "pending")) as it:
        await it.baseline()
        it.fake.put(Media("video-1", "failed"))
        await it.polls_for(HOUR)
        it.fake.put(Media("video-1", "processed"))
        await it.polls_for(HOUR)
        unknown, completed = await it.news()
        assert (unknown["type"], upload(unknown)["raw_status"]) == ("upload.unknown", "failed")
        assert completed["type"] == "upload.completed"


async def test_a_registered_id_that_no_list_shows_is_unknown_and_waits_for_one_that_does(tmp_path):
    async with life(tmp_path, uploads=("video-9",)) as it:
        await it.polls_for(2 * DAY)
        assert await it.types() == ["upload.unknown"]
        it.fake.put(Media("video-9", "processed"), Media("video-8", "pending"))
        await it.polls_for(HOUR)
        told = [(event["type"], upload(event)["kind"], upload(event)["id"]) for event in await it.news()]
        assert sorted(told) == [("upload.completed", "media", "video-9"), ("upload.processing", "media", "video-8")]


@pytest.mark.parametrize("discover", [True, False])
async def test_a_registered_id_is_denied_by_all_lists_in_which_it_may_stand_or_not_at_all(tmp_path, discover):
    """The list of images, which is read once a day, lacks it the first time; the two others always do."""
    videos = [Media(f"video-{n}", "processed") for n in range(3)]
    async with life(tmp_path, *videos, Post(41), uploads=("image-1",), discover=discover) as it:
        while not it.asked(IMAGES):
            await it.polls_for(1)
        it.fake.put(Media("image-1"))
        await it.polls_for(2 * DAY)
        told = [(event["type"], upload(event)["id"]) for event in await it.news()]
        assert told == [("upload.completed", "image-1")]


@pytest.mark.parametrize(("kind", "within"), [("post", HOUR), ("media", 2 * DAY), (None, 2 * DAY)])
async def test_an_id_that_is_nowhere_is_denied_whatever_kind_is_named_with_it(tmp_path, kind, within):
    async with life(tmp_path, Media("video-1", "processed"), Media("image-1"), Post(41)) as it:
        await it.baseline()
        (came,) = await register(it.store, "schedpilot", [Registration("library", "999", kind)], it.clock.now)
        it.watched.named(came.upload, it.clock.now, is_new=True)
        await it.polls_for(within)
        assert [(event["type"], upload(event)["id"]) for event in await it.news()] == [("upload.unknown", "999")]


@pytest.mark.parametrize("shown", [0, 2])
async def test_an_id_is_not_denied_by_a_list_that_shows_far_too_little_for_a_while(tmp_path, shown):
    """What makes up a round, the daily list of images, is read meanwhile; and no post was open, to be missed before."""
    posts = [Post(n, "posted") for n in range(12)]
    async with life(tmp_path, Media("video-1", "processed"), Media("image-1"), *posts, uploads=("41",)) as it:
        await it.baseline()
        await it.polls_for(DAY - HOUR - 900)
        assert it.asked(IMAGES) == []
        for post in posts[shown:]:
            it.fake.remove(post.id)
        await it.polls_for(1800)
        assert len(it.asked(IMAGES)) == 1
        it.fake.put(*posts, Post(41, "posted"))
        await it.polls_for(HOUR)
        assert [(event["type"], upload(event)["id"]) for event in await it.news()] == [("upload.completed", "41")]


@pytest.mark.parametrize("shown", [0, 2])
async def test_what_is_open_is_not_gone_by_a_list_that_shows_far_too_little_for_a_while(tmp_path, shown):
    posts = [Post(n, "posted") for n in range(12)]
    async with life(tmp_path, *posts, Post(41, scheduled_at=Clock().now + DAY)) as it:
        await it.baseline()
        for number in [*range(shown, 12), 41]:
            it.fake.remove(number)
        await it.polls_for(1800)
        it.fake.put(*posts, Post(41, scheduled_at=Clock().now + DAY))
        await it.polls_for(HOUR)
        assert await it.types() == []


async def test_a_registered_id_is_told_of_even_by_the_first_sweep(tmp_path):
    videos = [Media(f"video-{n}", "processed") for n in range(3)]
    async with life(tmp_path, *videos, uploads=("video-1",)) as it:
        await it.polls_for(HOUR)
        (event,) = await it.news()
        assert (upload(event)["id"], event["data"]["first_seen"]) == ("video-1", True)


# --- posts


async def test_a_post_from_its_draft_until_it_is_out(tmp_path):
    async with life(tmp_path) as it:
        await it.baseline()
        post = Post(41, "draft")
        for status in ("draft", "pending_approval", "scheduled"):
            post = replace(post, status=status, scheduled_at=it.clock.now + 2 * HOUR)
            it.fake.put(post)
            await it.polls_for(HOUR / 2)
        it.fake.put(replace(post, status="posted", fates={7: ("posted", None)}))
        await it.polls_for(HOUR)
        events = await it.news()
        assert [event["type"] for event in events] == [
            "upload.draft",
            "upload.action_required",
            "upload.scheduled",
            "upload.completed",
        ]
        assert (upload(events[0])["kind"], upload(events[0])["id"]) == ("post", "41")
        assert ("targets.linkedin:7.status", None, "completed") in changes(events[3])


@pytest.mark.parametrize("flat", [False, True])
async def test_a_post_that_failed_at_one_of_its_accounts_is_partial_in_both_forms_of_rows(tmp_path, flat):
    accounts = ((7, "linkedin"), (9, "twitter"))
    post = Post(41, accounts=accounts)
    async with life(tmp_path, post, Post(42, accounts=accounts), flat=flat) as it:
        await it.baseline()
        fates = {7: ("posted", None), 9: ("failed", "Duplicate content.")}
        it.fake.put(replace(post, status="posted", fates=fates))
        await it.polls_for(HOUR)
        (event,) = await it.news()
        assert (event["type"], upload(event)["reason"]) == (
            "upload.partial",
            {"code": "error", "text": "Duplicate content."},
        )
        targets = {target["name"]: target["status"] for target in upload(event)["targets"]}
        assert targets == {"linkedin:7": "completed", "twitter:9": "failed"}


@pytest.mark.uncounted
@pytest.mark.parametrize("flat", [False, True])
async def test_a_post_that_is_removed_is_gone_in_both_forms_of_rows(tmp_path, flat):
    accounts = ((7, "linkedin"), (9, "twitter"))
    posts = [Post(n, accounts=accounts, scheduled_at=Clock().now + 30 * DAY) for n in range(40, 44)]
    async with life(tmp_path, *posts, flat=flat) as it:
        await it.baseline()
        it.fake.remove(42)
        await it.polls_for(3 * DAY)
        assert [(event["type"], upload(event)["id"]) for event in await it.news()] == [("upload.gone", "42")]


ACCOUNTS = ((7, "linkedin"), (9, "twitter"), (11, "x"))
MIXED = {7: ("failed", None), 9: ("posted", None), 11: ("posted", None)}


def posted(*numbers):
    """Posts at three accounts each. By the first row alone they failed, by the others they are out."""
    return [Post(n, "posted", accounts=ACCOUNTS, fates=MIXED) for n in numbers]


@pytest.mark.parametrize("count", [34, 67])
async def test_a_post_whose_rows_are_on_two_pages_is_told_by_all_of_them(tmp_path, count):
    """Of the 34th the first page ends after the first row; so it does, and the second after another, of the 67th."""
    async with life(tmp_path, *posted(*range(count)), flat=True, baseline=Baseline.ANNOUNCE) as it:
        await it.polls_for(HOUR)
        told = [(event["type"], upload(event)["id"]) for event in await it.news()]
        assert sorted(told) == sorted(("upload.partial", str(n)) for n in range(count))
        it.fake.put(*posted(count))
        await it.polls_for(HOUR)
        assert [(event["type"], upload(event)["id"]) for event in await it.news()] == [("upload.partial", str(count))]


async def test_a_post_whose_rows_end_with_the_page_is_told_all_the_same(tmp_path):
    posts = [replace(post, accounts=ACCOUNTS[:2]) for post in posted(*range(51))]
    async with life(tmp_path, *posts, flat=True, baseline=Baseline.ANNOUNCE) as it:
        await it.polls_for(HOUR)
        assert sorted(await it.types()) == ["upload.partial"] * 51


@pytest.mark.parametrize("shrinks", [False, True])
async def test_a_post_whose_rows_are_on_two_pages_was_there_before_as_a_whole(tmp_path, shrinks):
    """Where the list shrinks between two pages what was cut is not put together: rows between them may be missing."""
    async with life(tmp_path, *posted(*range(35)), flat=True, kinds=("posts",)) as it:
        while not it.asked(POSTS):
            it.clock.now = max(it.clock.now, await it.poller.poll("library"))
        if shrinks:
            it.fake.remove(34)
        await it.polls_for(HOUR)
        it.fake.put(*posted(35, 36))
        await it.polls_for(3 * HOUR)
        told = [(event["type"], upload(event)["id"]) for event in await it.news() if upload(event)["id"] != "34"]
        assert sorted(told) == [("upload.partial", "35"), ("upload.partial", "36")]


async def test_a_post_whose_rows_are_on_two_pages_is_told_of_when_it_is_out(tmp_path):
    waiting = [Post(n, accounts=ACCOUNTS, scheduled_at=Clock().now + DAY) for n in range(34)]
    async with life(tmp_path, *waiting, flat=True) as it:
        await it.baseline()
        it.fake.put(*posted(0))
        await it.polls_for(HOUR)
        (event,) = await it.news()
        assert (event["type"], upload(event)["id"]) == ("upload.partial", "0")
        assert changes(event)[0] == ("status", "scheduled", "partial")


@pytest.mark.parametrize("is_reduced", [False, True])
async def test_a_post_whose_rows_are_on_two_pages_costs_no_sweep_where_each_says_what_is_known(tmp_path, is_reduced):
    """The first page ends after a row that failed, and by that alone the post had: each hour four sweeps looked on."""
    async with life(tmp_path, *posted(*range(40)), flat=True, kinds=("posts",)) as it:
        await it.baseline()
        if is_reduced:
            await it.store.prune_uploads(it.clock.now, 100)
        await it.polls_for(6 * HOUR)
        assert it.asked(f"{POSTS}page=2") == []
        assert it.asked(f"{POSTS}page=1")
        assert await it.types() == []


async def test_a_failed_post_may_be_scheduled_anew_and_its_reason_is_cleared(tmp_path):
    post = Post(41)
    async with life(tmp_path, post) as it:
        await it.baseline()
        it.fake.put(replace(post, status="failed", fates={7: ("failed", "The token has expired.")}))
        await it.polls_for(HOUR)
        it.fake.put(replace(post, scheduled_at=it.clock.now + DAY))
        await it.polls_for(HOUR)
        failed, again = await it.news()
        assert (failed["type"], upload(failed)["reason"]["text"]) == ("upload.failed", "The token has expired.")
        assert (again["type"], again["data"]["reopened"]) == ("upload.scheduled", True)
        assert (upload(again)["reason"], upload(again)["targets"]) == (None, [])


async def test_a_moved_post_is_news_and_a_zone_spelled_another_way_is_none(tmp_path):
    async with life(tmp_path) as it:
        post = Post(41, scheduled_at=it.clock.now + 20 * HOUR)
        it.fake.put(post)
        await it.baseline()
        it.fake.put(replace(post, zone="Europe/Berlin"))
        await it.polls_for(HOUR)
        assert await it.types() == []
        it.fake.put(replace(post, scheduled_at=post.scheduled_at + HOUR))
        await it.polls_for(HOUR)
        (event,) = await it.news()
        assert event["type"] == "upload.updated"
        assert changes(event) == [("scheduled_at", "2027-01-16T04:00:00Z", "2027-01-16T05:00:00Z")]


# --- what it costs, and who may ask


@pytest.mark.uncounted
async def test_no_clock_hour_has_more_reads_than_our_share_of_it(tmp_path):
    videos = [Media(f"video-{n}", "pending") for n in range(150)]
    async with life(tmp_path, *videos, Post(41)) as it:
        await it.polls_for(4 * HOUR)
        assert len(it.fake.reads) >= 4
        assert max(it.fake.reads.values()) <= 45


async def test_at_rest_half_of_the_reads_are_left_to_the_user(tmp_path):
    async with life(tmp_path, Media("video-1", "processed"), Post(41, "posted")) as it:
        await it.baseline()
        await it.polls_for(10 * HOUR)
        assert len(it.fake.requests) <= 10 * 23 + 2


async def test_when_the_user_has_used_the_hour_up_nothing_is_lost_and_it_is_told_once(tmp_path):
    video = Media("video-1", "pending")
    async with life(tmp_path, video) as it:
        await it.baseline()
        it.fake.read_elsewhere(60)
        it.fake.put(Media("video-1", "processed"))
        left = HOUR - it.clock.now % HOUR
        await it.polls_for(left - 1)
        assert await it.types() in ([], ["source.failing"])
        assert len(it.fake.requests) <= 10
        await it.polls_for(HOUR)
        assert [type_ for type_ in await it.types() if type_ != "source.recovered"] == ["upload.completed"]


@pytest.mark.parametrize("status", [401, 403])
async def test_a_revoked_key_is_told_once_and_nowhere_shown(tmp_path, status):
    async with life(tmp_path, key="smm_revoked", uploads=("video-1",)) as it:
        it.fake.refuses_with = status
        await it.polls_for(DAY)
        (failing,) = await it.news()
        text = f"answers {status}: check api_key; nothing more is asked until a reload (notifier reload), or a restart"
        assert failing["data"]["reason"] == {"code": "refused", "text": text}
        assert len(it.fake.requests) == 1
    assert all(b"smm_revoked" not in file.read_bytes() for file in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("key", "accepted"), [("smm_1", "smm_1"), ("sp_tok_1", "sp_tok_1"), ("Bearer sp_tok_1", "sp_tok_1")]
)
async def test_a_key_and_a_token_are_taken_as_they_are_written(tmp_path, key, accepted):
    async with life(tmp_path, Media("video-1", "pending"), key=key, accepted=accepted, uploads=("video-1",)) as it:
        await it.polls_for(HOUR / 2)
        assert await it.types() == ["upload.processing"]


@pytest.mark.parametrize(
    ("key", "header"),
    [("smm_1", "X-API-KEY"), ("sp_tok_1", "Authorization"), ("Bearer sp_tok_1", "Authorization")],
)
async def test_a_key_goes_into_one_header_alone(key, header):
    seen = []

    async def answer(request):
        seen.append({name for name in ("X-API-KEY", "Authorization") if name in request.headers})
        return web.json_response([])

    fake = FakeSchedPilot(Clock(), key=key.removeprefix("Bearer "))
    fake.faults.append(answer)
    async with fake, open_session() as session:
        await PROVIDER.connect(session, library(fake, key)).observe(Look(LookKind.LIST, "media", word="video"), 0.0)
    assert seen == [{header}]


@pytest.mark.parametrize(
    "look", [Look(LookKind.GET, "posts", id="41"), Look(LookKind.GET, id="video-1"), Look(LookKind.BATCH, ids=("41",))]
)
async def test_it_is_never_asked_for_a_single_upload(look):
    async with FakeSchedPilot(Clock()) as fake, open_session() as session:
        with pytest.raises(Malformed, match="single upload"):
            await PROVIDER.connect(session, library(fake, "k")).observe(look, 0.0)
        assert fake.requests == []
    assert not PROVIDER.single
    assert not PROVIDER.batch


@pytest.mark.parametrize(
    ("kinds", "lists"),
    [(("posts",), {POSTS}), (("media",), {VIDEOS, IMAGES}), (PROVIDER.kinds, {VIDEOS, IMAGES, POSTS})],
)
async def test_only_the_collections_that_are_wanted_are_read(tmp_path, kinds, lists):
    async with life(tmp_path, Media("video-1", "pending"), Post(41), kinds=kinds) as it:
        await it.polls_for(HOUR)
        assert {path.split("page=")[0].rstrip("&") for path in it.fake.requests} == lists


# --- lists


@pytest.mark.parametrize("rows", [99, 100, 101])
async def test_a_full_page_is_followed_by_another_even_if_it_is_empty(tmp_path, rows):
    async with life(tmp_path, kinds=("media",), baseline=Baseline.ANNOUNCE) as it:
        for n in range(rows):
            it.clock.now += 1
            it.fake.put(Media(f"video-{n}", "processed"))
        await it.polls_for(HOUR)
        pages = it.asked(VIDEOS)[: 1 if rows < 100 else 2]
        assert pages == [f"{VIDEOS}&page={number}&per_page=100" for number in range(1, len(pages) + 1)]
        assert (f"{VIDEOS}&page=2&per_page=100" in it.fake.requests) == (rows >= 100)
        assert f"{VIDEOS}&page=3&per_page=100" not in it.fake.requests
        assert len(await it.types()) == rows


async def test_a_video_inserted_between_two_pages_is_told_once_and_hides_none(tmp_path):
    async with life(tmp_path, kinds=("media",), baseline=Baseline.ANNOUNCE) as it:
        for n in range(150):
            it.clock.now += 1
            it.fake.put(Media(f"video-{n}", "processed"))
        while not it.asked(VIDEOS):
            it.clock.now = max(it.clock.now, await it.poller.poll("library"))
        it.clock.now += 1
        it.fake.put(Media("video-new", "processed"))
        await it.polls_for(2 * HOUR)
        told = [upload(event)["id"] for event in await it.news()]
        assert sorted(told) == sorted(["video-new", *(f"video-{n}" for n in range(150))])


async def test_an_empty_list_after_a_full_one_is_no_news(tmp_path):
    videos = [Media(f"video-{n}", "pending") for n in range(5)]

    async def nothing(_):
        return web.json_response([])

    async with life(tmp_path, *videos, kinds=("media",)) as it:
        await it.baseline()
        it.fake.faults.extend([nothing] * 3)
        await it.polls_for(HOUR / 2)
        assert not it.fake.faults
        assert await it.types() == []


async def test_an_error_object_where_a_list_should_be_is_a_fault_of_theirs(tmp_path):
    async def error(_):
        return web.json_response({"code": 500, "message": "Something went wrong."})

    async with life(tmp_path, Media("video-1", "pending"), kinds=("media",)) as it:
        await it.baseline()
        it.fake.faults.append(error)
        await it.polls_for(HOUR)
        failing, recovered = await it.news()
        assert (failing["type"], failing["data"]["reason"]["code"]) == ("source.failing", "malformed")
        assert recovered["type"] == "source.recovered"


@pytest.mark.parametrize("fault", [server_error, html_page])
async def test_a_bad_hour_at_schedpilot_makes_no_false_alarm(tmp_path, fault):
    async with life(tmp_path, Media("video-1", "pending"), Post(41)) as it:
        await it.baseline()
        it.fake.faults.extend([fault] * 1000)
        await it.polls_for(HOUR)
        it.fake.faults.clear()
        it.fake.put(Media("video-1", "processed"), Post(41, "posted"))
        await it.polls_for(2 * HOUR)
        events = sorted(await it.types())
        assert events == ["source.failing", "source.recovered", "upload.completed", "upload.completed"]


async def test_a_broken_row_spoils_neither_its_page_nor_itself_for_ever(tmp_path):
    async with life(tmp_path) as it:
        await it.baseline()
        it.fake.extra["video-1"] = {"media_id": None}
        it.fake.put(Media("video-1", "pending"), Media("video-2", "pending"))
        await it.polls_for(HOUR)
        assert [upload(event)["id"] for event in await it.news()] == ["video-2"]
        it.fake.extra.clear()
        await it.polls_for(HOUR / 2)
        assert [upload(event)["id"] for event in await it.news()] == ["video-1"]
