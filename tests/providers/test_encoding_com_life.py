"""Encoding.com over time: the real poller over a service that speaks as it does, and the events that come of it."""

from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from encoding_service import KEY, USER, EncodingService, Format, Media, error
from living import HOUR, MINUTE, living, upload
from world import Clock, world

from notifier.core.model import Look, LookKind, Registration, Source, Status
from notifier.core.secret import Secret
from notifier.providers.encoding_com import PROVIDER
from notifier.registrations import CannotRegister, Registrations


@asynccontextmanager
async def life(path, *media, key=KEY, **more):
    clock = Clock()
    async with EncodingService(clock) as fake:
        for one in media:
            fake.put(one)
        source = Source(
            name="media", provider="encoding_com", base_url=fake.origin, user_id=USER, api_key=Secret(key),
            budget=PROVIDER.budget, **more,
        )  # fmt: skip
        async with living(path, fake, source, clock, first_sweep=2 * MINUTE) as it:
            yield it


def targets(event):
    return {target["name"]: target["status"] for target in upload(event)["targets"]}


def two_formats():
    return [Format("2107", "mp4"), Format("2108", "thumbnail")]


# --- a whole life


async def test_a_media_from_its_arrival_to_its_end(tmp_path):
    async with life(tmp_path) as it:
        await it.baseline()
        media = it.fake.put(Media("1042", "New", two_formats()))
        await it.polls_for(6 * MINUTE)
        it.fake.move(media, "Processing", "Processing", "New")
        await it.polls_for(MINUTE)
        media.formats[0].places = (("https://key:word@cdn.example.com/a.mp4", "Saved"),)
        it.fake.move(media, "Finished", "Finished", "Finished")
        await it.polls_for(HOUR)
        events = await it.news()
        assert [event["type"] for event in events] == ["upload.queued", "upload.processing", "upload.completed"]
        assert [targets(event) for event in events] == [
            {"mp4:2107": "queued", "thumbnail:2108": "queued"},
            {"mp4:2107": "processing", "thumbnail:2108": "queued"},
            {"mp4:2107": "completed", "thumbnail:2108": "completed"},
        ]
        assert (events[0]["data"]["first_seen"], upload(events[0])["kind"]) == (True, "media")
        assert upload(events[2])["targets"][0]["url"] == "https://cdn.example.com/a.mp4"
        assert upload(events[2])["media_id"] == 1042
        (known,) = await it.store.listed("media")
        assert [target.task for target in known.snapshot.targets] == [2107, 2108]


async def test_an_id_that_is_no_number_is_refused_and_one_from_before_troubles_nobody(tmp_path, caplog):
    async with life(tmp_path, Media("1042", "Processing", two_formats())) as it:
        await it.store.register([Registration("media", id_) for id_ in ("summer.mov", "1042")], it.clock.now)
        registrations = Registrations(it.store, it.poller.watched, str, it.clock)
        with pytest.raises(CannotRegister, match=r"number that Encoding\.com gave the media") as raised:
            await registrations.register(Registration("media", "summer.mov"))
        assert raised.value.where == "id"
        for _ in range(2):
            await it.polls_for(HOUR)
            await registrations.look("media")
        assert await it.types() == ["upload.processing"]
        assert [one.fields["upload"] for one in caplog.records if "no id" in one.message] == ["summer.mov"]
        assert (await it.store.named("media", "summer.mov")).due_at is None


async def test_what_an_older_build_followed_at_another_provider_by_this_name_is_asked_for_no_more(tmp_path):
    async with world(tmp_path, accounts={"media": "media"}) as w:
        for status in (Status.PROCESSING, Status.FAILED):
            w.client.set(status.value, status)
        await w.polls_until(w.clock.now + MINUTE)
        await w.store.database.write(lambda db: db.execute("UPDATE sources SET provider = 'encoding_com'"))
    async with life(tmp_path) as it:
        registrations = Registrations(it.store, it.poller.watched, str, it.clock)
        for _ in range(3):
            await it.polls_for(HOUR)
            await registrations.look("media")
        assert await it.types() == []
        assert {request.split()[0] for request in it.fake.requests} == {"action=GetMediaList"}


async def test_the_names_of_formats_cost_one_simple_look(tmp_path):
    media = Media("1042", "Processing", two_formats())
    async with life(tmp_path, media, discover=False, uploads=("1042",)) as it:
        for new in (None, Format("2109", "fl9")):
            media.formats.extend([new] if new else [])
            it.fake.requests.clear()
            await it.polls_for(10 * MINUTE)
            assert it.fake.requests.count("action=GetStatus mediaid=1042") == 1
            assert set(it.fake.requests) == {
                "action=GetStatus mediaid=1042",
                "action=GetStatus mediaid=1042 extended=yes",
            }
        first, second = await it.news()
        assert list(targets(first)) == ["mp4:2107", "thumbnail:2108"]
        assert (second["type"], list(targets(second))) == ("upload.updated", [*targets(first), "fl9:2109"])


async def test_ready_to_process_waits_for_a_person_and_is_told_before_it_has_a_format(tmp_path):
    media = Media("1042", "Downloading")
    async with life(tmp_path, media, discover=False, uploads=("1042",)) as it:
        await it.polls_for(MINUTE)
        it.fake.move(media, "Ready to process")
        await it.polls_for(3 * HOUR)
        media.formats.extend(two_formats())
        it.fake.move(media, "Waiting for encoder")
        await it.polls_for(6 * HOUR)
        types = await it.types()
        assert types[:3] == ["upload.processing", "upload.action_required", "upload.queued"]
        assert types[3:] == ["upload.stalled"]


async def test_ec10_a_finished_media_that_is_restarted_is_reopened(tmp_path):
    media = Media("1042", "Processing", two_formats())
    async with life(tmp_path, media, discover=False, uploads=("1042",)) as it:
        await it.polls_for(MINUTE)
        for word in ("Finished", "Processing", "Finished"):
            it.fake.move(media, word, word, word)
            await it.polls_for(1.5 * HOUR)
        events = await it.news()
        told = [(event["type"], event["data"]["reopened"]) for event in events if event["type"] != "upload.stalled"]
        assert told == [
            ("upload.processing", False),
            ("upload.completed", False),
            ("upload.processing", True),
            ("upload.completed", False),
        ]


async def test_a_failed_media_is_looked_at_hourly_for_a_day_and_then_no_more(tmp_path):
    media = Media("1042", "Error", two_formats(), description="Encoding error")
    async with life(tmp_path, media, discover=False, uploads=("1042",)) as it:
        await it.polls_for(MINUTE)
        it.fake.requests.clear()
        await it.polls_for(25 * HOUR)
        assert 22 <= len(it.fake.requests) <= 25
        it.fake.requests.clear()
        del it.fake.media["1042"]  # ids live for about two weeks
        await it.polls_for(6 * HOUR)
        it.clock.now += 30 * 24 * HOUR
        await it.polls_for(6 * HOUR)
        assert it.fake.requests == []
        assert await it.types() == ["upload.failed"]


# --- failures


async def test_an_error_is_told_with_its_reason_and_formats_that_never_began_failed(tmp_path):
    media = Media("1042", "Downloading", two_formats())
    async with life(tmp_path, media, discover=False, uploads=("1042",)) as it:
        await it.polls_for(MINUTE)
        it.fake.move(media, "Error", "New", "New", description="Download error:  The requested URL returned error: 403")
        await it.polls_for(MINUTE)
        _, failed = await it.news()
        assert failed["type"] == "upload.failed"
        reason = {"code": "error", "text": "Download error:  The requested URL returned error: 403"}
        assert upload(failed)["reason"] == reason
        assert set(targets(failed).values()) == {"failed"}


async def test_a_failed_destination_makes_the_end_partial(tmp_path):
    media = Media("1042", "Saving", two_formats())
    async with life(tmp_path, media, discover=False, uploads=("1042",)) as it:
        await it.polls_for(MINUTE)
        media.formats[1].places = (("sftp://files.example.com/a", "Saved"), ("s3://bucket/a", "Error (Access denied)"))
        it.fake.move(media, "Finished", "Finished", "Finished")
        await it.polls_for(MINUTE)
        _, partial = await it.news()
        assert (partial["type"], upload(partial)["reason"]["text"]) == ("upload.partial", "Access denied")
        assert targets(partial) == {
            "mp4:2107": "completed",
            "thumbnail:2108": "completed",
            "thumbnail:2108/1": "completed",
            "thumbnail:2108/2": "failed",
        }


async def test_a_deleted_media_is_gone(tmp_path):
    media = Media("1042", "Processing", two_formats())
    async with life(tmp_path, media, discover=False, uploads=("1042",)) as it:
        await it.polls_for(MINUTE)
        media.deleted = True
        await it.polls_for(HOUR)
        assert await it.types() == ["upload.processing", "upload.gone"]


async def test_a_media_that_was_deleted_before_it_was_seen_is_gone(tmp_path):
    async with life(tmp_path, Media("1042", deleted=True), discover=False, uploads=("1042",)) as it:
        await it.polls_for(HOUR)
        assert await it.types() == ["upload.gone"]


async def test_an_unknown_id_is_never_gone(tmp_path):
    async with life(tmp_path, discover=False, uploads=("1042",)) as it:
        await it.polls_for(HOUR)
        (failing,) = await it.news()
        reason = {"code": "malformed", "text": "says: Media not found"}
        assert (failing["type"], failing["data"]["reason"]) == ("source.failing", reason)
        it.fake.put(Media("1042", "New"))
        await it.polls_for(20 * MINUTE)
        assert set(await it.types()) - {"upload.stalled"} == {"source.recovered", "upload.queued"}


async def test_a_wrong_key_is_told_once_and_nowhere_shown(tmp_path, caplog):
    caplog.set_level("DEBUG")
    async with life(tmp_path, Media("1042"), key="revoked-encoding-key", uploads=("1042",)) as it:
        await it.polls_for(24 * HOUR)
        (failing,) = await it.news()
        assert failing["data"]["reason"]["code"] == "refused"
        assert "user_id and user_key" in failing["data"]["reason"]["text"]
    assert all(b"revoked-encoding-key" not in file.read_bytes() for file in tmp_path.iterdir())
    assert "revoked-encoding-key" not in caplog.text


async def test_421_makes_the_source_wait_a_minute_and_is_no_failure_of_a_media(tmp_path):
    media = Media("1042", "Processing", two_formats())
    async with life(tmp_path, media, discover=False, uploads=("1042",)) as it:
        await it.polls_for(MINUTE)
        it.fake.faults.append(web.Response(status=421, text="Request Rate over limit"))
        await it.polls_for(15)
        assert not it.fake.faults
        it.fake.requests.clear()
        await it.polls_for(50)
        assert it.fake.requests == []
        await it.polls_for(5 * MINUTE)
        assert it.fake.requests != []
        assert await it.types() == ["upload.processing"]


@pytest.mark.parametrize("code", ["malformed", "unavailable"])
async def test_a_bad_hour_makes_no_false_alarm(tmp_path, code):
    media = Media("1042", "Processing", two_formats())
    fault = error("Wrong query format") if code == "malformed" else web.Response(text="<html>Sorry</html>")
    async with life(tmp_path, media, discover=False, uploads=("1042",)) as it:
        await it.polls_for(MINUTE)
        it.fake.faults.extend(
            web.Response(status=fault.status, text=fault.text, content_type=fault.content_type) for _ in range(1000)
        )
        await it.polls_for(HOUR)
        it.fake.faults.clear()
        it.fake.move(media, "Finished", "Finished", "Finished")
        await it.polls_for(HOUR)
        first, failing, *rest = await it.news()
        assert (first["type"], failing["data"]["reason"]["code"]) == ("upload.processing", code)
        assert sorted(event["type"] for event in rest) == ["source.recovered", "upload.completed"]


# --- lists


async def test_a_silent_baseline_says_nothing_and_looks_only_at_what_may_still_move(tmp_path):
    async with life(tmp_path) as it:
        for number in range(250):
            it.clock.now += 1
            it.fake.put(Media(str(5000 + number), "Finished", two_formats(), finished=it.clock.now))
        it.clock.now += 3 * 24 * HOUR
        it.fake.put(Media("1042", "Processing", two_formats()))
        await it.polls_for(2 * MINUTE)
        assert await it.types() == []
        looks = it.asked("action=GetStatus")
        assert all("1042" in look for look in looks)
        it.fake.put(Media("1043", "Finished", two_formats(), finished=it.clock.now))
        await it.polls_for(10 * MINUTE)
        (event,) = await it.news()
        assert (upload(event)["id"], event["data"]["first_seen"]) == ("1043", True)


async def test_a_list_that_says_the_same_of_a_settled_media_causes_no_look(tmp_path):
    async with life(tmp_path) as it:
        await it.baseline()
        it.fake.put(Media("1042", "Finished", two_formats(), finished=it.clock.now))
        await it.polls_for(10 * MINUTE)
        it.fake.requests.clear()
        await it.polls_for(30 * MINUTE)
        assert it.asked("action=GetStatus") == []
        assert it.fake.requests != []


async def test_a_media_restarted_after_a_week_is_found_by_the_feed_of_what_finished(tmp_path):
    media = Media("1042", "Processing", two_formats())
    async with life(tmp_path, media) as it:
        for number in range(150):
            it.clock.now += 1
            it.fake.put(Media(str(2000 + number), "Finished", two_formats(), finished=it.clock.now))
        await it.baseline()
        it.fake.move(media, "Finished", "Finished", "Finished")
        await it.polls_for(10 * MINUTE)
        it.clock.now += 7 * 24 * HOUR
        await it.polls_for(10 * MINUTE)
        assert await it.types() == ["upload.completed"]
        media.formats[1].description = "Codec not supported"
        it.fake.move(media, "Finished", "Finished", "Error")
        await it.polls_for(10 * MINUTE)
        (event,) = await it.news()
        assert (event["type"], upload(event)["id"]) == ("upload.partial", "1042")
        assert upload(event)["reason"]["text"] == "Codec not supported"


# --- several at once


async def test_several_are_asked_for_at_once_with_their_notes(tmp_path):
    ids = ("1042", "1043", "1044")
    async with life(tmp_path, *(Media(id_, "Processing", [Format(id_ + "7", "mp4")]) for id_ in ids)) as it:
        look = Look(LookKind.BATCH, ids=(*ids, "1045"), refs=("10427:mp4", None))
        answer = await it.watched.client.observe(look, it.clock.now)
        assert it.fake.requests == ["action=GetStatus mediaid=1042,1043,1044,1045 extended=yes"]
        told = {seen.id: (seen.complete, [target.name for target in seen.targets]) for seen in answer.observations}
        assert told == {"1042": (True, ["mp4:10427"]), "1043": (False, []), "1044": (False, [])}
        (alone,) = (await it.watched.client.observe(Look(LookKind.GET, id="1043"), it.clock.now)).observations
        again = await it.watched.client.observe(Look(LookKind.BATCH, ids=("1043",), refs=(alone.ref,)), it.clock.now)
        assert again.observations == (alone,)
