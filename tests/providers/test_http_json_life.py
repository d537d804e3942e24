"""A described API over time: the description of the documentation, the real poller, and a fake that answers like it."""

import json
import re
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from living import HOUR, changes, living, upload
from transcoders import KEY, PATH, FakeTranscoder
from world import Clock

from notifier.config import load
from notifier.demo.provider import NOT_FOUND_PAGE, html_page, page, server_error

PAGE = (Path(__file__).parents[2] / "docs" / "http-json.md").read_text()
(EXAMPLE,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(DOCUMENT,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
LIST_LINE, SINGLE_LINE = (
    next(line for line in EXAMPLE.splitlines() if line.startswith(f"{key} = ")) for key in ("list", "single")
)


async def not_found_page(_):
    return page(NOT_FOUND_PAGE, status=404)


async def try_again(_):
    return web.json_response({"error": "try again"})


async def empty_list(_):
    return web.json_response({"data": {"jobs": [], "has_more": False}})


@asynccontextmanager
async def life(path, *lines, example=EXAMPLE, fake=None, key=KEY):
    """`lines` are further keys of the source."""
    async with fake or FakeTranscoder() as there:
        first, rest = example.split("\n\n", 1) if "\n\n" in example else (example, "")
        text = "\n".join([first.replace("https://api.example.com/v2", there.base_url), *lines, "", rest])
        (path / "config.toml").write_text(text)
        (source,) = load(path / "config.toml", {"TRANSCODER_KEY": key, "HOME": str(path)}).sources
        async with living(path, there, source, Clock()) as it:
            yield it


ONLY_LIST = EXAMPLE.replace(SINGLE_LINE + "\n", "")
ONLY_SINGLE = EXAMPLE.replace(LIST_LINE + "\n", "")


# --- the example of the documentation


async def test_the_example_of_the_documentation_follows_a_job_through_its_life(tmp_path):
    (job,) = json.loads(DOCUMENT)["data"]["jobs"]
    async with life(tmp_path) as it:
        await it.polls_for(60)
        assert it.fake.requests[0] == f"{PATH}/jobs?limit=100&page=1"
        it.fake.put(job["id"], "waiting", name=job["name"], run_at=None, outputs=[])
        await it.polls_for(10 * 60)
        it.fake.jobs["7001"] = job
        await it.polls_for(10 * 60)
        done = [{**part, "state": "done", "url": f"https://cdn.example.com/{part['id']}"} for part in job["outputs"]]
        it.fake.put(job["id"], "done", output={"url": "https://cdn.example.com/7001"}, outputs=done)
        await it.polls_for(10 * 60)
        queued, processing, completed = await it.news()
    assert (queued["type"], queued["data"]["first_seen"]) == ("upload.queued", True)
    assert (upload(queued)["id"], upload(queued)["kind"], upload(queued)["title"]) == ("7001", "media", "Launch film")
    assert processing["type"] == "upload.processing"
    assert [(part["name"], part["status"], part["raw_status"]) for part in upload(processing)["targets"]] == [
        ("mp4_1080", "completed", "done"),
        ("webm", "processing", "running"),
    ]
    assert completed["type"] == "upload.completed"
    assert upload(completed)["url"] == "https://cdn.example.com/7001"
    assert ("status", "processing", "completed") in changes(completed)
    assert ("targets.webm.status", "processing", "completed") in changes(completed)
    assert upload(completed)["targets"][0]["external_id"] == "o-1"


async def test_a_job_that_fails_says_why_and_one_that_is_tried_again_no_longer_does(tmp_path):
    async with life(tmp_path) as it:
        await it.polls_for(60)
        it.fake.put("a", "running")
        await it.polls_for(10 * 60)
        it.fake.put("a", "error", error={"code": "E17", "message": "No space left"})
        await it.polls_for(10 * 60)
        it.fake.put("a", "running")
        await it.polls_for(HOUR)
        processing, failed, *more = await it.news()
    assert processing["type"] == "upload.processing"
    assert upload(failed)["reason"] == {"code": "E17", "text": "No space left"}
    assert (more[0]["type"], more[0]["data"]["reopened"], upload(more[0])["reason"]) == (
        "upload.processing",
        True,
        None,
    )


# --- pages


@pytest.mark.parametrize(
    "call",
    [
        '{ url = "/jobs?page={page}", items = "data.jobs", paging = "page" }',
        '{ url = "/jobs?page={page}", items = "data.jobs", paging = "page", more = "data.has_more" }',
        '{ url = "/jobs?offset={offset}", items = "data.jobs", paging = "offset" }',
        '{ url = "/jobs?after={cursor}", items = "data.jobs", paging = "cursor", cursor = "data.next" }',
        '{ url = "/jobs", items = "data.jobs", paging = "link" }',
    ],
)
async def test_every_page_is_read_however_they_are_told(tmp_path, call):
    fake = FakeTranscoder(size=3)
    for number in range(8):
        fake.put(number, "done")
    example = EXAMPLE.replace(LIST_LINE, f"list = {call}")
    async with life(tmp_path, 'baseline = "announce"', example=example, fake=fake) as it:
        await it.polls_for(20)
        assert sorted(upload(event)["id"] for event in await it.news()) == [str(number) for number in range(8)]
        assert len({path for path in it.fake.requests if not path.startswith(f"{PATH}/jobs/")}) >= 3


async def test_a_list_without_paging_is_read_whole(tmp_path):
    example = ONLY_LIST.replace(LIST_LINE, 'list = { url = "/jobs", items = "data.jobs" }')
    async with life(tmp_path, 'baseline = "announce"', example=example) as it:
        it.fake.put("a", "running")
        await it.polls_for(60)
        assert await it.types() == ["upload.processing"]
        it.fake.put("a", "done")
        await it.polls_for(10 * 60)
        assert await it.types() == ["upload.completed"]
        assert set(it.fake.requests) == {f"{PATH}/jobs"}


# --- one call alone


async def test_a_list_alone_is_enough(tmp_path):
    async with life(tmp_path, example=ONLY_LIST) as it:
        it.fake.put("old", "done")
        await it.polls_for(60)
        it.fake.put("a", "running")
        await it.polls_for(10 * 60)
        it.fake.put("a", "error")
        await it.polls_for(10 * 60)
        assert await it.types() == ["upload.processing", "upload.failed"]
        assert all(path.startswith(f"{PATH}/jobs?") for path in it.fake.requests)


async def test_a_look_at_one_alone_is_enough(tmp_path):
    async with life(tmp_path, 'uploads = ["a/b?"]', example=ONLY_SINGLE) as it:
        it.fake.put("a/b?", "running")
        await it.polls_for(10 * 60)
        it.fake.put("a/b?", "done")
        await it.polls_for(10 * 60)
        assert await it.types() == ["upload.processing", "upload.completed"]
        assert set(it.fake.requests) == {f"{PATH}/jobs/a%2Fb%3F"}


# --- absence


async def test_a_404_page_is_never_gone_and_a_404_in_json_is_gone_after_its_grace(tmp_path):
    async with life(tmp_path, 'uploads = ["a"]', 'stalled_after = "2d"', example=ONLY_SINGLE) as it:
        it.fake.put("a", "running")
        await it.polls_for(60)
        assert await it.types() == ["upload.processing"]
        it.fake.faults.extend([not_found_page] * 200)
        await it.polls_for(HOUR)
        assert len(it.fake.faults) < 195
        assert await it.types() == ["source.failing"]
        it.fake.faults.clear()
        await it.polls_for(20 * 60)
        assert await it.types() == ["source.recovered"]
        del it.fake.jobs["a"]
        await it.polls_for(9 * 60)
        assert await it.types() == []
        await it.polls_for(20 * 60)
        assert await it.types() == ["upload.gone"]


async def test_an_id_that_is_not_known_yet_is_told_once_it_is(tmp_path):
    async with life(tmp_path, 'uploads = ["a"]', example=ONLY_SINGLE) as it:
        await it.polls_for(5 * 60)
        assert await it.types() == []
        it.fake.put("a", "waiting")
        await it.polls_for(10 * 60)
        assert await it.types() == ["upload.queued"]


async def test_an_empty_list_after_a_full_one_is_no_news(tmp_path):
    async with life(tmp_path, example=ONLY_LIST) as it:
        for number in range(5):
            it.fake.put(number, "done")
        await it.polls_for(60)
        it.fake.faults.extend([empty_list] * 6)
        await it.polls_for(2 * HOUR)
        assert not it.fake.faults
        assert await it.types() == []


# --- trouble


@pytest.mark.parametrize(
    ("fault", "code"), [(try_again, "malformed"), (server_error, "unavailable"), (html_page, "unavailable")]
)
async def test_a_bad_hour_makes_no_false_alarm(tmp_path, fault, code):
    async with life(tmp_path) as it:
        await it.polls_for(60)
        it.fake.put("a", "running")
        await it.polls_for(10 * 60)
        assert await it.types() == ["upload.processing"]
        it.fake.faults.extend([fault] * 1000)
        await it.polls_for(HOUR)
        it.fake.faults.clear()
        it.fake.put("a", "done")
        await it.polls_for(HOUR)
        events = await it.news()
        assert sorted(event["type"] for event in events) == ["source.failing", "source.recovered", "upload.completed"]
        assert events[0]["data"]["reason"]["code"] == code


async def test_a_refused_secret_is_told_once_and_nowhere_shown(tmp_path, caplog):
    async with life(tmp_path, key="tk-revoked") as it:
        await it.polls_for(24 * HOUR)
        (failing,) = await it.news()
        text = "answers 401: check auth.secret; nothing more is asked until a reload (notifier reload), or a restart"
        assert failing["data"]["reason"] == {"code": "refused", "text": text}
        assert len(it.fake.requests) == 1
    assert all(b"tk-revoked" not in file.read_bytes() for file in tmp_path.glob("notifier.db*"))
    assert "tk-revoked" not in caplog.text


async def test_a_reason_that_only_the_job_itself_tells_does_not_come_and_go(tmp_path):
    async with life(tmp_path) as it:
        it.fake.hidden = {"error", "outputs"}
        await it.polls_for(60)
        it.fake.put("a", "running")
        await it.polls_for(10 * 60)
        it.fake.put("a", "error", error={"code": "E17", "message": "No space left"})
        await it.polls_for(2 * HOUR)
        processing, failed = await it.news()
        assert processing["type"] == "upload.processing"
        assert upload(failed)["reason"] == {"code": "E17", "text": "No space left"}


async def test_a_broken_row_spoils_neither_its_page_nor_itself_for_ever(tmp_path, caplog):
    async with life(tmp_path) as it:
        await it.polls_for(60)
        it.fake.put("a", "running")
        it.fake.put("b", None)
        await it.polls_for(10 * 60)
        assert [upload(event)["id"] for event in await it.news()] == ["a"]
        skipped = [record for record in caplog.records if record.getMessage() == "skipped"]
        assert skipped[0].fields["reason"] == "row 1: status: no text"
        it.fake.put("b", "running")
        await it.polls_for(10 * 60)
        assert [upload(event)["id"] for event in await it.news()] == ["b"]
