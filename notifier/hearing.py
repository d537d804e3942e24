"""one answer × what is known → readings of the uploads it speaks of, and, once they are written, the book up to date.

Most answers say nothing new. What differs from what was heard before is found in one statement, and only that is read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf

from notifier.absence import absent
from notifier.core.diff import completes, fingerprint, is_old_news, repeats, tells_all
from notifier.core.model import SETTLED, Answer, Baseline, ListingState, LookKind, Observation, Upload
from notifier.core.pace import Watch, Why
from notifier.core.questions import LOST_EVERY, Question, is_soon
from notifier.core.reading import Reading, ask_again, denied, sighted, spoken_of, unannounced, unspoken
from notifier.core.rhythm import Listing
from notifier.core.sweep import Interest, Sweep, is_heard, is_old, read_on
from notifier.core.trouble import SINGLE, left, named
from notifier.heard import Heard, heard
from notifier.numbering import follow
from notifier.store import Compared, Store
from notifier.watched import Watched


@dataclass(slots=True)
class Hearing:
    """What an answer comes to."""

    store: Store
    one: Watched
    question: Question
    answer: Answer
    now: float
    progress: ListingState | None = None
    """How far the collection has been read with it; None where it was not the next page to be read."""
    tasks: dict[int, list[int]] = field(default_factory=dict)
    """Numbers for the tasks of what was found, by media id."""
    _fresh_rows: set[int] = field(default_factory=set)
    """The places of what was not said before, word for word."""
    _lacking: Sequence[Upload] | None = None
    """What is open and not spoken of, where that was asked."""
    _pairs: list[tuple[Upload, Observation]] = field(default_factory=list)

    @property
    def kind(self) -> LookKind:
        """Of the look that was answered."""
        return self.question.look.kind

    def lasts(self, failures: int) -> bool:
        """Whether it must be remembered through a loss of power although it brought no news.

        It does where it ends the first sweep of a list, for what is listed later is new; or where it ends failures, be
        they so many `failures` of the source or some of this page, for they must not count on.
        """
        before, after = self.question.progress, self.progress
        ends = before is not None and after is not None and (before.failures or before.baseline_at != after.baseline_at)
        return bool(failures or ends)

    async def left_of(self, failed: str | None) -> str | None:
        """What failed, without the uploads that are asked for no more: they were let go, or have settled meanwhile."""
        ids, watches = named(failed or ""), self.one.book.watches
        for id_, uploads in (await self.store.known(self.one.source.name, ids)).items():
            if failed and not any(one.due_at is not None or one.media_id in watches for one in uploads):
                failed = left(failed, f"{SINGLE}{id_}")
        return failed

    async def readings(self) -> list[Reading]:
        """What becomes of each upload of which the answer tells anything, be it that it is not there any more."""
        if self.answer.missing or (self.kind is LookKind.GET and not self.answer.observations):
            return self._silent(await self.store.as_now(self.question.uploads))
        news = await self._pair(*await self._fresh())
        readings = [self._reading(upload, seen) for upload, seen in self._pairs]
        if self.kind is LookKind.BATCH:
            spoken = {seen.id for seen in self.answer.observations}
            asked = await self.store.as_now([one for one in self.question.uploads if one.id not in spoken])
            readings += self._silent(one for one in asked if one.due_at is not None)
        return readings + await self._read_on(news)

    # --- what is new in it

    async def _fresh(self) -> tuple[list[Observation], Mapping[str, list[Upload]]]:
        """The observations that say anything that was not heard before, and what is known by their ids."""
        name, seen = self.one.source.name, self.answer.observations
        if self.kind is LookKind.GET:
            return list(seen), await self.store.known(name, {id_ for each in seen for id_ in each.ids})
        found = await self._found(self._heard(seen))
        self._lacking = found.lacking
        self._fresh_rows = found.fresh
        return [seen[place] for place in sorted(found.fresh)], found.known

    async def _found(self, page: Heard) -> Compared:
        """What is new in a page; where it says the same again and nothing can be, that is known already."""
        name, alone = self.one.source.name, self._is_alone
        before = page.before(alone=alone)
        if before is not None and self.store.is_unmoved(name, page.mark, self.now):
            return before
        mark, rows, batched = self.store.mark(name), f"[{','.join(page.rows)}]", self.kind is LookKind.BATCH
        found = await self.store.compared(name, page.seen, rows, self.now, batched=batched, alone=alone)
        page.remember(found, mark)
        return found

    @property
    def _is_alone(self) -> bool:
        """Whether it is all that a list shows."""
        look = self.question.look
        return look.kind is LookKind.LIST and look.page == 1 and not self.answer.more

    def _heard(self, seen: Sequence[Observation]) -> Heard:
        """What was said; of a first page it is remembered for the next time."""
        now = heard(seen, self.kind, self.one.heard.get(self.question.subject))
        if self.question.listing is not None and self.question.look.page == 1:
            self.one.heard[self.question.subject] = now
        return now

    async def _pair(self, fresh: Sequence[Observation], known: Mapping[str, list[Upload]]) -> set[str]:
        """Each upload spoken of, with the newest word on it; one that nobody followed is followed from here on.

        Answers which of them are news: not followed before, or of a feed not heard before.
        """
        if not fresh:
            return set()
        name = self.one.source.name
        strange = [each for each in fresh if not spoken_of(each, known)] if self.one.source.discover else []
        new = [(Upload(0, name, each.kind, each.id, self.now, each.ref), each) for each in strange]
        followed = await follow(self.store, self.one.provider.name, new)
        self.tasks = {upload.media_id: numbers for upload, numbers in followed if numbers}
        pairs: dict[int, tuple[Upload, Observation]] = {}
        for each in fresh:
            upload = spoken_of(each, known) or (followed.pop(0)[0] if followed else None)
            if upload is None:
                continue
            _, before = pairs.get(upload.media_id, (None, None))
            if before is None or (each.updated_at or 0.0) >= (before.updated_at or 0.0):
                pairs[upload.media_id] = (upload, each)
        self._pairs = list(pairs.values())
        return {each.id for upload, each in self._pairs if self._is_news(upload, each)}

    def _is_news(self, upload: Upload, seen: Observation) -> bool:
        if self.kind is LookKind.FEED:
            return not is_old_news(upload, seen, self.kind, self.now)
        return not (upload.snapshot or upload.registered or upload.misses or upload.unfollowed_at)

    def _goes_on(self, sweep: Sweep | None) -> bool:
        """Whether what lies below the page may be news, too: something on it was not known when the sweep began.

        The rows of a feed stand in the order of their moments: the oldest one tells. Where only some of them are
        followed, it tells by its moment.
        """
        rows = self.answer.observations
        if sweep is None or not rows:
            return sweep is None
        if self.kind is not LookKind.FEED:
            return bool(sweep.news) and any(each.id in sweep.news for each in rows)
        oldest = min(rows, key=lambda one: one.updated_at or inf)
        return oldest.id in sweep.news or (not self.one.source.discover and (oldest.updated_at or 0.0) >= sweep.since)

    # --- what becomes of whom

    def _reading(self, upload: Upload, seen: Observation) -> Reading:
        progress, source = self.question.progress, self.one.source
        silent = source.discover and progress is not None and is_old(progress, seen)
        silent = silent and source.baseline is Baseline.SILENT
        if not (self.one.ways.direct or upload.registered) and completes(upload.snapshot, seen):
            upload = replace(upload, snapshot=seen)  # as if it had been taken whole: how it was then, nobody can tell
        if upload.unfollowed_at is not None:
            reading = Reading(upload)
        elif silent and upload.snapshot is None and not upload.registered:
            reading = unannounced(upload, seen, self.now, self.one.rules)
        else:
            again = not self.one.ways.direct and repeats(upload.snapshot, seen)
            told = replace(seen, raw_status=None) if again else seen
            reading = sighted(upload, told, self.kind, self.now, self.one.rules)
        return reading if self.kind is LookKind.GET else replace(reading, upload=self._compared(reading.upload, seen))

    def _compared(self, upload: Upload, seen: Observation) -> Upload:
        """The upload, once it is remembered what it was compared with."""
        now = fingerprint(seen, self.kind)
        if self.kind is LookKind.BATCH:
            return replace(upload, batch_fingerprint=now)
        return replace(upload, fingerprint=now)

    def _silent(self, uploads: Iterable[Upload]) -> list[Reading]:
        """The answer does not know these, or says nothing of them."""
        told = denied if self.answer.missing else unspoken
        return [told(upload, self.now, self.one.rules) for upload in uploads]

    # --- how far a list was read

    async def _read_on(self, news: set[str]) -> list[Reading]:
        listing, before = self.question.listing, self.question.progress
        if listing is None:
            return []
        sweeps = self.one.sweeps
        sweep = sweeps.under_way.get(listing.name)
        if before is not None and before.page == 1:
            sweep = sweeps.under_way[listing.name] = Sweep(self.now, self._since(listing))
        if sweep is not None:
            sweep.news |= news
        if before is None:
            return []
        again = sweep.take(self.answer, before.page, self.now) if sweep else False
        interest = self._interest(listing, before, news=self._goes_on(sweep), again=again)
        self.progress = read_on(before, self.one.slowed(listing), self.answer, interest, self.now)
        sweeps.answered(before, self.answer, self.now)
        if sweep is not None and self.kind is LookKind.FEED and is_heard(self.progress):
            self.one.book.read_since[listing.name] = sweeps.ended(listing.name, sweep)
        if sweep is None or self.kind is not LookKind.LIST or not sweep.is_complete(self.answer):
            return []
        return await absent(self.store, self.one, listing, sweep, self.now, self._lacking)

    def _since(self, listing: Listing) -> float:
        """The moment from which on rows of a feed may tell of what is watched, and were not read yet."""
        if listing.kind is not LookKind.FEED:
            return inf
        born = min((watch.born for watch in self.one.book), default=inf)
        return max(born, self.one.sweeps.newest.get(listing.name, -inf))

    def _interest(self, listing: Listing, before: ListingState, *, news: bool, again: bool) -> Interest:
        book, ways, now = self.one.book, self.one.ways, self.now
        active = news or (is_soon(book, now) if self.kind is LookKind.SCHEDULE else bool(book))
        stray = any(watch.row is None and ways.shows(listing, watch.upload) for watch in book)
        rested = now - (before.swept_at or 0.0) >= LOST_EVERY
        lost = rested and not ways.direct and (stray or self.one.waits_until <= now)
        sweeps, barrier = ways.discover or not ways.direct, self.one.sweeps.barrier(listing.name, now)
        return Interest(
            news=news, active=active, again=again, sweeps=sweeps, discovers=ways.discover, lost=lost, barrier=barrier
        )

    # --- once it is written

    def note(self, readings: Sequence[Reading]) -> None:
        """Bring the book up to date: what was shown, and where in its list."""
        seen = {upload.media_id: each for upload, each in self._pairs}
        for reading in readings:
            upload, told = reading.upload, seen.get(reading.upload.media_id)
            shown = told is not None and self.kind is not LookKind.FEED
            whole = told is not None and tells_all(told, self.kind)
            self.one.book.note(upload, self.now, shown=shown, whole=whole)
            half = told is not None and not told.complete and self.one.ways.direct
            if half and upload.due_at is not None and upload.due_at <= self.now:
                self.one.hinted[upload.media_id] = upload
        watched = [] if self.kind is LookKind.FEED else self.one.book.among(self.answer.observations)
        for watch, each, row in watched:
            if self.kind is not LookKind.GET and row not in self._fresh_rows:
                self.one.book.unchanged([watch], self.now, whole=tells_all(each, self.kind), left=each.time_left)
        if self.question.why is Why.AUDIT and self.question.is_covered and self.answer.observations:
            changes = [reading.change for reading in readings if reading.change is not None]
            self.one.audited(agrees=all(change.seen.status not in SETTLED for change in changes))
        self._place(watched)
        self._note_group()

    def _place(self, watched: Iterable[tuple[Watch, Observation, int]]) -> None:
        """Where in their list the uploads stand that a page of it shows, now that all that are new are counted."""
        listing, book, seen = self.question.listing, self.one.book, self.answer.observations
        if listing is None or self.kind is not LookKind.LIST:
            return
        if self.answer.more:
            book.fill(listing.name, len(seen) + len(self.answer.skipped))
        above = (self.question.look.page - 1) * book.size(listing.name)
        for watch, _, row in watched:
            book.place(watch, above + row)

    def _note_group(self) -> None:
        book, listing, look = self.one.book, self.question.listing, self.question.look
        spoken = {each.id for each in self.answer.observations}
        if self.kind in {LookKind.BATCH, LookKind.GET}:
            silent = [watch for watch in book.of(look.ids or (look.id,)) if watch.upload.id not in spoken]
            for watch in silent:
                watch.due = ask_again(watch.seen, self.now)
            if look.ids and not silent:
                self.one.grow(len(look.ids))
        if listing is None:
            return
        book.looked[self.question.subject] = self.now
        if self.kind is LookKind.FEED and is_heard(self.progress):
            told = [watch for watch in book.told_by(listing.name) if watch.born <= self.now]
            book.unchanged(told, self.now, whole=False)
        if self.kind is LookKind.LIST:
            for watch in book:
                expected = book.page_of(watch, listing.name) == look.page
                if expected and watch.upload.id not in spoken and self.one.ways.ought_to_show(listing, watch.upload):
                    book.stray(watch, listing.name, look.page, more=self.answer.more)
