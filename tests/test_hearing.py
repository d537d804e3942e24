"""What an answer is taken for: pages of feeds and lists, half a row, silence, and what is not where it ought to be."""

from dataclasses import replace
from itertools import pairwise
from math import inf

import pytest
from planning import overheard
from world import CADENCE, LISTING, PACE, world

from notifier.core.model import Answer, Limit, LookKind, Observation, Registration, Status
from notifier.core.reading import UNSPOKEN_EVERY
from notifier.core.rhythm import Listing
from notifier.providers.base import Unavailable

S = Status
HOUR, DAY = 3600.0, 86400.0
FEED = Listing(LookKind.FEED, "finished", active=30, idle=300)
TWO_SWEEPS = replace(CADENCE, grace=0.0, grace_looks=2)
SETTLED = tuple(f"old{number}" for number in range(60))


async def told(w):
    rows = await w.store.database.rows("SELECT type, upload FROM events WHERE upload IS NOT NULL ORDER BY position")
    return [(row[0].removeprefix("upload."), row[1]) for row in rows]


def pages(w, kind=LookKind.LIST):
    return [look.page for look in w.client.asked if look.kind is kind]


# --- the same again


@pytest.mark.parametrize(("seconds", "news"), [(HOUR, []), (25 * HOUR, [("stalled", "a")])])
async def test_a_page_that_says_the_same_again_tells_what_comes_of_time_alone(tmp_path, seconds, news):
    async with world(tmp_path, uploads=("b",), listings=(LISTING,), single=False) as w:
        w.client.set("a", S.PROCESSING)
        w.client.set("b", S.COMPLETED)
        await w.polls_until(w.clock.now + 10)
        before = len(await told(w))
        await w.polls_until(w.clock.now + seconds)
        assert (await told(w))[before:] == news


async def test_a_page_that_says_the_same_again_tells_of_who_is_registered_meanwhile(tmp_path):
    async with world(tmp_path, uploads=("a",), discover=False, listings=(LISTING,), single=False) as w:
        for id_ in "ab":
            w.client.set(id_, S.COMPLETED)
        await w.polls_until(w.clock.now + HOUR)
        await w.store.register([Registration("posts", "b")], w.clock.now)
        await w.polls_until(w.clock.now + HOUR)
        assert await told(w) == [("completed", "a"), ("completed", "b")]


@pytest.mark.parametrize("size", [1, 2], ids=["of several", "alone"])
async def test_for_a_page_that_says_the_same_again_nothing_is_asked_of_the_store(tmp_path, size):
    async with world(tmp_path, uploads=("a",), listings=(LISTING,), single=False) as w:
        w.client.page_size = size
        w.client.set("a", S.PROCESSING)
        w.client.set("b", S.COMPLETED)
        await w.polls_until(w.clock.now + 100)
        looks = len(w.client.asked)
        async with overheard(w.store) as asked:
            await w.polls_until(w.clock.now + 100)
        assert len(w.client.asked) > looks
        assert asked
        assert not [said for said in asked if said.startswith("SELECT")]


@pytest.mark.parametrize("size", [100, 1], ids=["alone", "of several"])
async def test_what_a_list_shows_by_another_of_its_ids_is_not_missing_there(tmp_path, size):
    async with world(tmp_path, uploads=("b",), listings=(LISTING,), single=False, stalled_after=DAY) as w:
        w.client.page_size = size
        for id_ in "bc":
            w.client.set(id_, S.PROCESSING)
        await w.polls_until(w.clock.now + HOUR)
        before = await told(w)
        w.client.truth["b"] = Observation("post", "x", S.PROCESSING, "processing", alias="b")
        await w.polls_until(w.clock.now + 3 * HOUR)
        assert await told(w) == before
        w.client.truth["b"] = Observation("post", "x", S.COMPLETED, "completed", alias="b")
        await w.polls_until(w.clock.now + HOUR)
        assert await told(w) == [*before, ("completed", "b")]


async def test_rows_that_a_page_goes_on_to_show_are_not_taken_apart_again(tmp_path):
    async with world(tmp_path, uploads=("a",), listings=(LISTING,), single=False) as w:
        w.client.set("a", S.PROCESSING)
        await w.polls_until(w.clock.now + 100)
        (heard,) = w.poller.watched["posts"].heard.values()
        w.client.set("b", S.PROCESSING)
        await w.polls_until(w.clock.now + 100)
        (after,) = w.poller.watched["posts"].heard.values()
        assert (len(heard.rows), len(after.rows)) == (1, 2)
        assert any(row is heard.rows[0] for row in after.rows), "it would be another one, though equal"


# --- feeds


@pytest.mark.parametrize(("new", "read"), [(1, [1]), (2, [1, 2]), (3, [1, 2]), (4, [1, 2, 3])])
async def test_a_feed_is_read_on_while_the_oldest_row_of_its_page_is_new(tmp_path, new, read):
    ids = [f"u{number}" for number in range(6)]
    async with world(tmp_path, uploads=("u0",), listings=(FEED,)) as w:
        w.client.page_size = 2
        for number, id_ in enumerate(ids):
            w.client.set(id_, S.COMPLETED, updated_at=w.clock.now - 1000 + number)
        await w.polls_until(w.clock.now + 60)
        for number in range(new):
            w.client.set(f"new{number}", S.COMPLETED, updated_at=w.clock.now + number)
        w.client.asked.clear()
        await w.polls_until(w.clock.now + FEED.idle + 1)
        assert pages(w, LookKind.FEED) == read
        assert sorted(await told(w))[:new] == [("completed", f"new{number}") for number in range(new)]


async def test_a_row_of_a_feed_that_was_heard_before_is_no_news_however_often_it_comes(tmp_path):
    async with world(tmp_path, uploads=("a",), listings=(FEED,), discover=False) as w:
        w.client.set("a", S.COMPLETED, updated_at=w.clock.now)
        w.client.set("b", S.COMPLETED, updated_at=w.clock.now)
        await w.polls_until(w.clock.now + HOUR)
        assert await told(w) == [("completed", "a")]


async def test_a_feed_full_of_uploads_that_nobody_follows_is_read_on_to_where_it_was_read_before(tmp_path):
    async with world(tmp_path, uploads=("a", "b"), listings=(FEED,), discover=False) as w:
        w.client.page_size = 2
        for number in range(10):
            w.client.set(f"old{number}", S.COMPLETED, updated_at=w.clock.now - 1000 + number)
        w.client.set("a", S.PROCESSING)
        w.client.set("b", S.PROCESSING)
        await w.polls_until(w.clock.now + 25)
        w.client.set("a", S.COMPLETED, updated_at=w.clock.now)
        for number in range(4):
            w.client.set(f"new{number}", S.COMPLETED, updated_at=w.clock.now + 1 + number)
        w.client.asked.clear()
        await w.polls_until(w.clock.now + 9)
        assert pages(w, LookKind.FEED) == [1, 2, 3]
        assert ("completed", "a") in await told(w)


@pytest.mark.parametrize("answers", [None, Answer(skipped=("row 1: broken",), more=True)])
async def test_a_feed_that_could_not_be_read_on_is_read_to_the_same_moment_later(tmp_path, answers):
    async with world(tmp_path, uploads=("a", "b"), listings=(FEED,), discover=False) as w:
        w.client.page_size = 2
        w.client.set("a", S.PROCESSING)
        w.client.set("b", S.PROCESSING)
        w.client.set("old", S.COMPLETED, updated_at=w.clock.now - 1000)
        await w.polls_until(w.clock.now + 25)
        w.client.set("a", S.COMPLETED, updated_at=w.clock.now)
        for number in range(4):
            w.client.set(f"new{number}", S.COMPLETED, updated_at=w.clock.now + 1 + number)
        observe, until = w.client.observe, w.clock.now + 30

        async def without_page_two(look, at):
            if look.kind is not LookKind.FEED or look.page != 2 or at >= until:
                return await observe(look, at)
            if answers is None:
                raise Unavailable("answers 500")
            return answers

        w.client.observe = without_page_two
        await w.polls_until(until + 90)
        assert ("completed", "a") in await told(w)


async def test_rows_of_one_and_the_same_moment_are_read_through(tmp_path):
    async with world(tmp_path, uploads=("a", "b"), listings=(FEED,), discover=False) as w:
        w.client.page_size, moment = 2, w.clock.now + 20
        w.client.set("a", S.PROCESSING)
        w.client.set("b", S.PROCESSING)
        w.client.set("s0", S.COMPLETED, updated_at=moment)
        w.client.set("old", S.COMPLETED, updated_at=w.clock.now - 1000)
        await w.polls_until(moment + 5)
        w.client.put_on_top("s1", "s2", "s3")
        w.client.truth |= {id_: replace(w.client.truth[id_], updated_at=moment) for id_ in ("s1", "s2", "s3")}
        w.client.set("a", S.COMPLETED, updated_at=moment)
        await w.polls_until(moment + 40)
        assert ("completed", "a") in await told(w)


async def test_a_feed_is_not_read_beyond_the_birth_of_what_is_watched(tmp_path):
    async with world(tmp_path, uploads=("a", "b"), listings=(FEED,), discover=False) as w:
        w.client.page_size, later = 2, w.clock.now + 20 * HOUR
        w.client.set("a", S.SCHEDULED, scheduled_at=later)
        w.client.set("b", S.SCHEDULED, scheduled_at=later)
        w.client.set("old", S.COMPLETED, updated_at=w.clock.now)
        await w.polls_until(later - 60)
        for number in range(40):
            w.client.set(f"new{number}", S.COMPLETED, updated_at=w.clock.now - 40 + number)
        w.client.asked.clear()
        w.client.set("a", S.PROCESSING, scheduled_at=later)
        w.client.set("b", S.PROCESSING, scheduled_at=later)
        await w.polls_until(later + 60)
        assert set(pages(w, LookKind.FEED)) == {1}


@pytest.mark.parametrize("kind", [LookKind.LIST, LookKind.FEED])
async def test_only_audits_of_a_feed_that_say_something_lengthen_the_time_to_the_next(tmp_path, kind):
    listing, pace = replace(FEED, kind=kind), replace(PACE, audit=600.0)
    async with world(tmp_path, uploads=("a",), listings=(listing,), discover=False, pace=pace) as w:
        one = w.poller.watched["posts"]
        for agrees in (True, True, True, True, True):
            one.audited(agrees=agrees)
        assert one._trusting(pace).audit == (1200.0 if kind is LookKind.FEED else 600.0)


async def test_what_a_feed_does_not_show_is_still_open_and_asked_for_by_itself_only_seldom(tmp_path):
    pace = replace(PACE, audit=600.0)
    async with world(tmp_path, uploads=("a", "b"), listings=(FEED,), discover=False, pace=pace) as w:
        w.client.set("a", S.PROCESSING)
        w.client.set("b", S.PROCESSING)
        await w.polls_until(w.clock.now + 1)
        w.client.asked.clear()
        await w.polls_until(w.clock.now + 590)
        assert {look.kind for look in w.client.asked} == {LookKind.FEED}
        await w.polls_until(w.clock.now + 30)
        assert {look.id for look in w.client.asked if look.kind is LookKind.GET} == {"a", "b"}


async def test_while_nothing_can_be_read_of_a_feed_what_it_would_show_is_asked_for_by_itself(tmp_path):
    async with world(tmp_path, uploads=("a", "b", "c"), listings=(FEED,), discover=False) as w:
        for id_ in "abc":
            w.client.set(id_, S.PROCESSING)
        await w.polls_until(w.clock.now + 60)
        observe = w.client.observe

        async def unreadable(look, at):
            answer = await observe(look, at)
            return Answer(skipped=("nothing can be read",)) if look.kind is LookKind.FEED else answer

        w.client.observe = unreadable
        await w.polls_until(w.clock.now + 60)
        w.client.set("a", S.COMPLETED, updated_at=w.clock.now)
        w.client.asked.clear()
        await w.polls_until(w.clock.now + 60)
        assert len(pages(w, LookKind.FEED)) <= 3
        assert len([look for look in w.client.asked if look.id == "b"]) >= 5
        assert (await told(w))[3:] == [("completed", "a")]
        w.client.observe = observe
        await w.polls_until(w.clock.now + 30)
        w.client.asked.clear()
        await w.polls_until(w.clock.now + 60)
        assert {look.kind for look in w.client.asked} == {LookKind.FEED}


async def test_a_feed_that_audits_agree_with_is_audited_more_seldom_until_one_does_not(tmp_path):
    ids, began = tuple(f"u{number}" for number in range(10)), 1_800_000_000.0
    async with world(tmp_path, uploads=ids, listings=(FEED,), discover=False, pace=replace(PACE, audit=600.0)) as w:
        for id_ in ids:
            w.client.set(id_, S.PROCESSING)
        await w.polls_until(began + 590)
        w.client.asked.clear()
        await w.polls_until(began + 1190)
        assert len([look for look in w.client.asked if look.kind is LookKind.GET]) == 5  # the others are trusted
        w.client._finished = list  # from now on the feed shows nothing
        for id_ in ids:
            w.client.set(id_, S.COMPLETED)
        await w.polls_until(began + 1220)
        told = await w.store.database.rows("SELECT upload FROM events WHERE type = 'upload.completed'")
        assert {row[0] for row in told} >= set(ids[5:])


# --- half an answer, and silence


async def test_half_a_row_is_followed_at_once_by_a_look_at_the_upload_itself(tmp_path):
    async with world(tmp_path) as w:
        w.client.tells_half = True
        w.client.set("a", S.PROCESSING)
        await w.polls_until(w.clock.now + 60)
        w.client.set("b", S.PROCESSING)
        w.client.asked.clear()
        w.client.times.clear()
        await w.polls_until(w.clock.now + 60)
        shown = next(place for place, look in enumerate(w.client.asked) if look.id == "b")
        assert w.client.asked[shown - 1].kind is LookKind.LIST
        assert w.client.times[shown - 1] == w.client.times[shown]
        assert await told(w) == [("processing", "b")]


async def test_half_a_row_that_repeats_itself_costs_no_second_look(tmp_path):
    async with world(tmp_path, cadence=replace(CADENCE, settled=())) as w:
        w.client.tells_half = True
        await w.polls_until(w.clock.now + 60)
        w.client.set("a", S.COMPLETED)
        w.client.asked.clear()
        await w.polls_until(w.clock.now + HOUR)
        assert [look.id for look in w.client.asked if look.kind is LookKind.GET] == ["a"]
        assert len(pages(w)) > 10
        assert await told(w) == [("completed", "a")]


async def test_an_upload_that_a_batch_does_not_speak_of_is_asked_for_again_but_not_at_once(tmp_path):
    async with world(tmp_path, uploads=("a", "b"), discover=False, listings=(), batch=50) as w:
        w.client.set("a", S.PROCESSING)
        w.client.set("b", S.PROCESSING)
        await w.polls_until(w.clock.now + 60)
        observe, asked = w.client.observe, []

        async def without_b(look, at):
            answer = await observe(look, at)
            asked.extend([at] if "b" in look.ids else [])
            return replace(answer, observations=tuple(one for one in answer.observations if one.id != "b"))

        w.client.observe = without_b
        await w.polls_until(w.clock.now + 300)
        assert len(asked) > 10
        assert all(later - earlier >= UNSPOKEN_EVERY for earlier, later in pairwise(asked))
        assert await told(w) == [("processing", "a"), ("processing", "b")]


async def test_what_cannot_be_read_is_asked_for_ever_more_seldom_and_told_once_it_can(tmp_path):
    async with world(tmp_path, uploads=("a", "b"), discover=False) as w:
        w.client.set("a", S.PROCESSING)
        await w.polls_until(w.clock.now + 1)
        observe = w.client.observe

        async def unreadable(look, at):
            await observe(look, at)
            return Answer(skipped=("row 1: not as documented",))

        w.client.observe = unreadable
        w.client.set("b", S.PROCESSING)
        w.client.asked.clear()
        await w.polls_until(w.clock.now + 1.9 * HOUR)
        assert {id_: [look.id for look in w.client.asked].count(id_) // 10 for id_ in "ab"} == {"a": 5, "b": 5}
        w.client.observe = observe
        w.client.set("a", S.COMPLETED)
        await w.polls_until(w.clock.now + 300)
        assert sorted((await told(w))[1:]) == [("completed", "a"), ("processing", "b")]


@pytest.mark.parametrize("newest_last", [True, False])
async def test_of_two_rows_about_one_upload_the_one_that_moved_last_counts(tmp_path, newest_last):
    async with world(tmp_path, uploads=("a",), discover=False, single=False) as w:
        rows = [
            Observation("post", "a", S.PROCESSING, "processing", updated_at=w.clock.now - 20),
            Observation("post", "a", S.COMPLETED, "completed", updated_at=w.clock.now - 10),
        ]

        async def both(_look, _at):
            return Answer(tuple(rows if newest_last else reversed(rows)))

        w.client.observe = both
        await w.polls_until(w.clock.now + HOUR)
        assert await told(w) == [("completed", "a")]


# --- where it stands in its list


def follows_one_on_page_two(path, **more):
    """A list of pages of ten in which the fifteenth is open, and registered; nothing can be asked for by its id."""
    return world(path, **{"uploads": ("open",), "discover": False, "single": False, **more})


async def settle_in(w):
    """Until it is known where the open one stands."""
    w.client.page_size = 10
    for id_ in SETTLED[:14]:
        w.client.set(id_, S.COMPLETED)
    w.client.set("open", S.PROCESSING)
    for id_ in SETTLED[14:25]:
        w.client.set(id_, S.COMPLETED)
    await w.polls_until(w.clock.now + 60)
    w.client.asked.clear()
    await w.polls_until(w.clock.now + 60)
    assert set(pages(w)) == {2}
    w.client.asked.clear()


def removes_eight(w):
    for id_ in SETTLED[:8]:
        del w.client.truth[id_]


def puts_eight_on_top(w):
    w.client.put_on_top(*(f"new{number}" for number in range(8)))


@pytest.mark.parametrize(("moves", "page"), [(removes_eight, 1), (puts_eight_on_top, 3)])
async def test_an_upload_that_moved_up_or_down_a_page_is_found_on_the_page_before_or_after(tmp_path, moves, page):
    async with follows_one_on_page_two(tmp_path) as w:
        await settle_in(w)
        moves(w)
        await w.polls_until(w.clock.now + 60)
        assert set(pages(w)[-3:]) == {page}
        w.client.set("open", S.COMPLETED)
        await w.polls_until(w.clock.now + 11)
        assert (await told(w))[-1] == ("completed", "open")


async def test_an_upload_that_is_on_no_page_beside_is_looked_for_through_the_whole_list(tmp_path):
    async with follows_one_on_page_two(tmp_path) as w:
        await settle_in(w)
        w.client.put_on_top(*(f"new{number}" for number in range(30)))
        w.client.set("open", S.COMPLETED)
        await w.polls_until(w.clock.now + 120)
        assert (await told(w))[-1] == ("completed", "open")
        assert {1, 2, 3, 4, 5} <= set(pages(w))
        w.client.asked.clear()
        await w.polls_until(w.clock.now + 600)
        assert w.client.asked == []  # it is found, and nothing is to be discovered


async def test_an_upload_that_no_page_shows_any_more_is_asked_for_by_itself(tmp_path):
    async with world(tmp_path, discover=True) as w:
        await settle_in_where_all_is_discovered(w)
        del w.client.truth["open"]
        await w.polls_until(w.clock.now + 60)
        assert "open" in {look.id for look in w.client.asked}
        await w.polls_until(w.clock.now + 600)
        assert (await told(w))[-1] == ("gone", "open")


async def settle_in_where_all_is_discovered(w):
    w.client.page_size = 10
    for id_ in SETTLED[:14]:
        w.client.set(id_, S.COMPLETED)
    w.client.set("open", S.PROCESSING)
    for id_ in SETTLED[14:25]:
        w.client.set(id_, S.COMPLETED)
    await w.polls_until(w.clock.now + 60)
    assert 2 in pages(w)
    w.client.asked.clear()


# --- what is not there


async def test_a_list_of_which_half_is_gone_is_believed_once_it_has_said_so_for_an_hour(tmp_path):
    async with world(tmp_path, single=False, cadence=TWO_SWEEPS) as w:
        for number in range(20):
            w.client.set(f"u{number}", S.PROCESSING)
        await w.polls_until(w.clock.now + 60)
        for number in range(15):
            del w.client.truth[f"u{number}"]
        await w.polls_until(w.clock.now + 0.9 * HOUR)
        assert await told(w) == []
        await w.polls_until(w.clock.now + HOUR)
        assert sorted(await told(w)) == sorted(("gone", f"u{number}") for number in range(15))


async def test_a_list_that_shows_all_again_is_doubted_anew(tmp_path):
    async with world(tmp_path, single=False, cadence=replace(TWO_SWEEPS, stuck_after=inf)) as w:
        for number in range(20):
            w.client.set(f"u{number}", S.PROCESSING)
        await w.polls_until(w.clock.now + 60)
        everything = w.client.truth
        for _ in range(4):
            w.client.truth = {}
            await w.polls_until(w.clock.now + HOUR / 2)
            w.client.truth = everything
            await w.polls_until(w.clock.now + 60)
        assert [one for one in await told(w) if one[0] == "gone"] == []


async def test_a_sweep_that_a_restart_cuts_in_two_judges_no_absence(tmp_path):
    lists = replace(LISTING, through=0.0)
    async with world(tmp_path, single=False, cadence=replace(TWO_SWEEPS, grace_looks=1), listings=(lists,)) as w:
        w.client.page_size = 1
        for id_ in "abc":
            w.client.set(id_, S.PROCESSING)
        await w.polls_until(w.clock.now + 60)
        for _ in range(6):
            while (await w.store.outlook("posts", 1, 0.0)).progress["all"].page != 2:
                await w.poll()
            await w.stop()
            await w.start()
            w.client.asked.clear()
            while (await w.store.outlook("posts", 1, 0.0)).progress["all"].page != 1:
                await w.poll()
            assert {2, 3} <= set(pages(w))
        assert await told(w) == []


# --- what must outlive a loss of power


def announcements(w):
    """What is written from here on, one after the other."""
    kept, announce = [], w.store.announce

    async def announced(news, budgets):
        kept.append(news)
        return await announce(news, budgets)

    w.store.announce = announced
    return kept


@pytest.mark.parametrize(
    ("limit", "lasts"),
    [(Limit(0, 50.0, 100, 3600.0), False), (Limit(0, 3000.0, 100, 3600.0), True), (None, False)],
)
async def test_a_long_hold_that_a_provider_asks_for_outlives_a_loss_of_power(tmp_path, limit, lasts):
    async with world(tmp_path, listings=(LISTING,), discover=True) as w:
        kept = announcements(w)
        await w.polls_until(w.clock.now + LISTING.idle - 1)
        w.client.limit = limit
        await w.polls_until(w.clock.now + 2)
        assert [news.lasts for news in kept] == [True, lasts]


@pytest.mark.parametrize("fault", [Unavailable("answers 500"), Unavailable("answers 429", 5.0, limited=True)])
async def test_that_failures_are_over_outlives_a_loss_of_power(tmp_path, fault):
    """Else the next one would be taken for one more of them, and told."""
    async with world(tmp_path, listings=(LISTING,), discover=True) as w:
        kept = announcements(w)
        await w.polls_until(w.clock.now + LISTING.idle - 1)
        w.client.fault = fault
        await w.polls_until(w.clock.now + 2)
        w.client.fault = None
        await w.polls_until(w.clock.now + LISTING.idle)
        failed = next(number for number, news in enumerate(kept) if news.source.failures)
        assert kept[failed + 1].source.failures == 0
        assert kept[failed + 1].lasts


async def test_what_a_look_shows_outlives_a_loss_of_power_unless_it_is_nothing_new(tmp_path):
    """The first sweep, too, though its list be empty: what is listed afterwards is new, and announced."""
    async with world(tmp_path, listings=(LISTING,), discover=True) as w:
        kept = announcements(w)
        await w.polls_until(w.clock.now + LISTING.idle - 1)
        assert [news.lasts for news in kept] == [True]
        await w.polls_until(w.clock.now + 3 * LISTING.idle)
        assert [news.lasts for news in kept] == [True, False, False, False]
        w.client.set("new", S.PROCESSING)
        await w.polls_until(w.clock.now + LISTING.idle)
        assert ([news.lasts for news in kept].count(True), await told(w)) == (2, [("processing", "new")])
        kept.clear()
        await w.polls_until(w.clock.now + LISTING.idle)
        assert kept
        assert not any(news.lasts for news in kept)
