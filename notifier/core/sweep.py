"""pages of a list, one after the other → which uploads it shows, and whether it is certain that it shows no other."""

from dataclasses import dataclass, field

from notifier.core.model import Answer

MAX_PAGES = 100
"""Pages of one sweep at most: what lies deeper is older than anything that still moves."""
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
