"""How many rows of each source were written: SQLite counts them, whatever statement it is that writes."""

import sqlite3
from collections import Counter

ROWS = {"UPDATE": "new", "INSERT": "new", "DELETE": "old"}
TABLES = {"sources": ("number", ["UPDATE"]), "listings": ("source", list(ROWS)), "uploads": ("source", list(ROWS))}
"""Those that tell of a source, each with the column that says of which one, and what may become of its rows.

Of a source that is new nothing was told before, and none is deleted.
"""
COUNT = """CREATE TEMP TRIGGER written_{verb}_{table} AFTER {verb} ON main.{table}
    BEGIN SELECT written({row}.{column}); END"""


def counted(db: sqlite3.Connection) -> Counter[int]:
    """What is written over this connection from now on, by the number of the source.

    Counted in the connection's thread, also in a transaction that is rolled back: what was read is as it is now while
    the count is as it was. Anybody may look.
    """
    counts: Counter[int] = Counter()

    def written(source: int) -> None:
        counts[source] += 1

    db.create_function("written", 1, written)
    for table, (column, verbs) in TABLES.items():
        for verb in verbs:
            db.execute(COUNT.format(verb=verb, table=table, row=ROWS[verb], column=column))
    return counts
