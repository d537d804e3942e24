"""what is watched, listed and due at a source → what to ask next."""

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from operator import itemgetter

from notifier.core.book import Book
from notifier.core.model import ListingState, Look, LookKind, Status, Upload
from notifier.core.pace import Pace, Watch, Why, alone, audit, dearest, due, stalest, worth
from notifier.core.rhythm import Listing
from notifier.core.sweep import state_of
from notifier.core.ways import Ways

COVERED_FOR = 3600.0
"""Seconds for which what a feed shows to the end may go without a look of its own, where few may go."""
LOST_EVERY = 900.0
"""Seconds between two sweeps for what no page has shown, or what rests and only lists can show."""
PATIENCE = 300.0
"""Seconds for which what is watched goes before what is to be discovered or audited, however little may go."""
SOON = 600.0
"""Seconds before the time of a job at which a schedule is read more often."""


@dataclass(frozen=True, slots=True)
class Question:
    """A look, when it is due and why, and on whose behalf: some uploads', or a collection's."""

    look: Look
    due_at: float
    why: Why
    uploads: tuple[Upload, ...] = ()
    listing: Listing | None = None
    progress: ListingState | None = None
    """Of the listing, where its page is the next to be read."""
    reach: tuple[Watch, ...] = ()
    """What is watched of what it shows."""
    is_covered: bool = False
    """Whether other looks show how its upload ends, so that it may be left out where few may go."""

    def is_overdue(self, now: float) -> bool:
        """Whether it has waited for so long that it goes before what is watched."""
        return self.due_at < now - (COVERED_FOR if self.is_covered else PATIENCE) and not self.is_watching

    @property
    def is_watching(self) -> bool:
        """Whether it shows what may settle at any moment, and not merely what has its own rhythm."""
        return self.why in {Why.CAP, Why.PRICE}

    @property
    def at_stake(self) -> str:
        """What would be in trouble if it could not be answered: its subject; of a batch each id that it names."""
        return " ".join([self.look.kind.value, *self.look.ids]) if self.look.ids else self.subject

    @property
    def subject(self) -> str:
        """What the question is about, in whatever form it is asked."""
        if self.listing is None:
            return f"{self.look.kind.value} {self.look.id}".strip()
        return _subject_of(self.listing, self.look.page)


def _subject_of(listing: Listing, page: int) -> str:
    return f"{listing.kind.value} {listing.name}" + (f" {page}" if page > 1 else "")


def first_due(questions: Iterable[Question], now: float, *, after_overdue: bool = False) -> Question | None:
    """The question that is due first, if there is one.

    Of those that are due already, what has waited for too long goes first, then what is watched, the most worth first.
    Only `after_overdue`, when the last look was such, it is the other way round: they take turns.
    """
    asked = list(questions)
    waiting = [one for one in asked if one.is_overdue(now)]
    urgent = [one for one in asked if one.due_at <= now and one.is_watching]
    if urgent and (after_overdue or not waiting):
        return _dearest(urgent, now)
    return min(waiting or asked, key=lambda question: question.due_at, default=None)


def _dearest(some: Sequence[Question], now: float) -> Question:
    """The one that is worth most, of equals what is due for longer: with a single one nobody has to work out what."""
    return max(some, key=lambda one: (worth(one.reach, now), -one.due_at)) if len(some) > 1 else some[0]


def chosen(
    questions: Iterable[Question], now: float, free_after: Callable[[float], float], *, after_overdue: bool = False
) -> Question | None:
    """The question to be asked next: the first that is due, and yet nothing that is watched ever waits for another.

    `free_after` tells when a further look may go if one goes at this moment, or as soon as it may.
    """
    asked = list(questions)
    first = first_due(asked, now, after_overdue=after_overdue)
    watched = first_due((each for each in asked if each.is_watching), now)
    if first is None or watched is None or first is watched or first.is_overdue(now):
        return first
    return watched if free_after(first.due_at) > watched.due_at else first


# --- what is watched


def watching(
    book: Book, ways: Ways, progress: Mapping[str, ListingState], pace: Pace, now: float
) -> Iterator[Question]:
    """The looks that show what is watched, each at the moment at which it is worth its price."""
    if not book:
        return
    if ways.batch:
        yield from _batched(book, ways, pace, now)
        return
    grouped: set[int] = set()
    for listing, page, reach in _groups(book, ways, progress):
        grouped.update(watch.upload.media_id for watch in reach)
        yield _paged(listing, page, reach, book, progress, pace)
    if ways.single:
        yield from _alone(book, grouped, ways, pace)


def scarcely(pace: Pace, gap: float, book: Book, ways: Ways, progress: Mapping[str, ListingState]) -> Pace:
    """The pace where looks must be `gap` seconds apart: what the best of them is worth by then is the price of all."""
    prices = [
        worth(reach, book.looked.get(_subject_of(listing, page), 0.0) + gap)
        for listing, page, reach in _groups(book, ways, progress)
    ]
    return replace(pace, floor=max(pace.floor, gap), price=max([pace.price, *prices]))


def _groups(book: Book, ways: Ways, progress: Mapping[str, ListingState]) -> Iterator[tuple[Listing, int, list[Watch]]]:
    """The pages worth a look because they show several uploads, or new ones besides: all in a feed, or part by part.

    What is watched alone is better asked for itself: that costs as much, and tells all of it.
    """
    usable, feed = ways.usable(progress), ways.feed(progress)
    told = [] if feed is None else book.told_by(feed.name)
    if feed is not None and len(told) > 1:
        yield feed, state_of(progress, feed).page, told
    for listing in usable if feed is None else ():
        pages: dict[int, list[Watch]] = defaultdict(list)
        for watch in book:
            seen = watch.upload.snapshot is not None or not ways.direct
            page = book.page_of(watch, listing.name)
            if seen and page and ways.shows(listing, watch.upload):
                pages[page].append(watch)
        for page, reach in pages.items():
            if len(reach) > 1 or ways.discover or not ways.direct:
                yield listing, page, reach


def _paged(
    listing: Listing, page: int, reach: list[Watch], book: Book, progress: Mapping[str, ListingState], pace: Pace
) -> Question:
    look, state = Look(listing.kind, listing.collection, page, word=listing.word), state_of(progress, listing)
    at, why = book.due(_subject_of(listing, page), reach, pace)
    is_next = state if state.page == page else None
    return Question(look, at, why, listing=listing, progress=is_next, reach=tuple(reach))


def _batched(book: Book, ways: Ways, pace: Pace, now: float) -> Iterator[Question]:
    willing = [watch for watch in book if watch.due is None or watch.due <= now]
    if not willing:
        first = min(book, key=lambda watch: watch.due or now)
        yield batch([first.upload], first.due or now, Why.CAP)
        return
    yield _batch(stalest(willing, ways.batch, pace), pace)
    reach = dearest(willing, ways.batch, pace, now)
    if reach and (other := _batch(reach, pace)).why is Why.PRICE:
        yield other


def _batch(reach: Sequence[Watch], pace: Pace) -> Question:
    at, why = due(reach, pace, min(watch.seen for watch in reach))
    return replace(batch([one.upload for one in reach], at, why), reach=tuple(reach))


def _alone(book: Book, grouped: Container[int], ways: Ways, pace: Pace) -> Iterator[Question]:
    """The upload whose own look is due first: because nothing else shows it, or because nothing showed all of it."""
    seen = [watch for watch in book if watch.upload.snapshot is not None]
    audits = [(max(audit(watch, pace), watch.due or 0.0), watch) for watch in seen if watch.upload.media_id in grouped]
    others = [(alone(watch, pace), watch) for watch in seen if watch.upload.media_id not in grouped]
    for why, looks in ((Why.AUDIT, audits), (Why.CAP, others)):
        at, watch = min(looks, key=itemgetter(0), default=(inf, None))
        if watch is not None:
            question = single(watch.upload, at, why, many_kinds=ways.many_kinds)
            yield replace(question, is_covered=why is Why.AUDIT, reach=(watch,))


# --- what has its own rhythm


def single(upload: Upload, due_at: float, why: Why, *, many_kinds: bool) -> Question:
    """A look at one upload."""
    collection = f"{upload.kind}s" if many_kinds and upload.kind else ""
    scheduled_at = None if upload.snapshot is None else upload.snapshot.scheduled_at
    look = Look(LookKind.GET, collection, id=upload.id, ref=upload.ref, scheduled_at=scheduled_at)
    return Question(look, due_at, why, (upload,))


def batch(uploads: Sequence[Upload], due_at: float, why: Why) -> Question:
    """A look at several uploads."""
    ids, refs = tuple(one.id for one in uploads), tuple(one.ref for one in uploads)
    return Question(Look(LookKind.BATCH, ids=ids, refs=refs), due_at, why, tuple(uploads))


def discovering(
    book: Book, ways: Ways, progress: Mapping[str, ListingState], waits_until: float = inf
) -> Iterator[Question]:
    """The page of each collection that is to be read next, for what is new there and for what is there no more.

    Where nothing is to be discovered, lists are read only while something is not where it ought to be, and from
    `waits_until` on, when something is due that nothing else can show.
    """
    lost = not ways.direct and any(watch.row is None for watch in book)
    for listing in ways.listings:
        state = state_of(progress, listing)
        planned = listing.kind is LookKind.SCHEDULE and any(_planned_at(watch) is not None for watch in book)
        due_at = state.due_at
        cut = book.read_since[listing.name] > -inf and len(book.told_by(listing.name)) < len(book)
        if not (ways.discover or planned or state.page > 1 or state.failures or cut):
            due_at = max(due_at, min(waits_until, (state.swept_at or 0.0) + LOST_EVERY if lost else inf))
        if due_at < inf:
            look = Look(listing.kind, listing.collection, state.page, state.cursor, listing.word)
            yield Question(look, due_at, Why.DISCOVER, listing=listing, progress=state)


def is_soon(book: Book, now: float) -> bool:
    """Whether a scheduled upload is to run before long."""
    return any((_planned_at(watch) or inf) < now + SOON for watch in book)


def _planned_at(watch: Watch) -> float | None:
    seen = watch.upload.snapshot
    return seen.scheduled_at if seen is not None and seen.status is Status.SCHEDULED else None
