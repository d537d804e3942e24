"""values → how many lay where, and what they add up to."""

from bisect import bisect_left
from dataclasses import dataclass, field, replace


@dataclass(slots=True)
class Spread:
    """How many values lay where: a count for each of the ascending `bounds`, which belong to what is below them."""

    bounds: tuple[float, ...]
    counts: list[int] = field(default_factory=list)
    """As many as there are bounds, and one for what is above the last."""
    sum: float = 0.0

    def __post_init__(self) -> None:
        self.counts = self.counts or [0] * (len(self.bounds) + 1)

    def add(self, value: float) -> None:
        """Count a value; one below 0 is of a clock that was set, and counts as 0."""
        if value > 0.0:
            self.counts[bisect_left(self.bounds, value)] += 1
            self.sum += value
        else:
            self.counts[0] += 1

    def copy(self) -> "Spread":
        """As it is now."""
        return replace(self, counts=self.counts.copy())
