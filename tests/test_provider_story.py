"""Random stories of providers that misbehave in every way at once: what is told is what was so, and all of it.

The real poller and the real modules over HTTP; a model of the truth says what may be told. `make story` tells longer.
"""

import asyncio
import itertools
import shutil
import tempfile
from collections import Counter, deque
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import schedpilots
from aiohttp import web
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from living import living
from longer import LONGER
from providing import source
from spoiling import HIDING, SPOILERS
from upstream_schedpilot import SchedPilot
from upstream_upload_post import UploadPost
from upstreams import NOT_FOUND, ROWS, SETTLED, STATUSES, EncodingCom, Transcoder, XenonFlare
from world import Clock

from notifier.core.model import Baseline, Registration
from notifier.core.secret import Secret
from notifier.demo import upload_post as fake_upload_post
from notifier.demo import xenonflare as fake_xenonflare
from notifier.demo.local import LocalServer
from notifier.providers import PROVIDERS, encoding_com, schedpilot, upload_post
from notifier.registrations import Registrations

pytestmark = [pytest.mark.uncounted, pytest.mark.timeout(300 * LONGER)]


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
        self.shown = {}
        """Of each, what good answers showed of it, those that tell all there is to tell."""
        self.told = {}
        self.named = set()
        self.denials = {}
        self.missed = set()
        """Where lists deny: what one of them did not show where it ought to have, and none has shown since."""
        self.spoilers = []
        self.recovery = self.api.recovery
        """Seconds after which all is told once all is well."""
        self.asked = Counter() if self.api.hourly else deque(maxlen=self.api.allowed.count + 1)
        """When requests came."""
        self.impolite = []
        """Those that came although no more might."""
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
        self.api.fake.app.middlewares.insert(0, self.counts)
        self.api.fake.app.middlewares.append(self.spoil)
        fake = await self.opened.enter_async_context(self.api.fake)
        one = source(self.api.provider, self.api.base_url, baseline=Baseline.ANNOUNCE, stalled_after=1e9)
        budget, named = PROVIDERS[self.api.provider].budget, tuple(map(self.api.theirs, self.named))
        one = replace(one, api_key=Secret(self.api.key), budget=budget, uploads=named)
        self.it = await self.opened.enter_async_context(living(self.folder, fake, one, self.clock))
        poller = self.it.poller
        self.registrations = Registrations(self.it.store, poller.watched, lambda _: None, self.clock)

    async def is_strange(self, request):
        self.strangers.append(request.path)
        return web.Response()

    # --- what happens between them and us

    @web.middleware
    async def counts(self, request, handler):
        """What was asked in any window of the limit, or in an hour of the clock where it is counted by that."""
        now, most = self.clock.now, self.api.allowed
        if self.api.hourly:
            self.asked[now // most.seconds] += 1
            too_many = self.asked[now // most.seconds] > most.count
        else:
            self.asked.append(now)
            too_many = len(self.asked) > most.count and now - self.asked[0] < most.seconds
        if too_many:
            self.impolite.append(now)
        return await handler(request)

    @web.middleware
    async def spoil(self, request, handler):
        self.time_has_passed()
        response = await handler(request)
        if self.spoilers and response.status in {200, 404}:
            name = self.spoilers.pop(0)
            if name in HIDING and not self.may_miss(self.api.listed(request)):
                return response
            return await SPOILERS[name](self, request, response)
        if response.status == web.HTTPOk.status_code:
            for theirs in self.api.told(request, response):
                id_ = self.api.own(theirs)
                self.missed.discard(id_)
                if self.shown.setdefault(id_, [])[-1:] != self.lives[id_][-1:]:
                    self.shown[id_] += self.lives[id_][-1:]
        return response

    def may_miss(self, listed):
        """Whether a list may show less than there is. Where it denies what it does not show, none goes unseen twice."""
        if self.missed & listed:
            return False
        self.missed |= listed
        self.recovery = self.api.recovery + self.api.whole_sweep
        return True

    # --- what happens there

    def becomes(self, id_, word):
        if word is None:
            return
        life = self.lives.setdefault(id_, [])
        if life and life[-1] in SETTLED:
            self.recovery = self.api.recovery + self.api.whole_sweep
        life.append(word)

    def something_happens(self):
        """Never at the very moment of an answer."""
        self.clock.now += 0.01 * hasattr(self, "it")
        self.time_has_passed()

    def time_has_passed(self):
        for id_, word in self.api.by_now():
            self.becomes(id_, word)

    @rule(count=st.integers(1, 4))
    def appears(self, count):
        for number in range(len(self.lives), len(self.lives) + count):
            self.moves(number, "queued")

    @rule(which=st.integers(0, 30), status=st.sampled_from(STATUSES))
    def moves(self, which, status):
        """Also back, as one does whose id is given to another."""
        self.something_happens()
        id_ = self.id_of(which)
        self.becomes(id_, self.api.put(id_, status))
        if self.api.is_named(id_):
            self.names(id_)

    def id_of(self, which):
        return f"{which % (len(self.lives) + 1):024x}"

    @rule(which=st.integers(0, 30))
    def is_named_before_it_is_there(self, which):
        id_ = self.id_of(which)
        if id_ not in self.lives and self.api.is_named(id_):
            self.becomes(id_, NOT_FOUND)
            self.names(id_)

    def names(self, id_):
        if id_ not in self.named and hasattr(self, "it"):
            asked = Registration(self.it.watched.source.name, self.api.theirs(id_))
            self.do(self.registrations.register(asked))
        self.named.add(id_)

    @rule(which=st.integers(0, 30))
    def is_taken_away(self, which):
        """What stands below it in a list moves up, be it to a page that was read already."""
        id_ = self.id_of(which)
        listed = self.api.neighbours(id_)
        in_the_middle = self.do(self.it.store.database.rows("SELECT 1 FROM listings WHERE page > 1"))
        if id_ in self.missed or (in_the_middle and not self.may_miss(listed)):
            return
        self.something_happens()
        word = self.api.remove(id_)
        if word is not None and id_ in self.named:
            self.becomes(id_, NOT_FOUND)  # in whose eyes it never was there
        self.becomes(id_, word)

    @rule(names=st.lists(st.sampled_from(sorted(SPOILERS)), min_size=1, max_size=6))
    def answers_are_spoiled(self, names):
        self.spoilers += names

    @precondition(lambda self: self.api.is_shared)
    @rule(count=st.integers(1, 60))
    def others_ask(self, count):
        """Programs of the user's own, for which a part of the limit is left."""
        self.api.others_ask(count)

    @rule()
    def a_person_acts(self):
        self.it.poller.resume()

    @rule(seconds=st.floats(1, 400))
    def time_passes(self, seconds):
        self.do(self.it.polls_for(seconds))

    # --- what is to be told

    @invariant()
    def only_what_was_so_is_told(self):
        if not hasattr(self, "it"):
            return
        self.time_has_passed()
        for event in self.do(self.it.news()):
            if "upload" in event["data"]:
                seen = event["data"]["upload"]
                nobody_knows = seen["status"] == "unknown" and seen["reason"]
                word = NOT_FOUND if nobody_knows else seen["status"]
                self.told.setdefault(self.api.own(seen["id"]), []).append(word)
        for id_, told in self.told.items():
            assert is_part(told, self.lives[id_]), (id_, told, self.lives[id_])
            assert all(one != other for one, other in itertools.pairwise(told)), (id_, told)
        for id_, shown in self.shown.items():
            assert is_part(shown, self.told.get(id_, [])), (id_, shown, self.told.get(id_))
        assert not self.strangers
        assert not self.impolite

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
        untold = {
            id_: (life, self.told.get(id_, []))
            for id_, life in self.lives.items()
            if not self.api.suffices(life, self.told.get(id_, []), named=id_ in self.named)
        }
        assert not untold


def is_part(some, whole):
    """Whether these come among the others, in this order."""
    rest = iter(whole)
    return all(any(one == other for other in rest) for one in some)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    monkeypatch.setattr(fake_xenonflare, "PAGE_SIZE", ROWS)
    monkeypatch.setattr(encoding_com, "PAGE_SIZE", ROWS)
    for module in (schedpilot, upload_post):
        monkeypatch.setattr(module, "PAGE_SIZE", ROWS)
    monkeypatch.setattr(schedpilots, "MOST_ROWS", ROWS)
    monkeypatch.setattr(upload_post, "SMALL_PAGE_SIZE", ROWS - 1)
    monkeypatch.setattr(fake_upload_post, "PAGE_SIZES", {ROWS, ROWS - 1})


class XenonFlareStory(ProviderStory):
    api_of = XenonFlare


class TranscoderStory(ProviderStory):
    api_of = Transcoder


class EncodingComStory(ProviderStory):
    api_of = EncodingCom


class UploadPostStory(ProviderStory):
    api_of = UploadPost


class SchedPilotStory(ProviderStory):
    api_of = SchedPilot


CALM = settings(
    max_examples=6 * LONGER,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
for story in (XenonFlareStory, TranscoderStory, EncodingComStory, UploadPostStory, SchedPilotStory):
    story.TestCase.settings = CALM
TestXenonFlareStory = XenonFlareStory.TestCase
TestTranscoderStory = TranscoderStory.TestCase
TestEncodingComStory = EncodingComStory.TestCase
TestUploadPostStory = UploadPostStory.TestCase
TestSchedPilotStory = SchedPilotStory.TestCase


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


def test_an_image_that_is_taken_away_is_told_when_its_list_was_read_twice_without_it():
    """At SchedPilot that is once a day: the story allowed for the second time but eight hours after a day."""
    story = SchedPilotStory()
    try:
        story.starts()
        story.appears(9)
        story.time_passes(800)
        story.only_what_was_so_is_told()
        story.is_taken_away(which=8)
    finally:
        story.teardown()
    assert story.told[f"{8:024x}"] == ["completed", "gone"]


def test_what_a_page_of_the_history_kept_back_is_told_within_a_day():
    story = UploadPostStory()
    try:
        for number in range(2, 3 * (3 * ROWS), 3):  # such as the history alone tells of
            story.lives[f"{number:024x}"] = [story.api.put(f"{number:024x}", "failed")]
            story.clock.now += 1
        story.do(story.opens())
        story.answers_are_spoiled(["reversed", "reversed", "one is missing"])  # a schedule, two pages
        story.time_passes(400)
        story.only_what_was_so_is_told()
        kept_back = set(story.lives) - set(story.told)
        assert len(kept_back) == 1
    finally:
        story.teardown()
    assert kept_back <= set(story.told)
