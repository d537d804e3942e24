"""A database file → what is wrong with it, and what would cure that; it is only read, be it in use, a copy or damaged.

Opened are copies as what nobody changes, so that nothing appears beside them, and others with their log.
"""

import re
import sqlite3
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from notifier.store.database import APPLICATION_ID, BUSY_SECONDS, holder, migrations
from notifier.store.laws import broken, refused
from notifier.store.tail import lost_commits

MAGIC = b"SQLite format 3\x00"
HEAD = struct.Struct(">16xH6xII60xI")
"""Of a file: bytes of a page (1: 65,536), changes, pages, and of which change that is the number."""
NAMED = re.compile(r"^(?:On tree page|Tree|Page) (\d+)|on page (\d+)$")
"""How SQLite names a place: by the first page of a table or an index."""
OF_INDEX = re.compile(r"(?:missing from index|entries in index|entry in index) (\w+)")
OF_TABLE = re.compile(r"value in (\w+)|^table (\w+) cannot")
UNUSED = "is never used"

RESTORE = (
    "stop the daemon, move it away with its -wal and -shm, and restore a backup; without one, what can be read is"
    " saved by `sqlite3 FILE .recover | sqlite3 NEW` of sqlite3 3.40 or newer, then `notifier db check NEW`"
)
BREAK = (
    "after a loss of power it may be so, and nothing that was announced is lost; else it is damage: restore the log"
    " from a copy, or what they announced is lost"
)
REINDEX = "stop the daemon and write its indices anew: `sqlite3 FILE REINDEX`; then see to the disk"
REPORT = "nothing that notifier writes leads there: restore a backup from before, and report it"
NEWER = "install the newer notifier again, or restore a backup from before the upgrade"
READ_ONLY = "copy it with its -wal and -shm to a folder that you may write, and check the copy"


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that is wrong: what, where, and what would cure it."""

    what: str
    where: str
    cure: str


@dataclass(frozen=True, slots=True)
class Examined:
    """A database and its flaws."""

    path: Path
    bytes: int
    log_bytes: int
    """Of the log beside it."""
    schema: int | None
    """How many migrations it has seen; None where that cannot be read."""
    flaws: tuple[Flaw, ...]


class _Hopeless(Exception):
    """There is one flaw, which hides all others."""

    def __init__(self, what: str, cure: str) -> None:
        super().__init__(what, cure)
        self.what, self.cure = what, cure


def log_of(path: Path) -> Path:
    """The log beside a database."""
    target = path.resolve()
    return target.with_name(f"{target.name}-wal")


def look(path: Path, *, has_log: bool, thoroughly: bool) -> tuple[int, list[Flaw]]:
    """The schema of a database, and what is wrong with it; one that `has_log` may be written meanwhile."""
    how = "mode=ro" if has_log else "immutable=1"
    uri = f"file:{quote(str(path.resolve()))}?{how}"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_SECONDS)) as db:
        try:
            db.execute("BEGIN")
            schema = _must_be_ours(db)
            return schema, list(_flaws(db, uri, schema, thoroughly=thoroughly))
        except sqlite3.DatabaseError as error:
            raise _hopeless(error) from None


def examine(path: Path, *, thoroughly: bool = True, look: Callable[..., tuple[int, list[Flaw]]] = look) -> Examined:
    """Look at a database; `thoroughly` also at every index, what rows say of one another, and the log."""
    schema = None
    try:
        _must_look_like_one(path)
        has_log = log_of(path).exists()
        schema, flaws = look(path, has_log=has_log, thoroughly=thoroughly)
        if not has_log and log_of(path).exists():  # a daemon has begun to write meanwhile
            schema, flaws = look(path, has_log=True, thoroughly=thoroughly)
        if thoroughly:
            flaws += _of_the_log(path)
    except _Hopeless as one:
        flaws = [Flaw(one.what, str(path), one.cure)]
    return Examined(path, _size(path), _size(log_of(path)), schema, tuple(flaws))


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0


def _must_look_like_one(path: Path) -> None:
    try:
        with path.open("rb") as file:
            beginning = file.read(HEAD.size)
    except FileNotFoundError:
        raise _Hopeless("there is no such file", "name the database, a backup of it, or with -c its config") from None
    except PermissionError:
        raise _Hopeless("you may not read it", "run it as the daemon's user, or with sudo") from None
    except OSError as error:
        raise _Hopeless(f"it cannot be read: {error.strerror}", "name a file, and see to its disk") from None
    if not beginning:
        raise _Hopeless("it is empty", "no copy of a database is: restore another; the daemon makes a new one of it")
    if not beginning.startswith(MAGIC):
        raise _Hopeless("it is no SQLite database, or its beginning is destroyed", RESTORE)
    whole = 0 if log_of(path).exists() else _whole(beginning)  # what is missing may be in the log
    if _size(path) < whole:
        raise _Hopeless(f"it is cut off: {_size(path):,} bytes of {whole:,} are there", RESTORE)


def _whole(beginning: bytes) -> int:
    """The bytes that a file should have, at least, by its beginning; 0 where that does not tell."""
    if len(beginning) < HEAD.size:
        return len(beginning) + 1
    size, changes, pages, valid = HEAD.unpack(beginning)
    return (65536 if size == 1 else size) * pages if changes == valid else 0


def _hopeless(error: sqlite3.DatabaseError) -> _Hopeless:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return _Hopeless("its beginning is damaged, where all else is named: nothing can be read", RESTORE)
    return _Hopeless(f"it cannot be read: {error}", READ_ONLY)


def _must_be_ours(db: sqlite3.Connection) -> int:
    ((version,),), ((owner,),) = db.execute("PRAGMA user_version"), db.execute("PRAGMA application_id")
    if owner == APPLICATION_ID:
        return int(version)
    if owner or version or db.execute("SELECT 1 FROM sqlite_schema").fetchone():
        raise _Hopeless("it is another program's database", "name one of notifier's")
    raise _Hopeless("it holds nothing", "no copy of a database does: restore another; the daemon makes a new one of it")


def _flaws(db: sqlite3.Connection, uri: str, schema: int, *, thoroughly: bool) -> Iterator[Flaw]:
    known = len(migrations())
    if schema > known:
        yield Flaw(f"its schema is {schema}, this program knows up to {known}", "its schema", NEWER)
    damage = list(_damage(db, "integrity_check" if thoroughly else "quick_check"))
    yield from damage
    if thoroughly and not damage and schema == known:
        for law, where in (*broken(db), *refused(uri)):
            yield Flaw(f"a law is broken: {law}", where, REPORT)


def _of_the_log(path: Path) -> list[Flaw]:
    if holder(path) is not None:  # it is being written just now
        return []
    try:
        lost = lost_commits(log_of(path))
    except OSError:  # it is there no more
        return []
    what = f"its log has a break, and {lost} commits behind it can be read no more"
    return [Flaw(what, str(log_of(path)), BREAK)] * bool(lost)


# --- damage


def _damage(db: sqlite3.Connection, pragma: str) -> Iterator[Flaw]:
    """What SQLite finds, put together by its place."""
    names = {row[0]: row[1:] for row in db.execute("SELECT rootpage, type, name, tbl_name FROM sqlite_schema")}
    indices = {name: f"index {name} of table {table}" for kind, name, table in names.values() if kind == "index"}
    places: dict[str, list[str]] = {}
    for line in _lines(db, pragma, [name for kind, name, _ in names.values() if kind == "table"]):
        places.setdefault(_place(line, names, indices), []).append(line)
    is_of_indices = places.keys() <= set(indices.values())
    for place, lines in places.items():
        more = f", and {len(lines) - 1} more" if lines[1:] else ""
        yield Flaw(f"damaged: {lines[0]}{more}", place, REINDEX if is_of_indices else RESTORE)


def _lines(db: sqlite3.Connection, pragma: str, tables: Iterable[str]) -> list[str]:
    """All that it says; where it gives up, it is asked for each table by itself."""
    try:
        said = [line for (text,) in db.execute(f"PRAGMA {pragma}") for line in text.splitlines()]
    except sqlite3.DatabaseError:
        return [f"table {name} cannot be read" for name in tables if _breaks(db, pragma, name)] or ["it cannot be read"]
    said = [line for line in said if line != "ok" and not line.startswith("***")]
    return [line for line in said if not line.endswith(UNUSED)] or said


def _breaks(db: sqlite3.Connection, pragma: str, table: str) -> bool:
    try:
        return db.execute(f"PRAGMA {pragma}('{table}')").fetchall() != [("ok",)]
    except sqlite3.DatabaseError:
        return True


def _place(line: str, names: dict[int, tuple[str, str, str]], indices: dict[str, str]) -> str:
    if (found := OF_INDEX.search(line)) and found[1] in indices:
        return indices[found[1]]
    if found := OF_TABLE.search(line):
        return f"table {found[1] or found[2]}"
    if (found := NAMED.search(line)) and (page := int(found[1] or found[2])) in names:
        kind, name, table = names[page]
        return indices[name] if kind == "index" else f"table {table}"
    return "the file as a whole"
