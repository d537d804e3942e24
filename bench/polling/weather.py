"""What stands between a question and its answer: the round trip, failures, and the provider's limit."""

import math
import random
from dataclasses import dataclass, field

from notifier.core.model import Limit

ROUND_TRIP, ROUND_TRIP_SIGMA = 0.08, 0.5
"""Seconds: the median, and the sigma of its logarithm."""
PATIENCE = 20.0
"""Seconds after which a client gives an answer up."""


@dataclass(frozen=True, slots=True)
class Weather:
    """How a provider behaves besides telling the truth. Shares are of all requests; `outage` begins so many seconds
    after the counting does and lasts so many.
    """

    errors: float = 0.0
    hanging: float = 0.0
    outage: tuple[float, float] = (0.0, 0.0)
    late: float = 0.0
    """Seconds at most by which a row of a list appears after what it tells of."""
    deleted: float = 0.0
    """Share of the uploads."""

    def is_out(self, since_counted: float) -> bool:
        """Whether the provider cannot be reached so many seconds after the counting began."""
        begins, lasts = self.outage
        return begins <= since_counted < begins + lasts

    def fails(self, since_counted: float, chance: random.Random) -> bool:
        """Whether a request of that moment comes to nothing, of whatever it may be."""
        return self.is_out(since_counted) or chance.random() < self.errors + self.hanging


CALM = Weather()
ROUGH = Weather(errors=0.01, hanging=0.002, outage=(1200.0, 300.0), late=2.0, deleted=0.005)


def round_trip(chance: random.Random) -> float:
    """Seconds from a question to its answer."""
    return chance.lognormvariate(math.log(ROUND_TRIP), ROUND_TRIP_SIGMA)


@dataclass(slots=True)
class Window:
    """A limit of so many requests in so many seconds, counted from the full minute or hour, UTC."""

    limit: int
    seconds: float
    tells: bool = True
    """Whether the answers' headers say how much is left."""
    over: int = 0
    """Requests that it refused."""
    _number: int = field(default=0, init=False)
    _used: int = field(default=0, init=False)

    def take(self, at: float) -> bool:
        """Whether one more request may pass; refused ones are not charged."""
        number = int(at // self.seconds)
        if number != self._number:
            self._number, self._used = number, 0
        if self._used >= self.limit:
            self.over += 1
            return False
        self._used += 1
        return True

    def reset_in(self, at: float) -> float:
        """Seconds until it begins anew."""
        return (self._number + 1) * self.seconds - at

    def told(self, at: float) -> Limit | None:
        """What the headers of an answer say."""
        return Limit(self.limit - self._used, self.reset_in(at), self.limit) if self.tells else None
