"""Another config while everything runs: the two loops, the clients, and whoever asks for it."""

import asyncio
import re
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from configs import APP as APP_TABLE
from configs import ENVIRON, GOOD
from daemons import Systemd
from receiving import answer, serving
from receiving import endpoint as at
from stored import announce, event
from world import CALLING, FakeClient, endpoint, world

from notifier.config import ConfigError, read
from notifier.core.callbacks import NOBODY
from notifier.core.health import State
from notifier.core.model import Answer, Attempt, Callback, Limit, Outcome, Phase, Rate, Status
from notifier.core.secret import Secret
from notifier.providers.base import Refused, Unavailable
from notifier.reloads import Reloads, TooLong
from notifier.store import StoreError
from notifier.systemd import Notify
from notifier.watched import Watched
from notifier.webhook import Receivers

APP, CRM = endpoint("app"), endpoint("crm")
SPENT = Limit(remaining=0, reset_in=3600.0)
"""By a provider's word: nothing is left of an hour."""


async def adopted(w, *endpoints, calling=NOBODY, in_flight_total=200):
    """These endpoints from now on, as a reload has them adopted."""
    w.endpoints = endpoints
    await w.store.enrol(dict.fromkeys(w.poller.watched, "fake"), [one.name for one in endpoints])
    w.sender.adopt(endpoints, calling, in_flight_total, await w.store.healths())
    w.poller.adopt(list(w.poller.watched.values()), endpoints, calling, {})


class Held:
    """Receivers that answer when they are let."""

    def __init__(self, w, answer=None):
        self._w = w
        self._answer = answer
        self.came = asyncio.Event()
        self.let_go = asyncio.Event()

    async def post(self, delivery):
        self.came.set()
        await self.let_go.wait()
        return self._answer or await self._w.receivers.post(delivery)


# --- endpoints


async def test_what_is_on_its_way_to_an_endpoint_that_leaves_ends_and_nothing_else_goes_there(tmp_path):
    async with world(tmp_path, endpoints=(APP, CRM)) as w:
        held = Held(w)
        w.post = held.post
        for sequence in (1, 2):
            await announce(w.store, event(1, sequence, at=w.clock.now), to=[CRM])
        await w.sender.send_due()
        await held.came.wait()
        await adopted(w, APP)
        assert (set(w.sender.served), w.sender.in_flight) == ({"app"}, 1)
        held.let_go.set()
        await w.settle()
        assert (len(w.receivers.got["crm"]), w.sender.in_flight) == (1, 0)
        assert await w.store.waiting("crm") == 1
        await adopted(w, APP, CRM)
        await w.settle()
        assert (len(w.receivers.got["crm"]), await w.store.waiting("crm")) == (2, 0)


async def test_one_that_comes_back_while_something_is_on_its_way_there_is_sent_nothing_twice(tmp_path):
    async with world(tmp_path, endpoints=(CRM,)) as w:
        held = Held(w)
        w.post = held.post
        await announce(w.store, event(1, 1, at=w.clock.now), to=[CRM])
        await w.sender.send_due()
        await held.came.wait()
        await adopted(w, APP)
        await adopted(w, APP, CRM)
        await w.sender.send_due()
        assert w.sender.in_flight == 1
        held.let_go.set()
        await w.settle()
        assert len(w.receivers.got["crm"]) == 1


async def test_how_one_fares_that_comes_back_is_what_was_written_of_it_last(tmp_path):
    """And not what was read of it for the reload, while something on its way to it had not ended."""
    async with world(tmp_path, endpoints=(APP, CRM)) as w:
        held = Held(w, Attempt(w.clock.now, 0.01, Outcome.HTTP_410, 410))
        w.post = held.post
        await announce(w.store, event(1, 1, at=w.clock.now), to=[CRM])
        await w.sender.send_due()
        await held.came.wait()
        await adopted(w, APP)
        remembered = await w.store.healths()
        held.let_go.set()
        await w.settle()
        w.sender.adopt([APP, CRM], NOBODY, 200, remembered)
        assert w.sender.served["crm"].health.state is State.PAUSED


async def test_an_endpoint_may_leave_while_it_is_written_that_it_is_paused(tmp_path):
    async with world(tmp_path, endpoints=(APP, CRM)) as w:
        remembered, record, began = await w.store.healths(), w.store.record, asyncio.Event()

        async def recorded(*args, **more):
            began.set()
            return await record(*args, **more)

        w.store.record = recorded
        pausing = asyncio.create_task(w.sender.pause("crm"))
        await began.wait()
        w.sender.adopt([APP], NOBODY, 200, remembered)
        await pausing
        assert (await w.store.healths())["crm"][0].state is State.PAUSED


async def test_of_one_that_leaves_the_store_knows_since_when(tmp_path):
    async with world(tmp_path, endpoints=(APP, CRM)) as w:
        await announce(w.store, event(1, 1, at=w.clock.now), to=[CRM])
        await adopted(w, APP)
        await w.settle()
        left = await w.store.mark_left(["app"], w.clock.now + 60)
        assert left == {"crm": w.clock.now}
        await adopted(w, APP, CRM)
        await w.settle()
        assert await w.store.mark_left(["app", "crm"], w.clock.now) == {}


async def test_a_new_endpoint_is_told_from_then_on(tmp_path):
    async with world(tmp_path, endpoints=(APP,), uploads=("a",)) as w:
        w.client.set("a", Status.PROCESSING)
        await w.poll(2)
        await adopted(w, APP, CRM)
        w.client.set("a", Status.COMPLETED)
        await w.polls_until(w.clock.now + 3600)
        await w.settle()
        assert w.receivers.types("app") == ["upload.processing", "upload.completed"]
        assert w.receivers.types("crm") == ["upload.completed"]


async def test_how_an_endpoint_fares_outlasts_a_reload_and_another_url_brings_it_back(tmp_path):
    async with world(tmp_path, endpoints=(APP, CRM)) as w:
        await w.sender.pause("crm")
        await announce(w.store, event(1, 1, at=w.clock.now), to=[CRM])
        await adopted(w, APP, replace(CRM, timeout=5.0))
        await w.settle()
        assert w.sender.troubled == {"crm": "paused"}
        await adopted(w, APP)
        await w.settle()
        await adopted(w, APP, CRM)
        await w.settle()
        assert w.sender.troubled == {"crm": "paused"}
        await adopted(w, APP, replace(CRM, url="http://127.0.0.1/elsewhere"))
        await w.settle()
        assert (w.sender.troubled, len(w.receivers.got["crm"])) == ({}, 1)


@pytest.mark.parametrize(
    "answer",
    [
        Attempt(0.0, 0.01, Outcome.HTTP_429, 429, retry_after=86400.0),
        Attempt(0.0, 0.01, Outcome.HTTP_5XX, 503, retry_after=86400.0),
        Attempt(0.0, 0.01, Outcome.DNS),
    ],
)
@pytest.mark.parametrize("uploads", [1, 8])
async def test_another_url_is_not_held_back_by_what_the_old_one_answered(tmp_path, answer, uploads):
    async with world(tmp_path, endpoints=(APP,)) as w:

        async def post(_delivery):
            return answer._replace(started_at=w.clock.now)

        receive, w.post = w.post, post
        await announce(w.store, *(event(lane, 1, at=w.clock.now) for lane in range(1, uploads + 1)), to=[APP])
        await w.settle()
        w.post = receive
        await adopted(w, replace(APP, timeout=5.0))
        await w.settle()
        assert "app" not in w.receivers.got
        await adopted(w, replace(APP, url="http://127.0.0.1/elsewhere"))
        assert w.sender.served["app"].recent == ()
        await w.settle()
        assert (w.sender.troubled, len(w.receivers.got["app"])) == ({}, uploads)


@pytest.mark.parametrize("schedule", [(0.0,), (0.0, 3600.0)])
@pytest.mark.parametrize(
    ("outcome", "status"), [(Outcome.HTTP_410, 410), (Outcome.HTTP_429, 429), (Outcome.TIMEOUT_TOTAL, None)]
)
async def test_what_the_old_url_answers_once_there_is_another_holds_nothing_back(tmp_path, outcome, status, schedule):
    app = replace(APP, schedule=schedule)
    async with world(tmp_path, endpoints=(app,)) as w:
        held = Held(w, Attempt(w.clock.now, 0.0, outcome, status, retry_after=86400.0))
        receive, w.post = w.post, held.post
        await announce(w.store, event(1, 1, at=w.clock.now), to=[app])
        await w.sender.send_due()
        await held.came.wait()
        await adopted(w, replace(app, url="http://127.0.0.1/elsewhere"))
        await w.sender.send_due()
        w.post = receive
        held.let_go.set()
        await w.settle()
        (row,) = (await w.store.deliveries("app")).items
        assert (row.phase, row.attempts, len(w.receivers.got["app"])) == (Phase.DELIVERED, 2, 1)
        served = w.sender.served["app"]
        assert (served.trouble, served.health.quiet_until, served.elsewhere) == (None, 0.0, set())


async def test_one_that_is_drained_gets_what_waits_for_it_and_nothing_new(tmp_path):
    async with world(tmp_path, endpoints=(APP, CRM), uploads=("a",)) as w:
        w.client.set("a", Status.PROCESSING)
        await w.poll()
        await adopted(w, APP, replace(CRM, drain=True))
        w.client.set("a", Status.COMPLETED)
        await w.polls_until(w.clock.now + 3600)
        await w.sender.pause("app")
        await w.settle()
        assert w.receivers.types("app") == []
        assert w.receivers.types("crm") == ["upload.processing"]
        await adopted(w, APP, CRM)
        await w.sender.resume("app")
        await w.settle()
        assert w.receivers.types("app") == ["upload.processing", "upload.completed"]
        assert w.receivers.types("crm") == ["upload.processing"]


async def test_another_rate_begins_with_nothing_used_of_it(tmp_path):
    slow = replace(APP, rate=Rate(1, 3600))
    async with world(tmp_path, endpoints=(slow,)) as w:
        for n in (1, 2, 3):
            await announce(w.store, event(n, 1, at=w.clock.now, upload=str(n)), to=[slow])
        await w.settle()
        assert len(w.receivers.got["app"]) == 1
        await adopted(w, replace(APP, rate=Rate(100, 1)))
        await w.settle()
        assert len(w.receivers.got["app"]) == 3


async def test_what_an_endpoint_wants_no_more_is_given_up(tmp_path):
    async with world(tmp_path, endpoints=(APP,)) as w:
        w.receivers.down.add("app")
        await announce(w.store, event(1, 1, at=w.clock.now), to=[APP])
        await w.settle()
        w.receivers.down.clear()
        await adopted(w, replace(APP, events=("source.*",)))
        await w.sends_until(w.clock.now + 60)
        assert (await w.store.waiting("app"), w.receivers.got) == (0, {})


async def test_callbacks_are_sent_to_as_the_config_has_it_now(tmp_path):
    async with world(tmp_path, endpoints=(APP,), calling=CALLING) as w:
        held = Held(w)
        w.post = held.post
        callback = Callback("https://a.example.com/x", "standard")
        await w.register("a", callback=callback)
        w.client.set("a", Status.PROCESSING)
        await w.poll(2)
        await w.sender.send_due()
        await held.came.wait()
        (name,) = [name for name in w.sender.served if name.startswith("notify:")]
        template = replace(CALLING.template, timeout=3.0)
        await adopted(w, APP, calling=replace(CALLING, template=template))
        assert w.sender.served[name].endpoint.timeout == 3.0
        assert w.sender.served[name].endpoint.url == callback.url
        await adopted(w, APP, calling=replace(CALLING, allowed=()))
        held.let_go.set()
        w.client.set("a", Status.COMPLETED)
        await w.polls_until(w.clock.now + 60)
        await w.settle()
        assert len(w.receivers.got[name]) == 1
        assert await w.store.waiting(name) == 1
        await adopted(w, APP, calling=CALLING)
        await w.settle()
        assert len(w.receivers.got[name]) == 2


# --- sources


def again(w, name="posts", account=None, **changed):
    """A source as another config has it, and its client."""
    one = next(iter(w.poller.watched.values()))
    source = replace(one.source, name=name, **changed)
    return Watched(source, one.provider, FakeClient(), account or name)


def adopt(w, *watched):
    w.poller.adopt(watched, w.endpoints, NOBODY, {})


async def test_of_a_source_that_stays_nothing_is_forgotten(tmp_path):
    async with world(tmp_path, endpoints=(APP,), uploads=("a",)) as w:
        w.client.set("a", Status.PROCESSING)
        await w.poll(2)
        before = w.poller.watched["posts"]
        adopt(w, again(w))
        assert w.poller.watched["posts"] is before


async def test_one_that_changed_goes_on_from_what_the_store_remembers(tmp_path):
    async with world(tmp_path, endpoints=(APP,), uploads=("a",)) as w:
        w.client.set("a", Status.PROCESSING)
        await w.poll(2)
        looks, changed = w.poller.watched["posts"].looks, again(w, uploads=("a", "b"))
        adopt(w, changed)
        changed.client.set("a", Status.COMPLETED)
        changed.client.set("b", Status.QUEUED)
        await w.polls_until(w.clock.now + 3600)
        await w.settle()
        assert sorted(w.receivers.types("app")) == ["upload.completed", "upload.processing", "upload.queued"]
        assert w.poller.watched["posts"].looks is looks
        assert looks.outcomes["ok"] > 2


async def test_a_look_that_is_under_way_at_a_reload_is_announced_and_known(tmp_path):
    async with world(tmp_path, endpoints=(APP,), listings=()) as w:
        await w.register("a")
        asked, told = asyncio.Event(), asyncio.Event()
        observe = w.client.observe

        async def slow(look, at):
            asked.set()
            await told.wait()
            return await observe(look, at)

        w.client.observe = slow
        w.client.set("a", Status.PROCESSING)
        look = asyncio.create_task(w.poller.poll("posts"))
        await asked.wait()
        changed = again(w, stalled_after=60.0)
        adopt(w, changed)
        told.set()
        await look
        changed.client.set("a", Status.COMPLETED)
        await w.polls_until(w.clock.now + 600)
        await w.settle()
        assert w.receivers.types("app") == ["upload.processing", "upload.completed"]


async def test_a_source_that_leaves_during_a_look_ends_it(tmp_path):
    async with world(tmp_path, endpoints=(APP,), uploads=("a",)) as w:
        w.client.set("a", Status.PROCESSING)
        observe = w.client.observe

        async def leaves(look, at):
            adopt(w)
            return await observe(look, at)

        w.client.observe = leaves
        await w.poller.poll("posts")
        await w.settle()
        assert (w.receivers.types("app"), dict(w.poller.watched)) == (["upload.processing"], {})


@pytest.mark.parametrize("during_a_look", [False, True])
async def test_a_source_that_left_does_not_keep_its_turn_of_a_credential(tmp_path, during_a_look):
    accounts = {"posts": "k", "more": "k"}
    async with world(tmp_path, accounts=accounts, budget=Rate(6, 60), uploads=tuple("abcdefghij"), listings=()) as w:
        more, observe = w.poller.watched["more"], w.client.observe

        async def leaves(look, at):
            adopt(w, more)
            return await observe(look, at)

        if during_a_look:
            w.client.observe = leaves
            await w.poller.poll("posts")
        else:
            for _ in range(10):  # the last ones wait for its turn
                await w.poller.poll("posts")
            adopt(w, more)
        asked = len(w.client.asked)
        w.clock.now += 120
        await w.poller.poll("more")
        assert len(w.client.asked) == asked + 1


async def test_a_new_source_is_looked_at(tmp_path):
    async with world(tmp_path, endpoints=(APP,)) as w:
        await w.store.enrol({"posts": "fake", "more": "fake"}, ["app"])
        more = again(w, "more", uploads=("z",))
        adopt(w, w.poller.watched["posts"], more)
        more.client.set("z", Status.QUEUED)
        await w.poller.poll("more")
        await w.settle()
        assert [one["data"]["source"] for one in w.receivers.events("app")] == ["more"]


async def test_what_was_used_of_a_credential_is_used_whoever_has_it_then(tmp_path):
    async with world(tmp_path, budget=Rate(2, 3600)) as w:
        await w.poll(1)
        await w.poller.poll("posts")
        spent = w.poller.credentials.budget(w.poller.watched["posts"])
        await w.store.enrol({"posts": "fake", "renamed": "fake"}, [])
        adopt(w, again(w, "renamed"))
        assert w.poller.credentials.budget(w.poller.watched["renamed"]) == spent
        adopt(w, again(w, "renamed", api_key=Secret("a new key")))
        assert w.poller.credentials.budget(w.poller.watched["renamed"]) == spent


@pytest.mark.parametrize(
    ("base_url", "waits"),
    [("http://127.0.0.1/v2", True), ("https://127.0.0.1", True), ("http://127.0.0.1:81", False), ("http://b", False)],
)
@pytest.mark.parametrize("limited", [True, False])
async def test_when_a_server_wants_to_be_asked_again_does_not_hold_for_another(tmp_path, base_url, waits, limited):
    async with world(tmp_path, uploads=("a",)) as w:
        w.client.fault = Unavailable("answers 429, or 503", 3600, limited=limited)
        await w.poller.poll("posts")
        moved = again(w, base_url=base_url)
        adopt(w, moved)
        await w.polls_until(w.clock.now + 30)
        assert (moved.client.asked == []) is waits


@pytest.mark.parametrize("limited", [True, False])
async def test_nor_for_another_that_has_its_name_later(tmp_path, limited):
    async with world(tmp_path, uploads=("a",)) as w:
        w.client.fault = Unavailable("answers 429, or 503", 3600, limited=limited)
        await w.poller.poll("posts")
        moved = again(w, base_url="http://127.0.0.2")
        await w.store.enrol({"more": "fake"}, [])
        adopt(w, again(w, "more"))
        adopt(w, moved)
        await w.polls_until(w.clock.now + 30)
        assert moved.client.asked != []


@pytest.mark.parametrize(
    "told", [Unavailable("answers 429", 3600, limited=True), Unavailable("answers 503", 3600), Answer(limit=SPENT)]
)
async def test_what_a_server_says_after_another_took_its_place_does_not_hold_for_that(tmp_path, told):
    async with world(tmp_path, uploads=("a",)) as w:
        moved = again(w, base_url="http://b")

        async def late(_look, _at):
            adopt(w, moved)
            if isinstance(told, Exception):
                raise told
            return told

        w.client.observe = late
        await w.poller.poll("posts")
        await w.polls_until(w.clock.now + 30)
        assert moved.client.asked != []


async def test_a_server_that_is_asked_instead_of_another_is_held_by_its_own_word_whatever_the_clock_does(tmp_path):
    async with world(tmp_path, uploads=("a",)) as w:
        moved = again(w, base_url="http://127.0.0.2")
        adopt(w, moved)
        moved.client.fault = Unavailable("answers 503", 3600)
        await w.poller.poll("posts")
        moved.client.fault = None
        w.clock.now += 60
        await w.poller.believe_no_later(60)
        await w.polls_until(w.clock.now + 3500)
        assert len(moved.client.asked) == 1


async def test_the_refusal_of_an_old_key_does_not_stop_the_new_one(tmp_path):
    async with world(tmp_path, endpoints=(APP,), uploads=("a",)) as w:
        mended = again(w, api_key=Secret("a good key"))

        async def refuses(_look, _at):
            adopt(w, mended)
            raise Refused("answers 401")

        w.client.observe = refuses
        await w.poller.poll("posts")
        mended.client.set("a", Status.PROCESSING)
        await w.polls_until(w.clock.now + 3600)
        assert not mended.is_stopped
        assert mended.client.asked != []


async def test_a_refused_credential_is_tried_again_though_nothing_changed(tmp_path):
    async with world(tmp_path, uploads=("a",)) as w:
        w.client.fault = Refused("answers 401")
        await w.poller.poll("posts")
        assert w.poller.watched["posts"].is_stopped
        adopt(w, again(w))
        assert not w.poller.watched["posts"].is_stopped


# --- clients


async def test_a_client_stays_for_as_long_as_its_endpoint_does_and_another_ends_what_it_began():
    came, let_go = asyncio.Event(), asyncio.Event()

    async def slow(_, writer):
        came.set()
        await let_go.wait()
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with serving(slow) as server, serving(answer(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")) as other:
        first = at(server.port)
        receivers = Receivers()
        receivers.use(receivers.clients([first]))
        assert receivers.clients([replace(first)])[first.name] is receivers._lasting[first.name]
        post = asyncio.create_task(receivers.post(first, "evt_1", b"{}"))
        await came.wait()
        moved = replace(first, url=at(other.port).url)
        receivers.use(receivers.clients([moved]))
        assert (await receivers.post(moved, "evt_2", b"{}")).status == 200
        let_go.set()
        assert (await post).status == 204
        assert receivers.clients([replace(moved, files="renewed")])[moved.name] is not receivers._lasting[moved.name]
        await receivers.close()


async def test_a_callbacks_client_is_made_anew_where_it_is_sent_to_otherwise():
    async with serving(answer(b"HTTP/1.1 204 No Content\r\n\r\n")) as server:
        callback = replace(at(server.port), name="notify:1")
        receivers = Receivers()
        await receivers.post(callback, "evt_1", b"{}")
        before = receivers._passing["notify:1"]
        await receivers.post(replace(callback), "evt_2", b"{}")
        assert receivers._passing["notify:1"] is before
        await receivers.post(replace(callback, timeout=3.0), "evt_3", b"{}")
        assert receivers._passing["notify:1"] is not before
        await receivers.close()


# --- whoever asks for it


class Files:
    """A config that can be read again, and what is made of it."""

    def __init__(self, path: Path) -> None:
        self.path = path / "config.toml"
        self.write(GOOD)
        self.let_go = threading.Event()
        self.let_go.set()
        self.error: Exception | None = None
        self.in_force: list[int] = []
        """The endpoints of each config that was put in force."""

    def write(self, text: str) -> None:
        self.path.write_text(text)
        self.path.chmod(0o600)

    def read(self, running=None):
        self.let_go.wait(5)
        return read(self.path, ENVIRON, running=running)

    async def ready(self, settings):
        if self.error is not None:
            raise self.error
        return lambda: self.in_force.append(len(settings.endpoints)), ("look at this",)


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


@pytest.fixture
def systemd(tmp_path):
    with Systemd(tmp_path / "notify") as socket:
        yield socket


@pytest.fixture
def reloads(files, systemd):
    times = iter([100.0, 200.0, 300.0])
    return Reloads(files.read(), files.read, files.ready, Notify(systemd.environ), lambda: next(times))


async def test_a_config_is_put_in_force_and_systemd_is_told_when_that_began_and_that_it_ended(files, systemd, reloads):
    files.write(GOOD + APP_TABLE.replace('"app"', '"crm"'))
    verdict = await reloads.reload()
    assert (verdict.changes, verdict.warnings) == (("+ endpoint crm",), ("look at this",))
    assert (files.in_force, reloads.succeeded_at, reloads.is_refused) == ([2], 200.0, False)
    began, ended = systemd.heard()
    assert (began.partition("=")[0], ended) == ("RELOADING", "READY=1")
    at = int(re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=(\d+)", began)[1])
    assert 0 <= time.monotonic() - at / 1e6 < 60


async def test_one_with_faults_is_refused_with_all_of_them_and_the_old_one_stays(files, systemd, reloads, caplog):
    before = reloads.reading
    files.write(GOOD + 'timeout = "5"\nrate = "x"\n')
    with pytest.raises(ConfigError) as refused:
        await reloads.reload()
    told = [record.fields["fault"] for record in caplog.records if record.message == "config refused"]
    assert told == [str(fault) for fault in refused.value.faults]
    assert len(told) == 2
    assert (files.in_force, reloads.reading, reloads.succeeded_at, reloads.is_refused) == ([], before, 100.0, True)
    assert systemd.heard()[-1] == "READY=1"
    files.write(GOOD)
    assert (await reloads.reload()).changes == ()
    assert not reloads.is_refused


async def test_where_it_cannot_be_made_ready_the_old_one_stays(files, systemd, reloads, caplog):
    files.error = StoreError("the disk is full")
    with pytest.raises(StoreError):
        await reloads.reload()
    assert (files.in_force, reloads.is_refused, systemd.heard()[-1]) == ([], True, "READY=1")
    assert [record.fields["reason"] for record in caplog.records] == ["the disk is full"]


async def test_one_that_cannot_be_read_in_time_is_given_up_and_the_old_one_stays(files, systemd):
    reloads = Reloads(files.read(), files.read, files.ready, Notify(systemd.environ), lambda: 0.0, longest=0.01)
    files.let_go.clear()
    with pytest.raises(TooLong, match="not read and made ready within"):
        await reloads.reload()
    files.let_go.set()
    assert (files.in_force, reloads.is_refused, systemd.heard()[-1]) == ([], True, "READY=1")


async def test_who_asks_meanwhile_waits_and_gets_a_verdict_of_its_own(files, reloads):
    files.write(GOOD + APP_TABLE.replace('"app"', '"crm"'))
    both = await asyncio.gather(reloads.reload(), reloads.reload())
    assert [one.changes for one in both] == [("+ endpoint crm",), ()]
    assert files.in_force == [2, 2]
