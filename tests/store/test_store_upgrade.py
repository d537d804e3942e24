"""A database of every schema that there was opens, is what the present one would be, and all that waits in it is sent.

None is released yet: what tests/store/schemas/ holds of schemas before the present one was made by their migrations.
"""

import sqlite3
from contextlib import closing

import pytest
import schemas
from schemas import GOLDEN, schema
from world import Clock, world

from notifier.store.database import _connect, _migrate, migrations
from notifier.store.examination import examine

PRESENT = len(migrations())
A_DAY_LATER = 1_800_090_000.0
WAITING = """SELECT p.name, e.lane, e.sequence, e.id FROM deliveries d JOIN events e ON e.position = d.event
    JOIN endpoints p ON p.number = d.endpoint WHERE d.phase = 'waiting'"""
STEPS = (1, 10, 40)
"""Of SQLite's machine, after so many of which a migration is broken off."""


def test_a_migration_comes_with_a_database_of_its_schema():
    there = [path.name for path in sorted(schemas.FOLDER.iterdir())]
    assert there == [schemas.file_of(number).name for number in range(1, PRESENT + 1)], schemas.__doc__


@pytest.fixture(params=range(1, PRESENT + 1))
def path(tmp_path, request):
    """A database of a schema."""
    schemas.load(tmp_path / "notifier.db", request.param)
    with closing(sqlite3.connect(tmp_path / "notifier.db")) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (request.param,)
    return tmp_path / "notifier.db"


async def test_a_database_of_every_schema_is_migrated_and_all_that_waits_in_it_is_sent(path):
    with closing(sqlite3.connect(path)) as db:
        waits = sorted(db.execute(WAITING))
    assert {name for name, *_ in waits} == {"app", "crm"}
    async with world(path.parent, endpoints=schemas.ENDPOINTS, clock=Clock(schemas.ENDED)) as w:
        assert await schema(w.store.database) == GOLDEN.read_text()
        await w.sends_until(A_DAY_LATER)
        came = [(name, event) for name in w.receivers.got for event in w.receivers.events(name)]
    lanes = {}
    for name, event in came:
        lanes.setdefault((name, event["data"]["upload"]["media_id"]), []).append(event["data"]["sequence"])
    assert all(lane == sorted(lane) for lane in lanes.values())
    assert sorted((name, event["id"]) for name, event in came) == sorted((name, id_) for name, *_, id_ in waits)
    examined = examine(path)
    assert (examined.schema, examined.flaws) == (PRESENT, ())


@pytest.mark.parametrize("number", range(1, PRESENT))
async def test_a_migration_that_is_broken_off_leaves_what_was_there(tmp_path, number):
    path = tmp_path / "notifier.db"
    schemas.load(path, number)
    before = schemas.dumped(path)
    for steps in STEPS:
        connection = await _connect(path)
        try:
            await connection.set_progress_handler(lambda: 1, steps)
            with pytest.raises(sqlite3.OperationalError, match="interrupted"):
                await _migrate(connection, migrations(), number)
        finally:
            await connection.close()
        assert schemas.dumped(path) == before
