"""A provider in this process that tells the truth about a world, on virtual time: every look moves the clock."""

import math
import random
from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from bench.polling.weather import PATIENCE, Weather, Window, round_trip
from bench.polling.world import Life, World
from notifier.core.model import SETTLED, Answer, Look, LookKind, Observation, Status
from notifier.providers.base import Malformed, Unavailable

PAGE = 100
CACHED = {Status.QUEUED: 2.0, Status.PROCESSING: 3.0}
"""Seconds for which the answer about an open upload is given again as it was; about a settled one for five minutes."""
CACHED_SETTLED = 300.0


@dataclass(slots=True)
class Clock:
    """The one clock of a run, moved by hand."""

    now: float

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True, slots=True)
class Form:
    """What a provider can be asked: uploads by their ids, so many at once, or one; and a list."""

    batch: int = 0
    single: bool = True
    listing: LookKind | None = None
    rows: int = PAGE
    """Of a page."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A look that was sent: `first` where it is a GET of what no look had shown before."""

    at: float
    kind: LookKind
    first: bool = False


class Shelf:
    """Rows in the order of their keys, newest first, as they come to be seen and are taken away."""

    def __init__(self, rows: Iterable[tuple[float, float, float, Life]]) -> None:
        """Of each row: its key, when it appears, when it vanishes, and the life that it is about."""
        moves = []
        for key, appears, vanishes, life in rows:
            moves.append((appears, True, key, life.id))
            if appears < vanishes < math.inf:
                moves.append((vanishes, False, key, life.id))
        self._moves = sorted(moves, reverse=True)
        self._rows: list[tuple[float, str]] = []

    def page(self, number: int, rows: int, at: float) -> tuple[list[str], int]:
        """The ids on a page, from 1, and how many rows there are in all."""
        while self._moves and self._moves[-1][0] <= at:
            _, appears, key, id_ = self._moves.pop()
            if appears:
                insort(self._rows, (key, id_))
            else:
                self._rows.remove((key, id_))
        end = max(0, len(self._rows) - (number - 1) * rows)
        return [id_ for _, id_ in reversed(self._rows[max(0, end - rows) : end])], len(self._rows)


@dataclass(slots=True)
class Server:
    """The provider of one source; a `Client` of its own kind."""

    world: World
    form: Form
    weather: Weather
    window: Window | None
    clock: Clock
    chance: random.Random
    sent: list[Sent] = field(default_factory=list)
    _lives: dict[str, Life] = field(init=False)
    _shelf: Shelf = field(init=False)
    _shown: set[str] = field(default_factory=set)
    _cache: dict[str, tuple[float, Answer]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lives = {life.id: life for life in self.world.lives}
        self._shelf = Shelf(self._feed_rows() if self.form.listing is LookKind.FEED else self._list_rows())

    async def observe(self, look: Look, at: float) -> Answer:
        """One request, and the clock is later by its round trip. Raises `ProviderError`."""
        self.sent.append(Sent(at, look.kind, look.kind is LookKind.GET and look.id not in self._shown))
        trip = round_trip(self.chance)
        self.clock.now += trip / 2
        try:
            answer = self._reply(look, self.clock.now)
        finally:
            self.clock.now += trip / 2
        self._shown.update(seen.id for seen in answer.observations)
        limit = None if self.window is None else self.window.told(self.clock.now)
        return replace(answer, limit=limit)

    def _reply(self, look: Look, at: float) -> Answer:
        if self.weather.is_out(at - self.world.counted) or self.chance.random() < self.weather.errors:
            raise Unavailable("answers 503")
        if self.chance.random() < self.weather.hanging:
            self.clock.now += PATIENCE
            raise Unavailable("no answer in time")
        if self.window is not None and not self.window.take(at):
            wait = self.window.reset_in(at) if self.window.tells else None
            raise Unavailable("answers 429", retry_after=wait, limited=True)
        if look.kind is LookKind.GET and self.form.single:
            return self._single(look.id, at)
        if look.kind is LookKind.BATCH and 0 < len(look.ids) <= self.form.batch:
            return Answer(tuple(self._all_seen(look.ids, at)))
        if look.kind is self.form.listing:
            return self._page(look.page, at)
        raise Malformed(f"cannot be asked by {look.kind}: {len(look.ids)} ids")

    def _single(self, id_: str, at: float) -> Answer:
        until, answer = self._cache.get(id_, (0.0, None))
        if answer is not None and at < until:
            return answer
        seen = self._seen(id_, at)
        if seen is None:
            return Answer(missing=True)
        answer = Answer((seen,))
        self._cache[id_] = (at + CACHED.get(seen.status, CACHED_SETTLED), answer)
        return answer

    def _page(self, number: int, at: float) -> Answer:
        ids, total = self._shelf.page(number, self.form.rows, at)
        if self.form.listing is LookKind.FEED:
            rows = [_row(self._lives[id_]) for id_ in reversed(ids)]
        else:
            rows = self._all_seen(ids, at)
        return Answer(tuple(rows), more=number * self.form.rows < total, total=total)

    def _all_seen(self, ids: Iterable[str], at: float) -> list[Observation]:
        return [seen for id_ in ids if (seen := self._seen(id_, at)) is not None]

    def _seen(self, id_: str, at: float) -> Observation | None:
        life = self._lives.get(id_)
        status = None if life is None else life.status(at)
        if life is None or status is None:
            return None
        return Observation(
            "post",
            id_,
            status,
            status.value,
            created_at=life.born,
            updated_at=life.changed(at),
            started_at=life.begun if at >= life.begun else None,
            finished_at=life.settled if status in SETTLED else None,
        )

    def _list_rows(self) -> Iterable[tuple[float, float, float, Life]]:
        for life in self.world.lives:
            yield life.born, life.born + self._late(), life.deleted, life

    def _feed_rows(self) -> Iterable[tuple[float, float, float, Life]]:
        """What has settled stays in the feed, whatever becomes of the upload."""
        for life in self.world.lives:
            if life.settled < life.deleted:
                yield life.settled, life.settled + self._late(), math.inf, life

    def _late(self) -> float:
        return self.chance.uniform(0, self.weather.late)


def _row(life: Life) -> Observation:
    """A row of the feed has no word but the outcome, and the moment that it bears."""
    return Observation("post", life.id, life.verdict, updated_at=life.settled)
