"""Databases of every schema that there was, each as its program left it; run as a script, it writes what is missing.

A new migration needs a new one: `.venv/bin/python tests/schemas.py`. What is there already stays, for no program makes
it any more; one that was never released may be deleted, and is made anew.
"""

import asyncio
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from world import endpoint, world

from notifier.core.model import Baseline, Status
from notifier.store.database import APPLICATION_ID, migrations

FOLDER = Path(__file__).parent / "store" / "schemas"
GOLDEN = FOLDER.with_name("schema.sql")
"""The present schema, as SQLite has it."""
ENDPOINTS = (endpoint("app"), endpoint("crm"))
ENDED = 1_800_003_600.0
"""By then the programs had ended."""


def file_of(schema):
    return FOLDER / f"{schema:04}.sql"


async def schema(database):
    """As `GOLDEN` has it."""
    rows = await database.rows("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC, name")
    return "".join(f"{row[0]};\n\n" for row in rows)


async def lived(folder):
    """A database in which something of everything waits: for its first attempt, for its next, behind another."""
    kept = {"discover": True, "baseline": Baseline.ANNOUNCE, "uploads": ("named",)}
    async with world(folder, endpoints=ENDPOINTS, **kept) as w:
        w.client.page_size = 2
        w.receivers.down = {"crm"}
        for id_ in "abcde":
            w.client.set(id_, Status.PROCESSING)
        await w.poll(3)
        await w.sends_until(w.clock.now + 60)
        w.client.set("a", Status.COMPLETED)
        w.client.set("named", Status.QUEUED)
        await w.polls_until(w.clock.now + 120)
        await w.settle()
        w.client.set("b", Status.FAILED)
        await w.polls_until(w.clock.now + 120)
        assert w.clock.now < ENDED


def dumped(path):
    """A database as statements that make it."""
    with closing(sqlite3.connect(path)) as db:
        ((schema,),) = db.execute("PRAGMA user_version")
        head = f"PRAGMA application_id = {APPLICATION_ID};\nPRAGMA user_version = {schema};\n"
        return head + "\n".join(db.iterdump()) + "\n"


def load(path, schema):
    """The database of that schema, made at a path."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
        db.executescript(file_of(schema).read_text())


def write():
    """What is missing of the present schema."""
    if not file_of(len(migrations())).exists():
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(lived(Path(folder)))
            file_of(len(migrations())).write_text(dumped(Path(folder) / "notifier.db"))


if __name__ == "__main__":
    write()
