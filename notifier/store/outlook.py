"""A source → what is remembered of it, and what is to be asked next there."""

import sqlite3
from math import inf
from typing import NamedTuple

from notifier.core.model import ListingState, SourceState, Upload
from notifier.store.rows import source_of, uploads_of
from notifier.store.written import Written

LISTINGS = """SELECT collection, page, due_at, baseline_at, swept_at, failures, cursor, baseline_pages
    FROM listings WHERE source = ?"""
UNSEEN = "source = ? AND due_at IS NOT NULL AND snapshot IS NULL ORDER BY due_at LIMIT ?"
SEEN = "source = ? AND due_at IS NOT NULL AND snapshot IS NOT NULL ORDER BY due_at LIMIT ?"


class Outlook(NamedTuple):
    """What is remembered of a source, and what is to be asked next at it."""

    state: SourceState
    progress: dict[str, ListingState]
    """How far each of its collections has been read."""
    first: list[Upload]
    """The upload that is to be asked for next, due or not, of those that were never seen."""
    slow: list[Upload]
    """The same of those that were, in the order in which they are due."""
    written: int
    """How many rows of the source had been written by then: it holds until another one is."""

    def is_several(self, most: int, now: float) -> bool:
        """Whether up to so many of those that were seen are to be told: only where one of them is due."""
        return most > 1 and bool(self.slow) and (self.slow[0].due_at or 0.0) <= now

    def holds(self, written: Written) -> bool:
        """Whether nothing was written of the source since."""
        return self.written == written.rows[self.state.number]

    @property
    def due_at(self) -> float:
        """When the first upload is due, of all at the source: both lists are in that order."""
        return min((one.due_at or 0.0 for one in [*self.first[:1], *self.slow[:1]]), default=inf)

    def after(self, state: SourceState, listing: ListingState | None, written: Written) -> "Outlook":
        """The outlook after a transaction that wrote nothing of the source but these."""
        progress = self.progress if listing is None else self.progress | {listing.collection: listing}
        return self._replace(state=state, progress=progress, written=written.rows[state.number])


def read(db: sqlite3.Connection, written: Written, name: str, most: int = 1, now: float = 0.0) -> Outlook:
    """As `Followed.outlook` says."""
    state = source(db, name)
    listings = {row[0]: ListingState(*row) for row in db.execute(LISTINGS, (state.number,))}
    first = uploads_of(db, name, UNSEEN, (state.number, 1))
    slow = uploads_of(db, name, SEEN, (state.number, 1))
    found = Outlook(state, listings, first, slow, written.rows[state.number])
    several = found.is_several(most, now)
    return found._replace(slow=uploads_of(db, name, SEEN, (state.number, most))) if several else found


def source(db: sqlite3.Connection, name: str) -> SourceState:
    """What is remembered of an enrolled source."""
    sql = """SELECT number, sequence, hold_until, failures, failing_since, trouble_code, trouble_text,
        failed, failed_due_at FROM sources WHERE name = ?"""
    for row in db.execute(sql, (name,)).fetchall():
        return source_of(name, row)
    raise KeyError(name)
