"""How many rows of each source were written: SQLite counts them, whatever statement it is that writes."""

import sqlite3
from collections import Counter
from dataclasses import dataclass, field

ROWS = {"UPDATE": "new", "INSERT": "new", "DELETE": "old"}
TABLES = {"sources": ("number", ["UPDATE"]), "listings": ("source", list(ROWS)), "uploads": ("source", list(ROWS))}
"""Those that tell of a source, each with the column that says of which one, and what may become of its rows.

Of a source that is new nothing was told before, and none is deleted.
"""
COUNT = """CREATE TEMP TRIGGER written_{verb}_{table} AFTER {verb} ON main.{table}
    BEGIN SELECT written_{table}({row}.{column}); END"""


@dataclass(frozen=True, slots=True)
class Written:
    """How many rows were written so far, by the number of their source."""

    rows: Counter[int] = field(default_factory=Counter)
    uploads: Counter[int] = field(default_factory=Counter)
    """Those of them that are uploads."""


def counted(db: sqlite3.Connection) -> Written:
    """What is written over this connection from now on.

    Counted in the connection's thread, also in a transaction that is rolled back: what was read is as it is now while
    the count is as it was. Anybody may look.
    """
    written = Written()

    def row(source: int) -> None:
        written.rows[source] += 1

    def upload(source: int) -> None:
        written.uploads[source] += 1
        row(source)

    for table, (column, verbs) in TABLES.items():
        db.create_function(f"written_{table}", 1, upload if table == "uploads" else row)
        for verb in verbs:
            db.execute(COUNT.format(verb=verb, table=table, row=ROWS[verb], column=column))
    return written
