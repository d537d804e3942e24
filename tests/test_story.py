"""Random stories: uploads move, providers and receivers fail, time passes, the daemon is killed. Then all is made well.

At the end every status that an answered look showed has reached every endpoint, in order, once, with a cause.
"""

import asyncio

import pytest
import stories
import verdict
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from longer import LONGER
from stories import Story
from things import HOUR
from world import endpoint, receipts_of

from notifier.core.model import Attempt, Baseline, Outcome, Status
from notifier.providers.base import Malformed, Refused, Unavailable
from notifier.store.examination import examine

pytestmark = [pytest.mark.uncounted, pytest.mark.timeout(600 * LONGER)]  # on a busy machine: its count is bounded
ENDPOINTS = ("app", "crm")
UPLOADS = ("a", "b", "c")
STATUSES = (
    Status.QUEUED,
    Status.PROCESSING,
    Status.ACTION_REQUIRED,
    Status.COMPLETED,
    Status.PARTIAL,
    Status.FAILED,
    Status.CANCELLED,
    Status.UNKNOWN,
)
FAULTS = (Unavailable("down"), Unavailable("429", 30.0, limited=True), Refused("401"), Malformed("html"))
RECOVERY = 4000.0
"""Seconds: longer than the longest rest of a source."""


class Delivering(Story):
    def __init__(self):
        super().__init__(
            uploads=UPLOADS[:2],
            baseline=Baseline.ANNOUNCE,
            stalled_after=1e9,
            endpoints=tuple(endpoint(name) for name in ENDPOINTS),
        )
        self.shown = {}
        """What looks showed whose answers the daemon had the time to read."""
        self.repeats_allowed = 0

    @initialize()
    def starts(self):
        for id_ in UPLOADS[:2]:
            self.world.client.set(id_, Status.QUEUED)
        self.do(self.world.start())

    @rule(id_=st.sampled_from(UPLOADS), status=st.sampled_from(STATUSES))
    def an_upload_moves(self, id_, status):
        self.world.client.set(id_, status)

    @rule(name=st.sampled_from(ENDPOINTS))
    def an_endpoint_goes_down_or_up(self, name):
        self.world.receivers.down ^= {name}

    @rule(fault=st.one_of(st.none(), st.sampled_from(FAULTS)))
    def the_provider_fails_or_recovers(self, fault):
        self.world.client.fault = fault
        self.world.poller.resume()

    @rule(passes=st.integers(1, 3))
    def the_poller_passes(self, passes):
        self.do(self.world.poll(passes))
        self.read()

    @rule()
    def the_sender_passes(self):
        self.do(self.world.settle())

    @rule(seconds=st.floats(1, 600))
    def time_passes(self, seconds):
        until = self.world.clock.now + seconds
        self.do(self.world.polls_until(until))
        self.do(self.world.sends_until(until))
        self.read()

    @rule()
    def the_daemon_is_killed_while_it_sends(self):
        """Its requests have arrived, and it never learns what came of them."""

        async def killed():
            world = self.world
            arrived = asyncio.Event()

            async def post(delivery):
                attempt = await world.receivers.post(delivery)
                arrived.set()
                await asyncio.Event().wait()
                return attempt

            world.post = post
            await world.sender.send_due()
            if world.sender.in_flight:
                await arrived.wait()
            self.repeats_allowed += world.sender.in_flight
            for task in list(world.sender._tasks.values()):
                task.cancel()
            await world.store.close()
            world.post = world.receivers.post
            await world.start()

        self.do(killed())

    def read(self):
        for id_, statuses in self.world.client.shown.items():
            self.shown[id_] = list(statuses)

    @invariant()
    def nothing_is_invented_or_disordered(self):
        for name in ENDPOINTS:
            events = verdict.firsts(name, receipts_of(self.world, name))
            verdict.is_complete(name, events)
            verdict.is_as_shown(name, events, self.shown)

    def is_stopped(self):
        super().is_stopped()
        assert examine(self.world.path).flaws == ()

    def all_is_well(self):
        """Everybody answers again, and whatever was shown arrives, everywhere."""
        self.world.client.fault = None
        self.world.receivers.down = set()
        until = self.world.clock.now + RECOVERY
        self.do(self.world.polls_until(until))
        self.read()
        self.do(self.all_is_sent())
        self.nothing_is_invented_or_disordered()
        receipts = {name: receipts_of(self.world, name) for name in ENDPOINTS}
        for name in ENDPOINTS:
            verdict.tells_all(name, verdict.firsts(name, receipts[name]), self.shown)
        assert sum(map(verdict.repeats, receipts.values())) <= self.repeats_allowed


Delivering.TestCase.settings = settings(
    max_examples=40 * LONGER,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestStory = Delivering.TestCase


def is_told(story, statuses):
    """Each endpoint was told these of `a`, repeats left out."""
    for name in ENDPOINTS:
        events = verdict.firsts(name, receipts_of(story.world, name))
        assert verdict.statuses(verdict.lanes(events)["a"]) == statuses


def test_a_kill_while_it_sends_to_who_is_down_loses_nothing():
    story = Delivering()
    try:
        story.starts()
        story.an_endpoint_goes_down_or_up("crm")
        story.time_passes(60)
        story.an_upload_moves("a", Status.COMPLETED)
        story.the_poller_passes(3)
        story.the_daemon_is_killed_while_it_sends()
        assert story.repeats_allowed
        story.nothing_is_invented_or_disordered()
    finally:
        story.teardown()
    is_told(story, ["queued", "completed"])


def test_what_happens_while_the_provider_fails_is_told_when_it_answers_again():
    story = Delivering()
    try:
        story.starts()
        story.time_passes(60)
        story.the_provider_fails_or_recovers(FAULTS[0])
        story.an_upload_moves("a", Status.PROCESSING)
        story.time_passes(600)
        assert story.shown["a"] == ["queued"]
        story.an_upload_moves("a", Status.FAILED)
        story.nothing_is_invented_or_disordered()
    finally:
        story.teardown()
    is_told(story, ["queued", "failed"])


def test_a_status_that_goes_back_is_told_each_time():
    story = Delivering()
    statuses = [Status.COMPLETED, Status.PROCESSING, Status.QUEUED, Status.COMPLETED]
    try:
        story.starts()
        for status in statuses:
            story.an_upload_moves("a", status)
            story.time_passes(HOUR + 100)
            story.nothing_is_invented_or_disordered()
    finally:
        story.teardown()
    is_told(story, statuses)


def test_a_story_whose_webhooks_never_are_sent_ends_and_names_them(monkeypatch):
    async def nothing_goes(_):
        return Attempt(0.0, 0.0, Outcome.LOCAL)

    monkeypatch.setattr(stories, "MOST_ATTEMPTS", 10)
    story = Delivering()
    try:
        story.starts()
        story.world.post = nothing_goes
        story.the_poller_passes(3)
        with pytest.raises(AssertionError, match=r"there still wait.*'app', 'upload\.queued'"):
            story.do(story.all_is_sent())
    finally:
        story.teardown()
