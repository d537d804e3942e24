"""How long uploads take: lives seen to end → the chance that one of a certain age has settled by now.

Ages and durations are in seconds. A life runs from birth to the first settled status. The hazard, settlings per second
among those still open, is constant within 32 bins that widen with age; the last one's holds beyond.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import erf, exp, expm1, log, sqrt, tau
from typing import Protocol

LONGEST = 4200.0
"""A life longer than this teaches only that it was so long."""
EDGES = (0.0, *(LONGEST ** (k / 31) for k in range(32)))
BINS = len(EDGES) - 1
_INNER = EDGES[1:-1]
MOST_EVENTS = 4000.0
"""Lives of a class after which older ones count half, so that what is learned follows what changes."""
SURE = 1e-9
"""Of a survival below this a quotient says nothing any more: the hazard of the moment is taken to stay."""
NOTHING = 1e-12
"""Settlings as rare as this are none."""
NEVER = 0.005
"""The share of uploads that nothing comes of, before any is seen."""
LONGEST_LEFT = 86400.0
"""Seconds that a provider's own estimate may name: a longer one is no estimate."""


class Lifetime(Protocol):
    """What is known of how long an upload will stay open."""

    def course(self, age: float) -> tuple[float, float]:
        """The chance to be open still at this age, and the seconds lived until then, on average: its integral."""
        ...

    def hazard(self, age: float) -> float:
        """Settlings per second at this age, of those still open."""
        ...


class Unnoticed:
    """What is expected of an upload since it was seen open at an age: what that moment tells is worked out once."""

    __slots__ = ("_age", "_alive", "_life", "_lived")

    def __init__(self, life: Lifetime, age: float) -> None:
        self._life, self._age = life, age
        self._alive, self._lived = life.course(age)

    def after(self, since: float) -> tuple[float, float]:
        """Expected seconds for which it has been settled unnoticed, `since` seconds after it was seen.

        They are increasing and convex in `since`. Answers besides the chance that it has settled by now, which is what
        they grow by each second.
        """
        if self._alive < SURE:
            rate = self._life.hazard(self._age)
            return max(0.0, since - _lived_at(rate, since)), -expm1(-rate * since)
        alive, lived = self._life.course(self._age + since)
        return max(0.0, since - (lived - self._lived) / self._alive), max(0.0, 1 - alive / self._alive)


@dataclass(frozen=True, slots=True)
class Hazard:
    """A lifetime by its hazard in each bin."""

    rates: tuple[float, ...]
    _alive: tuple[float, ...] = field(init=False, repr=False)
    _lived: tuple[float, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        alive, lived = [1.0], [0.0]
        for rate, (begin, end) in zip(self.rates, pairwise(EDGES), strict=True):
            lived.append(lived[-1] + alive[-1] * _lived_at(rate, end - begin))
            alive.append(alive[-1] * exp(-rate * (end - begin)))
        object.__setattr__(self, "_alive", tuple(alive))
        object.__setattr__(self, "_lived", tuple(lived))

    def course(self, age: float) -> tuple[float, float]:
        """As `Lifetime` says."""
        if age <= 0:
            return 1.0, age
        k = bisect_right(_INNER, age)  # here and below written out: it is asked some thirty times for each look
        rate, alive, span = self.rates[k], self._alive[k], age - EDGES[k]
        settled = -expm1(-rate * span)
        return alive * (1 - settled), self._lived[k] + alive * (settled / rate if settled > NOTHING else span)

    def hazard(self, age: float) -> float:
        """As `Lifetime` says."""
        return self.rates[bin_of(age)] if age >= 0 else 0.0


def _lived_at(rate: float, span: float) -> float:
    return -expm1(-rate * span) / rate if rate * span > NOTHING else span


def bin_of(age: float) -> int:
    """The number of the bin that an age falls into; before the first edge it is the first, beyond the last the last."""
    return bisect_right(_INNER, age)


@dataclass(frozen=True, slots=True)
class Estimated:
    """A lifetime by the provider's own estimate: `left` seconds more, counted from the moment it was stated.

    The actual time is taken for lognormal around it. A few, the share `never`, are stuck, and no estimate holds for
    them: it is above 0, so that no upload is certain to be over.
    """

    left: float
    sigma: float = 0.6
    never: float = NEVER

    def course(self, age: float) -> tuple[float, float]:
        """As `Lifetime` says, the age being the time since the statement."""
        if age <= 0:
            return 1.0, age
        z = self._z(age)
        still, mean = 1 - _phi(z), self.left * exp(self.sigma**2 / 2)
        lived = (1 - self.never) * (age * still + mean * _phi(z - self.sigma)) + self.never * age
        return (1 - self.never) * still + self.never, lived

    def hazard(self, age: float) -> float:
        """As `Lifetime` says."""
        if age <= 0:
            return 0.0
        density = exp(-(self._z(age) ** 2) / 2) / (self.sigma * sqrt(tau)) / age
        return (1 - self.never) * density / self.course(age)[0]

    def _z(self, age: float) -> float:
        return (log(age) - log(self.left)) / self.sigma


def estimated(left: float | None) -> Estimated | None:
    """The lifetime by what a provider states to be left; None where that is no estimate: nothing, 0, or past belief."""
    return Estimated(left) if left is not None and 0 < left <= LONGEST_LEFT else None


def _phi(z: float) -> float:
    return 0.5 * (1 + erf(z / sqrt(2)))


# --- learning


def presumed(median: float, sigma: float) -> tuple[float, ...]:
    """The hazard in each bin of lives that are lognormal, but for a few that never end: what is presumed at first.

    Without those an upload that is stuck would be asked about as if it had to settle any minute.
    """
    alive = [1.0, *((1 - NEVER) * (1 - _phi(log(edge / median) / sigma)) + NEVER for edge in EDGES[1:])]
    spans = [end - begin for begin, end in pairwise(EDGES)]
    return tuple(max(log(a / b) / span, 1e-6) for (a, b), span in zip(pairwise(alive), spans, strict=True))


@dataclass(frozen=True, slots=True)
class Lives:
    """What the lives of a class of uploads add up to: settlings in each bin, and the seconds spent in it."""

    events: tuple[float, ...] = (0.0,) * BINS
    exposure: tuple[float, ...] = (0.0,) * BINS

    @property
    def count(self) -> float:
        """Lives that were seen to end."""
        return sum(self.events)

    def plus(self, others: "Lives") -> "Lives":
        """Both together."""
        return Lives(
            tuple(map(sum, zip(self.events, others.events, strict=True))),
            tuple(map(sum, zip(self.exposure, others.exposure, strict=True))),
        )

    def faded(self) -> "Lives":
        """Half of it, once it holds so many lives that it would follow no change any more."""
        if self.count <= MOST_EVENTS:
            return self
        return Lives(tuple(one / 2 for one in self.events), tuple(one / 2 for one in self.exposure))

    def hazard(self, prior: Sequence[float]) -> Hazard:
        """The hazard by these lives; `prior` is worth half a settling in each bin."""
        seen = zip(self.events, self.exposure, prior, strict=True)
        return Hazard(tuple((events + 0.5) / (exposure + 0.5 / before) for events, exposure, before in seen))


def one_life(first_seen: float, end: float) -> Lives:
    """A life from the age at which it was first seen to its end; one of `LONGEST` or more adds only its seconds."""
    exposure = tuple(max(0.0, min(end, high) - max(first_seen, low)) for low, high in pairwise(EDGES))
    number = bin_of(end) if end < LONGEST else None
    return Lives(tuple(float(k == number) for k in range(BINS)), exposure)


def together(all_lives: Iterable[Lives]) -> Lives:
    """The lives of several classes."""
    total = Lives()
    for lives in all_lives:
        total = total.plus(lives)
    return total
