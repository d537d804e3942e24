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
from living import HOUR, living
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
from notifier.providers import PROVIDERS, encoding_com, schedpilot, upload_post
from notifier.registrations import Registrations

pytestmark = [pytest.mark.uncounted, pytest.mark.timeout(300 * LONGER)]


class ProviderStory(RuleBasedStateMachine):
    api_of: type

    def __init__(self):
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp(prefix="notifier-provider-"))
        self.opened, self.living = AsyncExitStack(), AsyncExitStack()
        self.clock = Clock()
        self.baseline = Baseline.ANNOUNCE
        self.api = self.api_of(self.clock)
        self.lives = {}
        """Of each upload, all that it was."""
        self.before, self.by_then = None, None
        """Of each, how much of that was over when the source was first asked, and when its first sweep had ended."""
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
        self.dies_at, self.dies, self.is_dead = 0, asyncio.Event(), asyncio.Event()
        """With which request to come it is killed: 0 for none."""
        self.strangers = []
        """What was asked of the host to which redirects and entities lead, or came of a redirect."""

    def do(self, scene):
        return self.loop.run_until_complete(scene)

    @initialize(baseline=st.sampled_from(Baseline))
    def starts(self, baseline=Baseline.ANNOUNCE):
        self.baseline = baseline
        self.appears(5)
        self.do(self.opens())

    async def opens(self):
        elsewhere = await asyncio.start_server(self.is_strange, "127.0.0.1", 0)
        self.stranger = f"http://127.0.0.1:{elsewhere.sockets[0].getsockname()[1]}"
        await self.opened.enter_async_context(elsewhere)
        self.api.fake.app.middlewares.insert(0, self.counts)
        self.api.fake.app.middlewares.append(self.spoil)
        await self.opened.enter_async_context(self.api.fake)
        one = source(self.api.provider, self.api.base_url, baseline=self.baseline, stalled_after=1e9)
        budget, named = PROVIDERS[self.api.provider].budget, tuple(map(self.api.theirs, self.named))
        self.source = replace(one, api_key=Secret(self.api.key), budget=budget, uploads=named)
        await self.comes_to_life()

    async def comes_to_life(self, told=0):
        life = living(self.folder, self.api.fake, self.source, self.clock)
        self.it = await self.living.enter_async_context(life)
        self.it.told = told
        poller = self.it.poller
        self.registrations = Registrations(self.it.store, poller.watched, lambda _: None, self.clock)

    async def is_strange(self, reader, writer):
        self.strangers.append(await reader.read(4096))
        writer.close()

    # --- what happens between them and us

    @web.middleware
    async def counts(self, request, handler):
        """What was asked in any window of the limit, or in an hour of the clock where it is counted by that."""
        now, most = self.clock.now, self.api.allowed
        if request.path.startswith("/stranger"):
            self.strangers.append(request.path)
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
        if self.before is None:
            self.before = {id_: len(life) for id_, life in self.lives.items()}
        if self.dies_at:
            self.dies_at -= 1
            if not self.dies_at:
                self.dies.set()
                await self.is_dead.wait()
                return web.Response()
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

    @property
    def is_silent(self):
        """Whether what is found is taken without a word: what a list keeps back meanwhile is told when it shows it."""
        return self.baseline is Baseline.SILENT and self.by_then is None

    def may_miss(self, listed):
        """Whether a list may show less than there is. Where it denies what it does not show, none goes unseen twice."""
        if self.missed & listed or self.is_silent:
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
        if id_ in self.missed or self.is_silent or (in_the_middle and not self.may_miss(listed)):
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

    @rule(asked=st.integers(0, 6))
    def is_killed_and_comes_back(self, asked):
        """When so many more requests have come, and the last of them has no answer."""
        self.do(self.dies_and_lives(asked))

    async def dies_and_lives(self, asked):
        self.dies_at, self.dies, self.is_dead = asked, asyncio.Event(), asyncio.Event()
        if asked:
            under_way = [asyncio.ensure_future(one) for one in (self.it.polls_for(400), self.dies.wait())]
            await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            for one in under_way:
                one.cancel()
            ends = await asyncio.gather(*under_way, return_exceptions=True)
            assert all(isinstance(one, asyncio.CancelledError | None | bool) for one in ends), ends
        told, self.dies_at = self.it.told, 0
        await self.living.aclose()
        self.is_dead.set()
        await self.comes_to_life(told)

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
                told = self.told.setdefault(self.api.own(seen["id"]), [])
                told += [word] * (event["type"] != "upload.updated" or told[-1:] != [word])
        if self.by_then is None and self.do(self.it.store.database.rows(ALL_READ)) == [(self.lists,)]:
            self.by_then = {id_: len(life) for id_, life in self.lives.items()}
        for id_, told in self.told.items():
            assert is_part(told, self.may_be_told(id_)), (id_, told, self.lives[id_], self.before)
            assert all(one != other for one, other in itertools.pairwise(told)), (id_, told)
        for id_, shown in self.shown.items():
            taken = self.is_taken_as(id_)
            news = itertools.dropwhile(lambda word, taken=taken: word in taken, shown)
            assert is_part(news, self.told.get(id_, [])), (id_, shown, taken, self.told.get(id_))
        assert not self.strangers
        assert not self.impolite

    @property
    def lists(self):
        return len(self.it.watched.ways.listings)

    def may_be_told(self, id_):
        """What it was; but what that was before a silent source was asked only of an upload that was named."""
        is_taken = self.baseline is Baseline.SILENT and id_ not in self.named
        return self.lives[id_][(self.before or {}).get(id_, 0) * is_taken :]

    def is_taken_as(self, id_):
        """All that it may have been when a silent source was first read, of which nothing is told."""
        if self.baseline is not Baseline.SILENT or id_ in self.named:
            return []
        since, until = (self.before or {}).get(id_, 0), None if self.by_then is None else self.by_then.get(id_, 0)
        return self.lives[id_][max(0, since - 1) : until]

    def teardown(self):
        try:
            if hasattr(self, "it"):
                self.all_is_told_in_the_end()
        finally:
            self.do(self.living.aclose())
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
            and (self.told.get(id_) or life[-1] not in self.is_taken_as(id_))
        }
        assert not untold, (untold, self.before, self.by_then)
        assert self.by_then is not None


ALL_READ = "SELECT count(*) FROM listings WHERE baseline_at IS NOT NULL"


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
STORIES = (XenonFlareStory, TranscoderStory, EncodingComStory, UploadPostStory, SchedPilotStory)
for story in STORIES:
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
        story.answers_are_spoiled(["denied", "elsewhere by 302", "empty", "some laughs", "denied"])
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


@pytest.mark.parametrize("story_of", STORIES)
def test_kills_in_the_middle_of_a_silent_first_sweep_change_nothing_of_what_is_told(story_of):
    story = story_of()
    try:
        story.baseline = Baseline.SILENT
        for number in range(4 * ROWS):
            story.moves(number, STATUSES[number % len(STATUSES)])
        story.do(story.opens())
        for asked in range(1, 4):
            story.is_killed_and_comes_back(asked)
            story.only_what_was_so_is_told()
        silent = set(story.lives) - story.named
        assert story.by_then is None
        story.time_passes(900)
        story.only_what_was_so_is_told()
        assert story.by_then is not None
        story.is_killed_and_comes_back(2)
        assert silent.isdisjoint(story.told)
        story.appears(ROWS)
        story.moves(4, "completed")
        story.recovery = HOUR  # nothing has kept anything back
    finally:
        story.teardown()
    assert story.told[f"{4:024x}"] == story.lives[f"{4:024x}"][-1:]


@pytest.mark.parametrize("story_of", STORIES)
def test_what_is_taken_away_is_told_as_its_provider_has_it(story_of):
    """Open or settled; what settled at Upload-Post is let be, and so are ids that expire at Encoding.com."""
    story = story_of()
    try:
        story.starts()
        story.moves(which=3, status="failed")
        story.moves(which=4, status="completed")
        story.time_passes(700)
        story.only_what_was_so_is_told()
        for which in range(5):
            story.is_taken_away(which)
        over = {id_ for id_ in story.told if story.lives[id_][-1] in {"gone", "cancelled"}}
        assert len(over) >= 2
    finally:
        story.teardown()
    assert {id_: story.told[id_][-1] for id_ in over} == {id_: story.lives[id_][-1] for id_ in over}


@pytest.mark.parametrize("story_of", STORIES)
def test_each_way_to_spoil_an_answer_once(story_of):
    story = story_of()
    try:
        story.starts()
        names = [name for name in SPOILERS if name not in HIDING]
        for number, name in enumerate(names):
            if number % 8 == 0:
                story.moves(len(story.lives), STATUSES[number // 8 % len(STATUSES)])
            story.answers_are_spoiled([name])
            story.a_person_acts()
            waited = 0
            while story.spoilers:
                story.time_passes(60)
                waited += 60
                assert waited < 7200, name
            story.only_what_was_so_is_told()
    finally:
        story.teardown()
