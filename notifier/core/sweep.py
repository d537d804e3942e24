"""pages of a list, one after the other → what it shows, whether that is all for certain, and how far it is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf

from notifier.core.diff import latest
from notifier.core.model import Answer, ListingState, Observation
from notifier.core.rhythm import Listing

MAX_PAGES = 100
"""Pages of one sweep at most: what lies deeper is older than anything that still moves."""
GIVE_UP_AFTER = 3
"""Failures of a page in a row after which a sweep begins anew, and its list is done without where that can be."""
DEEPEST = 1000
"""Pages through which one upload is searched for at most, however many a provider says there are."""
LONGEST = 600.0
"""Seconds that a sweep may take to be a picture of one moment."""
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
    oldest: float = inf
    """The oldest one."""
    ids: set[str] = field(default_factory=set)
    """Of each row that it has shown, its own."""
    aliases: set[str] = field(default_factory=set)
    """The other ids of these rows."""
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
        self.ids.update([each.id for each in answer.observations])
        self.aliases.update([each.alias for each in answer.observations if each.alias])
        moments = [each.updated_at for each in answer.observations if each.updated_at is not None]
        self.newest, self.oldest = latest(self.newest, max(moments, default=None)), min([self.oldest, *moments])
        self.whole = self.whole and not answer.skipped and now - self.began_at <= LONGEST
        if answer.total is not None:
            self.total = answer.total
            self.fewest = answer.total if self.fewest is None else min(answer.total, self.fewest)
        again = fell and page > 1 and self.guarded < MOST_GUARDED
        self.guarded += again
        self.whole = self.whole and (again or not fell)
        return again

    @property
    def spoken_of(self) -> set[str]:
        """All ids of what it has shown."""
        return self.ids | self.aliases if self.aliases else self.ids

    def is_complete(self, answer: Answer) -> bool:
        """Whether, with this last page, all that the list holds was seen."""
        return self.whole and not answer.more and len(self.ids) >= (self.fewest or 0)


# --- how far a list has been read


@dataclass(frozen=True, slots=True)
class Barrier:
    """A page that could not be had, and the moment until which its list is read up to it and no further."""

    page: int
    until: float
    lasts: float


def state_of(progress: Mapping[str, ListingState], listing: Listing) -> ListingState:
    """How far a collection has been read, one that never was included."""
    return progress.get(listing.name) or ListingState(listing.name)


def is_old(progress: ListingState, seen: Observation) -> bool:
    """Whether a row that nobody knew, of the page that is next, was there before it was watched.

    It was where the page was never read before. To the last page that is read moves up what lies deeper: what it says
    of itself tells.
    """
    if progress.baseline_at is None:
        return progress.page > progress.baseline_pages
    moment = latest(seen.created_at, seen.updated_at)
    return progress.page >= MAX_PAGES and moment is not None and moment < progress.baseline_at


def put_off(progress: ListingState | None, due_at: float) -> ListingState | None:
    """A page that could not be had is asked for again at `due_at`; after so many failures in a row, from page 1.

    Otherwise one page that is never answered would hide what comes to be on the first.
    """
    if progress is None:
        return None
    if gives_up(progress):
        return replace(progress, page=1, cursor=None, due_at=due_at, swept_at=None, failures=0)
    return replace(progress, due_at=due_at, failures=progress.failures + 1)


def gives_up(progress: ListingState) -> bool:
    """Whether the page that is next is not asked for again, now that it could not be had once more."""
    return progress.page > 1 and progress.failures + 1 >= GIVE_UP_AFTER


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
    discovers: bool = True
    """What was not known is followed: only so a page that was read belongs to the baseline."""
    lost: bool = False
    """Something is to be found again, on whatever page it may be."""
    barrier: Barrier | None = None
    """Before which it ends for now, and for the sake of news alone."""


def read_on(progress: ListingState, listing: Listing, answer: Answer, interest: Interest, now: float) -> ListingState:
    """How far a collection has been read after the page of it that was the next.

    The first sweep goes to the end, which makes it the baseline; a later one goes on while its pages hold news, or
    where it must go `through`. Until a barrier is over, nothing goes past it. A first page of which nothing could be
    read counts as one that failed: what it would show is to be asked for in another way.
    """
    swept_at, baseline_at = _past(progress.swept_at, now), _past(progress.baseline_at, now)
    failures = progress.failures
    if failures or swept_at != progress.swept_at or baseline_at != progress.baseline_at:
        progress = replace(progress, failures=0, swept_at=swept_at, baseline_at=baseline_at)
    every = listing.active if interest.active else listing.idle
    if answer.skipped and not answer.observations:  # nothing could be read: from page 1 again, and through to the end
        failures = failures + 1 if progress.page == 1 else 0
        return replace(progress, page=1, cursor=None, due_at=now + every, swept_at=None, failures=failures)
    if interest.discovers and progress.baseline_at is None:
        progress = replace(progress, baseline_pages=max(progress.baseline_pages, progress.page))
    if interest.again and progress.cursor is None:  # what moved up to there was never read
        unread = min(progress.baseline_pages, progress.page - 2)
        return replace(progress, page=progress.page - 1, due_at=now, baseline_pages=unread)
    due = progress.swept_at is None or now - progress.swept_at >= listing.through
    through = (interest.lost or (interest.sweeps and due)) and interest.barrier is None
    last = MAX_PAGES if interest.barrier is None else interest.barrier.page - 1
    if answer.more and progress.page < last and (interest.news or through):
        return replace(progress, page=progress.page + 1, cursor=answer.cursor, due_at=now)
    read = replace(progress, page=1, cursor=None, due_at=now + every)
    if answer.more and progress.page < MAX_PAGES:
        return read
    if interest.discovers and progress.baseline_at is None:
        read = replace(read, baseline_at=now)
    return replace(read, swept_at=now)


def is_heard(progress: ListingState | None) -> bool:
    """Whether a collection has told, as far as it is read at present, what there is to be told of it."""
    return progress is None or (progress.page == 1 and not progress.failures)


def _past(moment: float | None, now: float) -> float | None:
    """A moment that was noted before the look; the clock may have been put back since."""
    return None if moment is None else min(moment, now)
