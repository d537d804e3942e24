"""A page of a list that cannot be had, while others can: what is asked, what is told, and what counts as known."""

from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count

import pytest
from world import LISTING, endpoint, world

from notifier.core.model import Answer, LookKind, Rate, Status
from notifier.core.pace import Why
from notifier.core.sweeps import LONGEST_BAR
from notifier.providers.base import Unavailable

S = Status
HOUR = 3600.0
OPS = endpoint("ops", events=("*",))
OLD = tuple(f"old{number}" for number in range(6))
LISTED = (replace(LISTING, through=6 * HOUR),)
FED = (replace(LISTING, kind=LookKind.FEED),)


@asynccontextmanager
async def broken(path, *, page=3, is_rotten=False, **more):
    """A source whose list has three pages of two, one of which is not answered for as long as `w.broken` says so.

    Or it is, and nothing on it can be read.
    """
    async with world(path, **{"endpoints": (OPS,), "listings": LISTED} | more) as w:
        w.client.page_size, w.broken = 2, page
        for id_ in OLD:
            w.client.set(id_, S.COMPLETED)
        observe = w.client.observe

        async def sometimes(look, at):
            answer = await observe(look, at)
            if look.kind in {LookKind.LIST, LookKind.FEED} and look.page == w.broken:
                if is_rotten:
                    return Answer(skipped=("row 1: broken",), more=answer.more)
                raise Unavailable("answered 500")
            return answer

        w.client.observe = sometimes
        yield w


async def events(w):
    rows = await w.store.database.rows("SELECT type, upload FROM events ORDER BY position")
    return [(row[0].removeprefix("upload."), row[1]) for row in rows]


def pages(w):
    return Counter(look.page for look in w.client.asked)


async def test_a_page_that_is_never_answered_is_told_once_and_asked_for_ever_more_seldom(tmp_path):
    async with broken(tmp_path) as w:
        await w.polls_until(w.clock.now + HOUR)
        assert await events(w) == [("source.failing", None)]
        first = pages(w)
        assert first[3] <= 8 * 3
        assert first[2] <= 8 * 3
        await w.polls_until(w.clock.now + 23 * HOUR)
        assert await events(w) == [("source.failing", None)]
        assert pages(w)[3] - first[3] <= 23 * 3
        assert pages(w)[1] - first[1] >= 23 * HOUR / LISTING.idle - 23 * 4


async def test_such_a_page_of_a_list_that_is_seldom_read_is_told_once(tmp_path):
    seldom = replace(LISTED[0], idle=1800)
    async with broken(tmp_path, listings=(seldom,)) as w:
        await w.polls_until(w.clock.now + 6 * HOUR)
        assert await events(w) == [("source.failing", None)]


@pytest.mark.parametrize("jump", [2 * HOUR, -2 * HOUR])
async def test_such_a_page_is_told_once_whatever_the_clock_does(tmp_path, jump):
    async with broken(tmp_path) as w:
        await w.polls_until(w.clock.now + HOUR)
        w.clock.now += jump
        await w.poller.believe_no_later(jump)
        await w.polls_until(w.clock.now + HOUR)
        assert await events(w) == [("source.failing", None)]


@pytest.mark.parametrize("page", [1, 3])
async def test_such_a_page_is_told_once_where_few_looks_may_go_and_others_go_first(tmp_path, page):
    async with broken(tmp_path, page=page, budget=Rate(6, 60)) as w:
        for number in range(5):
            w.client.set(f"open{number}", S.PROCESSING)
            await w.register(f"open{number}")
        await w.polls_until(w.clock.now + 3 * HOUR)
        assert [kind for kind, id_ in await events(w) if id_ is None] == ["source.failing"]


async def test_an_upload_that_is_never_answered_is_told_once_where_few_looks_may_go(tmp_path):
    async with world(tmp_path, endpoints=(OPS,), listings=(), budget=Rate(2, 60)) as w:
        w.client.faults["open0"] = Unavailable("answered 500")
        for number in range(9):
            w.client.set(f"open{number}", S.PROCESSING)
            await w.register(f"open{number}")
        await w.polls_until(w.clock.now + 3 * HOUR)
        assert [kind for kind, id_ in await events(w) if id_ is None] == ["source.failing"]


@pytest.mark.parametrize("every", [2, 3, 7])
async def test_such_a_page_is_asked_for_ever_more_seldom_where_the_first_fails_now_and_then(tmp_path, every):
    async with broken(tmp_path) as w:
        observe, times = w.client.observe, count(1)

        async def now_and_then(look, at):
            if look.page == 1 and next(times) % every == 0:
                raise Unavailable("answered 502")
            return await observe(look, at)

        w.client.observe = now_and_then
        await w.polls_until(w.clock.now + 24 * HOUR)
        assert pages(w)[3] <= (7 + 24) * 3
        assert pages(w)[1] >= 24 * HOUR / LISTING.idle
        assert await events(w) == [("source.failing", None)]


async def test_what_is_new_is_told_although_the_first_sweep_has_not_come_to_the_end(tmp_path):
    async with broken(tmp_path) as w:
        await w.polls_until(w.clock.now + 1200)
        w.client.put_on_top("new1")
        await w.polls_until(w.clock.now + HOUR)
        w.client.put_on_top("new2", status=S.FAILED)
        await w.polls_until(w.clock.now + HOUR)
        assert await events(w) == [("source.failing", None), ("completed", "new1"), ("failed", "new2")]


async def test_what_stood_on_a_page_that_is_answered_at_last_was_there_before(tmp_path):
    async with broken(tmp_path) as w:
        await w.polls_until(w.clock.now + HOUR)
        w.client.put_on_top("new1")
        await w.polls_until(w.clock.now + HOUR)
        w.broken = None
        await w.polls_until(w.clock.now + 2 * HOUR)
        assert await events(w) == [("source.failing", None), ("completed", "new1"), ("source.recovered", None)]
        assert len(await w.store.listed("posts")) == len(OLD) + 1
        w.client.put_on_top("new2")
        await w.polls_until(w.clock.now + LISTING.idle)
        assert (await events(w))[3:] == [("completed", "new2")]


async def test_what_came_while_nobody_looked_is_told_where_its_page_had_been_read(tmp_path):
    async with broken(tmp_path) as w:
        await w.polls_until(w.clock.now + 1200)
        await w.stop()
        w.client.put_on_top("new1")
        w.clock.now += HOUR
        await w.start()
        await w.polls_until(w.clock.now + 60)
        assert ("completed", "new1") in await events(w)


async def test_what_a_first_sweep_has_passed_is_told_by_the_next_that_reads_it(tmp_path):
    async with broken(tmp_path, page=2) as w:
        await w.poll(2)
        w.client.put_on_top("new1")
        w.broken = None
        await w.polls_until(w.clock.now + LISTING.idle + 30)
        assert await events(w) == [("source.failing", None), ("source.recovered", None), ("completed", "new1")]


async def test_a_page_that_breaks_later_is_told_once_too_and_news_before_it_go_on(tmp_path):
    async with broken(tmp_path, page=None) as w:
        await w.polls_until(w.clock.now + 5 * HOUR)
        w.broken, before = 3, len(w.client.asked)
        await w.polls_until(w.clock.now + 4 * HOUR)
        w.client.put_on_top("new1", "new2", "new3")
        await w.polls_until(w.clock.now + 4 * HOUR)
        told = Counter(kind for kind, _ in await events(w))
        assert told == {"source.failing": 1, "completed": 3}
        assert len(w.client.asked) - before < 8 * HOUR / LISTING.idle + (7 + 8) * (2 + 3) + 1


async def test_what_was_pushed_past_such_a_page_is_told_once_it_is_answered(tmp_path):
    async with broken(tmp_path) as w:
        await w.polls_until(w.clock.now + HOUR)
        w.client.put_on_top(*(f"new{number}" for number in range(8)))
        await w.polls_until(w.clock.now + HOUR)
        assert {id_ for _, id_ in await events(w)} == {None, "new0", "new1", "new2", "new3"}


async def test_a_source_that_answers_nothing_at_all_recovers_as_soon_as_it_does(tmp_path):
    async with broken(tmp_path, page=None) as w:
        await w.poll(2)
        w.client.fault = Unavailable("down")
        await w.polls_until(w.clock.now + HOUR)
        w.client.fault = None
        await w.polls_until(w.clock.now + 5 * 60 + 10)
        assert [kind for kind, _ in await events(w)] == ["source.failing", "source.recovered"]


async def test_a_list_that_has_become_shorter_recovers_without_the_page(tmp_path):
    async with broken(tmp_path) as w:
        await w.polls_until(w.clock.now + HOUR)
        del w.client.truth["old4"], w.client.truth["old5"]
        await w.polls_until(w.clock.now + LONGEST_BAR + 1200)
        assert [kind for kind, _ in await events(w)] == ["source.failing", "source.recovered"]


async def test_a_page_of_which_nothing_can_be_read_is_asked_for_ever_more_seldom(tmp_path):
    async with broken(tmp_path, page=2, is_rotten=True) as w:
        await w.polls_until(w.clock.now + 24 * HOUR)
        w.client.put_on_top("new1")
        await w.polls_until(w.clock.now + LISTING.idle)
        assert pages(w)[2] < 7 + 24
        assert await events(w) == [("completed", "new1")]


@pytest.mark.parametrize("passes", [0, 1])
async def test_a_list_that_a_person_wants_to_be_read_is_read_past_it(tmp_path, passes):
    async with broken(tmp_path) as w:
        await w.polls_until(w.clock.now + 2 * HOUR)
        w.broken = None
        await w.poll(passes)
        await w.registrations.look("posts")
        await w.polls_until(w.clock.now + 1)
        assert [kind for kind, _ in await events(w)] == ["source.failing", "source.recovered"]


@pytest.mark.parametrize(("fails", "within", "read"), [(False, 1, [1, 1, 2, 3]), (True, 60, [1, 2, 3])])
async def test_what_a_person_wants_during_a_look_is_read_after_it(tmp_path, fails, within, read):
    async with broken(tmp_path, page=None) as w:
        await w.polls_until(w.clock.now + HOUR)
        observe = w.client.observe

        async def meanwhile(look, at):
            w.client.observe = observe
            await w.registrations.look("posts")
            if fails:
                raise Unavailable("down")
            return await observe(look, at)

        w.client.observe = meanwhile
        w.client.asked.clear()
        await w.poll()
        await w.polls_until(w.clock.now + within)
        assert [look.page for look in w.client.asked] == read


async def test_what_a_person_wants_in_the_middle_of_a_sweep_is_read_from_the_first_page(tmp_path):
    async with broken(tmp_path, page=None) as w:
        await w.polls_until(w.clock.now + HOUR)
        await w.registrations.look("posts")
        w.client.asked.clear()
        await w.poll(2)
        assert [look.page for look in w.client.asked] == [1, 2]
        await w.registrations.look("posts")
        await w.polls_until(w.clock.now + 1)
        assert [look.page for look in w.client.asked] == [1, 2, 1, 2, 3]


async def test_what_a_person_wants_during_a_look_at_a_later_page_is_read_from_the_first(tmp_path):
    async with broken(tmp_path, page=None) as w:
        await w.polls_until(w.clock.now + HOUR)
        await w.registrations.look("posts")
        observe = w.client.observe

        async def meanwhile(look, at):
            if look.page == 2:
                w.client.observe = observe
                await w.registrations.look("posts")
            return await observe(look, at)

        w.client.observe = meanwhile
        w.client.asked.clear()
        await w.polls_until(w.clock.now + 1)
        assert [look.page for look in w.client.asked] == [1, 2, 1, 2, 3]


async def test_a_first_sweep_goes_on_whatever_a_person_wants_and_what_moves_up_in_it_is_old(tmp_path):
    async with broken(tmp_path, page=None) as w:
        w.client.tells_total = True
        await w.poll(2)
        del w.client.truth["old0"]
        await w.registrations.look("posts")
        await w.polls_until(w.clock.now + HOUR)
        assert [look.page for look in w.client.asked[:5]] == [1, 2, 3, 2, 3]
        assert await events(w) == []


# --- a feed


@asynccontextmanager
async def fed(path, **more):
    """A feed whose second page is not answered; 0, 1 and 2 are open since before its first begins, 8 and 9 later."""
    async with broken(path, page=None, listings=FED, **more) as w:
        for number, id_ in enumerate(OLD):
            w.client.set(id_, S.COMPLETED, updated_at=w.clock.now - 1000 + number)
        await opens(w, "012")
        await w.polls_until(w.clock.now + 60)
        settles(w, "x", "y", "z")
        w.broken = 2
        await w.polls_until(w.clock.now + 10)
        await opens(w, "89")
        await w.polls_until(w.clock.now + 110)
        w.client.asked.clear()
        yield w


async def opens(w, ids):
    for id_ in ids:
        w.client.set(id_, S.PROCESSING, created_at=w.clock.now)
        await w.register(id_)


def settles(w, *ids):
    for number, id_ in enumerate(ids):
        w.client.set(id_, S.COMPLETED, updated_at=w.clock.now + 0.001 * number)


async def settled(w):
    return {id_ for kind, id_ in await events(w) if kind == "completed"}


@pytest.mark.parametrize("is_rotten", [False, True])
@pytest.mark.parametrize("discover", [True, False])
async def test_what_settles_behind_such_a_page_is_asked_for_by_itself(tmp_path, discover, is_rotten):
    async with fed(tmp_path, discover=discover, is_rotten=is_rotten) as w:
        settles(w, "0", "a", "b")
        await w.polls_until(w.clock.now + 30)
        assert "0" in await settled(w)


async def begins_anew(w, jump):
    """The clock jumps, or the daemon ends, to begin again so much later."""
    if jump is None:
        await w.stop()
        await w.start()
    else:
        w.clock.now += jump
        await w.poller.believe_no_later(jump)


@pytest.mark.parametrize("jump", [None, 60, -60])
@pytest.mark.parametrize("discover", [True, False])
async def test_what_settled_behind_such_a_page_is_asked_for_by_itself_where_all_begins_anew(tmp_path, discover, jump):
    async with fed(tmp_path, discover=discover) as w:
        settles(w, "0", "a", "b")
        await begins_anew(w, jump)
        await w.polls_until(w.clock.now + 60)
        assert "0" in await settled(w)


@pytest.mark.parametrize("discover", [True, False])
async def test_what_settled_while_nobody_looked_is_told_at_once_however_many_others_did_since(tmp_path, discover):
    """An audit told it, ten minutes later: a feed is read back to where it was read before, and that was lost."""
    async with broken(tmp_path, page=None, listings=FED, discover=discover) as w:
        await opens(w, "012")
        await w.polls_until(w.clock.now + 60)
        await w.stop()
        settles(w, "0", *(f"other{number}" for number in range(7)))
        w.clock.now += 120
        await w.start()
        w.client.asked.clear()
        await w.polls_until(w.clock.now + 5)
        assert "0" in await settled(w)
        assert len(w.client.asked) <= 5


@pytest.mark.parametrize("discover", [True, False])
async def test_such_a_feed_goes_on_to_tell_of_what_came_since_and_costs_little_more(tmp_path, discover):
    async with fed(tmp_path, discover=discover) as w:
        until = w.clock.now + HOUR
        await w.polls_until(until)
        asked = Counter(look.id or look.page for look in w.client.asked)
        assert all(asked[id_] <= HOUR / 10 for id_ in "012")
        assert all(asked[id_] <= 3 for id_ in "89")
        assert asked[1] <= HOUR / 10
        assert asked[2] <= 7 * 3
        settles(w, "8")
        await w.polls_until(until + 61)
        assert "8" in await settled(w)


async def test_a_first_look_waits_for_such_a_feed_only_where_that_can_speak_of_the_upload(tmp_path):
    async with fed(tmp_path) as w:
        one, now = w.poller.watched["posts"], w.clock.now
        outlook = await w.store.outlook("posts", 0, now)
        uploads = {upload.id: upload for upload in await w.store.open_uploads("posts")}
        for id_, is_covered in (("0", False), ("8", True)):
            asked = one.questions(outlook.progress, [uploads[id_]], (), w.poller.credentials.budget(one), now)
            assert [question.is_covered for question in asked if question.why is Why.FIRST] == [is_covered]


async def test_a_feed_that_is_read_to_where_it_was_read_before_speaks_of_all_again(tmp_path):
    async with fed(tmp_path) as w:
        w.broken = None
        await w.polls_until(w.clock.now + HOUR / 2)
        w.client.asked.clear()
        await w.polls_until(w.clock.now + HOUR / 2)
        assert Counter(look.kind for look in w.client.asked)[LookKind.GET] <= 5 * 3
