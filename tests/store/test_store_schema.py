"""The schema: what migrations make of an empty file, and what the tables refuse."""

import hashlib
import re
import sqlite3
from dataclasses import replace

import pytest
from schemas import GOLDEN, schema
from stored import NOW, altered, announce, deliveries, due, event, ids, one_upload, opened, retried, seen

from notifier.core.budget import Budget
from notifier.core.lives import Lives
from notifier.core.model import ListingState
from notifier.store import Announcement, StoreError
from notifier.store.database import Database, _connect, _migrate, _version, migrations

COMMITTED = {
    1: "4667b255258f3e72da9d7fcf00acf020f2d6b8fdb889cbfd77518d0f5450bb30",
    2: "238d0ae2359538d81a2db76cd03fd168e1a333feefc1a37731dfee5df72db42f",
}
"""A migration that somebody's database has seen is never changed; a new one is added."""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "notifier.db"


async def test_the_schema_is_the_golden_one(path):
    async with opened(path) as store:
        assert await schema(store.database) == GOLDEN.read_text()


def test_a_committed_migration_keeps_its_text():
    found = {number: hashlib.sha256(text.encode()).hexdigest() for number, text in enumerate(migrations(), 1)}
    assert found == COMMITTED


async def test_the_version_counts_the_migrations(path):
    async with opened(path) as store:
        assert [tuple(row) for row in await store.database.rows("PRAGMA user_version")] == [(len(migrations()),)]


async def test_all_tables_are_strict(path):
    async with opened(path) as store:
        rows = await store.database.rows("SELECT name FROM pragma_table_list WHERE NOT strict AND schema = 'main'")
        assert {row[0] for row in rows} == {"sqlite_schema", "sqlite_sequence"}


# --- one migration after the other


GOOD = "CREATE TABLE one (x INTEGER); INSERT INTO one VALUES (1);"
BAD = "CREATE TABLE two (x INTEGER); INSERT INTO nowhere VALUES (1); CREATE TABLE three (x INTEGER);"


async def tables(connection):
    rows = await connection.execute_fetchall("SELECT name FROM sqlite_schema WHERE type = 'table'")
    return {row[0] for row in rows}


async def test_a_migration_that_fails_leaves_nothing_of_itself(path):
    connection = await _connect(path)
    try:
        with pytest.raises(sqlite3.OperationalError, match="nowhere"):
            await _migrate(connection, [GOOD, BAD], 0)
        assert not connection.in_transaction
        assert await tables(connection) == {"one"}
        assert await _version_of(connection) == 1
        await _migrate(connection, [GOOD, "CREATE TABLE two (x INTEGER); -- mended"], 1)
        assert await tables(connection) == {"one", "two"}
        assert await _version_of(connection) == 2
    finally:
        await connection.close()


async def _version_of(connection):
    ((version,),) = await connection.execute_fetchall("PRAGMA user_version")
    return version


async def test_opening_again_migrates_nothing(path):
    async with opened(path):
        pass
    database = await Database.open(path)
    try:
        assert await _version(database._writer, path) == len(migrations())
        assert await schema(database) == GOLDEN.read_text()
    finally:
        await database.close()


async def columns(connection, schema, table):
    rows = await connection.execute_fetchall(f"PRAGMA {schema}.table_info('{table}')")
    return [row[1] for row in rows]


async def as_it_was(path, now, version):
    """The database at `now`, written anew at `path` as the program wrote it whose schema was this one."""
    connection = await _connect(path)
    try:
        await _migrate(connection, migrations()[:version], 0)
        await connection.execute("ATTACH ? AS now", (str(now),))
        await connection.execute("PRAGMA foreign_keys = OFF")
        for table in sorted(await tables(connection) - {"sqlite_sequence"}):
            shared = ", ".join(await columns(connection, "main", table))
            await connection.execute(f"DELETE FROM main.{table}")
            await connection.execute(f"INSERT INTO main.{table} ({shared}) SELECT {shared} FROM now.{table}")
    finally:
        await connection.close()


@pytest.mark.parametrize("version", range(1, len(migrations())))
async def test_a_database_of_an_earlier_schema_opens_with_all_that_waits(path, tmp_path, version):
    async with opened(path) as store:
        upload = await one_upload(store)
        listing = ListingState("all", 3, NOW, failures=2, cursor="next", baseline_pages=2)
        await announce(store, event(upload.media_id, 1), event(upload.media_id, 2))
        (first,) = await due(store)
        await store.record([retried(first)])
        await store.announce(Announcement(await store.source("posts"), listing))
        waits = await deliveries(store, "*")
    earlier = tmp_path / "earlier.db"
    await as_it_was(earlier, path, version)
    async with opened(earlier) as store:
        assert await schema(store.database) == GOLDEN.read_text()
        assert await deliveries(store, "*") == waits
        assert ids(await due(store, now=NOW + 60)) == [first.event]
        progress = (await store.outlook("posts", 1, NOW)).progress
        assert progress == {"all": replace(listing, baseline_pages=0)}


async def test_a_database_that_lost_its_tables_is_told_with_its_path(path):
    async with opened(path) as store:
        await store.database._writer.execute("DROP TABLE attempts")
        await announce(store, event((await one_upload(store)).media_id, 1))
        with pytest.raises(StoreError, match=rf"^{path}: no such table: attempts: see the disk and its log$"):
            await store.database.rows("SELECT * FROM attempts")


# --- rows that cannot be

UPLOAD = """INSERT INTO uploads (media_id, source, kind, id, registered, followed_at{})
    VALUES ({}, 1, 'post', '{}', {}, 0{})"""
OVER = "UPDATE deliveries SET phase = '{}', due_at = {}, settled_at = {}, head = {}"
ABOUT_ENDPOINT = "UPDATE events SET source = NULL, endpoint = 1, upload = {}, lane = {}"
PAUSED = "UPDATE endpoints SET paused = {}, paused_at = 1, url_digest = 'x', probe_at = {}, trips = {}"
REPLAY = """INSERT INTO replays (event, endpoint, phases, latest, rate, up_to, created_at)
    VALUES ({}, {}, '[]', {}, {}, 0, 0)"""
IMPOSSIBLE = {
    "trouble since never": ("UPDATE sources SET trouble_code = 'x', trouble_text = 'x'", "failing_since IS NULL"),
    "trouble without a code": ("UPDATE sources SET failing_since = 1, trouble_text = 'x'", "trouble_code IS NULL"),
    "trouble without a text": ("UPDATE sources SET failing_since = 1, trouble_code = 'x'", "trouble_text IS NULL"),
    "failures below 0": ("UPDATE sources SET failures = -1", "failures >= 0"),
    "sources of one name": (
        "INSERT INTO sources (name, provider) VALUES ('posts', 'fake')",
        "UNIQUE constraint failed: sources.name",
    ),
    "endpoints of one name": (
        "INSERT INTO endpoints (name) VALUES ('app')",
        "UNIQUE constraint failed: endpoints.name",
    ),
    "media id 0": (UPLOAD.format("", 0, "new", 1, ""), "media_id BETWEEN"),
    "media id past 31 bits": (UPLOAD.format("", 2147483648, "new", 1, ""), "media_id BETWEEN"),
    "upload twice": (UPLOAD.format("", 9, "u1", 1, ""), "UNIQUE constraint failed: uploads.source, uploads.id"),
    "upload without an id": (UPLOAD.format("", 9, "", 1, ""), "id <> ''"),
    "upload half registered": (UPLOAD.format("", 9, "new", 2, ""), "registered IN"),
    "labels that are no JSON": (UPLOAD.format(", labels", 9, "new", 1, ", 'x'"), "json_valid(labels)"),
    "snapshot that is no JSON": (UPLOAD.format(", snapshot", 9, "new", 1, ", 'x'"), "json_valid(snapshot)"),
    "misses since never": (UPLOAD.format(", misses", 9, "new", 1, ", 1"), "missing_since IS NULL"),
    "upload of no source": ("UPDATE uploads SET source = 99", "FOREIGN KEY"),
    "text for a number": ("UPDATE uploads SET followed_at = 'yesterday'", "cannot store TEXT value in REAL column"),
    "page 0": ("INSERT INTO listings (source, collection, page) VALUES (1, 'all', 0)", "page >= 1"),
    "budget that is no JSON": ("INSERT INTO budgets VALUES ('account', 'x')", "json_valid(state)"),
    "budget twice": ("UPDATE budgets SET name = 'same'", "UNIQUE constraint failed: budgets.name"),
    "lives that are no JSON": ("UPDATE lives SET events = 'x'", "json_valid(events)"),
    "seconds lived that are no JSON": ("UPDATE lives SET exposure = 'x'", "json_valid(exposure)"),
    "lives of no source": ("UPDATE lives SET source = 99", "FOREIGN KEY"),
    "failures at a page below 0": (
        "INSERT INTO listings (source, collection, failures) VALUES (1, 'all', -1)",
        "failures >= 0",
    ),
    "event twice": ("UPDATE events SET id = 'same'", "UNIQUE constraint failed: events.id"),
    "sequence twice": ("UPDATE events SET sequence = 3", "UNIQUE constraint failed: events.lane, events.sequence"),
    "sequence 0": ("UPDATE events SET sequence = 0", "sequence >= 1"),
    "lane 0": ("UPDATE events SET lane = 0", "lane BETWEEN 1"),
    "upload in the lane of a source": ("UPDATE events SET lane = -1", "lane BETWEEN 1"),
    "source in the lane of another": ("UPDATE events SET upload = NULL, lane = -9", "lane = -source"),
    "endpoint in the lane of another": (ABOUT_ENDPOINT.format("NULL", -2147483650), "lane = -2147483648 - endpoint"),
    "endpoint's event about an upload": (ABOUT_ENDPOINT.format("upload", "lane"), "endpoint IS NULL OR upload IS NULL"),
    "event about nothing": ("UPDATE events SET source = NULL", "(source IS NULL) = (endpoint IS NOT NULL)"),
    "event about both": ("UPDATE events SET endpoint = 1", "(source IS NULL) = (endpoint IS NOT NULL)"),
    "event about no endpoint": (
        "UPDATE events SET source = NULL, endpoint = 99, upload = NULL, lane = -2147483747",
        "FOREIGN KEY",
    ),
    "failing since never": ("UPDATE endpoints SET failures = 1", "failing_since IS NULL"),
    "no failure since": ("UPDATE endpoints SET failing_since = 1", "failing_since IS NULL"),
    "no failure that came of something": ("UPDATE endpoints SET failure = 'x'", "failure IS NULL"),
    "a failure of which nothing came": (
        "UPDATE endpoints SET failures = 1, failing_since = 1",
        "failure IS NULL",
    ),
    "no place at all": ("UPDATE endpoints SET ramp = 0", "ramp >= 1"),
    "paused for another reason": (PAUSED.format("'tired'", "NULL", 0), "paused IN"),
    "paused at no time": ("UPDATE endpoints SET paused = 'gone', url_digest = 'x'", "paused_at IS NULL"),
    "paused at no URL": ("UPDATE endpoints SET paused = 'gone', paused_at = 1", "url_digest IS NULL"),
    "paused by a person and probed": (PAUSED.format("'person'", 1, 0), "(paused = 'failing') = (probe_at IS NOT NULL)"),
    "told of no pause": ("UPDATE endpoints SET untold = 1", "untold = 0 OR paused IS NOT NULL"),
    "failing and not probed": (PAUSED.format("'failing'", "NULL", 0), "(paused = 'failing') = (probe_at IS NOT NULL)"),
    "paused and tripped": (PAUSED.format("'failing'", 1, 1), "trips = 0"),
    "shut off without a trip": ("UPDATE endpoints SET probe_at = 1", "trips = 0"),
    "tripped and not shut off": ("UPDATE endpoints SET trips = 1", "trips = 0"),
    "delivered for a cause": ("UPDATE deliveries SET cause = 'schedule'", "cause IS NULL OR phase IN"),
    "dead for another cause": (OVER.format("dead", "NULL", 1, 0) + ", cause = 'old age'", "cause IN"),
    "half to blame": ("UPDATE deliveries SET blamed = 2", "blamed IN"),
    "event gone under its delivery": ("DELETE FROM events", "FOREIGN KEY"),
    "standard as another format": ("INSERT INTO renderings VALUES (1, 'standard', x'00')", "format <> 'standard'"),
    "format of nothing": ("INSERT INTO renderings VALUES (9, 'cloudevents', x'00')", "FOREIGN KEY"),
    "format twice": (
        "UPDATE renderings SET event = 1",
        "UNIQUE constraint failed: renderings.event, renderings.format",
    ),
    "unknown phase": (OVER.format("sending", "NULL", 1, 0), "phase = 'dropped'"),
    "waiting for nothing": (OVER.format("waiting", "NULL", "NULL", 0), "due_at IS NOT NULL"),
    "delivered and due": (OVER.format("delivered", 1, 1, 0), "due_at IS NOT NULL"),
    "delivered at no time": (OVER.format("delivered", "NULL", "NULL", 0), "settled_at IS NULL"),
    "delivered and head": (OVER.format("delivered", "NULL", 1, 1), "head = 0 OR phase = 'waiting'"),
    "superseded by nothing": (OVER.format("superseded", "NULL", 1, 0), "replaced_by IS NOT NULL"),
    "replaced and waiting": ("UPDATE deliveries SET replaced_by = 1", "replaced_by IS NOT NULL"),
    "two heads of a lane": ("UPDATE deliveries SET head = 1", "UNIQUE constraint failed: deliveries.endpoint, deliver"),
    "event owed twice": ("UPDATE deliveries SET event = 1", "UNIQUE constraint failed: deliveries.event, deliveries.e"),
    "dropped by nobody": (OVER.format("dropped", "NULL", 1, 0), "dropped_by IS NOT NULL"),
    "dropped and waiting": ("UPDATE deliveries SET dropped_by = 'ann'", "dropped_by IS NOT NULL"),
    "owed again by no replay": ("UPDATE deliveries SET replay = 99", "FOREIGN KEY"),
    "replay of everything": (REPLAY.format("NULL", "NULL", 0, 1), "endpoint IS NOT NULL OR"),
    "replay of the latest to nobody": (REPLAY.format("'evt_1'", "NULL", 1, 1), "endpoint IS NOT NULL OR"),
    "replay without end": (REPLAY.format("'evt_1'", "NULL", 0, 0), "rate > 0"),
    "replay to no endpoint": (REPLAY.format("NULL", 99, 0, 1), "FOREIGN KEY"),
    "attempt 0": ("INSERT INTO attempts VALUES (1, 0, 0, 0, '{}', 'dns', NULL, '', '')", "number >= 1"),
    "attempt at nothing": ("INSERT INTO attempts VALUES (9, 1, 0, 0, '{}', 'dns', NULL, '', '')", "FOREIGN KEY"),
}


@pytest.mark.parametrize(("statement", "why"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
async def test_the_tables_refuse_what_cannot_be(path, statement, why):
    async with opened(path) as store:
        followed = await one_upload(store, snapshot=seen())
        both = [event(followed.media_id, number, renderings={"cloudevents": b"{}"}) for number in (1, 2)]
        await announce(store, *both, lives={"post:0": Lives()})
        for name in ("one", "another"):
            await store.spend(name, Budget())
        before = await everything(store)
        with pytest.raises(sqlite3.IntegrityError, match=re.escape(why)):
            await write(store, statement)
        assert await everything(store) == before


async def write(store, statement):
    await altered(store, statement)


async def everything(store):
    names = [
        "sources",
        "budgets",
        "lives",
        "listings",
        "uploads",
        "events",
        "renderings",
        "endpoints",
        "replays",
        "deliveries",
        "attempts",
        "counters",
    ]
    return [[tuple(row) for row in await store.database.rows(f"SELECT * FROM {name}")] for name in names]
