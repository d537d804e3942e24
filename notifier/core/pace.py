"""open uploads × what a provider can be asked → the look that is worth its price first, and when.

A look is worth the seconds for which the uploads it shows are expected to have been settled unnoticed. It goes once
they add up to `price`, or once one of them was not seen for as long as its `caps` allow. One upload, a page, a batch or
a feed: the rule is the same, so that the look which tells most goes first. For a single upload it is the optimum of
J. B. Keller, Optimum checking schedules for systems subject to random failure, Management Science 21 (3), 1974.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from heapq import nlargest, nsmallest
from math import inf

from notifier.core.lives import Lifetime, Unnoticed
from notifier.core.model import Upload
from notifier.core.rhythm import SLEEP_PAST_DUE, Steps

OLDER = 6.0
"""An upload is audited again when its age has grown by so many times."""
MOST_SUMMED = 200
"""Of a larger reach every so-manyth upload stands for its neighbours: the sum is an expectation anyway."""
CHEAPEST = 1e-3
"""Upload-seconds: what is worth less is reached in less time than a clock of our days can tell from none."""
CLOSE = 1e-3
"""A step of so few seconds towards the moment is the last: what is left of the way is far less."""


class Why(StrEnum):
    """Why a look goes."""

    FIRST = "first"
    PRICE = "price"
    CAP = "cap"
    DISCOVER = "discover"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class Pace:
    """How eagerly a provider is asked. Constants of its module: nothing a config would name."""

    price: float = 5.0
    """Upload-seconds of expected unnoticed delay that one request is worth."""
    floor: float = 2.0
    """Seconds between two looks at the same: what is asked sooner is answered from the provider's cache."""
    caps: Steps = ((600, 10), (1800, 30), (inf, 300))
    """(age, cap): an upload younger than `age` seconds is seen at least every `cap` seconds."""
    audit: float = 600.0
    """Seconds after which an upload that only a feed or half a row has shown is asked for by itself."""


@dataclass(slots=True)
class Watch:
    """An upload that may settle at any moment, and when it was last seen not to have."""

    upload: Upload
    life: Lifetime
    born: float
    stated: float
    """The moment from which `life` counts: birth, or when the provider stated its estimate."""
    seen: float
    """The latest proof that it was open, of whatever look."""
    asked: float
    """When it was last seen by a look that tells all of it."""
    row: int | None = 0
    """Of its list, from 0, where it was last; None: it is not where it ought to be."""
    above: int = 0
    """Uploads of its kind that were known then: each later one has pushed it a row down."""
    tried: tuple[int, ...] = ()
    """The pages on which it was looked for in vain."""
    is_sought: bool = False
    """Whether page after page is searched for it, from the first on, since it was not where it ought to be."""
    due: float | None = field(default=None)
    """When a look at it alone is worth its price; None: to be worked out anew."""

    def delay(self, at: float) -> tuple[float, float]:
        """Expected seconds for which it has been settled unnoticed at this moment, and what they grow by each second.

        The latter is the chance that it has settled by then.
        """
        return Unnoticed(self.life, self.seen - self.stated).after(at - self.seen) if at > self.seen else (0.0, 0.0)

    def cap_at(self, pace: Pace) -> float:
        """The moment until which it must be seen again."""
        if self.seen < self.born:
            return self.born + SLEEP_PAST_DUE
        age = self.seen - self.born
        return self.seen + next((cap for older, cap in pace.caps if age < older), pace.caps[-1][1])


class Worth:
    """What a reach is worth, ever more as time goes by."""

    def __init__(self, reach: Sequence[Watch]) -> None:
        sample = reach[:: -(-len(reach) // MOST_SUMMED) or 1]
        self._share = len(reach) / max(1, len(sample))
        self._each = [(watch.seen, Unnoticed(watch.life, watch.seen - watch.stated)) for watch in sample]

    def at(self, moment: float) -> tuple[float, float]:
        """Upload-seconds of expected unnoticed delay at this moment, and by how much they grow each second."""
        each = [expected.after(moment - seen) for seen, expected in self._each if moment > seen]
        return self._share * sum(delay for delay, _ in each), self._share * sum(growth for _, growth in each)


def worth(reach: Sequence[Watch], at: float) -> float:
    """Upload-seconds of expected unnoticed delay in a reach at this moment."""
    return Worth(reach).at(at)[0]


def due(reach: Sequence[Watch], pace: Pace, last: float, about: float = inf) -> tuple[float, Why]:
    """When a look that shows all of `reach` is worth its price, or at the first cap; the one before went at `last`.

    `about` is a guess at that moment, and saves work alone: the answer is the same to about a `CLOSE`.
    """
    capped = min((watch.cap_at(pace) for watch in reach), default=inf)
    at = _root(Worth(reach), max(pace.price, CHEAPEST), min(about, capped), capped)
    why = Why.CAP if at is None else Why.PRICE
    return max(capped if at is None else at, last + pace.floor), why


def _root(course: Worth, price: float, at: float, latest: float) -> float | None:
    """The moment before `latest` at which a reach comes to be worth `price`, sought from `at` on; None: there is none.

    Its worth is convex, so that one of Newton's steps goes past that moment from before it, and those after it come
    down to it and never go past it.
    """
    seconds, growth = course.at(at)
    if at < latest and seconds + growth * CLOSE < price:
        at = min(at + (price - seconds) / growth, latest) if growth else latest
        seconds, growth = course.at(at)
    if at == latest and seconds <= price:
        return None
    while (step := (seconds - price) / growth) > CLOSE:
        at -= step
        seconds, growth = course.at(at)
    return min(at - step, latest)


def alone(watch: Watch, pace: Pace) -> float:
    """When a look at this upload alone is worth its price."""
    if watch.due is None:
        watch.due, _ = due([watch], pace, watch.seen)
    return watch.due


def audit(watch: Watch, pace: Pace) -> float:
    """When an upload that only others' looks have shown is asked for by itself: the more seldom, the older it is."""
    if watch.asked < watch.born:
        return max(watch.asked + pace.audit, watch.born + SLEEP_PAST_DUE)
    return watch.asked + max(pace.audit, OLDER * (watch.asked - watch.born))


def stalest(watches: Sequence[Watch], count: int, pace: Pace) -> list[Watch]:
    """So many uploads that must be seen again first."""
    if len(watches) <= count:
        return list(watches)
    return nsmallest(count, watches, key=lambda watch: watch.cap_at(pace))


def dearest(watches: Sequence[Watch], count: int, pace: Pace, now: float) -> list[Watch]:
    """So many uploads of which most is expected; none where they are all in one batch anyway."""
    if len(watches) <= count:
        return []
    return nlargest(count, watches, key=lambda watch: watch.delay(now + pace.floor)[0])


def hurried(pace: Pace, by: float) -> Pace:
    """The same eagerness with every interval divided."""
    return replace(
        pace,
        price=pace.price / by,
        floor=pace.floor / by,
        caps=tuple((age / by, cap / by) for age, cap in pace.caps),
        audit=pace.audit / by,
    )
