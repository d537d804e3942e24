"""What must hold between the rows of a database, beyond what its tables refuse: each law a query for what breaks it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

from notifier.store.database import migrations

MOST = 3
"""Places that are named for each law."""


class Broken(NamedTuple):
    """A law that does not hold, and where."""

    law: str
    where: str


LAWS = {
    "of what waits in a lane its first may go, and nothing else": """
        SELECT DISTINCT 'endpoint ' || coalesce(n.name, w.endpoint) || ', lane ' || w.lane
        FROM (SELECT endpoint, lane, head, row_number() OVER in_order AS place FROM deliveries
            WHERE phase = 'waiting' AND lane IS NOT NULL
            WINDOW in_order AS (PARTITION BY endpoint, lane ORDER BY sequence, id)) AS w
        LEFT JOIN endpoints AS n ON n.number = w.endpoint WHERE w.head <> (w.place = 1)""",
    "what waits in no lane may go": """
        SELECT 'delivery ' || id FROM deliveries WHERE phase = 'waiting' AND lane IS NULL AND head = 0""",
    "a delivery has the lane and the sequence of its event": """
        SELECT 'delivery ' || d.id FROM deliveries AS d JOIN events AS e ON e.position = d.event
        WHERE coalesce(d.lane, e.lane) <> e.lane OR d.sequence <> e.sequence""",
    "an event has its bytes in the format of each of its deliveries": """
        SELECT 'delivery ' || d.id || ', ' || d.format FROM deliveries AS d
        LEFT JOIN renderings AS r ON r.event = d.event AND r.format = d.format
        WHERE d.format <> 'standard' AND r.event IS NULL""",
    "an event about an upload names one that is there": """
        SELECT 'event ' || e.id FROM events AS e LEFT JOIN uploads AS u ON u.media_id = e.lane
        WHERE e.upload IS NOT NULL AND (u.source, u.id) IS NOT (e.source, e.upload)""",
    "no event has a sequence that is still to be given": """
        SELECT 'event ' || e.id FROM events AS e
        LEFT JOIN uploads AS u ON e.upload IS NOT NULL AND u.media_id = e.lane
        LEFT JOIN sources AS s ON e.upload IS NULL AND s.number = e.source
        LEFT JOIN endpoints AS n ON n.number = e.endpoint
        WHERE e.sequence > coalesce(u.sequence, s.sequence, n.sequence)""",
    "the snapshot has the status of the last event": """
        SELECT 'upload ' || u.id || ', ' || s.name FROM uploads AS u JOIN sources AS s ON s.number = u.source
        JOIN events AS e ON e.lane = u.media_id AND e.sequence = u.sequence
        WHERE u.snapshot->>'status' <> e.status""",
    "every number that is given out has its counter": """
        SELECT w.value FROM json_each('["media_id", "task", "callback"]') AS w
        LEFT JOIN counters AS c ON c.name = w.value WHERE c.name IS NULL""",
    "no callback has a number that is still to be given": """
        SELECT 'endpoint ' || n.name FROM endpoints AS n JOIN counters AS c ON c.name = 'callback'
        WHERE n.number < 0 AND -n.number >= c.next""",
}


def broken(db: sqlite3.Connection) -> Iterator[Broken]:
    """The laws that do not hold, each with some of the places."""
    for law, sql in LAWS.items():
        if found := [row[0] for row in db.execute(sql).fetchmany(MOST + 1)]:
            yield Broken(law, some(found))
    orphans: dict[tuple[str, str], list[str]] = {}
    for table, row, parent, _ in db.execute("PRAGMA foreign_key_check"):
        orphans.setdefault((table, parent), []).append("one" if row is None else f"row {row}")
    for (table, parent), rows in sorted(orphans.items()):
        yield Broken(f"what {table} name of {parent} is there", some([f"{table}: {rows[0]}", *rows[1:]]))


def refused(uri: str) -> Iterator[Broken]:
    """The tables of a database that hold a row which they would refuse.

    A connection that only reads knows no CHECK, so each row is put into an empty table of the kind, and taken out.
    """
    with closing(sqlite3.connect(":memory:", uri=True, isolation_level=None)) as db:
        for script in migrations():
            db.executescript(script)
        for index in _made(db, "index"):  # they cost time, and refuse nothing where there is one row
            db.execute(f"DROP INDEX {index}")
        db.execute("ATTACH ? AS kept", (uri,))
        for table in _made(db, "table"):
            db.execute(f"DELETE FROM {table}")  # noqa: S608  # a name of ours
            db.execute(f"CREATE TRIGGER out_of_{table} AFTER INSERT ON {table} BEGIN DELETE FROM {table}; END")  # noqa: S608
            try:
                db.execute(f"INSERT INTO {table} SELECT * FROM kept.{table}")  # noqa: S608  # as above
            except sqlite3.IntegrityError as error:
                yield Broken(f"a row is none that its table takes ({error})", f"table {table}")


def some(places: list[str]) -> str:
    """The first of them, and that there are others."""
    return ", ".join(places[:MOST]) + (", and others" if len(places) > MOST else "")


def _made(db: sqlite3.Connection, kind: str) -> list[str]:
    sql = "SELECT name FROM main.sqlite_schema WHERE type = ? AND sql IS NOT NULL AND name NOT LIKE 'sqlite%'"
    return [row[0] for row in db.execute(sql, (kind,))]
