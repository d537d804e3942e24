"""size × seed → the lives of a source's uploads: when each is born, begun, settled, deleted. What is true, and no more.

The durations are invented: their 99th percentiles are the longest waits that a vendor documents (Upload-Post, "Upload
Status"), so ratios are to be trusted, seconds are not.
"""

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from notifier.core.model import Status

START = 1_800_000_000.0
"""A full hour."""
SIZES = (0.3,) * 24 + (1.0,) * 12 + (3.0,) * 6 + (10.0,) * 3 + (30.0,) * 2 + (100.0, 300.0)
"""Of each source: how many of its uploads are open at a time, on average."""
STUCK, STUCK_FOR = 0.005, 3600.0
"""The share of uploads that nothing comes of, and the seconds after which they are declared failed."""
FAILING = 0.03
BEFORE = 4200.0
"""Seconds before the beginning in which uploads were born already: the oldest that can still be open."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of upload: its share of all, and how long half of them, and all but one of a hundred, take (seconds)."""

    name: str
    share: float
    median: float
    p99: float

    @property
    def sigma(self) -> float:
        """Of the lognormal distribution with these two percentiles."""
        return math.log(self.p99 / self.median) / 2.326

    @property
    def mean(self) -> float:
        """Seconds."""
        return self.median * math.exp(self.sigma**2 / 2)


PHOTO, SMALL, LARGE = SHAPES = (
    Shape("photo", 0.50, 20.0, 120.0),
    Shape("small video", 0.35, 60.0, 300.0),
    Shape("large video", 0.15, 150.0, 600.0),
)
MEAN_LIFE = (1 - STUCK) * sum(shape.share * shape.mean for shape in SHAPES) + STUCK * STUCK_FOR


@dataclass(frozen=True, slots=True)
class Life:
    """An upload as it is, whoever looks: queued when `born`, processing once `begun`, `verdict` once `settled`."""

    id: str
    shape: Shape
    born: float
    begun: float
    settled: float
    verdict: Status = Status.COMPLETED
    deleted: float = math.inf

    def status(self, at: float) -> Status | None:
        """What it is at a moment; None before it is born and once it is deleted."""
        if not self.born <= at < self.deleted:
            return None
        if at < self.begun:
            return Status.QUEUED
        return Status.PROCESSING if at < self.settled else self.verdict

    def changed(self, at: float) -> float:
        """When it became what it is at a moment."""
        return max(moment for moment in (self.born, self.begun, self.settled) if moment <= at)

    @property
    def ends(self) -> float:
        """When nothing more is to be found out."""
        return min(self.settled, self.deleted)


@dataclass(frozen=True, slots=True)
class World:
    """A source's lives in the order of birth, and the time that is lived through: what is `counted` begins later."""

    size: float
    begins: float
    counted: float
    ends: float
    lives: tuple[Life, ...]

    def known(self, life: Life) -> float:
        """When an upload is registered: at its birth, or at the beginning where it is there already."""
        return max(life.born, self.begins)

    def registered(self) -> list[Life]:
        """Those that are open at the beginning or born later, in the order in which they are registered."""
        return [life for life in self.lives if life.ends > self.begins]

    def counts(self, moment: float) -> bool:
        """Whether what happens at a moment is counted."""
        return self.counted < moment <= self.ends

    def settlings(self) -> list[Life]:
        """The lives whose settling is counted; of what is deleted nobody can be sure to hear."""
        return [life for life in self.lives if self.counts(life.settled) and life.deleted == math.inf]


@dataclass(frozen=True, slots=True)
class Time:
    """Seconds that pass before anything is counted, and seconds that are."""

    warm_up: float
    counted: float


def draw(size: float, seed: int, time: Time, deleted: float = 0.0) -> World:
    """A source with `size` uploads open on average; the share `deleted` of them is taken away sooner or later.

    It is in its steady state from the first second: what was born before and is still open is there.
    """
    chance = random.Random(seed)  # noqa: S311  # the same world every time
    begins = START + chance.uniform(0, 3600)
    ends = begins + time.warm_up + time.counted
    births = _births(size / MEAN_LIFE, begins - BEFORE, ends, chance)
    lives = tuple(_life(number, born, deleted, chance) for number, born in enumerate(births))
    return World(size, begins, begins + time.warm_up, ends, lives)


def durations(count: int, seed: int) -> list[float]:
    """So many lives, in seconds, as they are lived everywhere."""
    chance = random.Random(seed)  # noqa: S311  # the same lives every time
    lives = (_life(number, 0.0, 0.0, chance) for number in range(count))
    return [life.settled for life in lives]


def _births(rate: float, begins: float, ends: float, chance: random.Random) -> Iterator[float]:
    moment = begins
    while (moment := moment + chance.expovariate(rate)) < ends:
        yield moment


def _life(number: int, born: float, deleted: float, chance: random.Random) -> Life:
    (shape,) = chance.choices(SHAPES, [shape.share for shape in SHAPES])
    lasts, verdict = chance.lognormvariate(math.log(shape.median), shape.sigma), Status.COMPLETED
    if chance.random() < STUCK:
        lasts, verdict = STUCK_FOR, Status.FAILED
    elif chance.random() < FAILING:
        verdict = Status.FAILED
    begun = born + lasts * chance.uniform(0.05, 0.5)
    gone = born + lasts * chance.uniform(0, 2) if chance.random() < deleted else math.inf
    return Life(f"post_{number:06}", shape, born, begun, born + lasts, verdict, gone)
