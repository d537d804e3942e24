"""What the poller writes: all of an announcement or nothing of it, and media ids that are given out once."""

import asyncio
import json
import resource
import sqlite3
import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from planning import overheard
from stored import APP, LATEST, NONE, NOW, altered, announce, due, event, follow, one_upload, opened, seen, upload
from things import observations

from notifier.core.budget import Budget
from notifier.core.lives import Lives, one_life
from notifier.core.model import ListingState, Observation, Reason, Status, Target, TargetStatus, Trouble
from notifier.store import Announcement, OtherProviderError, StoreError, UnknownNameError
from notifier.store.compared import CHANGED

BUDGET = Budget(NOW, NOW, 3, NOW + 1, 1, 0.5, NOW, 0.25, NOW, -1.5, (-1.5, 0.1))
BIG = 2**62 + 1
"""A fingerprint that no float holds."""


async def figures(store):
    """How much there is of everything."""
    names = ("uploads", "listings", "events", "deliveries", "attempts")
    sql = ", ".join(f"(SELECT count(*) FROM {name})" for name in names)
    (row,) = await store.database.rows(f"SELECT {sql}")
    return dict(zip(names, row, strict=True))


# --- sources and endpoints


async def test_enrolling_again_keeps_the_numbers_and_what_is_remembered(tmp_path):
    path = tmp_path / "notifier.db"
    async with opened(path) as store:
        state = replace(await store.source("posts"), hold_until=6.0, failures=2, failing_since=7.0, sequence=3,
                        trouble=Trouble("refused", "no"), failed="get u1", failed_due_at=8.0)  # fmt: skip
        await store.announce(Announcement(state))
    async with opened(path) as store:
        await store.enrol({"videos": "fake", "posts": "fake"}, [])
        assert await store.source("posts") == state
        assert (await store.source("videos")).number != state.number


async def test_a_source_of_which_uploads_were_seen_keeps_its_provider(store):
    (known,) = await follow(store, [upload("u1")])
    await announce(store, uploads=[replace(known, snapshot=seen("u1", Status.COMPLETED))])
    await store.enrol({"posts": "fake"}, [])
    with pytest.raises(OtherProviderError, match="posts is a source at fake: give the one at other another name"):
        await store.enrol({"videos": "other", "posts": "other"}, ["crm"])
    with pytest.raises(UnknownNameError):
        store.number("crm")
    assert [tuple(row) for row in await store.database.rows("SELECT name, provider FROM sources")] == [
        ("posts", "fake")
    ]


async def test_a_source_at_another_provider_is_read_anew_as_long_as_no_upload_of_it_was_seen(store):
    await follow(store, [upload("u1")])
    await announce(store, listing=ListingState("all", baseline_at=NOW))
    await store.announce(Announcement(replace(await store.source("posts"), hold_until=NOW + 3600)))
    await store.spend("posts", Budget(hold_until=NOW + 3600))
    await store.enrol({"posts": "fake"}, [])
    assert (await store.outlook("posts")).progress
    assert (await store.source("posts")).hold_until
    assert await store.budgets()
    await store.enrol({"posts": "other"}, [])
    assert not (await store.outlook("posts")).progress
    assert not (await store.source("posts")).hold_until
    assert not await store.budgets()


async def test_a_source_that_was_never_enrolled_is_a_bug(store):
    with pytest.raises(KeyError):
        await store.source("nobody")


async def test_what_is_spent_is_noted_and_nothing_else(store):
    state, before = await store.source("posts"), await figures(store)
    assert await store.budgets() == {}
    await store.spend("account", BUDGET)
    await store.spend("another", Budget(tat=9.0))
    await store.spend("account", replace(BUDGET, used=4))
    assert await store.budgets() == {"account": replace(BUDGET, used=4), "another": Budget(tat=9.0)}
    assert (await store.source("posts"), await figures(store)) == (state, before)


async def test_what_answers_tell_of_a_budget_is_written_with_what_they_announce(store):
    await store.spend("account", Budget(tat=1.0))
    await store.spend("another", Budget(tat=2.0))
    await announce(store, budgets={"account": BUDGET})
    assert await store.budgets() == {"account": BUDGET, "another": Budget(tat=2.0)}


async def test_what_was_noted_of_a_budget_is_not_written_again_until_it_may_be_gone(store):
    async def is_written():
        async with overheard(store) as asked:
            await announce(store, budgets={"account": BUDGET})
        return any("budgets" in said for said in asked)

    await store.spend("account", BUDGET)
    assert not await is_written()
    await store.enrol({"posts": "fake"}, ["app"])
    assert [await is_written(), await is_written()] == [True, False]
    await store.spend("account", replace(BUDGET, used=9))
    assert await is_written()
    assert await store.budgets() == {"account": BUDGET}


async def test_a_budget_of_a_version_before_lacks_what_came_since(store):
    await altered(store, """INSERT INTO budgets VALUES ('account', '{"tat": 5.5}')""")
    assert await store.budgets() == {"account": Budget(tat=5.5)}


async def test_what_was_learned_of_a_class_is_remembered_for_its_source(store):
    await store.enrol({"videos": "fake"}, [])
    assert await store.lives(["posts"]) == {"posts": {}}
    first, more = one_life(0.0, 20.25), one_life(3.0, 4000.1)
    await announce(store, lives={"post:1": first, "post:2": more})
    await announce(store, lives={"post:1": first.plus(more)})
    found = {"posts": {"post:1": first.plus(more), "post:2": more}, "videos": {}}
    assert await store.lives(["posts", "videos"]) == found


async def test_an_endpoint_that_left_the_config_keeps_what_it_is_owed_and_gets_it_when_it_returns(tmp_path):
    path = tmp_path / "notifier.db"
    async with opened(path) as store:
        await announce(store, event(1, 1), event(1, 2))
    async with opened(path) as store:
        await store.enrol({"posts": "fake"}, ["another"])
        assert await store.due(NOW, {"another": 10}) == ([], None)
        assert (await store.counts())["waiting"] == 2
    async with opened(path) as store:
        assert [one.event for one in await due(store)] == ["evt_1_1"]


# --- uploads


async def test_what_is_followed_already_stays_as_it_is(store):
    (first,) = await follow(store, [upload(labels={"order": "A-17"}, due_at=5.0, ref="r", registered=True)])
    again, other, twice = await follow(store, [upload(due_at=9.0), upload(kind="video"), upload(kind="video")])
    assert (again, other.media_id, twice) == (first, 2, other)
    assert first == upload(media_id=1, labels={"order": "A-17"}, due_at=5.0, ref="r", registered=True)
    assert await store.known("posts", ["u1", "u2"]) == {"u1": [first, other]}


async def test_to_follow_nothing_is_no_transaction(store):
    before = store.database._writer.total_changes
    assert await follow(store, []) == []
    assert store.database._writer.total_changes == before


async def test_the_uploads_that_are_to_be_looked_at_first_are_next_seen_or_never(store):
    assert await next_ids(store) == ([], [])
    followed = await elsewhere_and_here(store, *(upload(f"u{due_at}", due_at=due_at) for due_at in (9, 5, None, 7)))
    assert await next_ids(store) == (["u5"], [])
    await announce(store, uploads=[replace(one, snapshot=seen()) for one in followed[:2]])
    assert await next_ids(store) == (["u7"], ["u5", "u9"])
    assert await next_ids(store, most=1) == (["u7"], ["u5"])
    assert await next_ids(store, now=4.9) == (["u7"], ["u5"])


async def test_what_a_list_has_shown_is_left_out_of_what_it_ought_to_show(store):
    followed = await follow(store, [upload(f"u{number}") for number in range(3)])
    await announce(store, uploads=[replace(one, snapshot=seen()) for one in followed])
    for ask in (store.open_uploads, store.listed):
        assert [one.id for one in await ask("posts", without=["u0", "u2", "other"])] == ["u1"]


async def next_ids(store, most=9, now=NOW):
    outlook = await store.outlook("posts", most, now)
    return [one.id for one in outlook.first], [one.id for one in outlook.slow]


async def elsewhere_and_here(store, *uploads):
    """Follow these at two sources; answers those of "posts"."""
    await store.enrol({"videos": "fake"}, [])
    await follow(store, [replace(one, source="videos") for one in uploads])
    return await follow(store, uploads)


NEVER_SEEN = {"snapshot": None, "registered": False}
KINDS_OF_UPLOADS = {
    "named": {**NEVER_SEEN, "registered": True, "due_at": 5.0},
    "spoken of": {**NEVER_SEEN, "due_at": 5.0},
    "denied": {**NEVER_SEEN, "due_at": None},
    "named and denied": {**NEVER_SEEN, "registered": True, "due_at": None},
    "open": {"snapshot": seen()},
    "unknown": {"snapshot": seen(status=Status.UNKNOWN)},
    "settled": {"snapshot": seen(status=Status.COMPLETED)},
    "gone": {"snapshot": seen(status=Status.GONE)},
    "named and gone": {"snapshot": seen(status=Status.GONE), "registered": True},
}


@pytest.fixture
async def uploads_of_each_kind(store):
    followed = await elsewhere_and_here(
        store, *(upload(name, registered=one.get("registered", False)) for name, one in KINDS_OF_UPLOADS.items())
    )
    await announce(store, uploads=[replace(one, **KINDS_OF_UPLOADS[one.id]) for one in followed])
    return store


async def test_open_is_what_has_not_settled_and_what_was_never_seen_while_it_is_sought(uploads_of_each_kind):
    found = [one.id for one in await uploads_of_each_kind.open_uploads("posts")]
    assert sorted(found) == ["named", "open", "spoken of", "unknown"]


async def test_a_list_ought_to_show_what_was_seen_and_is_not_gone_and_what_was_named(uploads_of_each_kind):
    found = [one.id for one in await uploads_of_each_kind.listed("posts")]
    assert sorted(found) == ["named", "named and denied", "open", "settled", "unknown"]


# --- what is new in a page


async def changed(store, *rows, source="posts", batched=False):
    """The places of those rows, each a kind, an id, a fingerprint and perhaps another id, that say anything new."""
    shown = [replace(seen(id_), kind=kind) for kind, id_, *_ in rows]
    found = await store.compared(source, shown, json.dumps(rows), NOW, batched=batched)
    return found.fresh


async def test_of_a_page_only_what_differs_from_what_was_compared_last_is_news(store):
    same, other, never = await elsewhere_and_here(store, upload("same"), upload("other"), upload("never"))
    await announce(store, uploads=[replace(same, fingerprint=BIG), replace(other, fingerprint=5)])
    assert never.fingerprint is None
    rows = [("post", "same", BIG), ("post", "other", 6), ("post", "never", 7), ("post", "strange", 8)]
    assert await changed(store, *rows) == {1, 2, 3}
    assert await changed(store) == set()
    assert await changed(store, rows[0], source="videos") == {0}


async def test_of_two_looks_that_take_turns_each_finds_what_it_was_told_last(store):
    first, _ = await elsewhere_and_here(store, upload("u1"), upload("u2"))
    await announce(store, uploads=[replace(first, fingerprint=6, batch_fingerprint=BIG)])
    for row, batched, news in ((6, False, set()), (BIG, True, set()), (BIG, False, {0}), (6, True, {0})):
        assert await changed(store, ("post", "u1", row), batched=batched) == news


async def test_what_is_news_comes_with_what_is_known_by_either_of_its_ids(store):
    same, other, _, alias = await follow(store, [upload(id_) for id_ in ("same", "other", "not shown", "alias")])
    await announce(store, uploads=[replace(same, fingerprint=5)])
    shown = [seen("same"), seen("other"), seen("strange", alias="alias")]
    rows = json.dumps([("post", one.id, 5) for one in shown])
    known = {"other": [other], "alias": [alias]}
    assert await store.compared("posts", shown, rows, NOW) == ({1, 2}, known, None)


async def test_a_row_is_compared_with_what_is_known_by_its_id_else_by_its_other_id(store):
    job, both, _ = await follow(store, [upload("job"), upload("id"), upload("its job")])
    await announce(store, uploads=[replace(job, fingerprint=5), replace(both, fingerprint=6)])
    same = [("post", "ran", 5, "job"), ("post", "id", 6, "its job"), ("post", "id", 6, None)]
    assert await changed(store, *same) == set()
    news = [("post", "ran", 6, "job"), ("post", "id", 5, "its job"), ("video", "ran", 5, "job")]
    assert await changed(store, *same, *news) == {3, 4, 5}


async def test_an_upload_is_told_from_one_of_another_kind_with_its_id(store):
    post, video = await follow(store, [upload(), upload(kind="video")])
    await announce(store, uploads=[replace(post, fingerprint=5), replace(video, fingerprint=6)])
    rows = [(kind, "u1", fingerprint) for kind in ("post", "video") for fingerprint in (5, 6)]
    assert await changed(store, *rows) == {1, 2}


@pytest.mark.parametrize(
    ("now_", "news"),
    [
        ({"due_at": NOW - 1}, True),
        ({"due_at": NOW}, True),
        ({"due_at": NOW + 1}, False),
        ({"due_at": None}, False),
        ({"misses": 1, "missing_since": NOW}, True),
    ],
)
async def test_a_row_about_an_upload_that_is_sought_or_due_is_news_whatever_it_says(store, now_, news):
    await one_upload(store, fingerprint=5, **now_)
    assert await changed(store, ("post", "u1", 5)) == ({0} if news else set())


async def test_with_all_that_a_list_shows_it_is_told_what_else_is_open(uploads_of_each_kind):
    rows = [("post", "open", 5, None), ("post", "unknown", 5, "named")]
    shown = [seen(id_) for _, id_, *_ in rows]
    found = await uploads_of_each_kind.compared("posts", shown, json.dumps(rows), NOW, alone=True)
    assert [one.id for one in found.lacking] == ["spoken of"]
    assert found.lacking == await uploads_of_each_kind.open_uploads("posts", without=["open", "unknown", "named"])


async def compared(store):
    """The mark of a page that was compared, and said nothing new, when all is known that is due next."""
    await one_upload(store, fingerprint=5, due_at=NOW + 9)
    await store.outlook("posts")
    assert await changed(store, ("post", "u1", 5)) == set()
    return store.mark("posts")


async def test_a_page_that_said_nothing_new_says_nothing_new_until_an_upload_is_written_or_due(store):
    mark = await compared(store)
    await store.enrol({"videos": "fake"}, [])
    await follow(store, [upload(source="videos")])
    assert [store.is_unmoved("posts", mark, NOW + later) for later in (0, 8.9, 9)] == [True, True, False]
    assert not store.is_unmoved("videos", mark, NOW), "of that nothing is known"
    await one_upload(store, fingerprint=6)
    await store.outlook("posts")
    assert not store.is_unmoved("posts", mark, NOW)


async def test_where_it_is_not_known_what_is_due_next_a_page_is_compared_again(store):
    mark = await compared(store)
    await announce(store, listing=ListingState("all", 1, NOW))
    assert store.is_unmoved("posts", mark, NOW), "a look without news tells what is due next"
    await store.look_anew("posts", NOW + 60)
    assert not store.is_unmoved("posts", store.mark("posts"), NOW)
    await store.outlook("posts")
    assert store.is_unmoved("posts", store.mark("posts"), NOW)


BY_IDENTITY = {
    "SCAN j VIRTUAL TABLE INDEX 1:",
    "SEARCH u USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN",
    "CORRELATED SCALAR SUBQUERY 1",
    "CORRELATED SCALAR SUBQUERY 2",
    "SEARCH uploads USING COVERING INDEX sqlite_autoindex_uploads_1 (source=? AND id=? AND kind=?)",
}


async def test_a_page_is_compared_by_the_identity_of_each_row_in_a_database_that_was_never_analysed(store):
    """Not by an index on the source alone: that would read all its uploads for each row of a page."""
    parameters = {"rows": '[["post", "u1", 5]]', "source": 1, "now": NOW, "batched": False}
    plan = await store.database.rows(f"EXPLAIN QUERY PLAN {CHANGED}", parameters)
    assert {row[3] for row in plan} == BY_IDENTITY
    tables = await store.database.rows("SELECT name FROM sqlite_schema")
    assert not {row[0] for row in tables} & {"sqlite_stat1", "sqlite_stat4"}


async def test_an_upload_is_open_until_it_settles(store):
    assert not await store.open_uploads("posts")
    followed = await one_upload(store, snapshot=seen())
    assert await store.open_uploads("posts")
    await announce(store, uploads=[replace(followed, snapshot=seen(status=Status.GONE))])
    assert not await store.open_uploads("posts")


async def test_an_upload_comes_back_as_it_was_written(store):
    target = Target("x", TargetStatus.FAILED, "error", "7", "https://example.com/7", Reason("rate", "later"))
    snapshot = Observation("post", "u1", Status.PARTIAL, "some", title="Ü \u2028", progress=0.1, targets=(target,))
    written = await one_upload(
        store, snapshot=snapshot, sequence=4, changed_at=NOW + 0.123, stalled=True, misses=2, missing_since=NOW,
        due_at=NOW + 1, ref="r", kind="video", fingerprint=-BIG,
    )  # fmt: skip
    assert await store.known("posts", ["u1"]) == {"u1": [written]}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(observations)
def test_any_snapshot_comes_back_as_it_was_written(tmp_path_factory, snapshot):
    async def there_and_back():
        async with opened(tmp_path_factory.mktemp("any") / "notifier.db") as store:
            written = await one_upload(store, snapshot=snapshot, kind=snapshot.kind)
            assert await store.known("posts", ["u1"]) == {"u1": [written]}

    asyncio.run(there_and_back())


async def test_how_far_a_listing_was_read_is_remembered_by_its_collection(store):
    state = await store.source("posts")
    last = ListingState("all", 3, NOW + 1, NOW - 2, NOW - 1, 2, "next")
    for listing in (ListingState("all", 2, NOW), ListingState("more", 1, NOW), last):
        await store.announce(Announcement(state, listing))
    assert (await store.outlook("posts", 1, NOW)).progress == {"all": last, "more": ListingState("more", 1, NOW)}


async def test_what_is_known_of_an_upload_outlives_our_interest_in_it(store):
    known, unknown = await follow(store, [upload("known", due_at=5.0), upload("unknown", due_at=5.0)])
    known = replace(known, snapshot=seen("known", Status.COMPLETED), sequence=1, due_at=None)
    unknown = replace(unknown, misses=3, missing_since=1.0, due_at=None)
    await announce(store, uploads=[known, unknown])
    assert await store.known("posts", ["known", "unknown"]) == {"known": [known], "unknown": [unknown]}
    assert await next_ids(store) == ([], [])
    assert not await store.open_uploads("posts")


async def test_what_a_clock_that_was_ahead_made_due_is_brought_forward(store):
    await follow(store, [upload("early", due_at=NOW + 5), upload("late", due_at=NOW + 1e9), upload("never")])
    state = replace(await store.source("posts"), hold_until=NOW + 1e9)
    await store.announce(Announcement(state, ListingState("all", 3, NOW + 1e9)))
    await store.believe_no_later({"posts": NOW + 20}, NOW + 10, NOW + 30)
    known = await store.known("posts", ["early", "late", "never"])
    assert [known[id_][0].due_at for id_ in ("early", "late", "never")] == [NOW + 5, NOW + 10, None]
    assert (await store.outlook("posts", 1, NOW)).progress["all"].due_at == NOW + 20
    assert (await store.source("posts")).hold_until == NOW + 30


# --- media ids


async def test_media_ids_count_from_one_and_are_given_out_once(store):
    first, second = await follow(store, [upload("u1"), upload("u2")])
    again, third = await follow(store, [upload("u2"), upload("u3")])
    assert [one.media_id for one in (first, second, again, third)] == [1, 2, 2, 3]


async def test_a_media_id_whose_upload_was_rolled_back_was_not_given_out(store):
    with pytest.raises(KeyError):
        await follow(store, [upload("u1"), upload("u2", source="nowhere")])
    (first,) = await follow(store, [upload("u3")])
    assert first.media_id == 1
    assert (await figures(store))["uploads"] == 1


async def test_media_ids_go_on_in_the_second_range_once_the_first_is_used_up(store):
    await altered(store, "UPDATE counters SET next = 999999")
    found = await follow(store, [upload(f"u{n}") for n in range(3)])
    assert [one.media_id for one in found] == [999_999, 1_000_000_000, 1_000_000_001]


async def test_after_the_last_media_id_there_is_none(store):
    await altered(store, "UPDATE counters SET next = 2147483647")
    with pytest.raises(sqlite3.IntegrityError, match="media_id"):
        await follow(store, [upload("last"), upload("one too many")])


# --- one transaction


async def test_an_announcement_is_written_whole(store):
    followed = await one_upload(store)
    now = replace(followed, snapshot=seen(), sequence=1, changed_at=NOW)
    state = replace(await store.source("posts"), sequence=1)
    about_source = event(-state.number, 1, "source.failing")
    owed = [(event(1, 1), (APP, NONE)), (about_source, (APP,))]
    await store.announce(Announcement(state, ListingState("all"), [now], owed=owed))
    assert await store.source("posts") == state
    assert await store.known("posts", ["u1"]) == {"u1": [now]}
    assert [(one.event, one.upload, one.body) for one in await due(store)] == [
        ("evt_1_1", "u1", b"evt_1_1"),
        ("evt_-1_1", None, b"evt_-1_1"),
    ]
    assert [one.event for one in await due(store, "none")] == ["evt_1_1"]


async def test_a_failure_in_the_middle_leaves_nothing(store):
    followed = await one_upload(store)
    await announce(store, event(1, 1))
    before, state = await figures(store), await store.source("posts")
    now = replace(followed, snapshot=seen(), sequence=2)
    twice = [(event(1, 2), (APP,)), (event(1, 3, id="evt_1_2"), (APP,))]
    with pytest.raises(sqlite3.IntegrityError, match=r"events\.id"):
        await store.announce(
            Announcement(replace(state, failures=9), ListingState("all"), [now], {"post:0": Lives()}, twice),
            {"a": BUDGET},
        )
    assert await figures(store) == before
    assert (await store.budgets(), await store.lives(["posts"])) == ({}, {"posts": {}})
    assert await store.source("posts") == state
    assert await store.known("posts", ["u1"]) == {"u1": [followed]}


async def test_an_endpoint_that_was_never_enrolled_is_a_bug_and_nothing_is_announced(store):
    with pytest.raises(UnknownNameError):
        await announce(store, event(1, 1), to=(APP, replace(APP, name="stranger")))
    assert (await figures(store))["events"] == 0


async def test_nobody_sees_an_announcement_before_its_commit_nor_one_rolled_back(store):
    inside, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def announced(db):
        store._owe(db, 1, event(1, 1), (APP,))
        loop.call_soon_threadsafe(inside.set)
        go_on.wait()

    def failed(db):
        store._owe(db, 1, event(2, 1), (APP,))
        raise ZeroDivisionError

    writing = asyncio.create_task(store.database.write(announced))
    await inside.wait()
    asked = asyncio.create_task(due(store))
    found = await figures(store)
    assert (found["events"], found["deliveries"], asked.done()) == (0, 0, False)
    go_on.set()
    await writing
    assert len(await asked) == 1
    with pytest.raises(ZeroDivisionError):
        await store.database.write(failed)
    assert len(await due(store)) == 1


async def test_writers_wait_for_one_another(store):
    await asyncio.gather(*(announce(store, event(lane, 1)) for lane in range(1, 20)))
    assert (await figures(store))["deliveries"] == 19


async def test_what_is_cut_off_is_there_whole_or_not_at_all(store):
    """Cancelled after ever more turns of the event loop, until one is not cut off any more."""
    cut_off = kept = turns = 0
    finished = False
    while not finished:
        lane = 1000 + turns
        task = asyncio.create_task(announce(store, event(lane, 1), event(lane, 2), to=(APP, LATEST, NONE)))
        for _ in range(turns):
            await asyncio.sleep(0)
        finished = not task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await announce(store, event(lane, 3))  # comes after whatever is still on its way
        sql = """SELECT count(DISTINCT e.position), count(d.id) FROM events AS e JOIN deliveries AS d
            ON d.event = e.position WHERE e.lane = ? AND e.sequence < 3"""
        ((events, owed),) = await store.database.rows(sql, (lane,))
        assert (events, owed) in {(0, 0), (2, 6)}
        cut_off, kept = cut_off + (events == 0), kept + (events == 2)
        turns = 2 * turns or 1
        assert not store.database._writer.in_transaction
    assert cut_off
    assert kept


# --- what the disk can do to it


async def test_a_full_disk_is_told_and_what_was_there_stays(store):
    await announce(store, event(1, 1))
    before = await figures(store)
    writer = store.database._writer
    ((pages,),) = await writer.execute_fetchall("PRAGMA page_count")
    await writer.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError) as caught:
        await announce(store, *(event(lane, 1, body=b"x" * 5000) for lane in range(2, 20)))
    path = store.database.path
    assert str(caught.value) == (f"{path}: database or disk is full: free some space on its disk; nothing was lost")
    assert await figures(store) == before
    await writer.execute(f"PRAGMA max_page_count = {pages + 1000}")
    await announce(store, *(event(lane, 1, body=b"x" * 5000) for lane in range(2, 20)))


@contextmanager
def no_file_may_grow_past(size):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_commit_that_the_disk_refuses_is_told_and_leaves_nothing(store):
    await announce(store, event(1, 1))
    before, path = await figures(store), store.database.path
    with no_file_may_grow_past(path.with_name(f"{path.name}-wal").stat().st_size), pytest.raises(StoreError) as caught:
        await announce(store, event(2, 1))
    assert str(caught.value) == f"{path}: disk I/O error: see the disk and its log"
    assert await figures(store) == before
    await announce(store, event(2, 1))
    assert [one.event for one in await due(store)] == ["evt_1_1", "evt_2_1"]


async def test_a_commit_that_fails_is_rolled_back(store):
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        await at_commit(store)
    assert not store.database._writer.in_transaction
    await announce(store, event(1, 1))
    assert (await figures(store))["events"] == 1


async def at_commit(store):
    """Write what only the COMMIT finds wrong."""

    def work(db):
        db.execute("PRAGMA defer_foreign_keys = ON")
        db.execute("INSERT INTO attempts VALUES (99, 1, 0, 0, '{}', 'dns', NULL, '', '')")

    await store.database.write(work)


# --- what must outlive a loss of power


@pytest.mark.parametrize(("lasts", "synced"), [(True, 2), (False, 1)])
async def test_only_what_must_last_waits_for_the_disk(store, lasts, synced):
    """2 is FULL, 1 is NORMAL, of SQLite's synchronous."""
    during, write = [], store._announce

    def announced(db, *news):
        during.extend(db.execute("PRAGMA synchronous").fetchone())
        return write(db, *news)

    store._announce = announced
    await announce(store, lasts=lasts)
    assert during == [synced]
    await announce(store)
    assert during == [synced, 2]
    await announce(store, event((await one_upload(store)).media_id, 1), lasts=False)
    assert during == [synced, 2, 2], "what is owed lasts in any case"


async def test_what_is_to_be_asked_next_is_the_same_whether_anything_is_owed_or_not(store):
    media_id = (await one_upload(store)).media_id
    state, listing = await store.source("posts"), ListingState("all", 2, NOW + 9)
    owed = [(event(media_id, 1), (APP,))]
    assert await store.announce(Announcement(state, listing, owed=owed)) is None
    told = await store.outlook("posts", 1, 0.0)
    again = await store.announce(Announcement(state, listing))
    to_nobody = await store.announce(Announcement(state, listing, owed=[(event(media_id, 2), ())]))
    assert told._replace(written=0) == again._replace(written=0) == to_nobody._replace(written=0)
    assert told.progress == {"all": listing}
