"""One SQLite file: opened once, migrated forwards, one connection that writes and one that only reads.

Each has a thread of its own, and the way there and back costs more than most statements do. So what belongs together
goes there as one function; those of the writing connection are transactions, one after the other.
"""

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from importlib import resources
from pathlib import Path
from time import perf_counter
from typing import Any, Concatenate, ParamSpec, TypeVar

import aiosqlite

from notifier.core.spread import Spread
from notifier.store.errors import RIGHTS, NewerDatabaseError, StoreError, UnknownNameError, told
from notifier.store.written import Written, counted

APPLICATION_ID = 0x6E6F7469  # "noti": tells our file from any other database
BUSY_SECONDS = 5.0
LOCKS = Path("/proc/locks")
LARGEST_LOG = 16 * 1024 * 1024
"""Bytes of the log before the file that are kept for further use."""


P = ParamSpec("P")
T = TypeVar("T")
Work = Callable[Concatenate[sqlite3.Connection, P], T]
"""What is done in a connection's thread: it may block, and must touch nothing that the event loop changes."""

COMMITS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


def number_of(numbers: Mapping[str, int], what: str, name: str) -> int:
    """The number of a source or an endpoint; raises `UnknownNameError`."""
    if name not in numbers:
        there = f"there are {', '.join(numbers)}" if numbers else "there is none"
        raise UnknownNameError(f"no {what} was ever called {name!r}: {there}")
    return numbers[name]


class Connection(aiosqlite.Connection):
    """A connection with its thread."""

    async def run(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """Run this in the thread; it ends there, be it that nobody waits for it any more."""
        return await self._execute(work, *args, **named)  # type: ignore[no-any-return, no-untyped-call]

    @property
    def plain(self) -> sqlite3.Connection:
        """For what runs in the thread."""
        return self._conn


class Database:
    """The two connections: one writes, one only reads."""

    def __init__(self, path: Path, lock: int, writer: Connection, reader: Connection, written: Written) -> None:
        self.path = path
        self.written = written
        """Since it was opened, as `counted` says."""
        self._lock_file = lock
        self._writer = writer
        self.reader = reader
        self._is_synced = True
        """Whether a commit waits for the disk: known, and changed, in the thread of the writer alone."""
        self.commits = Spread(COMMITS)
        """Seconds that each took."""

    @classmethod
    async def open(cls, path: Path) -> "Database":
        """Open or create the file at `path` and bring it to the present schema; raises `StoreError`."""
        async with AsyncExitStack() as opened:
            lock = _sole(path)
            opened.callback(os.close, lock)
            _make(path)
            with told(path):
                writer = await _connect(path)
                opened.push_async_callback(writer.close)
                version = await _version(writer, path)
                await _prepare(writer, path)
                await _migrate(writer, migrations(), version)
                written = await writer.run(counted, writer.plain)
                reader = await _connect(path)
                opened.push_async_callback(reader.close)
                await reader.execute("PRAGMA query_only = ON")
            opened.pop_all()
        return cls(path, lock, writer, reader, written)

    async def rows(self, sql: str, parameters: Any = ()) -> list[Any]:
        """What a query finds, as far as it is committed; raises `StoreError`."""
        return await self.read(_rows, sql, parameters)

    async def read(self, work: Work[P, T], *args: P.args, **named: P.kwargs) -> T:
        """What comes of several queries; raises `StoreError`."""
        with told(self.path):
            return await self.reader.run(work, self.reader.plain, *args, **named)

    async def look(self, work: Work[P, T], *args: P.args, **named: P.kwargs) -> T:
        """As `read`, between two transactions of the other connection; for short queries that are asked all the time.

        Each commit empties the cache of whoever did not make it: a reader has to fetch every page anew.
        """
        with told(self.path):
            return await self._writer.run(work, self._writer.plain, *args, **named)

    async def write(self, work: Work[P, T], *args: P.args, **named: P.kwargs) -> T:
        """A transaction, all or nothing: it is on the disk when this returns, and rolled back where `work` raises.

        Who is cut off while waiting here does not cut off the transaction. Raises `StoreError`, and what `work` raises.
        """
        with told(self.path):
            result, took = await self._writer.run(self._whole, lambda db: work(db, *args, **named), synced=True)
        self.commits.add(took)
        return result

    async def write_unsynced(self, work: Work[P, T], *args: P.args, **named: P.kwargs) -> T:
        """As `write`, but not waiting for the disk: it outlives the process, not a loss of power.

        Nothing is out of order then: where a later transaction is on the disk, this one is, too.
        """
        with told(self.path):
            result, _ = await self._writer.run(self._whole, lambda db: work(db, *args, **named), synced=False)
        return result

    async def alone(self, statement: str) -> None:
        """Run what can be part of no transaction; raises `StoreError`."""
        with told(self.path):
            await self._writer.run(_rows, self._writer.plain, statement)

    async def close(self) -> None:
        """Close both connections; a transaction in progress ends first. Once is enough."""
        async with AsyncExitStack() as closing:
            closing.callback(os.close, self._lock_file)
            closing.push_async_callback(self._writer.close)
            closing.push_async_callback(self.reader.close)

    def _whole(self, work: Callable[[sqlite3.Connection], T], *, synced: bool) -> tuple[T, float]:
        """What comes of a transaction, and how many seconds its commit took."""
        db = self._writer.plain
        if synced is not self._is_synced:  # else it would be said twice for every look
            db.execute(f"PRAGMA synchronous = {'FULL' if synced else 'NORMAL'}")
            self._is_synced = synced
        db.execute("BEGIN IMMEDIATE")
        try:
            result = work(db)
            began = perf_counter()
            db.execute("COMMIT")
        except BaseException:
            db.rollback()
            raise
        return result, perf_counter() - began


def _rows(db: sqlite3.Connection, sql: str, parameters: Any = ()) -> list[Any]:
    return db.execute(sql, parameters).fetchall()


def _sole(path: Path) -> int:
    """A lock beside the database, held while it is open: two daemons on one database would break the order.

    It is the kernel's, and ends with the process in whatever way that ends; what stays in the file is only a pid.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(f"{path.resolve()}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}: the daemon's user must be able to write this folder") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    except BlockingIOError:
        pid = os.pread(lock, 20, 0).decode(errors="replace").strip() or "unknown"
        os.close(lock)
        raise StoreError(f"{path}: another notifier (pid {pid}) has it open: end that one first") from None
    except OSError as error:
        os.close(lock)
        raise StoreError(f"{path}: {error.strerror}: its file system must have locks and some space") from error
    return lock


def holder(path: Path) -> int | None:
    """The pid of the daemon that has the database at `path` open; None: nobody has, as far as this can be seen.

    The kernel's list is read; to try the lock would have a daemon that starts meanwhile find it taken.
    """
    lock = Path(f"{path.resolve()}.lock")
    try:
        pid, inode = lock.read_text(encoding="ascii", errors="replace").strip(), lock.stat().st_ino
        held = LOCKS.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(pid) for line in held if _is_held(line.split(), pid, inode)), None)


def _is_held(words: list[str], pid: str, inode: int) -> bool:
    """Whether a line of `/proc/locks` is of this lock: `1: FLOCK ADVISORY WRITE 4711 fe:00:10879002 0 EOF`."""
    return words[1] == "FLOCK" and words[-4] == pid and words[-3].endswith(f":{inode}")


def _make(path: Path) -> None:
    """Create the file before SQLite does, for its owner alone; the -wal and -shm beside it get the mode it has.

    One that is there keeps its own.
    """
    try:
        made = os.open(path.resolve(), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}: {RIGHTS}") from error
    os.fchmod(made, 0o600)  # whatever the umask takes away
    os.close(made)


async def _connect(path: Path) -> Connection:
    # Where aiosqlite cannot open a file, its thread stays behind and may find the event loop closed.
    await asyncio.to_thread(lambda: sqlite3.connect(path).close())
    connect = partial(sqlite3.connect, path, isolation_level=None, timeout=BUSY_SECONDS)
    connection = Connection(connect, iter_chunk_size=64)
    await connection
    return connection


async def _version(connection: aiosqlite.Connection, path: Path) -> int:
    """How many migrations the file has seen; raises, and has changed nothing, where it is not ours to change."""
    version, owner = await _pragma(connection, "user_version"), await _pragma(connection, "application_id")
    if owner != APPLICATION_ID and (owner or version or await _has_tables(connection)):
        raise StoreError(f"{path}: this is another program's database: choose another store.url")
    known = len(migrations())
    if version > known:
        raise NewerDatabaseError(
            f"{path}: its schema is {version}, this program knows up to {known}:"
            " install the newer notifier again, or restore a backup from before the upgrade"
        )
    return int(version)


async def _prepare(connection: aiosqlite.Connection, path: Path) -> None:
    # Before the first table: pages freed by pruning can then be given back.
    await connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    if (mode := await _pragma(connection, "journal_mode = WAL")) != "wal":
        raise StoreError(f"{path}: its journal is '{mode}' and cannot be 'wal': keep it in a file on a local disk")
    # A commit is on the disk when it returns, but for `write_unsynced`: promise 2 speaks of power loss too.
    await connection.execute("PRAGMA synchronous = FULL")
    await connection.execute("PRAGMA foreign_keys = ON")
    # A log that has grown large once is cut when it is written back.
    await connection.execute(f"PRAGMA journal_size_limit = {LARGEST_LOG}")


def migrations() -> list[str]:
    """The numbered scripts, in order; the schema's version is how many have been applied."""
    folder = resources.files("notifier.store") / "migrations"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(folder / name).read_text(encoding="utf-8") for name in names]


async def _migrate(connection: aiosqlite.Connection, scripts: Sequence[str], version: int) -> None:
    """Apply what is missing, each script in one transaction with its number."""
    for number, script in enumerate(scripts[version:], version + 1):
        begin = f"BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {number};"
        try:
            await connection.executescript(f"{begin}\n{script}\nCOMMIT;")
        except BaseException:
            await asyncio.shield(connection.rollback())
            raise


async def _has_tables(connection: aiosqlite.Connection) -> bool:
    async with connection.execute("SELECT 1 FROM sqlite_schema") as cursor:
        return await cursor.fetchone() is not None


async def _pragma(connection: aiosqlite.Connection, words: str) -> Any:
    async with connection.execute(f"PRAGMA {words}") as cursor:
        row = await cursor.fetchone()
    return None if row is None else row[0]
