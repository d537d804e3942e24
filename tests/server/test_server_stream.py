"""GET /v1/stream: who follows misses nothing, whatever comes between, and holds up nobody."""

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import pytest
from asking import announced, telling
from stored import altered, announce, event
from world import endpoint


class Reader:
    """One who follows."""

    def __init__(self, response):
        self.response = response
        self.headers = response.headers

    async def message(self):
        """The next one, as its fields; {} is a comment, None the end."""
        lines = []
        while (line := await self.response.content.readline()) not in {b"", b"\n"}:
            lines.append(line.decode().rstrip("\n").split(": ", 1))
        return dict(one for one in lines if len(one) == 2) if lines else None

    async def events(self, count):
        """The next messages, all of them events."""
        return [await self.message() for _ in range(count)]


@asynccontextmanager
async def follows(caller, headers=None, **query):
    """A reader to whom it was said where the stream begins."""
    async with caller.session.get("/v1/stream", params=query, headers=headers) as response:
        assert response.status == 200
        reader = Reader(response)
        reader.begins = await reader.message()
        yield reader


async def test_each_event_comes_as_it_is_announced_as_the_endpoints_get_it(tmp_path):
    async with telling(tmp_path) as (w, caller, _):
        await announced(w, "u0")
        async with follows(caller) as reader:
            assert reader.begins == {"retry": "2000", "id": "1"}
            assert reader.headers["Content-Type"] == "text/event-stream"
            assert (reader.headers["Cache-Control"], reader.headers["X-Accel-Buffering"]) == ("no-store", "no")
            await announced(w, "u1", "u2")
            first, second = await reader.events(2)
            assert (first["id"], first["event"]) == ("2", "upload.processing")
            assert [json.loads(one["data"]) for one in (first, second)] == w.receivers.events("app")[1:]


async def test_what_is_told_of_an_endpoint_comes_as_well(tmp_path):
    some = endpoint("app"), endpoint("ops", events=("endpoint.*",))
    async with telling(tmp_path, *some) as (_, caller, _), follows(caller, type="endpoint.*") as reader:
        await caller.post("/v1/endpoints/app/pause")
        (told,) = await reader.events(1)
        assert (told["event"], json.loads(told["data"])["data"]["endpoint"]) == ("endpoint.paused", "app")


async def test_who_comes_again_goes_on_where_that_was(tmp_path):
    async with telling(tmp_path) as (w, caller, _):
        await announced(w, *(f"u{n}" for n in range(5)))
        for headers, query, begins in (
            ({"Last-Event-ID": "2"}, {}, "2"),
            ({}, {"after": "2"}, "2"),
            ({"Last-Event-ID": "2"}, {"after": "4"}, "2"),
        ):
            async with follows(caller, headers, **query) as reader:
                assert reader.begins["id"] == begins
                assert [one["id"] for one in await reader.events(3)] == ["3", "4", "5"]
        async with follows(caller, {"Last-Event-ID": "999"}) as reader:  # of a database that was put back
            assert reader.begins["id"] == "5"


async def test_only_what_is_asked_for_comes(tmp_path):
    async with telling(tmp_path) as (w, caller, _):
        await announced(w, "u1")
        async with (
            follows(caller, type="source.*", after="0") as none,
            follows(caller, source="posts", after="0") as all_,
        ):
            await announced(w, "u2")
            assert [one["id"] for one in await all_.events(2)] == ["1", "2"]
            w.stream.close()
            assert await none.message() is None


@pytest.mark.parametrize(
    ("headers", "query", "status", "words"),
    [
        ({"Last-Event-ID": "evt_1"}, {}, 400, "Last-Event-ID: expected the position of an event, as the stream has it"),
        (
            {"Last-Event-ID": "9" * 30},
            {},
            400,
            "Last-Event-ID: expected the position of an event, as the stream has it",
        ),
        ({}, {"after": "-1"}, 400, "after: expected greater than or equal to 0"),
        ({}, {"type": "upload.complete"}, 400, 'type: expected a type of event, or a pattern like "upload.*"; did you'),
        ({}, {"since": "now"}, 400, "since: expected one of type, source, after"),
        ({}, {"source": "post"}, 404, "no source was ever called 'post': there are posts"),
    ],
)
async def test_a_wrong_question_is_answered_as_others_are(tmp_path, headers, query, status, words):
    async with telling(tmp_path) as (_, caller, _):
        said = await caller.ask("GET", "/v1/stream", headers=headers, params=query)
        assert (said.status, said.detail[: len(words)]) == (status, words)


async def test_who_asks_for_the_headers_alone_follows_nothing(tmp_path):
    async with telling(tmp_path) as (_, caller, _):
        said = await caller.ask("HEAD", "/v1/stream")
        assert (said.status, said.body) == (200, "")


async def test_in_silence_a_reader_hears_that_the_daemon_is_there(tmp_path):
    async with telling(tmp_path, following={"beat": 0.001}) as (_, caller, _), follows(caller) as reader:
        assert await reader.events(2) == [{}, {}]


async def test_only_so_many_may_follow_and_another_when_one_has_gone(tmp_path):
    async with telling(tmp_path, following={"beat": 0.001}) as (_, caller, _):
        async with AsyncExitStack() as readers:
            for _ in range(50):
                await readers.enter_async_context(follows(caller))
            said = await caller.get("/v1/stream")
            assert (said.status, said.headers["Retry-After"]) == (503, "60")
            assert said.detail == "50 follow already: try again when one has gone"
        while (await caller.ask("HEAD", "/v1/stream")).status == 503:
            pass  # each question lets the daemon notice one that has gone


async def test_who_has_gone_leaves_a_place_at_once(tmp_path):
    # It was kept until the next beat, for 15 s: a page that was loaded again and again took all of them.
    async with telling(tmp_path, following={"beat": 3600.0}) as (w, caller, _):
        for _ in range(3):
            async with AsyncExitStack() as readers:
                for _ in range(50):
                    await readers.enter_async_context(follows(caller))
                assert w.stream.readers == 50
            while w.stream.readers:
                await caller.get("/v1/endpoints")  # each question lets the daemon go on
        assert len(w.stream._following) <= 50


async def test_the_end_of_the_daemon_ends_every_stream_at_once(tmp_path):
    async with telling(tmp_path) as (w, caller, _), follows(caller) as one, follows(caller) as other:
        w.stream.close()
        assert await one.message() is None
        assert await other.message() is None


async def test_who_reads_too_slowly_is_cut_off_and_loses_nothing(tmp_path):
    async with telling(tmp_path, following={"slow": 0.05}) as (w, caller, _):
        large = b"x" * 10_000
        await announce(w.store, *(event(1, number, body=large) for number in range(1, 201)), to=())
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "notifier.sock"), limit=1)
        writer.write(b"GET /v1/stream?after=0 HTTP/1.1\r\nHost: notifier\r\n\r\n")
        await caller.get("/v1/endpoints")
        while w.stream.readers:
            await caller.get("/v1/endpoints")  # each question lets the daemon go on
        writer.close()
        async with follows(caller, after="0") as resumed:
            assert [int(one["id"]) for one in await resumed.events(200)] == list(range(1, 201))
        del reader  # not before: its connection would end


async def test_a_database_that_does_not_answer_ends_a_stream_and_is_logged(tmp_path, caplog):
    async with telling(tmp_path) as (w, caller, _), follows(caller) as reader:
        await altered(w.store, "ALTER TABLE events RENAME TO gone")
        w.store.announced.ring()
        with pytest.raises(aiohttp.ClientPayloadError):
            await reader.message()
        assert "no answer" in caplog.messages
