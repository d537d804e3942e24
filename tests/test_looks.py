"""Which looks the poller sends, and what it makes of what they show and do not show."""

import asyncio
from dataclasses import replace
from math import inf

import pytest
from planning import overheard
from stored import altered, follow
from world import CADENCE, LISTING, PACE, endpoint, world

from notifier.core.budget import Budget
from notifier.core.model import LookKind, Rate, Registration, Status, Upload
from notifier.core.rhythm import Listing
from notifier.core.sweep import GIVE_UP_AFTER, MAX_PAGES
from notifier.providers.base import Malformed, Refused, Unavailable
from notifier.watched import PUNCTUAL

S = Status
HOUR = 3600.0
FEED = Listing(LookKind.FEED, "finished", active=30, idle=300)
TWO_SWEEPS = replace(CADENCE, grace=0.0, grace_looks=2)


async def types(w):
    rows = await w.store.database.rows("SELECT type FROM events WHERE upload IS NOT NULL ORDER BY position")
    return [row[0] for row in rows]


def kinds(w):
    return {look.kind for look in w.client.asked}


# --- what is planned


async def planned(w):
    """The look that is planned after one that told nothing new, and what tells again what comes next."""
    one = w.poller.watched["posts"]
    await w.polls_until(w.clock.now + 200)
    outlook = await w.store.outlook("posts")
    asked = one.question(outlook, Budget(), w.clock.now, lambda moment: moment)
    return asked, lambda later, known=outlook: one.question(
        known, Budget(), asked.due_at + later, lambda moment: moment
    )


async def test_a_look_is_worked_out_once_when_it_goes_as_it_was_planned(tmp_path):
    async with world(tmp_path, uploads=("a",), listings=(LISTING,), single=False) as w:
        w.client.set("a", S.PROCESSING)
        asked, again = await planned(w)
        assert [again(later) is asked for later in (0.0, PUNCTUAL)] == [True, True]


@pytest.mark.parametrize("later", [-0.1, PUNCTUAL + 0.1])
async def test_what_is_asked_sooner_or_later_than_planned_is_worked_out_anew(tmp_path, later):
    async with world(tmp_path, uploads=("a",), listings=(LISTING,), single=False) as w:
        w.client.set("a", S.PROCESSING)
        asked, again = await planned(w)
        assert again(later) is not asked


async def test_nothing_is_asked_as_planned_once_anything_was_written_of_its_source_or_the_clock_was_set(tmp_path):
    async with world(tmp_path, uploads=("a",), listings=(LISTING,), single=False) as w:
        w.client.set("a", S.PROCESSING)
        asked, again = await planned(w)
        await w.registrations.register(Registration("posts", "b"))
        assert again(0.0, await w.store.outlook("posts")) is not asked
        asked, again = await planned(w)
        await w.poller.believe_no_later(0.0)
        assert again(0.0) is not asked


async def test_a_clock_that_is_set_waits_for_an_answer_that_is_being_written(tmp_path):
    async with world(tmp_path, uploads=("a",), listings=(LISTING,), single=False) as w:
        await w.polls_until(w.clock.now + 60)
        async with overheard(w.store) as asked:
            async with w.store.writing["posts"]:
                setting = asyncio.create_task(w.poller.believe_no_later(-3000.0))
                for _ in range(3):
                    await w.store.ping()
                assert not [said for said in asked if said.startswith("UPDATE")]
            await setting
        assert [said for said in asked if said.startswith("UPDATE")]


# --- what costs least


async def test_several_open_uploads_of_a_list_are_one_look_and_not_one_each(tmp_path):
    async with world(tmp_path, uploads=("a", "b", "c")) as w:
        for id_ in "abc":
            w.client.set(id_, S.PROCESSING)
        await w.polls_until(w.clock.now + 60)
        w.client.asked.clear()
        await w.polls_until(w.clock.now + 300)
        assert kinds(w) == {LookKind.LIST}
        assert len(w.client.asked) <= 31


async def test_where_nothing_is_open_no_status_is_asked_for(tmp_path):
    async with world(tmp_path, uploads=("a",), discover=False) as w:
        w.client.set("a", S.COMPLETED)
        await w.poll(2)
        w.client.asked.clear()
        await w.polls_until(w.clock.now + 0.9 * HOUR)
        assert w.client.asked == []


async def test_a_batch_asks_for_all_that_is_open_at_once_and_only_so_many(tmp_path):
    ids = tuple(f"u{number}" for number in range(7))
    async with world(tmp_path, uploads=ids, discover=False, listings=(), single=False, batch=3) as w:
        for id_ in ids:
            w.client.set(id_, S.PROCESSING)
        await w.polls_until(w.clock.now + 60)
        assert kinds(w) <= {LookKind.GET, LookKind.BATCH}
        batches = [look.ids for look in w.client.asked if look.kind is LookKind.BATCH]
        assert {len(batch) for batch in batches} == {3}
        assert {id_ for batch in batches for id_ in batch} == set(ids)


async def test_an_upload_that_a_batch_does_not_speak_of_is_no_news_and_holds_nobody_up(tmp_path):
    async with world(tmp_path, uploads=("a", "b"), discover=False, listings=(), batch=50) as w:
        w.client.set("a", S.PROCESSING)
        w.client.set("b", S.PROCESSING)
        await w.polls_until(w.clock.now + 30)
        del w.client.truth["b"]
        w.client.asked.clear()
        await w.polls_until(w.clock.now + 300)
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 60)
        assert await types(w) == ["upload.processing", "upload.processing", "upload.completed"]
        assert len(w.client.asked) < 60


async def test_one_id_that_spoils_its_batch_does_not_spoil_the_others(tmp_path):
    ids = ("a", "b", "c", "d")
    async with world(tmp_path, uploads=ids, discover=False, listings=(), batch=4) as w:
        for id_ in ids:
            w.client.set(id_, S.PROCESSING)
        await w.polls_until(w.clock.now + 60)
        observe = w.client.observe

        async def one_is_rotten(look, at):
            if "b" in look.ids:
                raise Malformed("says: no such media")
            return await observe(look, at)

        w.client.observe = one_is_rotten
        for id_ in ids:
            w.client.set(id_, S.COMPLETED)
        await w.polls_until(w.clock.now + HOUR)
        assert (await types(w)).count("upload.completed") == 3
        assert w.poller.watched["posts"].ways.batch == 4


async def test_a_batch_that_is_always_answered_in_full_grows(tmp_path):
    ids = tuple(f"u{number}" for number in range(9))
    async with world(tmp_path, uploads=ids, discover=False, listings=(), batch=2, batch_up_to=5) as w:
        for id_ in ids:
            w.client.set(id_, S.PROCESSING)
        await w.polls_until(w.clock.now + 300)
        assert max(len(look.ids) for look in w.client.asked) == 5


async def test_a_page_on_which_nothing_has_changed_writes_no_upload(tmp_path):
    async with world(tmp_path) as w:
        for number in range(50):
            w.client.set(f"u{number}", S.PROCESSING)
        await w.polls_until(w.clock.now + 31)
        asked = []
        await w.store.database._writer.set_trace_callback(asked.append)
        before = len(w.client.asked)
        await w.polls_until(w.clock.now + 100)
        assert len(w.client.asked) > before
        assert [sql for sql in asked if "UPDATE uploads" in sql or "INTO uploads" in sql] == []


async def test_a_feed_that_fails_is_done_without(tmp_path):
    async with world(tmp_path, uploads=("a", "b"), listings=(FEED,), discover=False) as w:
        w.client.set("a", S.PROCESSING)
        w.client.set("b", S.PROCESSING)
        await w.polls_until(w.clock.now + 30)
        observe = w.client.observe

        async def no_feed(look, at):
            if look.kind is LookKind.FEED:
                raise Unavailable("500")
            return await observe(look, at)

        w.client.observe = no_feed
        await w.polls_until(w.clock.now + 600)
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 60)
        assert (await types(w))[-1] == "upload.completed"
        assert (await w.store.outlook("posts", 1, 0.0)).progress["finished"].failures >= GIVE_UP_AFTER


@pytest.mark.parametrize("single", [True, False])
async def test_a_list_that_failed_for_long_is_read_again_although_nothing_is_to_be_discovered(tmp_path, single):
    async with world(tmp_path, uploads=("a", "b"), discover=False, single=single) as w:
        w.client.set("a", S.PROCESSING)
        w.client.set("b", S.PROCESSING)
        await w.polls_until(w.clock.now + 60)
        w.client.fault = Unavailable("down")
        await w.polls_until(w.clock.now + 600)
        w.client.fault = None
        await w.polls_until(w.clock.now + 600)
        w.client.asked.clear()
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 61)
        assert (await types(w))[-1] == "upload.completed"
        assert LookKind.LIST in kinds(w)


# --- what is not there


async def test_without_a_call_for_one_upload_a_list_finds_what_is_registered_and_two_sweeps_miss_what_is_gone(tmp_path):
    async with world(tmp_path, uploads=("a",), single=False, discover=False, cadence=TWO_SWEEPS) as w:
        for id_ in "abc":
            w.client.set(id_, S.PROCESSING)
        await w.polls_until(w.clock.now + 60)
        assert await types(w) == ["upload.processing"]
        assert kinds(w) == {LookKind.LIST}
        del w.client.truth["a"]
        await w.polls_until(w.clock.now + 600)
        assert await types(w) == ["upload.processing", "upload.gone"]


async def test_a_registered_id_that_no_list_shows_is_unknown_after_two_sweeps(tmp_path):
    async with world(tmp_path, uploads=("nobody",), single=False, cadence=TWO_SWEEPS) as w:
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 900)
        assert await types(w) == ["upload.unknown"]


@pytest.mark.parametrize("single", [True, False])
async def test_a_list_that_is_suddenly_empty_is_doubted(tmp_path, single):
    async with world(tmp_path, single=single, cadence=TWO_SWEEPS) as w:
        for number in range(20):
            w.client.set(f"u{number}", S.PROCESSING)
        await w.polls_until(w.clock.now + 60)
        observe = w.client.observe

        async def nothing(look, at):
            answer = await observe(look, at)
            return replace(answer, observations=()) if look.kind is LookKind.LIST else answer

        w.client.observe = nothing
        await w.polls_until(w.clock.now + 0.5 * HOUR)
        assert await types(w) == []


async def test_what_a_complete_list_does_not_show_is_asked_for_before_it_is_gone(tmp_path):
    async with world(tmp_path, baseline="announce") as w:
        for number in range(20):
            w.client.set(f"u{number}", S.PROCESSING)
        await w.polls_until(w.clock.now + 60)
        hidden = w.client.truth["u3"]
        observe = w.client.observe

        async def one_is_hidden(look, at):
            answer = await observe(look, at)
            if look.kind is LookKind.GET:
                return answer
            return replace(answer, observations=tuple(one for one in answer.observations if one is not hidden))

        w.client.observe = one_is_hidden
        w.client.asked.clear()
        await w.polls_until(w.clock.now + 600)
        assert "u3" in {look.id for look in w.client.asked}
        assert "upload.gone" not in await types(w)


async def test_a_list_that_shrinks_between_two_pages_hides_nothing_and_makes_nothing_new(tmp_path):
    async with world(tmp_path) as w:
        w.client.page_size, w.client.tells_total = 2, True
        for id_ in ("a", "b", "c", "d"):
            w.client.set(id_, S.PROCESSING)
        observe = w.client.observe

        async def the_first_goes_after_page_one(look, at):
            answer = await observe(look, at)
            if look.page == 1:
                w.client.truth.pop("a", None)
            return answer

        w.client.observe = the_first_goes_after_page_one
        await w.polls_until(w.clock.now + 5)
        assert set(await w.store.known("posts", ["a", "b", "c", "d"])) == {"a", "b", "c", "d"}
        assert await types(w) == []


async def test_a_row_that_goes_back_to_what_it_said_before_is_heard_again(tmp_path):
    async with world(tmp_path, uploads=("a",)) as w:
        for title in "ABA":
            w.client.set("a", S.PROCESSING, title=title)
            await w.polls_until(w.clock.now + 60)
        (upload,) = (await w.store.known("posts", ["a"]))["a"]
        assert upload.snapshot.title == "A"


async def test_half_rows_that_say_one_thing_and_then_another_and_the_first_again_are_followed_each_time(tmp_path):
    async with world(tmp_path, cadence=replace(CADENCE, settled=((86400, 21600),))) as w:
        w.client.tells_half = True
        await w.polls_until(w.clock.now + 60)
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 600)
        observe, stale_until = w.client.observe, w.clock.now + 400

        async def stale(look, at):
            answer = await observe(look, at)
            if look.kind is LookKind.LIST and at < stale_until:
                rows = [replace(row, status=S.PROCESSING, raw_status="processing") for row in answer.observations]
                return replace(answer, observations=tuple(rows))
            return answer

        w.client.observe = stale
        await w.polls_until(stale_until + 700)
        w.client.set("a", S.PROCESSING)
        await w.polls_until(w.clock.now + 400)
        assert "upload.processing" in await types(w)


async def test_a_batch_and_a_page_that_take_turns_and_say_nothing_new_write_no_upload(tmp_path):
    async with world(tmp_path, batch=50, uploads=("a", "b")) as w:
        w.client.set("a", S.PROCESSING)
        w.client.set("b", S.PROCESSING)
        await w.polls_until(w.clock.now + 120)
        await altered(w.store, "CREATE TABLE written (id TEXT)")
        await altered(
            w.store, "CREATE TRIGGER written AFTER UPDATE ON uploads BEGIN INSERT INTO written VALUES (NEW.id); END"
        )
        w.client.asked.clear()
        await w.polls_until(w.clock.now + 300)
        assert kinds(w) == {LookKind.BATCH, LookKind.LIST}
        assert await w.store.database.rows("SELECT id FROM written") == []


# --- who may ask


async def test_a_refused_credential_is_left_alone_until_a_person_has_acted(tmp_path):
    async with world(tmp_path, endpoints=(endpoint("ops", events=("*",)),), uploads=("a",)) as w:
        w.client.set("a", S.PROCESSING)
        await w.poll(2)
        w.client.fault = Refused("answers 401: check api_key")
        await w.polls_until(w.clock.now + 60)
        asked = len(w.client.asked)
        await w.polls_until(w.clock.now + 24 * HOUR)
        assert len(w.client.asked) == asked
        w.client.fault = None
        w.poller.resume()
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 60)
        await w.settle()
        assert w.receivers.types("ops") == [
            "upload.processing",
            "source.failing",
            "source.recovered",
            "upload.completed",
        ]


@pytest.mark.parametrize("before", [Unavailable("answers 500"), Unavailable("429", 30.0, limited=True)])
async def test_a_credential_that_is_refused_in_the_middle_of_another_trouble_is_told_too(tmp_path, before):
    async with world(tmp_path, endpoints=(endpoint("ops", events=("source.*",)),), uploads=("a",)) as w:
        w.client.fault = before
        await w.polls_until(w.clock.now + 300)
        w.client.fault = Refused("answers 401: check api_key")
        await w.polls_until(w.clock.now + HOUR)
        w.client.fault = None
        w.poller.resume()
        await w.polls_until(w.clock.now + HOUR)
        await w.settle()
        told = [(event["type"], event["data"]["reason"]["code"]) for event in w.receivers.events("ops")]
        first = "limited" if before.limited else "unavailable"
        assert told == [("source.failing", first), ("source.failing", "refused"), ("source.recovered", "refused")]


async def test_a_refused_credential_is_refused_to_all_its_sources_and_each_says_so(tmp_path):
    accounts = {"posts": "k", "more": "k"}
    ops = endpoint("ops", events=("source.*",))
    async with world(tmp_path, endpoints=(ops,), uploads=("a",), discover=False, accounts=accounts) as w:
        w.client.set("a", S.PROCESSING)
        await w.polls_until(w.clock.now + 60)
        observe = w.client.observe

        async def refused_once(look, at):
            w.client.observe = observe
            raise Refused("answers 401: check api_key")

        w.client.observe = refused_once
        asked = len(w.client.asked)
        await w.polls_until(w.clock.now + HOUR)
        assert len(w.client.asked) == asked
        w.poller.resume()
        await w.polls_until(w.clock.now + 60)
        await w.settle()
        told = [(event["type"], event["data"]["source"]) for event in w.receivers.events("ops")]
        assert sorted(told) == [
            (type_, name) for type_ in ("source.failing", "source.recovered") for name in ("more", "posts")
        ]


async def test_a_refusal_is_told_once_by_a_source_that_met_with_it_itself(tmp_path):
    ops = endpoint("ops", events=("source.*",))
    async with world(tmp_path, endpoints=(ops,), uploads=("a",), accounts={"posts": "k", "more": "k"}) as w:
        one_asks, both_ask = asyncio.Event(), asyncio.Event()

        async def refused(look, at):
            (both_ask if one_asks.is_set() else one_asks).set()
            await both_ask.wait()
            raise Refused("answers 401: check api_key")

        w.client.observe = refused
        first = asyncio.create_task(w.poller.poll("posts"))
        async with asyncio.timeout(20):
            await one_asks.wait()
            while not both_ask.is_set():
                w.clock.now = await w.poller.poll("more")
            await first
        await w.polls_until(w.clock.now + HOUR)
        await w.settle()
        assert sorted(event["data"]["source"] for event in w.receivers.events("ops")) == ["more", "posts"]


async def test_a_credential_that_is_good_again_is_so_for_a_source_that_has_nothing_to_ask(tmp_path):
    ops, never = endpoint("ops", events=("source.*",)), replace(CADENCE, settled=())
    accounts = {"posts": "k", "more": "k"}
    async with world(
        tmp_path, endpoints=(ops,), uploads=("a",), discover=False, listings=(), cadence=never, accounts=accounts
    ) as w:
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 60)
        (new,) = await follow(w.store, [Upload(0, "posts", "", "b", w.clock.now, registered=True, due_at=w.clock.now)])
        w.poller.watched["posts"].book.note(new, w.clock.now, shown=False, whole=False)
        w.client.fault = Refused("answers 401: check api_key")
        await w.polls_until(w.clock.now + 120)
        w.client.fault = None
        w.client.set("b", S.PROCESSING)
        w.poller.resume()
        await w.polls_until(w.clock.now + 120)
        await w.settle()
        told = sorted((event["type"], event["data"]["source"]) for event in w.receivers.events("ops"))
        both = ("more", "posts")
        assert told == [(type_, name) for type_ in ("source.failing", "source.recovered") for name in both]


async def test_what_was_learned_of_how_long_uploads_take_survives_a_restart(tmp_path):
    async with world(tmp_path, uploads=("a",), pace=replace(PACE, price=5.0)) as w:
        w.client.set("a", S.PROCESSING)
        await w.polls_until(w.clock.now + 40)
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 40)
        await w.stop()
        await w.start()
        await w.poller.poll("posts")
        (lives,) = w.poller.watched["posts"].book.lives.values()
        assert lives.count == 1
        assert 40 <= sum(lives.exposure) <= 60


async def test_a_scheduled_upload_is_left_alone_until_its_time(tmp_path):
    async with world(tmp_path, uploads=("a",), discover=False) as w:
        due_at = w.clock.now + 2 * HOUR
        w.client.set("a", S.SCHEDULED, scheduled_at=due_at)
        await w.poll(2)
        w.client.asked.clear()
        await w.polls_until(due_at)
        assert w.client.asked == []
        w.client.set("a", S.COMPLETED, scheduled_at=due_at)
        await w.polls_until(due_at + 5.1)
        assert (await types(w))[-1] == "upload.completed"


async def test_nothing_rests_for_ever(tmp_path):
    async with world(tmp_path, discover=False, pace=replace(PACE, caps=((inf, inf),), price=inf), uploads=("a",)) as w:
        w.client.set("a", S.PROCESSING)
        await w.poll(2)
        assert await w.poller.poll("posts") <= w.clock.now + 60


# --- what must never be


async def test_what_was_remembered_of_an_upload_never_rolls_back_what_was_announced_since(tmp_path):
    async with world(tmp_path, uploads=("a",), discover=False, listings=()) as w:
        w.client.set("a", S.QUEUED)
        await w.poll(2)
        one = w.poller.watched["posts"]
        (old,) = (await w.store.known("posts", ["a"]))["a"]
        w.client.set("a", S.PROCESSING)
        await w.polls_until(w.clock.now + 11)
        one.hinted[old.media_id] = replace(old, due_at=w.clock.now)
        w.client.fault = Unavailable("down")
        await w.poll(2)
        w.client.fault = None
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + HOUR)
        assert await types(w) == ["upload.queued", "upload.processing", "upload.completed"]


@pytest.mark.parametrize("status", [S.DRAFT, S.PROCESSING])
async def test_a_list_goes_on_being_read_for_what_rests_and_cannot_be_asked_for(tmp_path, status):
    async with world(tmp_path, uploads=("a",), single=False, discover=False) as w:
        w.client.set("a", status)
        await w.polls_until(w.clock.now + 3 * HOUR)
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 7 * HOUR)
        assert (await types(w))[-1] == "upload.completed"


async def test_many_deletions_are_doubted_and_told_in_the_end(tmp_path):
    async with world(tmp_path) as w:
        for number in range(20):
            w.client.set(f"u{number}", S.COMPLETED)
        await w.polls_until(w.clock.now + 60)
        for number in range(15):
            del w.client.truth[f"u{number}"]
        await w.polls_until(w.clock.now + 600)
        assert await types(w) == []
        await w.polls_until(w.clock.now + 9 * HOUR)
        assert await types(w) == ["upload.gone"] * 15


async def test_an_answer_of_which_nothing_could_be_read_is_not_asked_for_at_every_turn(tmp_path):
    async with world(tmp_path, uploads=("a",), discover=False, listings=()) as w:
        w.client.set("a", S.PROCESSING)
        await w.poll(2)
        observe = w.client.observe

        async def unread(look, at):
            return replace(await observe(look, at), observations=(), skipped=("an account to be connected anew",))

        w.client.observe = unread
        w.client.asked.clear()
        await w.polls_until(w.clock.now + 600)
        assert len(w.client.asked) <= 61


async def test_rows_that_newer_ones_push_down_while_a_list_is_read_are_told_all_the_same(tmp_path):
    async with world(tmp_path) as w:
        w.client.page_size = 2
        w.client.set("old", S.COMPLETED)
        await w.polls_until(w.clock.now + 5)
        first = [f"n{number}" for number in range(3)]
        for id_ in first:
            w.client.put_on_top(id_, status=S.COMPLETED)
        observe, pushed = w.client.observe, []

        async def more_come_after_page_one(look, at):
            answer = await observe(look, at)
            if look.page == 1 and not pushed:
                pushed.extend(f"m{number}" for number in range(4))
                for id_ in pushed:
                    w.client.put_on_top(id_, status=S.COMPLETED)
            return answer

        w.client.observe = more_come_after_page_one
        await w.polls_until(w.clock.now + HOUR)
        assert set(await w.store.known("posts", [*first, *pushed])) == {*first, *pushed}
        assert len(await types(w)) == 7


async def test_a_draft_is_looked_at_however_little_may_go(tmp_path):
    ids = ("draft", "a", "b", "c")
    async with world(tmp_path, uploads=ids, discover=False, listings=(), budget=Rate(6, 60), stalled_after=1e9) as w:
        w.client.set("draft", S.DRAFT)
        for id_ in ids[1:]:
            w.client.set(id_, S.PROCESSING)
        await w.polls_until(w.clock.now + 0.5 * HOUR)
        w.client.set("draft", S.COMPLETED)
        await w.polls_until(w.clock.now + HOUR)
        assert "upload.completed" in await types(w)


async def test_what_happened_by_a_clock_that_was_ahead_happened_now_at_the_latest(tmp_path):
    async with world(tmp_path, uploads=("nobody",), discover=False, listings=()) as w:
        now = w.clock.now
        w.clock.now += 365 * 24 * HOUR
        await w.polls_until(w.clock.now + 30)
        w.clock.now = now
        await w.poller.believe_no_later(-365 * 24 * HOUR)
        await w.polls_until(now + HOUR)
        assert await types(w) == ["upload.unknown"]


async def test_a_clock_that_is_put_back_while_a_look_fails_rests_a_source_no_longer_for_it(tmp_path):
    async with world(tmp_path, discover=False, uploads=("a",)) as w:
        right, observe = w.clock.now, w.client.observe
        w.clock.now += 24 * HOUR
        w.client.set("a", S.PROCESSING)
        w.client.fault = Unavailable("its host cannot be resolved")
        await w.polls_until(w.clock.now + 20)

        async def put_back(look, at):
            w.client.observe, w.clock.now = observe, right + 20
            await w.poller.believe_no_later(-24 * HOUR)
            return await observe(look, at)

        w.client.observe = put_back
        while w.client.observe is put_back:
            at = await w.poller.poll("posts")
            w.clock.now = max(w.clock.now, at) if w.client.observe is put_back else right + 20
        w.client.fault = None
        await w.polls_until(right + 400)
        assert await types(w) == ["upload.processing"]


async def test_a_clock_that_is_put_forward_makes_nothing_gone_stalled_or_old(tmp_path):
    async with world(tmp_path, uploads=("a", "b"), discover=False, listings=()) as w:
        w.client.set("a", S.PROCESSING)
        w.client.set("b", S.PROCESSING)
        await w.polls_until(w.clock.now + 30)
        del w.client.truth["b"]
        await w.polls_until(w.clock.now + 40)
        w.clock.now += 8 * HOUR
        await w.poller.believe_no_later(8 * HOUR)
        await w.polls_until(w.clock.now + 5)
        assert await types(w) == ["upload.processing"] * 2
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 60)
        assert "upload.completed" in await types(w)


async def test_a_clock_that_is_set_right_after_a_start_far_behind_makes_nothing_stalled(tmp_path):
    async with world(tmp_path, uploads=("a", "b"), discover=False, listings=()) as w:
        w.client.set("a", S.PROCESSING)
        w.client.set("b", S.QUEUED)
        right = w.clock.now
        await w.polls_until(right + 60)
        await w.stop()
        w.clock.now = right + 90 - 87600 * HOUR
        await w.start()
        await w.polls_until(w.clock.now + 15)
        w.clock.now = right + 110
        await w.poller.believe_no_later(87600 * HOUR)
        await w.polls_until(w.clock.now + 600)
        assert await types(w) == ["upload.processing", "upload.queued"]


@pytest.mark.parametrize("size", [3, 100])
async def test_what_a_list_showed_before_anything_was_to_be_discovered_is_old(tmp_path, size):
    async with world(tmp_path, discover=False, uploads=("a", "b")) as w:
        w.client.page_size = size
        for id_ in ("a", "b", "old0", "old1", "old2"):
            w.client.set(id_, S.PROCESSING)
        await w.polls_until(w.clock.now + 600)
        before = await types(w)
        await w.stop()
        w.discover = True
        await w.start()
        await w.polls_until(w.clock.now + 600)
        assert await types(w) == before
        w.client.put_on_top("new")
        await w.polls_until(w.clock.now + 30)
        assert await types(w) == [*before, "upload.completed"]


@pytest.mark.parametrize("uploads", [(), ("a", "b")])
async def test_what_came_while_nothing_was_to_be_discovered_is_old(tmp_path, uploads):
    async with world(tmp_path, uploads=uploads) as w:
        for id_ in uploads:
            w.client.set(id_, S.PROCESSING)
        for came, discover in enumerate((True, False, True)):
            await w.stop()
            w.discover = discover
            await w.start()
            w.client.put_on_top(f"old{came}")
            await w.polls_until(w.clock.now + 600)
        assert await types(w) == ["upload.processing"] * len(uploads)
        w.client.put_on_top("new")
        await w.polls_until(w.clock.now + 300)
        assert (await types(w))[len(uploads) :] == ["upload.completed"]


async def test_what_was_found_before_nothing_was_to_be_discovered_any_more_is_told_when_it_is_seen_whole(tmp_path):
    async with world(tmp_path, single=False, listings=(FEED,)) as w:
        await w.polls_until(w.clock.now + 600)
        w.client.tells_half = True
        w.client.put_on_top("new")
        await w.polls_until(w.clock.now + 300)
        await w.stop()
        w.discover = False
        await w.start()
        w.client.tells_half = False
        await w.polls_until(w.clock.now + 600)
        assert await types(w) == ["upload.completed"]


async def test_what_moves_up_from_behind_the_last_page_that_is_read_is_old(tmp_path):
    listing, never = replace(FEED, kind=LookKind.LIST, through=HOUR), replace(CADENCE, settled=())
    async with world(tmp_path, listings=(listing,), cadence=never) as w:
        w.client.page_size = 3
        for age in range(3 * MAX_PAGES + 5):
            w.client.set(f"old{age}", S.COMPLETED, created_at=w.clock.now - 1000 - age)
        await w.polls_until(w.clock.now + 600)
        for deleted in (3, 5, 7):
            del w.client.truth[f"old{deleted}"]
        await w.polls_until(w.clock.now + 2 * HOUR)
        assert len(await w.store.listed("posts")) == 3 * MAX_PAGES + 3
        assert await types(w) == []
        deeper = [w.client.truth.popitem() for _ in range(3)]
        w.client.set("new", S.COMPLETED, created_at=w.clock.now)
        w.client.truth |= dict(deeper)
        await w.polls_until(w.clock.now + 2 * HOUR)
        assert await types(w) == ["upload.completed"]
