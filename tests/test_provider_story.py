"""Random stories of providers that misbehave in every way at once: what is told is what was so, and all of it.

The real poller and the real modules over HTTP; a model of the truth says what may be told. `make story` tells longer.
"""

import asyncio
import itertools
import shutil
import tempfile
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from living import HOUR, living
from longer import LONGER
from providing import source
from upstreams import ROWS, STATUSES, EncodingCom, Transcoder, XenonFlare
from world import Clock

from notifier.core.model import Baseline
from notifier.core.secret import Secret
from notifier.demo import xenonflare
from notifier.demo.local import LocalServer
from notifier.providers import encoding_com

pytestmark = pytest.mark.timeout(300 * LONGER)

SETTLED = ("completed", "failed")
MOST_DENIALS = 2
"""Of one upload: three, far enough from one another, are believed."""
RECOVERY = 2 * HOUR
"""Longer than the longest rest of a source."""
BOMB = "<!DOCTYPE a [<!ENTITY b 'ha'><!ENTITY c '&b;&b;'><!ENTITY d '&c;&c;'>]><a>&d;</a>"


# --- what an answer may become


def changed(change):
    """See `upstreams.Json.changed`."""

    async def spoiled(story, _request, response):
        body = story.api.changed(response.body, change)
        return web.Response(body=body, content_type=response.content_type, status=response.status)

    return spoiled


async def rotten_rows(story, request, response):
    return await changed(lambda rows: [*story.api.rotten, *rows])(story, request, response)


def instead(**more):
    async def spoiled(*_):
        return web.Response(**more)

    return spoiled


async def padded(_story, _request, response):
    return web.Response(body=response.body + b" " * (10 << 20), content_type=response.content_type)


async def just_in_bounds(_story, _request, response):
    return web.Response(body=response.body + b" " * (9 << 20), content_type=response.content_type)


async def wrong_charset(_story, _request, response):
    return web.Response(body=response.body, headers={"Content-Type": f"{response.content_type}; charset=utf-16"})


async def no_charset(_story, _request, response):
    return web.Response(body=response.text.encode("utf-16"), headers={"Content-Type": response.content_type})


async def elsewhere(story, request, _response):
    return web.Response(status=302, headers={"Location": f"{story.elsewhere.origin}{request.path_qs}"})


async def denied(story, request, response):
    id_ = request.path.rpartition("/")[2]
    if id_ not in story.lives or story.denials.setdefault(id_, 0) >= MOST_DENIALS:
        return response
    story.denials[id_] += 1
    return web.json_response({"success": False, "error": "no such media"}, status=404)


async def cut(_story, request, _response):
    request.transport.abort()
    return web.Response()


def lying(by):
    """About its length, which is what it says it is and `by` more, or less."""

    async def spoiled(_story, request, response):
        length = max(1, len(response.body) + by)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {response.content_type}\r\nContent-Length: {length}\r\n\r\n"
        request.transport.write(head.encode() + response.body)
        request.transport.close()
        return web.Response()

    return spoiled


SPOILERS = {
    "reversed": changed(lambda rows: rows[::-1]),
    "twice": changed(lambda rows: [row for row in rows for _ in range(2)]),
    "empty": changed(lambda _: []),
    "one is missing": changed(lambda rows: rows[1:]),
    "rotten rows": rotten_rows,
    "an error": instead(status=503, text="no"),
    "a limit": instead(status=429, headers={"Retry-After": "30"}),
    "an error of theirs as ours": instead(status=400, text="{}"),
    "not found": instead(status=404, text="<html>404</html>", content_type="text/html"),
    "refused": instead(status=401, text="{}"),
    "a page": instead(text="<html>sorry</html>", content_type="text/html"),
    "nothing": instead(text=""),
    "another document": instead(text='{"data": {}}', content_type="application/json"),
    "deep": instead(text="[" * 200_000, content_type="application/json"),
    "a bomb": instead(text=BOMB, content_type="application/json"),
    "no letters": instead(body=bytes(range(256)), content_type="application/json"),
    "not what it is packed as": instead(body=b"{}", headers={"Content-Encoding": "gzip"}),
    "too long": padded,
    "long": just_in_bounds,
    "another charset": wrong_charset,
    "a charset that is not told": no_charset,
    "elsewhere": elsewhere,
    "denied": denied,
    "cut": cut,
    "more is promised": lying(50),
    "less is promised": lying(-20),
}

HIDING = {"empty", "one is missing"}
"""Good answers as far as anybody can see, which keep back what is there."""


class ProviderStory(RuleBasedStateMachine):
    api_of: type

    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp(prefix="notifier-provider-"))
        self.opened = AsyncExitStack()
        self.clock = Clock()
        self.api = self.api_of(self.clock)
        self.lives = {}
        """Of each upload, all that it was."""
        self.told = {}
        self.denials = {}
        self.spoilers = []
        self.recovery = RECOVERY
        """Seconds after which all is told once all is well."""
        self.strangers = []
        """What was asked of the host to which redirects lead."""

    def do(self, scene):
        return self.loop.run_until_complete(scene)

    @initialize()
    def starts(self):
        self.appears(5)
        self.do(self.opens())

    async def opens(self):
        self.elsewhere = LocalServer()
        self.elsewhere.app.router.add_route("*", "/{path:.*}", self.is_strange)
        await self.opened.enter_async_context(self.elsewhere)
        self.api.fake.app.middlewares.append(self.spoil)
        fake = await self.opened.enter_async_context(self.api.fake)
        one = source(self.api.provider, self.api.base_url, baseline=Baseline.ANNOUNCE, stalled_after=1e9)
        one = replace(one, api_key=Secret(self.api.key))
        self.it = await self.opened.enter_async_context(living(self.folder, fake, one, self.clock))

    async def is_strange(self, request):
        self.strangers.append(request.path)
        return web.Response()

    @web.middleware
    async def spoil(self, request, handler):
        response = await handler(request)
        if self.spoilers and response.status in {200, 404}:
            name = self.spoilers.pop(0)
            if name in HIDING:
                self.recovery = RECOVERY + self.api.whole_sweep
            return await SPOILERS[name](self, request, response)
        return response

    @rule(count=st.integers(1, 4))
    def appears(self, count):
        for number in range(len(self.lives), len(self.lives) + count):
            self.moves(number, "queued")

    @rule(which=st.integers(0, 30), status=st.sampled_from(STATUSES))
    def moves(self, which, status):
        """Also back, as one does whose id is given to another."""
        id_ = f"{which % (len(self.lives) + 1):024x}"
        life = self.lives.setdefault(id_, [])
        if life and life[-1] in SETTLED:
            self.recovery = RECOVERY + self.api.whole_sweep
        life.append(status)
        self.api.put(id_, status)

    @rule(names=st.lists(st.sampled_from(sorted(SPOILERS)), min_size=1, max_size=6))
    def answers_are_spoiled(self, names):
        self.spoilers += names

    @rule()
    def a_person_acts(self):
        self.it.poller.resume()

    @rule(seconds=st.floats(1, 400))
    def time_passes(self, seconds):
        self.do(self.it.polls_for(seconds))

    @invariant()
    def only_what_was_so_is_told(self):
        if not hasattr(self, "it"):
            return
        for event in self.do(self.it.news()):
            if "upload" in event["data"]:
                seen = event["data"]["upload"]
                self.told.setdefault(self.api.own(seen["id"]), []).append(seen["status"])
        for id_, told in self.told.items():
            was = iter(self.lives[id_])
            assert all(any(status == true for true in was) for status in told), (id_, told, self.lives[id_])
            assert all(one != other for one, other in itertools.pairwise(told)), (id_, told)
        assert not self.strangers

    def teardown(self):
        try:
            if hasattr(self, "it"):
                self.all_is_told_in_the_end()
        finally:
            self.do(self.opened.aclose())
            self.loop.close()
            shutil.rmtree(self.folder)

    def all_is_told_in_the_end(self):
        self.spoilers.clear()
        self.a_person_acts()
        self.time_passes(self.recovery)
        self.only_what_was_so_is_told()
        assert {id_: told[-1] for id_, told in self.told.items()} == {
            id_: lives[-1] for id_, lives in self.lives.items()
        }


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    monkeypatch.setattr(xenonflare, "PAGE_SIZE", ROWS)
    monkeypatch.setattr(encoding_com, "PAGE_SIZE", ROWS)


class XenonFlareStory(ProviderStory):
    api_of = XenonFlare


class TranscoderStory(ProviderStory):
    api_of = Transcoder


class EncodingComStory(ProviderStory):
    api_of = EncodingCom


CALM = settings(
    max_examples=6 * LONGER,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
for story in (XenonFlareStory, TranscoderStory, EncodingComStory):
    story.TestCase.settings = CALM
TestXenonFlareStory = XenonFlareStory.TestCase
TestTranscoderStory = TranscoderStory.TestCase
TestEncodingComStory = EncodingComStory.TestCase


def test_what_an_empty_last_page_kept_back_is_told_after_the_next_whole_sweep():
    story = XenonFlareStory()
    try:
        story.starts()
        story.answers_are_spoiled(["denied", "elsewhere", "empty", "a bomb", "denied"])
        story.a_person_acts()
        story.appears(3)
        story.a_person_acts()
        story.time_passes(400)
        story.only_what_was_so_is_told()
        kept_back = set(story.lives) - set(story.told)
        assert kept_back
        assert not story.spoilers
    finally:
        story.teardown()
    assert kept_back <= set(story.told)


def test_what_moves_again_deep_in_a_list_after_it_failed_is_told_after_the_next_whole_sweep():
    story = XenonFlareStory()
    try:
        story.starts()
        story.moves(which=5, status="failed")
        story.time_passes(80)
        story.appears(4 * ROWS)
        story.time_passes(400)
        story.moves(which=5, status="completed")
    finally:
        story.teardown()
    assert story.told[f"{5:024x}"] == ["failed", "completed"]


def test_what_two_pages_kept_back_and_then_failed_is_told_within_a_day():
    story = EncodingComStory()
    try:
        story.starts()
        story.answers_are_spoiled(["long", "long", "empty", "empty"])
        story.time_passes(400)
        story.only_what_was_so_is_told()
        kept_back = set(story.lives) - set(story.told)
        assert kept_back
        for id_ in kept_back:
            story.moves(which=int(id_, 16), status="failed")
    finally:
        story.teardown()
    assert {id_: story.told[id_] for id_ in kept_back} == {id_: ["failed"] for id_ in kept_back}
