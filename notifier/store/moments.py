"""Moments in the database, when our clock turns out to have been wrong."""

import sqlite3
from collections.abc import Sequence

HAPPENED = {
    "uploads": ("followed_at", "changed_at", "missing_since"),
    "listings": ("baseline_at", "swept_at"),
    "sources": ("failing_since",),
    "events": ("at",),
    "replays": ("done_at",),
}
"""Moments that cannot be to come."""
DUE_LATER = (
    ("uploads", "due_at"),
    ("listings", "due_at"),
    ("sources", "hold_until"),
    ("sources", "failed_due_at"),
)
"""Moments that may be to come."""
LASTS = (
    "UPDATE uploads SET changed_at = changed_at + ?1, followed_at = followed_at + ?1 WHERE open = 1",
    "UPDATE uploads SET missing_since = missing_since + ?1 WHERE missing_since IS NOT NULL",
    "UPDATE sources SET failed_due_at = failed_due_at + ?1 WHERE failed IS NOT NULL",
)
"""What has not ended is judged by how long it has lasted, or by when it may end: no clock that is set hurries it."""
OVER = """UPDATE deliveries SET settled_at = ?1
    WHERE phase IN ('delivered', 'dead', 'superseded', 'dropped') AND settled_at > ?1"""


def clamp(db: sqlite3.Connection, sources: Sequence[tuple[int, float]], look: float, hold: float) -> None:
    """Let nothing at these sources be due later than these moments; each has one for its listings."""
    for table, column, bounds in (
        ("uploads", "due_at", [(look, source) for source, _ in sources]),
        ("listings", "due_at", [(listing, source) for source, listing in sources]),
        ("sources", "hold_until", [(hold, source) for source, _ in sources]),
    ):
        key = "number" if table == "sources" else "source"
        sql = f"UPDATE {table} SET {column} = ?1 WHERE {key} = ?2 AND {column} > ?1"  # noqa: S608  # our own words
        db.executemany(sql, bounds)


def put_back(db: sqlite3.Connection, seconds: float, now: float) -> None:
    """Bring forward what is to come by so many seconds; let what has happened have happened `now` at the latest.

    Below 0: the clock was put forward by them, and what lasts began so much later.
    """
    if seconds < 0:
        for sql in LASTS:
            db.execute(sql, (-seconds,))
    for table, columns in HAPPENED.items():  # each in one go: there may be a million uploads
        earlier = ", ".join(f"{column} = min({column}, ?1)" for column in columns)
        to_come = " OR ".join(f"{column} > ?1" for column in columns)
        db.execute(f"UPDATE {table} SET {earlier} WHERE {to_come}", (now,))  # noqa: S608  # our own words
    db.execute(OVER, (now,))
    for table, column in DUE_LATER:
        sql = f"UPDATE {table} SET {column} = {column} - ?1 WHERE {column} > ?2"  # noqa: S608  # our own words
        db.execute(sql, (max(0.0, seconds), now))
