"""pages of a list, one after the other → what it shows, whether that is all for certain, and how far it is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf

from notifier.core.diff import latest
from notifier.core.model import Answer, ListingState
from notifier.core.rhythm import Listing

MAX_PAGES = 100
"""Pages of one sweep at most: what lies deeper is older than anything that still moves."""
GIVE_UP_AFTER = 3
"""Failures of a page in a row after which a sweep begins anew, and its list is done without where that can be."""
DEEPEST = 1000
"""Pages through which one upload is searched for at most, however many a provider says there are."""
LONGEST = 600.0
"""Seconds that a sweep may take to be a picture of one moment."""
SHRUNK, FEW = 0.5, 10
"""A list that shows less than this share of what was known, of at least so many, is doubted."""
DOUBTS, DOUBTED_FOR = 3, 3600.0
"""It is believed when so many complete sweeps in a row, over so many seconds, have shown the same."""
MOST_GUARDED = 10
"""Pages of a sweep that are read again, at most."""


@dataclass(slots=True)
class Sweep:
    """One way through the pages of a list, from the first."""

    began_at: float
    since: float = inf
    """Of a feed: rows from this moment on are to be read."""
    newest: float | None = None
    """The newest moment that it has shown."""
    ids: set[str] = field(default_factory=set)
    news: set[str] = field(default_factory=set)
    """What was news since it began, on whatever page."""
    whole: bool = True
    """Every page was answered well, and in time."""
    total: int | None = None
    fewest: int | None = None
    guarded: int = 0

    def take(self, answer: Answer, page: int, now: float) -> bool:
        """Add a page; whether the page before is to be read again: the list has shrunk, and rows moved up to there."""
        fell = answer.total is not None and self.total is not None and answer.total < self.total
        self.ids.update(each.id for each in answer.observations)
        moments = (each.updated_at for each in answer.observations if each.updated_at is not None)
        self.newest = latest(self.newest, max(moments, default=None))
        self.whole = self.whole and not answer.skipped and now - self.began_at <= LONGEST
        if answer.total is not None:
            self.total = answer.total
            self.fewest = answer.total if self.fewest is None else min(answer.total, self.fewest)
        again = fell and page > 1 and self.guarded < MOST_GUARDED
        self.guarded += again
        self.whole = self.whole and (again or not fell)
        return again

    def is_complete(self, answer: Answer) -> bool:
        """Whether, with this last page, all that the list holds was seen."""
        return self.whole and not answer.more and len(self.ids) >= (self.fewest or 0)


@dataclass(slots=True)
class Doubt:
    """A list that shows nothing, or far less than before: a fault of the provider until it has shown so for a while."""

    times: int = 0
    since: float = 0.0

    def clears(self, known: int, absent: int, rows: int, now: float) -> bool:
        """Whether the absence of so many of the known uploads from a list of so many rows is to be believed."""
        if not absent or (rows and (known < FEW or known - absent >= SHRUNK * known)):
            self.times = 0
            return True
        self.since = self.since if self.times else now
        self.times += 1
        return self.times >= DOUBTS and now - self.since >= DOUBTED_FOR


# --- how far a list has been read


def state_of(progress: Mapping[str, ListingState], listing: Listing) -> ListingState:
    """How far a collection has been read, one that never was included."""
    return progress.get(listing.name) or ListingState(listing.name)


def put_off(progress: ListingState | None, due_at: float) -> ListingState | None:
    """A page that could not be had is asked for again at `due_at`; after so many failures in a row, from page 1.

    Otherwise one page that is never answered would hide what comes to be on the first.
    """
    if progress is None:
        return None
    failures = progress.failures + 1
    if failures < GIVE_UP_AFTER or progress.page == 1:
        return replace(progress, due_at=due_at, failures=failures)
    return replace(progress, page=1, cursor=None, due_at=due_at, swept_at=None, failures=0)


@dataclass(frozen=True, slots=True)
class Interest:
    """Why more of a collection is read, and how soon, once a page of it was."""

    news: bool
    """The page tells of something that was not known."""
    active: bool
    """Something at the source is open: it is read more often."""
    again: bool = False
    """The page before must be read once more."""
    sweeps: bool = True
    """The source is read for its own sake at all."""
    lost: bool = False
    """Something is to be found again, on whatever page it may be."""


def read_on(progress: ListingState, listing: Listing, answer: Answer, interest: Interest, now: float) -> ListingState:
    """How far a collection has been read after the page of it that was the next.

    The first sweep goes to the end, which makes it the baseline; a later one goes on while its pages hold news, or
    where it must go `through`.
    """
    swept_at, baseline_at = _past(progress.swept_at, now), _past(progress.baseline_at, now)
    progress = replace(progress, failures=0, swept_at=swept_at, baseline_at=baseline_at)
    every = listing.active if interest.active else listing.idle
    if answer.skipped and not answer.observations:  # nothing could be read: from page 1 again, and through to the end
        return replace(progress, page=1, cursor=None, due_at=now + every, swept_at=None)
    if interest.again and progress.cursor is None:
        return replace(progress, page=progress.page - 1, due_at=now)
    due = progress.swept_at is None or now - progress.swept_at >= listing.through
    through = interest.lost or (interest.sweeps and due)
    if answer.more and progress.page < MAX_PAGES and (interest.news or through):
        return replace(progress, page=progress.page + 1, cursor=answer.cursor, due_at=now)
    read = replace(progress, page=1, cursor=None, due_at=now + every)
    if answer.more and progress.page < MAX_PAGES:
        return read
    baseline_at = now if progress.baseline_at is None else progress.baseline_at
    return replace(read, baseline_at=baseline_at, swept_at=now)


def _past(moment: float | None, now: float) -> float | None:
    """A moment that was noted before the look; the clock may have been put back since."""
    return None if moment is None else min(moment, now)
