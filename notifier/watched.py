"""What is known of one source while the daemon runs: how it can be asked, what is watched, what was asked last."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from math import inf
from zlib import crc32

from notifier.core import budget
from notifier.core.allowance import Allowance, Bucket, bucket, spacing
from notifier.core.book import Book
from notifier.core.budget import Budget
from notifier.core.busy import Busy
from notifier.core.lives import LONGEST, Lives, presumed
from notifier.core.model import ListingState, LookKind, Source, Trouble, Upload
from notifier.core.pace import Pace, Why, stalest
from notifier.core.questions import Question, batch, chosen, discovering, scarcely, single, watching
from notifier.core.reading import Rules
from notifier.core.rhythm import Listing
from notifier.core.sweeps import Sweeps
from notifier.core.ways import Ways
from notifier.heard import Heard
from notifier.providers.base import Client, Provider
from notifier.store import Outlook
from notifier.tally import Looks

_presumed = cache(presumed)
"""The same for every source of a provider."""

SPOILER_RESTS = 600.0
"""Seconds for which an id is left out that spoils whatever batch it is in."""
SLOW_SHARE = 0.1
"""Of the allowance, for looks at what has settled, rests or is stuck: all sources of a credential never take more."""
AUDITS_TO_TRUST, MOST_TRUST = 5, 6
"""So many audits in a row that agree with a feed make it one more of the usual times until the next upload is audited,
and at most so many: the hour in which a provider itself calls an upload failed."""
BATCHES_TO_GROW = 20
"""So many good answers in a row double a batch, up to what the provider may take; one that is no good halves it."""
PUNCTUAL = 1.0
"""Seconds within which a question that is due is asked as planned, whatever else has come to be due meanwhile."""


@dataclass(slots=True)
class Watched:
    """A source, how its provider behaves, and the client that asks it."""

    source: Source
    provider: Provider
    client: Client
    account: str = ""
    """The name under which its budget is kept: sources with one credential share it."""
    sharing: Sequence["Watched"] = field(init=False, repr=False, compare=False)
    """The sources of its credential, itself among them."""
    then: Question | None = None
    """The question asked last, in another form: it goes first. Where it is forgotten, all is asked from the start."""
    after_overdue: bool = False
    """Whether it was one that had waited for too long."""
    is_stopped: bool = False
    """Its credential was refused: nothing is asked before a person has acted."""
    refused: Trouble | None = None
    """Why, where another source of the same credential met with it, and this one has not told it yet."""
    is_accepted: bool = False
    """Another source of the credential got a good answer, and this one has not made anything of it yet."""
    hinted: dict[int, Upload] = field(default_factory=dict)
    """Uploads of which an answer has shown half, or that were registered again: each is asked for at once, alone."""
    hurried: dict[int, Upload] = field(default_factory=dict)
    """Those that a person wants to be looked at now: they are asked for together, where one look can name many."""
    skipped: dict[str, Sequence[str]] = field(default_factory=dict)
    """What could not be read in the last answer to a question, by its subject."""
    heard: dict[str, Heard] = field(default_factory=dict, repr=False)
    """What the first page of each list said last."""
    sweeps: Sweeps = field(default_factory=Sweeps)
    looks: Looks = field(default_factory=Looks)
    asked_at: float | None = None
    """When the last request went."""
    comes_at: float | None = None
    """When it is seen to next."""
    is_opened: bool = False
    """Whether a pass has read what is open here, and followed what the config names."""
    waits_until: float = inf
    """When something is due that only lists can show."""
    allowance: Allowance = field(init=False)
    rules: Rules = field(init=False)
    ways: Ways = field(init=False)
    book: Book = field(init=False)
    _planned: tuple[Outlook | None, Question | None] = (None, None)
    """What was to be asked next when it was worked out last, and by what."""
    _slow_tat: float = 0.0
    _agreed: int = 0
    """Audits in a row that agreed with their feed."""
    _good_batches: int = 0
    _whole_batch: int = 0
    """As large as batches were before the first was answered badly; 0: none was."""
    _largest_batch: int = field(init=False)
    _busy: Busy = field(default_factory=Busy)

    def __post_init__(self) -> None:
        source, provider, self.sharing = self.source, self.provider, [self]
        self.account = self.account or source.name
        phase = crc32(self.account.encode()) / 2**32
        self.allowance = Allowance(source.budget, provider.limit, source.reserve, hourly=provider.hourly, phase=phase)
        kinds = source.kinds or provider.kinds
        listings = tuple(one for one in provider.listings if not kinds or one.collection in kinds)
        self.ways = Ways(
            provider.single, provider.batch, listings, bool(provider.kinds), source.discover, provider.is_id
        )
        # Where an upload cannot be asked for, what has settled is seen again with its list, or not at all.
        cadence = provider.cadence if self.ways.direct else replace(provider.cadence, settled=())
        self.rules = Rules(cadence, provider.vanishing, source.stalled_after)
        self._largest_batch = max(provider.batch, provider.batch_up_to)
        self.open((), {}, 0.0)

    def open(self, uploads: Iterable[Upload], lives: Mapping[str, Lives], now: float) -> None:
        """Begin with what the store remembers: what was noted by a clock that was wrong is forgotten."""
        self.then, self.sweeps, self._planned = None, Sweeps(), (None, None)
        self.book = Book(self.provider.cadence, _presumed(*self.provider.usual), lives)
        for upload in uploads:
            if self.ways.is_id(upload.id):
                self.book.note(upload, now, shown=False, whole=False)

    def named(self, upload: Upload, now: float, *, is_new: bool) -> None:
        """An upload was registered: it is watched if it may move, and looked at next if it was followed already."""
        self.book.note(upload, now, shown=False, whole=False)
        if self.ways.direct and not is_new:
            self.hinted[upload.media_id] = upload

    def hurry(self, uploads: Iterable[Upload]) -> None:
        """Read each list to the end, and ask for these at once, where they can be asked for."""
        self.sweeps.read_anew(listing.name for listing in self.ways.listings)
        if self.ways.direct:
            self.hurried |= {one.media_id: one for one in uploads if self.ways.is_id(one.id)}

    def forget(self, upload: Upload) -> None:
        """An upload is followed no more."""
        self.book.drop(upload)
        for some in (self.hinted, self.hurried):
            some.pop(upload.media_id, None)

    @property
    def kinds(self) -> tuple[str, ...]:
        """What its uploads may be, as events call them."""
        collections = self.source.kinds or self.provider.kinds
        return tuple(one.removesuffix("s") for one in collections) or (self.provider.kind,)

    # --- what to ask

    def question(
        self, outlook: Outlook, spent: Budget, now: float, free_after: Callable[[float], float]
    ) -> Question | None:
        """What is to be asked next: as it was planned, if that is due just now, and nothing was written since."""
        before, planned = self._planned
        if planned is not None and before is outlook and planned.due_at <= now <= planned.due_at + PUNCTUAL:
            return planned
        asked = self.questions(outlook.progress, outlook.first, outlook.slow, spent, now)
        question = chosen(asked, now, free_after, after_overdue=self.after_overdue)
        self._planned = outlook, question
        return question

    def questions(
        self,
        progress: Mapping[str, ListingState],
        first: Sequence[Upload],
        slow: Sequence[Upload],
        spent: Budget,
        now: float,
    ) -> Iterator[Question]:
        """All that could be asked next. `first` were never seen, `slow` are due by their rhythm, the soonest first."""
        young, _ = self.provider.pace.caps[0]
        self._busy.note(now, is_open=any(0 <= now - watch.born < young for watch in self.book))  # and no straggler yet
        self.waits_until = inf
        if not self.ways.direct:
            self.waits_until = min((one.due_at or 0.0 for one in [*first, *slow]), default=inf)
        yield from discovering(self.book, self.ways, progress, self.waits_until)
        pace, gap = self._trusting(self.provider.pace), self._gap(spent, now)
        pace = scarcely(pace, gap, self.book, self.ways, progress) if gap else pace
        yield from watching(self.book, self.ways, progress, pace, now)
        if self.ways.direct:
            yield from self._by_themselves(progress, first, slow, now)

    def _by_themselves(
        self, progress: Mapping[str, ListingState], first: Sequence[Upload], slow: Sequence[Upload], now: float
    ) -> Iterator[Question]:
        """What is asked for by its id, whatever is expected of it."""
        many = self.ways.many_kinds
        if self.hinted:
            hinted = next(iter(self.hinted.values()))
            yield single(hinted, hinted.due_at or 0.0, Why.FIRST, many_kinds=many)
        if self.hurried:
            some = list(self.hurried.values())[: self.ways.batch or 1]
            due_at = some[0].due_at or 0.0
            if self.ways.batch:
                yield batch(some, due_at, Why.FIRST)
            else:
                yield single(some[0], due_at, Why.FIRST, many_kinds=many)
        if first:
            due_at = first[0].due_at or 0.0
            watch, feed = self.book.watches.get(first[0].media_id), self.ways.feed(progress)
            covered = watch is not None and feed is not None and self.book.is_told_by(feed.name, watch)
            question = single(first[0], due_at, Why.FIRST, many_kinds=many)
            yield replace(question, is_covered=covered)
        if slow:
            due_at = max(slow[0].due_at or 0.0, self._slow_bucket().free_at(self._slow_tat, now))
            yield self._audit(slow, due_at, now)

    def _audit(self, uploads: Sequence[Upload], due_at: float, now: float) -> Question:
        """A look at the first of these, or, where one look can name many, at all that are due, and at the stalest."""
        if not self.ways.batch:
            return single(uploads[0], due_at, Why.AUDIT, many_kinds=self.ways.many_kinds)
        chosen = {one.media_id: one for one in uploads if one is uploads[0] or (one.due_at or 0.0) <= now}
        for watch in stalest(list(self.book), self.ways.batch, self.provider.pace):
            if len(chosen) < self.ways.batch and (watch.due or 0.0) <= now:
                chosen.setdefault(watch.upload.media_id, watch.upload)
        return batch(list(chosen.values())[: self.ways.batch], due_at, Why.AUDIT)

    def asked(self, question: Question, now: float) -> None:
        """The question goes out."""
        self.then, self.asked_at = None, now
        self.after_overdue = question.is_overdue(now)
        for upload in question.uploads:
            self.hinted.pop(upload.media_id, None)
            self.hurried.pop(upload.media_id, None)
        if question.why is Why.AUDIT:
            self._slow_tat = self._slow_bucket().spent(self._slow_tat, now)
        if question.progress is not None:
            self.sweeps.anew.discard(question.progress.collection)

    def put_off(self, question: Question, until: float) -> float:
        """The question could not be answered: others go first until then. Answers by when it is asked again."""
        if question.uploads:
            for watch in self.book.of(one.id for one in question.uploads):
                watch.due = until
        else:
            self.book.looked[question.subject] = until - self.provider.pace.floor
        if question.listing is None or question.progress is None:
            return until
        return self.sweeps.failed(question.progress, until, self.slowed(question.listing).idle)

    # --- audits of a feed

    def audited(self, *, agrees: bool) -> None:
        """An upload that a group look covers was asked for by itself: that had shown what became of it, or had not."""
        self._agreed = self._agreed + 1 if agrees else 0

    def _trusting(self, pace: Pace) -> Pace:
        is_fed = any(listing.kind is LookKind.FEED for listing in self.ways.listings)
        trust = min(MOST_TRUST, 1 + self._agreed // AUDITS_TO_TRUST) if is_fed else 1
        return pace if trust == 1 else replace(pace, audit=pace.audit * trust)

    # --- batches

    def halve(self, ids: Sequence[str], until: float) -> float:
        """A batch was answered badly: it may have been too large, or one of its ids spoils it.

        One that spoils it alone rests for longer, and the others need not suffer for it. Answers by when it is asked.
        """
        self._good_batches = 0
        if len(ids) == 1:
            for watch in self.book.of(ids):
                watch.due = until + SPOILER_RESTS
            self.ways = replace(self.ways, batch=self._whole_batch or self.ways.batch)
            self._whole_batch = 0
            return until + SPOILER_RESTS
        self._whole_batch = self._whole_batch or self.ways.batch
        self._largest_batch = max(self.provider.batch, self.ways.batch // 2)
        self.ways = replace(self.ways, batch=max(1, self.ways.batch // 2))
        return until

    def grow(self, size: int) -> None:
        """A batch of this size was answered well, and in full."""
        if size < self.ways.batch or size >= self._largest_batch:
            return
        self._good_batches += 1
        if self._good_batches >= BATCHES_TO_GROW:
            self._good_batches = 0
            self.ways = replace(self.ways, batch=min(self._largest_batch, 2 * self.ways.batch))

    # --- how many requests

    def _slow_bucket(self) -> Bucket:
        whole = bucket(self.allowance.budget, self.allowance.limit, self.allowance.reserve)
        return Bucket(len(self.sharing) * whole.every / SLOW_SHARE, max(1, whole.burst // 2))

    def _gap(self, spent: Budget, now: float) -> float:
        """Seconds between two looks at what is watched, so that the requests of a clock hour last for it."""
        if not self.allowance.hourly or not self.book:
            return 0.0
        rest = budget.rest(spent, now)
        lists = [one.slowed(listing) for one in self.sharing if one.ways.discover for listing in one.ways.listings]
        listed = sum(rest / listing.idle for listing in lists)
        left = max(1.0, budget.left(spent, self.allowance, now) - listed)
        life = sum(watch.life.course(LONGEST)[1] for watch in self.book) / len(self.book)
        share = 1 / sum(bool(one.book) for one in self.sharing)
        return spacing(share * left, rest, life, self._busy.share, share * budget.quota(spent, self.allowance, now))

    def slowed(self, listing: Listing) -> Listing:
        """A list as often as it may be read: sources that share the requests of a clock hour read theirs in turn."""
        share = len(self.sharing) if self.allowance.hourly else 1
        if share == 1:
            return listing
        return replace(listing, active=share * listing.active, idle=share * listing.idle)
