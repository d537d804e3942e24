"""one sweep after the other → whether a complete one is believed, and how far the next one goes."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import inf

from notifier.core.model import Answer, ListingState, Upload
from notifier.core.rhythm import Listing
from notifier.core.sweep import Barrier, Sweep, gives_up

SHRUNK, FEW = 0.5, 10
"""A list that shows less than this share of what was known, of at least so many, is doubted."""
DOUBTS, DOUBTED_FOR = 3, 3600.0
"""It is believed when so many complete sweeps in a row, over so many seconds, have shown the same."""
COMPARE_EVERY = 21600.0
"""Seconds after which a complete sweep is compared with all that was ever listed."""
SHORTEST_BAR, LONGEST_BAR = 30.0, 3600.0
"""Seconds for which sweeps end before a page that could not be had: at first, and at most, each time twice as long."""


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


@dataclass(frozen=True, slots=True)
class Round:
    """Complete sweeps of all lists of a source, one of each."""

    began_at: float
    """When the first of them did."""
    ids: frozenset[str]
    """What any of them has shown."""

    def lacks(self, upload: Upload) -> bool:
        """Whether none has shown an upload that was followed by then."""
        return upload.followed_at <= self.began_at and upload.id not in self.ids


@dataclass(slots=True)
class Sweeps:
    """What is to be kept in mind of the sweeps through the lists of a source, by their names."""

    under_way: dict[str, Sweep] = field(default_factory=dict)
    doubts: dict[tuple[str, bool], Doubt] = field(default_factory=lambda: defaultdict(Doubt))
    held: dict[str, int] = field(default_factory=dict)
    """What each list showed when it was believed last, or ought to have shown since."""
    newest: dict[str, float] = field(default_factory=dict)
    """The newest moment of each feed that is read from there on back."""
    compares_at: dict[str, float] = field(default_factory=dict)
    """From when on a sweep is compared with all that was ever listed."""
    round: dict[str, Sweep] = field(default_factory=dict)
    """The last complete sweep of each list that had one since all of them had, and is not doubted since."""
    barriers: dict[str, Barrier] = field(default_factory=dict)
    anew: set[str] = field(default_factory=set)
    """What a person wants to be read to the end, and of which no page was asked for since."""

    def shows(self, listing: Listing, known: int, absent: int, rows: int, now: float, *, whole: bool) -> bool:
        """Whether a complete sweep is believed, as `Doubt.clears` tells; `whole`: all that was ever listed is known.

        What it showed before counts, too: where little is open, that alone tells a list that shows far too little.
        """
        held = max(known, self.held.get(listing.name, 0))
        clears = self.doubts[listing.name, whole].clears(held, max(absent, held - rows), rows, now)
        self.held[listing.name] = rows if clears else held
        if not clears:
            self.round.pop(listing.name, None)
        if whole:
            rest = min(listing.through, COMPARE_EVERY) if clears else DOUBTED_FOR / DOUBTS
            self.compares_at[listing.name] = now + rest
        return clears

    def rounded(self, sweep: Sweep, name: str, names: Iterable[str]) -> Round | None:
        """A complete sweep of the list `name` is believed: answers the round that it ends, if it does.

        It does where each of `names` had one since the round before.
        """
        self.round[name] = sweep
        if not self.round.keys() >= set(names):
            return None
        sweeps = list(self.round.values())
        self.round.clear()
        return Round(min(one.began_at for one in sweeps), frozenset().union(*(one.spoken_of for one in sweeps)))

    def barrier(self, name: str, now: float) -> Barrier | None:
        """Where a list ends for now, before its end."""
        barrier = self.barriers.get(name)
        return None if barrier is None or now >= barrier.until else barrier

    def failed(self, progress: ListingState, until: float, every: float) -> float:
        """The page that is next could not be had, and will not be asked for before `until`: answers by when it is.

        Its list is begun anew after `every` so many seconds.
        """
        if gives_up(progress):
            return self._bar(progress, until) + every
        return until

    def answered(self, progress: ListingState, answer: Answer, now: float) -> None:
        """The page that is next was answered."""
        if answer.skipped and not answer.observations:  # and yet it could not be had
            if progress.page > 1:
                self._bar(progress, now)
            return
        barrier = self.barriers.get(progress.collection)
        if barrier is not None and (progress.page >= barrier.page or not answer.more):
            del self.barriers[progress.collection]

    def ended(self, name: str, sweep: Sweep) -> float:
        """A sweep of a feed is over: answers the moment after which all that it holds was read.

        That is all it ever held, but where a page could not be had before the sweep met what one before it has read.
        """
        if name in self.barriers and sweep.oldest >= self.newest.get(name, -inf):
            return sweep.oldest
        if sweep.newest is not None:
            self.newest[name] = sweep.newest
        return -inf

    def _bar(self, progress: ListingState, now: float) -> float:
        """The page that is next is a barrier from now on. Answers until when."""
        before = self.barriers.get(progress.collection)
        lasts = SHORTEST_BAR if before is None else min(2 * before.lasts, LONGEST_BAR)
        self.barriers[progress.collection] = Barrier(progress.page, now + lasts, lasts)
        return now + lasts

    def read_anew(self, names: Iterable[str]) -> None:
        """A person wants these to be read to the end, and those whose first sweep is over from page 1."""
        self.anew = set(names)
        self.barriers.clear()

    def wanted(self, progress: ListingState | None, now: float) -> ListingState | None:
        """How far a list has been read, where a person may have asked for all of it since its page was."""
        if progress is None or progress.collection not in self.anew:
            return progress
        if progress.baseline_at is not None:
            progress = replace(progress, page=1, cursor=None)
        return replace(progress, due_at=now, swept_at=None)
