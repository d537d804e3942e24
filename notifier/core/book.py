"""The uploads of a source that may settle at any moment: what was seen of each, and how long such uploads take.

Derived from the store and from what answers show; it can be lost at any time and costs a few looks then.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from math import inf

from notifier.core.lives import LONGEST, Hazard, Lifetime, Lives, estimated, one_life, together
from notifier.core.model import SETTLED, Change, ChangeReason, Observation, Upload
from notifier.core.pace import Pace, Watch, Why, due
from notifier.core.rhythm import Cadence, born_at, is_watched
from notifier.core.sweep import DEEPEST

PAGE_SIZE = 100
"""Rows of a page of which none is known to be full."""
MORE = 1.1
"""A hazard is worked out anew when its class has gained a tenth more lives."""


def class_of(upload: Upload) -> str:
    """Uploads that are expected to take equally long: of one kind, with as many targets."""
    targets = 0 if upload.snapshot is None else len(upload.snapshot.targets)
    return f"{upload.kind}:{min(targets, 3)}"


_presumed_hazard = cache(Hazard)
"""The same for every source at which nothing was learned yet."""


class Book:
    """What is watched at one source."""

    def __init__(self, cadence: Cadence, prior: tuple[float, ...], lives: Mapping[str, Lives]) -> None:
        """`prior` is the hazard in each bin before anything is learned, `lives` what was learned before."""
        self.watches: dict[int, Watch] = {}
        self.known: Counter[str] = Counter()
        """Uploads of each kind that were watched so far."""
        self.looked: dict[str, float] = {}
        """When each look went last, by its name."""
        self.read_since: dict[str, float] = defaultdict(lambda: -inf)
        """The moment after which all that a feed holds was read, by its name."""
        self.lives: dict[str, Lives] = dict(lives)
        self._cadence = cadence
        self._prior = prior
        self._hazards: dict[str, tuple[float, Hazard]] = {}
        self._reopened: set[int] = set()
        self._unsaved: set[str] = set()
        self._ids: dict[str, set[int]] = {}
        self._sizes: dict[str, int] = {}
        self._waits: dict[str, float] = {}
        """Seconds from a look to the next at the same subject, as they were worked out last."""

    def __iter__(self) -> Iterator[Watch]:
        return iter(self.watches.values())

    def __len__(self) -> int:
        return len(self.watches)

    def of(self, ids: Iterable[str]) -> list[Watch]:
        """The watched uploads with these ids, of whatever kind."""
        return [self.watches[number] for id_ in ids for number in self._ids.get(id_, ())]

    def among(self, seen: Iterable[Observation]) -> list[tuple[Watch, Observation, int]]:
        """Each watched upload of which these rows speak, with the last that does, and the place of that row."""
        found: dict[int, tuple[Watch, Observation, int]] = {}
        for row, each in [(row, each) for row, each in enumerate(seen) if each.id in self._ids]:  # most are not
            for number in self._ids[each.id]:
                if self.watches[number].upload.kind == each.kind:
                    found[number] = self.watches[number], each, row
        return list(found.values())

    def is_told_by(self, feed: str, watch: Watch) -> bool:
        """Whether this feed would have shown it if it had settled: all that it holds since its birth was read."""
        return watch.born > self.read_since[feed]

    def told_by(self, feed: str) -> list[Watch]:
        """Those of which it would have."""
        return [watch for watch in self if self.is_told_by(feed, watch)]

    def due(self, subject: str, reach: Sequence[Watch], pace: Pace) -> tuple[float, Why]:
        """When a look at this subject that shows all of `reach` is due, as `pace.due` tells.

        It is about as long after the one before as that was after the one before it.
        """
        last = self.looked.get(subject, 0.0)
        at, why = due(reach, pace, last, last + self._waits.get(subject, inf))
        self._waits[subject] = at - last
        return at, why

    # --- what answers show

    def note(self, upload: Upload, now: float, *, shown: bool, whole: bool) -> None:
        """An upload as it stands now; `shown`: by an answer of this moment; `whole`: by one that tells all of it."""
        before = self.watches.get(upload.media_id)
        if not is_watched(upload, self._cadence, now):
            if before is not None and _outlives(upload, before) and upload.media_id not in self._reopened:
                self._taught(upload, before, before.seen)
            self.drop(upload)
            return
        born = born_at(upload, now)
        known = upload.changed_at or upload.followed_at
        seen = now if shown else before.seen if before else min(known, now)
        asked = now if whole else before.asked if before else seen
        life, stated = self._life(upload, born, now) if shown or before is None else (before.life, before.stated)
        watch = self.watches[upload.media_id] = Watch(upload, life, born, stated, seen, asked)
        self._ids.setdefault(upload.id, set()).add(upload.media_id)
        if before is None or before.upload.kind != upload.kind:
            self.known[upload.kind] += 1
            self.place(watch, 0)
        else:
            watch.row, watch.above = before.row, before.above
            watch.tried, watch.is_sought = before.tried, before.is_sought

    def drop(self, upload: Upload) -> None:
        """It is watched no longer."""
        if self.watches.pop(upload.media_id, None) is not None:
            self._ids[upload.id].discard(upload.media_id)
            if not self._ids[upload.id]:
                del self._ids[upload.id]
        if not self.watches:
            self._waits.clear()

    def unchanged(self, watches: Iterable[Watch], now: float, *, whole: bool, left: float | None = None) -> None:
        """An answer of this moment showed that nothing is new about these; `left` is the provider's estimate."""
        life = estimated(left)
        for watch in watches:
            watch.seen, watch.due = now, None
            if life is not None:
                watch.life, watch.stated = life, now
            if whole:
                watch.asked = now

    # --- where it stands in its list

    def fill(self, listing: str, rows: int) -> None:
        """So many rows fill a page of this list, after which there is another; one without any says nothing."""
        if rows:
            self._sizes[listing] = rows

    def size(self, listing: str) -> int:
        """Rows of a full page of this list."""
        return self._sizes.get(listing, PAGE_SIZE)

    def place(self, watch: Watch, row: int | None) -> None:
        """It stands in this row of its list now, from 0; None: nobody knows where."""
        watch.row, watch.above = row, self.known[watch.upload.kind]
        watch.tried, watch.is_sought = (), False

    def stray(self, watch: Watch, listing: str, page: int, *, more: bool) -> None:
        """It was not on this page of its list, after which there are more or not: it must be on one beside it.

        Where it was on neither, or never seen before, every page is tried, from the first on; after the last one nobody
        knows where it stands.
        """
        size, tried = self.size(listing), (*watch.tried, page)
        expected = (watch.row or 0) + self.known[watch.upload.kind] - watch.above
        beside = [tried[0] + 1, tried[0] - 1] if expected % size >= size // 2 else [tried[0] - 1, tried[0] + 1]
        more = more and page < DEEPEST
        there = [one for one in beside if one >= 1 and one not in tried and (more or one < page)]
        sought = watch.is_sought or watch.upload.snapshot is None or not there
        if sought:
            there = [page + 1] * more if watch.is_sought or page == 1 else [1]
        self.place(watch, (there[0] - 1) * size + size // 2 if there else None)
        watch.tried, watch.is_sought = tried, sought

    def page_of(self, watch: Watch, listing: str) -> int:
        """The page of its list on which it ought to be by now, from 1; 0: nobody knows.

        Each upload of its kind that came later has pushed it a row down.
        """
        if watch.row is None:
            return 0
        return 1 + (watch.row + self.known[watch.upload.kind] - watch.above) // self.size(listing)

    # --- how long they take

    def _life(self, upload: Upload, born: float, now: float) -> tuple[Lifetime, float]:
        """What is expected of an upload, and since when that counts: the provider's own estimate goes first."""
        stated = estimated(None if upload.snapshot is None else upload.snapshot.time_left)
        return (self.hazard(class_of(upload)), born) if stated is None else (stated, now)

    def hazard(self, name: str) -> Hazard:
        """Of a class: by its own lives, where they are few by those of the source, where there are none as presumed."""
        if not self.lives:
            return _presumed_hazard(self._prior)
        lives = self.lives.get(name, Lives())
        count = lives.count + 0.01 * sum(one.count for one in self.lives.values())
        known = self._hazards.get(name)
        if known is None or not known[0] / MORE <= count <= known[0] * MORE:
            pooled = together(self.lives.values()).hazard(self._prior)
            known = self._hazards[name] = (count, lives.hazard(pooled.rates))
        return known[1]

    def learn(self, change: Change) -> None:
        """A settling teaches its class a life.

        Where the provider states when it settled that counts, else the middle between the last look and this one. One
        that was reopened, or never seen open, or was over before it was to begin, is no life from birth.
        """
        number, seen = change.upload.media_id, change.seen
        watch, settles = self.watches.get(number), change.reason is ChangeReason.STATUS and seen.status in SETTLED
        was_reopened = number in self._reopened
        if change.reopened:
            self._reopened.add(number)
        elif settles:
            self._reopened.discard(number)
        if watch is None or not settles or was_reopened or change.upload.snapshot is None:
            return
        stated = [at for at in (seen.finished_at, seen.updated_at) if at and watch.seen < at <= change.observed_at]
        ended = stated[0] if stated else (watch.seen + change.observed_at) / 2
        if ended > watch.born:
            self._taught(change.upload, watch, ended)

    def _taught(self, upload: Upload, watch: Watch, ended: float) -> None:
        name, first_seen = class_of(upload), max(0.0, upload.followed_at - watch.born)
        life = one_life(first_seen, max(ended - watch.born, first_seen))
        self.lives[name] = self.lives.get(name, Lives()).plus(life).faded()
        self._unsaved.add(name)

    def learned(self) -> dict[str, Lives]:
        """The classes that were taught anything since this was asked for last: to be stored."""
        lives = {name: self.lives[name] for name in self._unsaved}
        self._unsaved.clear()
        return lives


def _outlives(upload: Upload, watch: Watch) -> bool:
    """Whether an upload that is watched no longer has not settled for longer than is told apart."""
    is_open = upload.snapshot is not None and upload.snapshot.status not in SETTLED
    return is_open and watch.seen - watch.born >= LONGEST
