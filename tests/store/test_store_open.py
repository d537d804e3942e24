"""Opening the file: what is refused, with which words, and what is left behind."""

import asyncio
import hashlib
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from stored import follow, opened, upload

from notifier.store import NewerDatabaseError, Store, StoreError
from notifier.store.database import APPLICATION_ID

HOLDER = """
import asyncio, sys
from pathlib import Path
from notifier.store import Store

async def hold():
    await Store.open(Path(sys.argv[1]))
    print("held", flush=True)
    sys.stdin.read()

asyncio.run(hold())
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "notifier.db"


def open_files():
    return {file.name for file in Path("/proc/self/fd").iterdir()}


def beside(path, suffix):
    return path.with_name(path.name + suffix)


async def refused(path):
    """What opening is refused with; nothing stays open."""
    before = open_files()
    with pytest.raises(StoreError) as caught:
        await Store.open(path)
    assert open_files() == before
    return str(caught.value)


@contextmanager
def another_process(path):
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


# --- what a good one is


async def test_a_new_database_is_made_with_the_folders_it_needs(tmp_path):
    path = tmp_path / "some" / "where" / "notifier.db"
    async with opened(path):
        pass
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@contextmanager
def umask(mask):
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize("mask", [0, 0o377])
async def test_a_new_database_is_for_its_owner_alone_whatever_the_umask(path, mask):
    with umask(mask):
        async with opened(path):
            files = [path, beside(path, "-wal"), beside(path, "-shm")]
            assert [mode(file) for file in files] == [0o600] * 3


async def test_the_file_that_a_link_names_is_made_for_its_owner_alone(path, tmp_path):
    path.symlink_to(tmp_path / "elsewhere.db")
    with umask(0):
        async with opened(path):
            assert mode(tmp_path / "elsewhere.db") == 0o600


async def test_a_database_that_is_there_keeps_its_mode(path):
    async with opened(path):
        pass
    path.chmod(0o640)
    with umask(0):
        async with opened(path):
            assert [mode(file) for file in (path, beside(path, "-wal"))] == [0o640, 0o640]


async def test_a_commit_is_on_the_disk_when_it_returns_and_readers_do_not_wait(path):
    async with opened(path) as store:
        writer = store.database._writer
        wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "auto_vacuum": 2, "busy_timeout": 5000}
        found = {name: tuple(*await writer.execute_fetchall(f"PRAGMA {name}")) for name in wanted}
        assert found == {name: (value,) for name, value in wanted.items()}


async def test_the_reader_cannot_write(path):
    async with opened(path) as store:
        with pytest.raises(StoreError, match="write"):
            await store.database.rows("DELETE FROM sources")
        assert await store.source("posts")


async def test_what_is_written_is_there_after_opening_again(path):
    async with opened(path) as store:
        await follow(store, [upload()])
    async with opened(path) as store:
        assert await store.known("posts", ["u1"])


async def test_a_closed_store_holds_nothing_open(path):
    before = open_files()
    async with opened(path):
        pass
    assert open_files() == before
    assert not beside(path, "-wal").exists()


async def test_closing_waits_for_the_transaction_in_progress(path):
    store = await Store.open(path)
    inside, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def work(db):
        loop.call_soon_threadsafe(inside.set)
        go_on.wait()
        db.execute("INSERT INTO sources (name, provider) VALUES ('late', 'fake')")

    writing = asyncio.create_task(store.database.write(work))
    await inside.wait()
    closing_ = asyncio.create_task(store.close())
    await asyncio.sleep(0)
    assert not closing_.done()
    go_on.set()
    await asyncio.gather(writing, closing_)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT name FROM sources").fetchall() == [("late",)]


async def test_ping_reads_and_a_database_that_is_gone_does_not_answer(path):
    async with opened(path) as store:
        await store.ping()
        await store.database._writer.execute("DROP TABLE counters")
        with pytest.raises(StoreError, match="no such table"):
            await store.ping()


async def test_ping_waits_for_the_transaction_in_progress(path):
    inside, go_on, loop = asyncio.Event(), threading.Event(), asyncio.get_running_loop()

    def work(_):
        loop.call_soon_threadsafe(inside.set)
        go_on.wait()

    async with opened(path) as store:
        writing = asyncio.create_task(store.database.write(work))
        await inside.wait()
        ping = asyncio.create_task(store.ping())
        for _ in range(3):  # meanwhile it can be read
            await store.database.rows("SELECT count(*) FROM counters")
        assert not ping.done()
        go_on.set()
        await asyncio.gather(writing, ping)


# --- one daemon alone


async def test_a_second_opener_is_told_the_first_ones_pid(path):
    with another_process(path) as process:
        told = await refused(path)
    assert told == f"{path}: another notifier (pid {process.pid}) has it open: end that one first"


async def test_a_second_opener_in_the_same_process_is_refused_too(path):
    async with opened(path):
        assert f"(pid {os.getpid()})" in await refused(path)


async def test_the_lock_of_a_killed_process_is_no_lock(path):
    with another_process(path) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert beside(path, ".lock").read_text() == f"{process.pid}\n"
        async with opened(path):
            assert beside(path, ".lock").read_text() == f"{os.getpid()}\n"


async def test_another_name_of_the_same_file_is_the_same_database(path, tmp_path):
    other = tmp_path / "other.db"
    other.symlink_to(path)
    async with opened(path):
        assert "another notifier" in await refused(other)


async def test_a_lock_without_a_pid_is_a_lock(path):
    async with opened(path):
        os.truncate(f"{path}.lock", 0)
        assert "(pid unknown)" in await refused(path)


async def test_a_lock_file_that_cannot_be_written_is_told(path):
    os.mkfifo(f"{path}.lock")
    assert await refused(path) == f"{path}: Invalid argument: its file system must have locks and some space"


# --- what is not ours


def foreign(path, *statements):
    with closing(sqlite3.connect(path)) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()


@pytest.mark.parametrize(
    "statements",
    [["CREATE TABLE theirs (x)"], ["PRAGMA user_version = 3"], ["PRAGMA application_id = 7"]],
    ids=["tables", "version", "owner"],
)
async def test_another_programs_database_is_refused_and_left_as_it_is(path, statements):
    foreign(path, *statements)
    before = hashlib.sha256(path.read_bytes()).digest()
    assert await refused(path) == f"{path}: this is another program's database: choose another store.url"
    assert hashlib.sha256(path.read_bytes()).digest() == before
    assert not beside(path, "-wal").exists()


async def test_an_empty_file_is_a_new_database(path):
    path.touch()
    async with opened(path):
        pass


async def test_a_newer_database_is_refused_and_left_as_it_is(path):
    async with opened(path):
        pass
    foreign(path, "PRAGMA user_version = 1000")
    before = hashlib.sha256(path.read_bytes()).digest()
    with pytest.raises(NewerDatabaseError) as caught:
        await Store.open(path)
    assert str(caught.value).startswith(f"{path}: its schema is 1000, this program knows up to ")
    assert str(caught.value).endswith("install the newer notifier again, or restore a backup from before the upgrade")
    assert hashlib.sha256(path.read_bytes()).digest() == before


async def test_what_is_no_database_is_refused(path):
    path.write_bytes(b"This is a letter, not a database. " * 100)
    assert await refused(path) == f"{path}: file is not a database: move it away and restore a backup"
    assert path.read_bytes().startswith(b"This is a letter")


async def test_a_database_in_memory_is_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert await refused(Path(":memory:")) == (
        ":memory:: its journal is 'memory' and cannot be 'wal': keep it in a file on a local disk"
    )


# --- what cannot be written


@pytest.fixture
def others_folder():
    """A folder that is not ours to write: a superuser, whom nothing stops, is somebody else in the meantime."""
    superuser = os.geteuid() == 0
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        if superuser:
            os.seteuid(0)
        folder.chmod(0o755)
        shutil.rmtree(folder)


def lose_rights(folder):
    folder.chmod(0o555)
    if os.geteuid() == 0:
        os.seteuid(65534)


async def test_a_folder_that_cannot_be_written_is_told(others_folder):
    lose_rights(others_folder)
    for path in (others_folder / "notifier.db", others_folder / "new" / "notifier.db"):
        assert await refused(path) == (
            f"{path}: Permission denied: the daemon's user must be able to write this folder"
        )


async def test_a_file_that_cannot_be_made_beside_its_lock_is_told(others_folder):
    path = others_folder / "notifier.db"
    beside(path, ".lock").touch()
    beside(path, ".lock").chmod(0o666)
    lose_rights(others_folder)
    assert await refused(path) == (
        f"{path}: Permission denied: the daemon's user must be able to write it and its folder"
    )


async def test_a_file_that_cannot_be_written_is_told(others_folder):
    path = others_folder / "notifier.db"
    async with opened(path):
        pass
    path.chmod(0o444)
    beside(path, ".lock").chmod(0o666)
    lose_rights(others_folder)
    told = await refused(path)
    assert told.startswith(f"{path}: ")
    assert told.endswith(": the daemon's user must be able to write it and its folder")


async def test_a_folder_is_no_file(tmp_path):
    assert await refused(tmp_path) == (
        f"{tmp_path}: unable to open database file: the daemon's user must be able to write it and its folder"
    )


async def test_a_database_that_another_program_writes_is_told(path):
    async with opened(path) as store:
        await store.database._writer.execute("PRAGMA busy_timeout = 0")
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError) as caught:
                await follow(store, [upload()])
            assert str(caught.value) == f"{path}: database is locked: another program holds it: end that one"
            other.execute("ROLLBACK")
        assert await follow(store, [upload()])


def damage(path, *pages):
    """Overwrite pages of a database, counted from 1."""
    content = bytearray(path.read_bytes())
    for page in pages:
        content[(page - 1) * 4096 : page * 4096] = b"\xa5" * 4096
    path.write_bytes(content)


def first_pages(path, *tables):
    with closing(sqlite3.connect(path)) as db:
        sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?"
        return [db.execute(sql, (table,)).fetchone()[0] for table in tables]


async def test_a_damaged_file_is_told(path):
    async with opened(path):
        pass
    damage(path, *range(2, path.stat().st_size // 4096 + 1))
    assert await refused(path) == f"{path}: database disk image is malformed: move it away and restore a backup"


async def test_damage_is_told_by_whoever_meets_it(path):
    async with opened(path):
        pass
    damage(path, *first_pages(path, "sources"))
    store = await Store.open(path)
    try:
        for doing in (store.enrol({"posts": "fake"}, []), store.source("posts")):
            with pytest.raises(StoreError) as caught:
                await doing
            assert str(caught.value) == (f"{path}: database disk image is malformed: move it away and restore a backup")
    finally:
        await store.close()
