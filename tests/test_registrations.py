"""What programs register, and what is told of it from then on."""

import asyncio
from dataclasses import replace

import pytest
from world import CADENCE, Killed, World, endpoint, world

from notifier.core.model import LookKind, Observation, Status
from notifier.core.rhythm import Listing
from notifier.providers.base import Unavailable
from notifier.registrations import CannotRegister, NamedByConfigError
from notifier.store import SeveralError, Store, UnknownNameError

S = Status
APP = endpoint("app")
HOUR = 3600.0


async def test_an_upload_is_told_of_from_its_registration_on_be_it_that_nobody_knows_it_yet(tmp_path):
    async with world(tmp_path, endpoints=(APP,), discover=False) as w:
        came = await w.register("a", labels={"order": "A-17"})
        assert (came.is_new, came.upload.snapshot, w.rung) == (True, None, ["posts"])
        await w.polls_until(w.clock.now + 30)
        await w.settle()
        assert w.receivers.events("app") == []
        for status in (S.QUEUED, S.PROCESSING, S.COMPLETED):
            w.client.set("a", status)
            await w.polls_until(w.clock.now + 60)
        await w.settle()
        told = w.receivers.events("app")
        assert [one["type"] for one in told] == ["upload.queued", "upload.processing", "upload.completed"]
        assert [one["data"]["first_seen"] for one in told] == [True, False, False]
        assert {one["data"]["upload"]["labels"]["order"] for one in told} == {"A-17"}
        assert {one["data"]["upload"]["media_id"] for one in told} == {came.upload.media_id}


async def test_what_is_registered_anew_is_looked_at_next_settled_or_not(tmp_path):
    never = replace(CADENCE, settled=())
    async with world(tmp_path, endpoints=(APP,), discover=False, cadence=never) as w:
        w.client.set("a", S.COMPLETED)
        first = await w.register("a", labels={"order": "A-17"})
        await w.polls_until(w.clock.now + 10 * HOUR)
        looks = len(w.client.asked)
        w.client.set("a", S.FAILED)
        again = await w.register("a")
        assert (again.is_new, again.upload.media_id) == (False, first.upload.media_id)
        assert again.upload.labels == {"order": "A-17"}
        assert again.upload.snapshot is not None
        await w.poll()
        assert len(w.client.asked) == looks + 1
        await w.settle()
        assert w.receivers.types("app") == ["upload.completed", "upload.failed"]


async def test_a_registration_during_a_look_is_not_written_over(tmp_path):
    async with world(tmp_path, endpoints=(APP,), discover=False, uploads=("a",)) as w:
        w.client.set("a", S.COMPLETED)
        looks, observe = asyncio.Event(), w.client.observe

        async def slowly(look, at):
            looks.set()
            await asyncio.sleep(0)
            came.append(await w.register("a", labels={"order": "B"}))
            return await observe(look, at)

        came = []
        w.client.observe = slowly
        await w.poller.poll("posts")
        w.client.observe = observe
        w.client.set("a", S.FAILED)
        await w.poller.poll("posts")
        await w.settle()
        assert (len(came), looks.is_set()) == (1, True)
        assert [one["data"]["upload"]["labels"] for one in w.receivers.events("app")] == [{"order": "B"}] * 2
        assert w.receivers.types("app") == ["upload.completed", "upload.failed"]


async def test_two_registrations_of_one_id_at_once_are_one_upload(tmp_path):
    async with world(tmp_path, discover=False) as w:
        came = await asyncio.gather(*(w.register("a") for _ in range(20)))
        assert sum(one.is_new for one in came) == 1
        assert len({one.upload.media_id for one in came}) == 1
        assert [tuple(row) for row in await w.store.database.rows("SELECT count(*) FROM uploads")] == [(1,)]


async def test_what_a_list_has_found_already_is_the_same_upload(tmp_path):
    async with world(tmp_path, endpoints=(APP,)) as w:
        w.client.set("a", S.PROCESSING)
        await w.poll()
        came = await w.register("a", kind="post", labels={"order": "A"})
        assert (came.is_new, came.upload.kind, came.upload.registered) == (False, "post", True)
        w.client.set("a", S.COMPLETED)
        await w.poll(2)
        await w.settle()
        (told,) = w.receivers.events("app")
        assert told["data"]["upload"]["labels"] == {"order": "A"}


async def test_where_nothing_can_be_asked_for_by_itself_its_list_is_read(tmp_path):
    listing = Listing(LookKind.LIST, "all", active=30, idle=300)
    async with world(tmp_path, endpoints=(APP,), discover=False, single=False, listings=(listing,)) as w:
        w.client.set("a", S.COMPLETED)
        for _ in range(2):
            await w.register("a")
            await w.polls_until(w.clock.now + HOUR)
        await w.settle()
        assert w.receivers.types("app") == ["upload.completed"]
        assert {look.kind for look in w.client.asked} == {LookKind.LIST}
        assert w.poller.watched["posts"].hinted == {}


@pytest.mark.parametrize(
    ("asked", "where", "right"),
    [({"source": "pots"}, "source", "posts"), ({"kind": "video"}, "kind", "post")],
)
async def test_what_cannot_be_registered_says_what_can(tmp_path, asked, where, right):
    async with world(tmp_path) as w:
        with pytest.raises(CannotRegister, match=right) as raised:
            await w.register("a", **asked)
        assert (raised.value.where, w.rung) == (where, [])


async def test_without_any_source_nothing_can_be_registered(tmp_path):
    async with world(tmp_path, accounts={}) as w:
        with pytest.raises(CannotRegister, match="there is none"):
            await w.register("a")


# --- no more


async def test_what_is_followed_no_more_is_told_no_more_whatever_lists_show(tmp_path):
    async with world(tmp_path, endpoints=(APP,)) as w:
        await w.poll()
        w.client.set("a", S.PROCESSING)
        w.client.set("b", S.PROCESSING)
        await w.polls_until(w.clock.now + HOUR)
        before = await w.registrations.unfollow("posts", "a")
        assert before.snapshot.status is S.PROCESSING
        for status in (S.COMPLETED, S.FAILED):
            w.client.set("a", status)
            w.client.set("b", status)
            await w.polls_until(w.clock.now + HOUR)
        await w.settle()
        told = [(one["data"]["upload"]["id"], one["type"]) for one in w.receivers.events("app")]
        assert [type_ for id_, type_ in told if id_ == "a"] == ["upload.processing"]
        assert [type_ for id_, type_ in told if id_ == "b"] == [
            "upload.processing",
            "upload.completed",
            "upload.failed",
        ]
        assert "get" not in {look.kind.value for look in w.client.asked if look.id == "a"}
        assert (await w.store.counts())["uploads"] == 1


async def test_a_page_that_shows_what_is_followed_no_more_is_no_news(tmp_path):
    async with world(tmp_path) as w:
        w.client.page_size = 1
        for id_ in ("a", "b", "c"):
            w.client.set(id_, S.COMPLETED)
        await w.poll(3)
        await w.registrations.unfollow("posts", "a")
        w.client.set("a", S.FAILED)
        looks = len(w.client.asked)
        await w.polls_until(w.clock.now + 1000)
        pages = [look.page for look in w.client.asked[looks:] if look.kind is LookKind.LIST]
        assert (set(pages), len(pages) > 2) == ({1}, True)


async def test_what_is_owed_of_it_stays_owed(tmp_path):
    async with world(tmp_path, endpoints=(APP,), discover=False) as w:
        w.client.set("a", S.COMPLETED)
        await w.register("a")
        await w.poll()
        await w.registrations.unfollow("posts", "a", "post")
        await w.settle()
        assert w.receivers.types("app") == ["upload.completed"]


async def test_a_look_that_is_under_way_tells_nothing_of_what_is_followed_no_more(tmp_path):
    async with world(tmp_path, endpoints=(APP,), discover=False, uploads=()) as w:
        await w.register("a")
        observe = w.client.observe

        async def meanwhile(look, at):
            await w.registrations.unfollow("posts", "a")
            return await observe(look, at)

        w.client.observe = meanwhile
        await w.poller.poll("posts")
        w.client.observe = observe
        looks = len(w.client.asked)
        await w.polls_until(w.clock.now + HOUR)
        assert (len(w.client.asked), len(w.poller.watched["posts"].book)) == (looks, 0)


async def test_what_is_registered_after_all_goes_on_with_its_number_and_its_sequence(tmp_path):
    async with world(tmp_path, endpoints=(APP,)) as w:
        await w.poll()
        w.client.set("a", S.PROCESSING)
        await w.polls_until(w.clock.now + HOUR)
        before = await w.registrations.unfollow("posts", "a")
        with pytest.raises(UnknownNameError, match="no upload 'a' is followed at 'posts'"):
            await w.registrations.unfollow("posts", "a")
        await w.polls_until(w.clock.now + HOUR)
        came = await w.register("a", kind="post", labels={"order": "B"})
        assert (came.is_new, came.upload.media_id, came.upload.snapshot) == (True, before.media_id, None)
        assert (came.upload.followed_at, came.upload.labels) == (w.clock.now, {"order": "B"})
        await w.polls_until(w.clock.now + 60)
        await w.settle()
        first, second = w.receivers.events("app")
        assert [one["data"]["sequence"] for one in (first, second)] == [1, 2]
        assert [one["data"]["first_seen"] for one in (first, second)] == [True, True]
        assert first["id"] != second["id"]


async def test_what_the_config_names_is_followed_as_long_as_it_does(tmp_path):
    async with world(tmp_path, endpoints=(APP,), discover=False, uploads=("a",)) as w:
        w.client.set("a", S.COMPLETED)
        await w.poll()
        with pytest.raises(NamedByConfigError, match="take it out there"):
            await w.registrations.unfollow("posts", "a")
        await w.stop()
        w.uploads = ()
        await w.start()
        await w.registrations.unfollow("posts", "a")
        await w.stop()
        w.uploads = ("a",)
        await w.start()
        await w.poll()
        await w.settle()
        assert w.receivers.types("app") == ["upload.completed"] * 2
        assert (await w.store.counts())["uploads"] == 1


async def test_what_a_source_had_that_left_the_config_can_be_let_go(tmp_path):
    async with world(tmp_path, discover=False) as w:
        await w.register("a")
        await w.stop()
        w.accounts = {"more": "more"}
        await w.start()
        assert (await w.registrations.unfollow("posts", "a")).id == "a"
        with pytest.raises(UnknownNameError):
            await w.store.named("posts", "a")
        with pytest.raises(UnknownNameError):
            await w.registrations.unfollow("never", "a")


async def test_what_is_let_go_at_no_source_at_all_leaves_nothing_behind(tmp_path):
    async with world(tmp_path) as w:
        for name in ("never", "nowhere"):
            with pytest.raises(UnknownNameError, match=f"no source was ever called '{name}'"):
                await w.registrations.unfollow(name, "a")
        assert set(w.store.writing) <= {"posts"}


async def test_what_is_let_go_while_the_last_answer_of_its_source_is_written_ends_nothing(tmp_path):
    async with world(tmp_path, discover=False) as w:
        w.client.set("a", S.PROCESSING)
        await w.register("a")
        announce, lets_go = w.store.announce, []

        async def meanwhile(news, budgets):
            w.poller.adopt([], [], w.calling, {})  # a reload takes the source out
            lets_go.append(asyncio.create_task(w.registrations.unfollow("posts", "a")))
            while not lets_go[0].done() and not w.store.writing["posts"]._waiters:  # noqa: ASYNC110  # no event tells
                await asyncio.sleep(0)
            return await announce(news, budgets)

        w.store.announce = meanwhile
        await w.poller.poll("posts")
        assert (await lets_go[0]).id == "a"
        assert await w.store.open_uploads("posts") == []


async def test_of_two_with_one_id_the_kind_says_which(tmp_path):
    async with world(tmp_path, kinds=("posts", "videos"), discover=False) as w:
        await w.register("a", kind="post")
        await w.register("a", kind="video")
        with pytest.raises(SeveralError, match="post or video"):
            await w.register("a")
        with pytest.raises(SeveralError, match="post or video"):
            await w.registrations.unfollow("posts", "a")
        assert (await w.registrations.unfollow("posts", "a", "video")).kind == "video"
        came = await w.register("a")
        assert (came.is_new, came.upload.kind) == (False, "post")


# --- kills


@pytest.mark.parametrize("after", [False, True])
async def test_a_kill_around_the_commit_of_a_registration_leaves_all_of_it_or_nothing(tmp_path, after):
    async with world(tmp_path, endpoints=(APP,), discover=False) as w:
        w.client.set("a", S.COMPLETED)
        register = w.store.register

        async def killed(*asked):
            if after:
                await register(*asked)
            raise Killed

        w.store.register = killed
        with pytest.raises(Killed):
            await w.register("a", labels={"order": "A"})
        await w.stop()
        await w.start()
        assert (await w.store.counts())["uploads"] == after
        if not after:
            await w.register("a", labels={"order": "A"})
        await w.polls_until(w.clock.now + 10)
        await w.settle()
        (told,) = w.receivers.events("app")
        assert (told["type"], told["data"]["upload"]["labels"]) == ("upload.completed", {"order": "A"})


async def test_a_registration_is_asked_for_after_the_source_has_rested(tmp_path):
    async with world(tmp_path, endpoints=(APP,), discover=False) as w:
        w.client.set("a", S.COMPLETED)
        w.client.fault = Unavailable("down", 120)
        await w.register("a")
        await w.poller.poll("posts")
        await w.register("a")
        await w.polls_until(w.clock.now + 60)
        assert len(w.client.asked) == 1
        w.client.fault = None
        await w.polls_until(w.clock.now + 120)
        await w.settle()
        assert w.receivers.types("app") == ["upload.completed"]


@pytest.mark.uncounted
async def test_ten_thousand_registrations_are_ten_thousand_rows_and_one_look_each(tmp_path):
    path = tmp_path / "notifier.db"
    one = World(path, discover=False)
    await one.start()
    try:
        for n in range(10_000):
            await one.register(f"u{n % 5000}")
        assert (await one.store.counts())["uploads"] == 5000
        watched = one.poller.watched["posts"]
        assert (len(watched.book), len(watched.hinted)) == (5000, 5000)
        one.client.truth = {f"u{n}": Observation("post", f"u{n}", S.COMPLETED) for n in range(5000)}
        for _ in range(300):
            one.clock.now = max(one.clock.now, await one.poller.poll("posts"))
        assert len({look.id for look in one.client.asked}) == len(one.client.asked) > 100
    finally:
        await one.stop()
    assert isinstance(one.store, Store)


async def test_a_registration_while_the_first_pass_reads_what_is_open_is_not_forgotten(tmp_path):
    async with world(tmp_path, endpoints=(APP,), discover=False, uploads=("a",)) as w:
        w.client.set("a", S.PROCESSING)
        reads, goes_on, open_uploads = asyncio.Event(), asyncio.Event(), w.store.open_uploads

        async def slowly(source, without=()):
            found = await open_uploads(source, without)
            reads.set()
            await goes_on.wait()
            return found

        w.store.open_uploads = slowly
        first = asyncio.create_task(w.poller.poll("posts"))
        await reads.wait()
        registers = asyncio.create_task(w.register("b"))
        while not registers.done() and not w.store.writing["posts"]._waiters:  # noqa: ASYNC110  # no event tells
            await asyncio.sleep(0)
        goes_on.set()
        await first
        came = await registers
        assert came.upload.media_id in w.poller.watched["posts"].book.watches


async def test_a_start_reads_no_uploads_but_the_first_pass_over_a_source_does(tmp_path):
    async with world(tmp_path, discover=False, uploads=("a",)) as w:
        w.client.set("a", S.PROCESSING)
        await w.polls_until(w.clock.now + 60)
        await w.stop()
        await w.start()
        book = w.poller.watched["posts"].book
        assert len(book) == 0
        await w.poller.poll("posts")
        assert [watch.upload.id for watch in w.poller.watched["posts"].book] == ["a"]
