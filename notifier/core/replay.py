"""what is asked to be owed again × an endpoint's rate → which deliveries, and how many in one step."""

from dataclasses import dataclass

from notifier.core.model import Endpoint, Phase

OVER = (Phase.DELIVERED, Phase.DEAD, Phase.SUPERSEDED, Phase.DROPPED)
USUAL_RATE = 10.0
"""Deliveries a second that are owed again to an endpoint that has no `rate`, or to several."""
MOST = 500
"""Deliveries that are owed again in one step, at most: whoever else writes waits no longer than that takes."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which deliveries are to be owed again: those of an event, those to an endpoint, or both, in one of the `phases`.

    `latest`: instead of these the last event of each upload that the endpoint wants, was it ever owed to it or not,
    unless it has that or a later one, or that waits. Raises `ValueError`, which says what is to be given instead.
    """

    event: str | None = None
    """Its id."""
    endpoint: str | None = None
    since: float | None = None
    """The moment before which nothing is taken that was announced."""
    phases: tuple[Phase, ...] = OVER
    latest: bool = False

    def __post_init__(self) -> None:
        if self.event is None and self.endpoint is None:
            raise ValueError("a replay is of an event or to an endpoint: name one of them, or both")
        if not self.phases or not set(self.phases) <= set(OVER):
            raise ValueError(f"a replay is of what is over: choose from {', '.join(OVER)}")
        if self.latest and (self.event, self.since, self.phases) != (None, None, OVER):
            raise ValueError("the latest of each upload goes to an endpoint: name that, and nothing else")


def per_second(endpoint: Endpoint | None) -> float:
    """Deliveries a second: the endpoint's `rate`, or the usual where it has none."""
    if endpoint is None or not endpoint.rate.count:
        return USUAL_RATE
    return endpoint.rate.count / endpoint.rate.seconds


def step_of(rate: float) -> int:
    """How many go in one step: what a second allows."""
    return min(MOST, max(1, int(rate)))
