"""trial × world → what was sent and what was told: the real poller on the real store, in virtual time."""

import random
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.polling.server import Clock, Sent, Server
from bench.polling.trials import NAME, Trial, provider, source
from bench.polling.weather import Window
from bench.polling.world import Life, World, durations
from notifier.core.lives import Lives, one_life, together
from notifier.core.model import Upload
from notifier.poller import Poller
from notifier.store import Store
from notifier.watched import Watched

LONGEST_DRAIN = 3600.0
"""Seconds after the end in which what has settled before may still be told."""
FIRST_LOOK = 5.0
"""Seconds after its registration at which an upload is asked for by itself."""
TAKEN_IN = 1.0
"""Seconds within which a birth leads to a pass, if none is due anyway: no first look is due so soon."""
CLASSES = (":0", "post:0")
"""Of the world's uploads, before they are seen first and after."""
STANDSTILL = 10_000
"""Passes in a row that may leave the clock where it is."""


@dataclass(frozen=True, slots=True)
class Told:
    """An event, as far as it is judged."""

    upload: str
    type: str
    status: str
    at: float


@dataclass(frozen=True, slots=True)
class Run:
    """All that is to be known of a source's run."""

    world: World
    sent: list[Sent]
    told: list[Told]
    over: int
    """Requests that the provider refused because of its limit."""


async def drive(trial: Trial, world: World, seed: int, folder: Path) -> Run:
    """Live through a world; the database lies in the folder while it lasts."""
    clock = Clock(world.begins)
    limit = trial.limit
    window = None if limit is None else Window(int(limit.count), limit.seconds, trial.tells)
    server = Server(world, trial.form, trial.weather, window, clock, random.Random(seed))  # noqa: S311
    watched = Watched(source(trial), provider(trial, server), server)
    with tempfile.TemporaryDirectory(dir=folder) as here:
        store = await Store.open(Path(here) / "bench.db")
        try:
            poller = Poller(store, [watched], (), clock, random.Random(seed).random)  # noqa: S311
            await poller.open()
            if trial.lives:
                watched.open((), {name: _known(trial.lives) for name in CLASSES}, clock.now)
            await _Days(trial, world, clock, store, poller).live()
            told = await _told(store)
        finally:
            await store.close()
    return Run(world, server.sent, told, 0 if window is None else window.over)


class _Days:
    """The passes over a source, one after the other, and the births in between."""

    def __init__(self, trial: Trial, world: World, clock: Clock, store: Store, poller: Poller) -> None:
        self._trial = trial
        self._world = world
        self._clock = clock
        self._store = store
        self._poller = poller
        self._unborn = world.registered()[::-1] if trial.registered else []

    async def live(self) -> None:
        """Until the end, and on until all that was settled by then is told."""
        await self._live_until(self._world.ends)
        wanted = {life.id for life in self._world.settlings()}
        while self._clock.now < self._world.ends + LONGEST_DRAIN:
            if wanted <= {one.upload for one in await _told(self._store) if one.status in FINAL}:
                return
            await self._live_until(self._clock.now + 60)

    async def _live_until(self, end: float) -> None:
        stood = 0
        while self._clock.now < end:
            await self._register()
            before = self._clock.now
            come_back = await self._poller.poll(NAME)
            birth = self._world.known(self._unborn[-1]) + TAKEN_IN if self._unborn else end
            self._clock.now = max(self._clock.now, min(come_back, birth, end))
            stood = stood + 1 if self._clock.now == before else 0
            assert stood < STANDSTILL, "the poller asks nothing, and does not say when it will"

    async def _register(self) -> None:
        """What has been born is followed by its id, as if a program had handed it in at that moment."""
        born: list[Upload] = []
        while self._unborn and self._world.known(self._unborn[-1]) <= self._clock.now:
            life = self._unborn.pop()
            born.append(_registered(self._trial, life, self._world.known(life)))
        book = self._poller.watched[NAME].book
        for upload, _ in await self._store.follow([(one, 0) for one in born]):
            book.note(upload, self._clock.now, shown=False, whole=False)


def _known(count: int) -> Lives:
    return together(one_life(0.0, lasts) for lasts in durations(count, seed=1))


def _registered(trial: Trial, life: Life, at: float) -> Upload:
    """A group look that shows what is open is its first look too; else it is asked for by itself before long."""
    asked_alone = trial.form.single and trial.form.batch == 0
    return Upload(0, NAME, "", life.id, at, registered=True, due_at=at + FIRST_LOOK if asked_alone else None)


FINAL = {"completed", "failed", "gone", "partial", "cancelled"}


async def _told(store: Store) -> list[Told]:
    sql = "SELECT upload, type, status, at FROM events WHERE upload IS NOT NULL ORDER BY position"
    return [Told(*row) for row in await store.database.rows(sql)]
