"""Is a database sound? Copies, live ones, and files that are really damaged: what is wrong, where, and the cure."""

import asyncio
import os
import re
import shutil
import sqlite3
import subprocess
from contextlib import asynccontextmanager, closing
from dataclasses import replace

import pytest
from stored import APP, NOW, announce, event, one_upload, opened, seen
from strangers import stranger

from notifier.core.lives import Lives
from notifier.core.model import Phase
from notifier.store import Announcement
from notifier.store.database import holder, migrations
from notifier.store.examination import RESTORE, examine, log_of, look
from notifier.store.laws import LAWS
from notifier.store.tail import lost_commits

PAGE = 4096


def can_recover():
    """Debian 12's `sqlite3`, for one, is built without what that takes; one before 3.40 loses the schema's number."""
    if not shutil.which("sqlite3"):
        return False
    ask = ["sqlite3", ":memory:", "SELECT sqlite_version(); PRAGMA compile_options"]
    version, *options = subprocess.run(ask, capture_output=True, check=True, text=True).stdout.split()
    return [int(one) for one in version.split(".")] >= [3, 40] and "ENABLE_DBPAGE_VTAB" in options


@pytest.fixture
def path(tmp_path):
    return tmp_path / "notifier.db"


@asynccontextmanager
async def lived(path, events=60):
    """A store in which an upload has moved so often; nothing of it was delivered."""
    async with opened(path) as store:
        followed = await one_upload(store, snapshot=seen())
        for number in range(1, events + 1):
            told = event(followed.media_id, number, status="processing", body=bytes(3000), upload="u1")
            kept = replace(followed, snapshot=seen(title=str(number)), sequence=number)
            await announce(store, replace(told, renderings={"cloudevents": b"{}"}), uploads=[kept])
        yield store


async def made(path):
    """The file that such a store leaves behind."""
    async with lived(path):
        pass
    return path


def flaws(path, **how):
    return [(flaw.what, flaw.where) for flaw in examine(path, **how).flaws]


def roots(path):
    """The first page of each table and index."""
    with closing(sqlite3.connect(path)) as db:
        return dict(db.execute("SELECT name, rootpage FROM sqlite_schema").fetchall())


def overwritten(path, page, content=b"\xa5" * PAGE, at=0):
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE + at)
        file.write(content)


def changed(path, *statements):
    """As a hand would, past what the tables refuse."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            db.execute(statement)


# --- what is sound


async def test_a_database_is_sound_while_it_is_written_and_afterwards(path):
    async with lived(path):
        live = examine(path)
        assert (live.flaws, live.schema, live.path) == ((), len(migrations()), path)
        assert live.log_bytes == log_of(path).stat().st_size > 0
    found = examine(path)
    assert (found.flaws, found.bytes, found.log_bytes) == ((), path.stat().st_size, 0)


async def test_it_is_sound_at_every_moment_while_events_are_announced_and_given_up(path):
    async with lived(path, events=20) as store:
        followed = await store.named("posts", "u1")
        for number in range(21, 61):
            looking = asyncio.create_task(asyncio.to_thread(examine, path))
            told = event(followed.media_id, number, status="processing", upload="u1", at=NOW + number)
            await announce(store, told, uploads=[replace(followed, snapshot=seen(), sequence=number)])
            await store.drop_owed("app", [Phase.WAITING], "a test", NOW, most=1)
            assert (await looking).flaws == ()


async def test_a_backup_is_sound_and_nothing_appears_beside_it(path, tmp_path):
    (tmp_path / "backups").mkdir()
    copy = tmp_path / "backups" / "monday.db"
    async with lived(path) as store:
        await store.backup(copy)
    before = copy.read_bytes()
    assert flaws(copy) == flaws(copy, thoroughly=False) == []
    assert [one.name for one in copy.parent.iterdir()] == ["monday.db"]
    assert copy.read_bytes() == before


async def test_a_copy_of_a_killed_daemons_files_is_sound_with_all_that_was_committed(path, tmp_path):
    async with lived(path):
        shutil.copy(path, tmp_path / "killed.db")
        shutil.copy(log_of(path), tmp_path / "killed.db-wal")
    assert flaws(tmp_path / "killed.db") == []


async def test_a_commit_that_a_power_loss_cut_off_is_no_flaw(path, tmp_path):
    async with lived(path):
        shutil.copy(path, tmp_path / "cut.db")
        log = log_of(path).read_bytes()
    for bytes_ in (len(log) - 1000, len(log) - 2 * PAGE, 16):
        log_of(tmp_path / "cut.db").write_bytes(log[:bytes_])
        assert flaws(tmp_path / "cut.db") == []


async def test_a_daemon_that_begins_to_write_meanwhile_is_no_damage(path):
    await made(path)
    looks = []

    def interrupted(path, *, has_log, thoroughly):
        looks.append(has_log)
        found = look(path, has_log=has_log, thoroughly=thoroughly)
        log_of(path).touch()
        return found

    assert examine(path, look=interrupted).flaws == ()
    assert looks == [False, True]


async def test_a_name_that_leads_to_it_will_do(path, tmp_path):
    await made(path)
    link = tmp_path / "odd name?#%.db"
    link.symlink_to(path)
    assert flaws(link) == []


# --- what is damaged


async def test_a_page_that_was_overwritten_is_told_with_its_table(path):
    await made(path)
    overwritten(path, roots(path)["events"])
    found = examine(path)
    assert [(flaw.where, flaw.cure) for flaw in found.flaws] == [("table events", RESTORE)]
    assert found.flaws[0].what.startswith("damaged: ")
    assert found.schema == len(migrations())


async def test_every_page_that_is_overwritten_by_itself_is_noticed(path):
    await made(path)
    whole = path.read_bytes()
    free = set()
    for page in range(1, len(whole) // PAGE + 1):
        overwritten(path, page)
        if not flaws(path):
            free.add(page)
        path.write_bytes(whole)
    with closing(sqlite3.connect(path)) as db:
        assert len(free) <= db.execute("PRAGMA freelist_count").fetchone()[0]


async def test_a_damaged_index_alone_is_written_anew(path):
    await made(path)
    root = roots(path)["deliveries_phase"]
    overwritten(path, root, b"\xff", at=PAGE - 3)
    (flaw,) = examine(path).flaws
    assert flaw.where == "index deliveries_phase of table deliveries"
    assert "REINDEX" in flaw.cure
    assert flaws(path, thoroughly=False) == []  # it looks at no index
    changed(path, "REINDEX")
    assert flaws(path) == []


@pytest.mark.parametrize(("bytes_", "at"), [(b"\x0f\xf0", 1), (b"\x05", 7)], ids=["free space", "fragments"])
async def test_an_index_that_is_named_by_its_first_page_alone_is_known(path, bytes_, at):
    await made(path)
    overwritten(path, roots(path)["deliveries_head"], bytes_, at=at)
    (flaw,) = examine(path).flaws
    assert flaw.where == "index deliveries_head of table deliveries"
    assert "REINDEX" in flaw.cure


async def test_a_place_of_which_nothing_is_known_is_the_file(path):
    await made(path)
    changed(path, "CREATE TABLE more (x)")
    changed(path, "PRAGMA writable_schema = ON", "DELETE FROM sqlite_schema WHERE name = 'more'")
    ((what, where),) = flaws(path)
    assert what.startswith("damaged: ")
    assert where == "the file as a whole"


async def test_damage_that_belongs_to_no_table_is_told_all_the_same(path):
    await made(path)
    with path.open("r+b") as file:
        file.seek(32)
        file.write((0x7FFFFFFF).to_bytes(4, "big") + (5).to_bytes(4, "big"))  # of the list of free pages
    (flaw,) = examine(path).flaws
    assert flaw.where == "the file as a whole"
    assert flaw.cure == RESTORE


async def test_a_value_that_its_table_refuses_is_told_with_the_table(path):
    await made(path)
    changed(path, "UPDATE deliveries SET slots = -1 WHERE id = 1")
    law = "a law is broken: a row is none that its table takes (CHECK constraint failed: slots >= 0)"
    assert flaws(path) == [(law, "table deliveries")]


async def test_a_value_that_was_never_there_is_told_with_the_table(path):
    await made(path)
    schema = "UPDATE sqlite_schema SET sql = replace(sql, 'cause  ', 'cause x NOT NULL') WHERE name = 'deliveries'"
    changed(
        path, "PRAGMA writable_schema = ON", schema.replace("cause  ", "cause       TEXT   ").replace(" x", " TEXT")
    )
    ((what, where),) = flaws(path)
    assert where == "table deliveries"
    assert what.startswith("damaged: NULL value in deliveries.cause, and ")


@pytest.mark.parametrize("size", [50, 1000, 5000])
async def test_a_file_that_was_cut_off_is_told(path, size):
    await made(path)
    whole = path.stat().st_size
    os.truncate(path, size)
    ((what, where),) = flaws(path)
    assert where == str(path)
    assert re.fullmatch(r"it is cut off: [\d,]+ bytes of [\d,]+ are there", what)
    assert size == 50 or f"{size:,} bytes of {whole:,}" in what


async def test_a_cut_off_file_that_does_not_say_how_long_it_was_is_told_too(path):
    await made(path)
    overwritten(path, 1, b"\x00\x00\x00\x01", at=92)
    os.truncate(path, 2 * PAGE)
    assert examine(path).flaws[0].cure == RESTORE


async def test_a_file_with_the_largest_pages_is_none_the_shorter_for_it(path):
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA page_size = 65536")
        db.execute("CREATE TABLE theirs (x)")
        db.commit()
    assert flaws(path) == [("it is another program's database", str(path))]


async def test_a_destroyed_list_of_tables_is_told(path):
    await made(path)
    overwritten(path, 1, b"\xa5" * (PAGE - 100), at=100)
    assert flaws(path) == [("its beginning is damaged, where all else is named: nothing can be read", str(path))]


# --- the log


async def test_damage_in_the_middle_of_a_log_is_told_with_what_was_lost(path, tmp_path):
    async with lived(path, events=20):
        shutil.copy(path, tmp_path / "torn.db")
        log = bytearray(log_of(path).read_bytes())
        assert lost_commits(log_of(path)) == 0
        assert holder(path) == os.getpid()
    torn = log_of(tmp_path / "torn.db")
    log[len(log) // 2] ^= 0xFF
    torn.write_bytes(log)
    lost = lost_commits(torn)
    assert flaws(tmp_path / "torn.db") == [
        (f"its log has a break, and {lost} commits behind it can be read no more", str(torn)),
    ]
    assert lost > 5
    log[5] ^= 0xFF
    torn.write_bytes(log)
    assert lost_commits(torn) > lost


async def test_a_log_that_is_being_written_is_left_to_who_writes_it(path):
    async with lived(path, events=20):
        log = bytearray(log_of(path).read_bytes())
        log[len(log) // 2] ^= 0xFF
        log_of(path).write_bytes(log)
        assert "its log" not in str(flaws(path))


async def test_a_log_in_the_other_byte_order_is_read(path):
    """As a machine writes it that begins with the large end: the sums of the same words are told by another number."""
    async with lived(path, events=3):
        log = log_of(path).read_bytes()
    assert log[:4] == b"\x37\x7f\x06\x82"
    other = path.with_name("other-wal")
    other.write_bytes(log[:3] + b"\x83" + log[4:])
    assert lost_commits(other) > 0  # its sums are of the order in which they were made


# --- what is none of ours, or not there


async def test_what_is_no_database_is_told(path):
    path.write_bytes(b"This is a letter, not a database. " * 100)
    assert flaws(path) == [("it is no SQLite database, or its beginning is destroyed", str(path))]


def test_an_empty_file_is_no_copy(path):
    path.touch()
    assert flaws(path) == [("it is empty", str(path))]


def test_a_database_without_tables_is_none(path):
    changed(path, "PRAGMA auto_vacuum = 1", "VACUUM")
    assert flaws(path) == [("it holds nothing", str(path))]


@pytest.mark.parametrize("statement", ["CREATE TABLE theirs (x)", "PRAGMA application_id = 7"])
def test_another_programs_database_is_told(path, statement):
    changed(path, "CREATE TABLE some (x)", statement)
    assert flaws(path) == [("it is another program's database", str(path))]


async def test_a_newer_schema_is_told_and_the_pages_are_looked_at_all_the_same(path):
    await made(path)
    changed(path, "PRAGMA user_version = 1000", "UPDATE events SET sequence = 1000 WHERE position = 1")
    assert flaws(path) == [("its schema is 1000, this program knows up to 2", "its schema")]
    overwritten(path, roots(path)["events"])
    assert [where for _, where in flaws(path)] == ["its schema", "table events"]


def test_a_file_that_is_not_there_is_told(path):
    assert flaws(path) == [("there is no such file", str(path))]


def test_a_folder_is_no_database(tmp_path):
    assert flaws(tmp_path) == [("it cannot be read: Is a directory", str(tmp_path))]


async def test_a_file_that_only_others_may_read_is_told(path):
    await made(path)
    with stranger({path: 0}):
        assert flaws(path) == [("you may not read it", str(path))]


async def test_a_log_that_cannot_be_opened_is_told(path):
    await made(path)
    log_of(path).mkdir()
    ((what, _),) = flaws(path)
    assert what.startswith("it cannot be read: ")


# --- laws


BREACHES = {
    "of what waits in a lane its first may go, and nothing else": "UPDATE deliveries SET head = 0 WHERE id = 1",
    "what waits in no lane may go": "UPDATE deliveries SET lane = NULL, head = 0 WHERE id = 60",
    "a delivery has the lane and the sequence of its event": "UPDATE deliveries SET sequence = 99 WHERE id = 60",
    "an event has its bytes in the format of each of its deliveries": (
        "UPDATE deliveries SET format = 'encoding_com' WHERE id = 60"
    ),
    "an event about an upload names one that is there": "UPDATE uploads SET id = 'another'",
    "no event has a sequence that is still to be given": "UPDATE uploads SET sequence = 59",
    "the snapshot has the status of the last event": "UPDATE events SET status = 'failed' WHERE position = 60",
    "every number that is given out has its counter": "DELETE FROM counters WHERE name = 'task'",
    "no callback has a number that is still to be given": (
        "INSERT INTO endpoints (number, name, url, format, origin) VALUES (-7, 'notify:7', 'u', 'standard', 'o')"
    ),
}


def test_every_law_is_tried():
    assert BREACHES.keys() == LAWS.keys()


@pytest.mark.parametrize("law", BREACHES)
async def test_a_law_that_is_broken_is_told_with_its_place(path, law):
    await made(path)
    changed(path, BREACHES[law])
    found = examine(path).flaws
    assert [flaw.what for flaw in found] == [f"a law is broken: {law}"]
    assert re.search("u1|app|delivery 60|another|evt_1_60|task|notify:7|evt_1_1, ", found[0].where)
    assert flaws(path, thoroughly=False) == []


async def test_what_waits_for_an_event_that_is_gone_is_told(path):
    await made(path)
    changed(path, "DELETE FROM events WHERE position BETWEEN 10 AND 19")
    changed(path, "DELETE FROM endpoints WHERE name = 'none'")
    found = flaws(path)
    assert found == [
        ("a law is broken: what deliveries name of events is there", "deliveries: row 10, row 11, row 12, and others"),
        ("a law is broken: what renderings name of events is there", "renderings: one, one, one, and others"),
    ]


async def test_all_that_the_store_writes_keeps_the_laws(path):
    async with lived(path) as store:
        one = await store.source("posts")
        await announce(store, event(-one.number, 1, "source.failing"), to=(APP,), lives={"post:0": Lives()})
        assert flaws(path) == [
            ("a law is broken: no event has a sequence that is still to be given", f"event evt_{-one.number}_1"),
        ]
        await store.announce(Announcement(replace(one, sequence=1)))
        assert flaws(path) == []


@pytest.mark.skipif(not can_recover(), reason="there is no sqlite3 that can recover")
def test_what_can_be_read_of_a_damaged_file_is_saved_as_the_cure_says(path, tmp_path):
    asyncio.run(made(path))
    overwritten(path, roots(path)["attempts"])
    sql = subprocess.run(["sqlite3", path, ".recover"], capture_output=True, check=True).stdout
    subprocess.run(["sqlite3", tmp_path / "new.db"], input=sql, check=True)
    assert flaws(tmp_path / "new.db") == []


# --- whose it is


async def test_who_has_it_open_is_known_without_touching_the_lock(path):
    assert holder(path) is None
    async with opened(path):
        assert holder(path) == os.getpid()
    assert holder(path) is None
