"""What is to be asked next at a source is remembered, and never longer than it holds."""

import asyncio
import sqlite3

import pytest
from stored import APP, NOW, altered, event, follow, opened, seen, upload

from notifier.core.model import ListingState, Registration
from notifier.store import Announcement
from notifier.store.outlook import read
from notifier.store.rows import snapshot_text
from notifier.store.written import TABLES

DEALT_WITH = {"endpoints"}
"""Read for the callback of an upload, which no question asks for."""
WRITES = {
    "a page of a list": lambda store, state: store.announce(Announcement(state, ListingState("all", 3, NOW + 7))),
    "an upload": lambda store, state: follow(store, [upload("u2", due_at=NOW - 9)]),
    "a registration": lambda store, state: store.register([Registration("posts", "u1")], NOW - 5),
    "the end of one": lambda store, state: store.unfollow("posts", "u1", None, NOW),
    "a person's wish": lambda store, state: store.look_anew("posts", NOW - 3),
    "a clock put back": lambda store, state: store.put_back(3.0, NOW),
    "a clock put forward": lambda store, state: store.put_back(-3.0, NOW - 60),
    "a clock that was ahead": lambda store, state: store.believe_no_later({"posts": NOW}, NOW, NOW),
    "other ids": lambda store, state: store.align("posts", lambda _: False, discovers=True),
    "no discovery": lambda store, state: store.align("posts", lambda _: True, discovers=False),
    "another provider": lambda store, state: store.enrol({"posts": "other"}, []),
}


async def anew(store):
    """As it is read, whatever is remembered."""
    return await store.database.look(read, store.database.written, "posts")


async def prepared(store):
    """A source of which much is remembered, due later than a clock that is right would have it."""
    await follow(store, [upload("u1", due_at=NOW + 50)])
    state, listing = await store.source("posts"), ListingState("all", 2, NOW + 40, NOW)
    await store.announce(Announcement(state, listing))
    return await store.outlook("posts")


async def test_it_is_read_once_as_long_as_nothing_is_written_of_the_source(store):
    before = await prepared(store)
    await store.enrol({"posts": "fake", "other": "fake"}, ["app"])
    told = await store.outlook("posts")
    await follow(store, [upload(source="other", due_at=NOW)])
    assert await store.outlook("posts") is await store.outlook("posts")
    assert (before.first, before.progress) == (told.first, told.progress)


async def test_what_a_look_without_news_answers_is_what_comes_next(store):
    await prepared(store)
    after = await store.announce(Announcement(await store.source("posts"), ListingState("all", 1, NOW + 60, NOW)))
    assert await store.outlook("posts") is after
    assert after == await anew(store)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
async def test_whatever_is_written_of_a_source_is_seen_at_once(store, write):
    before = await prepared(store)
    await write(store, before.state)
    after = await store.outlook("posts")
    assert after == await anew(store)
    assert after[:-1] != before[:-1]


async def test_it_is_known_what_is_written_of_a_source_by_any_statement(store):
    await follow(store, [upload("u1")])
    await altered(store, "INSERT INTO sources (name, provider) VALUES ('more', 'fake')")
    ((number,),) = await store.database.rows("SELECT number FROM sources WHERE name = 'more'")
    statements = [
        "INSERT INTO listings (source, collection, page, due_at) VALUES (?, 'all', 1, 0)",
        "INSERT OR REPLACE INTO listings (source, collection, page, due_at) VALUES (?, 'all', 2, 0)",
        "UPDATE listings SET page = 3 WHERE source = ?",
        "DELETE FROM listings WHERE source = ?",
        "INSERT INTO uploads (media_id, source, kind, id, registered, followed_at) VALUES (9, ?, 'post', 'x', 1, 1)",
        "UPDATE uploads SET due_at = 5 WHERE source = ?",
        "DELETE FROM uploads WHERE source = ?",
        "UPDATE sources SET hold_until = 5 WHERE number = ?",
    ]
    for times, statement in enumerate(statements, 1):
        await altered(store, statement, (number,))
        assert store.database.written.rows[number] == times, statement
    assert len(statements) == 1 + sum(len(verbs) for _, verbs in TABLES.values()), "one of them replaces"


async def test_every_table_that_tells_what_is_next_is_counted(store):
    told = set()

    def heed(action, table, *_):
        if action == sqlite3.SQLITE_READ:
            told.add(table)
        return sqlite3.SQLITE_OK

    def asked(db):
        db.set_authorizer(heed)
        try:
            read(db, store.database.written, "posts", 9, NOW)
        finally:
            db.set_authorizer(None)

    await store.database.look(asked)
    assert told - {""} == set(TABLES) | DEALT_WITH


async def test_what_is_written_as_it_is_leaves_its_row_alone(store):
    before = await prepared(store)
    count = store.database.written.rows[before.state.number]
    await store.announce(Announcement(before.state))
    assert store.database.written.rows[before.state.number] == count
    assert await store.outlook("posts") == before


async def test_a_transaction_that_fails_is_not_remembered(store):
    before = await prepared(store)
    twice = [(event(1, 1), (APP,)), (event(1, 1), (APP,))]
    with pytest.raises(Exception, match="UNIQUE"):
        await store.announce(Announcement(before.state, ListingState("all", 9, NOW + 9), owed=twice))
    assert (await store.outlook("posts"))[:-1] == before[:-1]


async def test_one_that_nobody_waits_for_any_more_is_seen_by_whoever_asks_next(store):
    before = await prepared(store)
    later = ListingState("all", 4, NOW + 9, NOW)
    task = asyncio.create_task(store.announce(Announcement(before.state, later)))
    await asyncio.sleep(0)  # on its way to the thread
    task.cancel()
    assert (await store.outlook("posts")).progress == {"all": later}


async def test_several_that_are_due_are_told_where_one_look_can_name_them(tmp_path):
    async with opened(tmp_path / "n.db") as store:
        await follow(store, [upload(id_) for id_ in ("a", "b")])
        await altered(store, "UPDATE uploads SET due_at = ?, snapshot = ?", (NOW, snapshot_text(seen())))
        one = await store.outlook("posts")
        assert len(one.slow) == 1
        assert len((await store.outlook("posts", 9, NOW - 1)).slow) == 1
        assert len((await store.outlook("posts", 9, NOW)).slow) == 2
        assert len((await store.outlook("posts")).slow) == 1
