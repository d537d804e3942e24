"""What has come of deliveries and of looks since the daemon started: numbers, for whoever asks."""

from collections import deque
from dataclasses import dataclass, field, replace
from functools import partial

from notifier.core.events import EVENT_TYPES
from notifier.core.model import Attempt, Delivery, Outcome, Phase, Status, StatusClass
from notifier.core.retry import Next
from notifier.core.spread import Spread

LARGE, LARGEST = 20_000, 64 * 1024
"""Bytes of a body: what Standard Webhooks advises at most, and what no event of ours should reach."""

DURATIONS = (0.05, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0)
LATENCIES = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 3600.0, 21600.0, 86400.0)
OVER = (Phase.DELIVERED, Phase.DEAD, Phase.DROPPED)
"""Where the sender brings a delivery to its end; what is superseded, or dropped by people, the store counts."""
LATELY = 40
"""Attempts at an endpoint of which it is told how long each took."""
LOOKED = ("ok", "unavailable", "limited", "refused", "malformed")
"""What may come of a look."""
UNSEEN = "unseen"
FOLLOWED = (*Status, UNSEEN)
"""What an upload that is followed may be: its status, if it was seen yet."""
LOOKS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
DELAYS = (1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 21600.0)
OF_A_SOURCE = tuple(type_ for type_ in EVENT_TYPES if type_.startswith(("upload.", "source.")))
SIZES = (1000.0, 2000.0, 5000.0, 10_000.0, float(LARGE), float(LARGEST))


@dataclass(slots=True)
class Tally:
    """What is counted of one endpoint. All that is bounded begins with 0: a count that begins with 1 is no increase."""

    attempts: dict[str, int] = field(default_factory=lambda: {outcome.value: 0 for outcome in Outcome})
    """By their outcome."""
    refused: dict[str, int] = field(default_factory=dict)
    """Attempts whose address was refused, by the rule's name."""
    ended: dict[str, int] = field(default_factory=lambda: {phase.value: 0 for phase in OVER})
    """Deliveries, by their phase."""
    connections: dict[str, int] = field(default_factory=lambda: {"false": 0, "true": 0})
    """Those that a request went out over, by whether an earlier one had opened it."""
    retries: int = 0
    trips: int = 0
    """How often it was shut off because it failed."""
    durations: Spread = field(default_factory=partial(Spread, DURATIONS))
    """Seconds of each attempt."""
    latencies: Spread = field(default_factory=partial(Spread, LATENCIES))
    """Seconds from announcement to 2xx; what was owed again is left out."""
    sizes: Spread = field(default_factory=partial(Spread, SIZES))
    """Bytes of each body, at its first attempt."""
    lately: deque[float] = field(default_factory=lambda: deque(maxlen=LATELY))
    """Seconds that each of the last attempts took, the newest last."""

    def tried(self, attempt: Attempt) -> None:
        """Count an attempt, whatever it was of."""
        self.lately.append(attempt.duration)
        self.attempts[attempt.outcome] += 1
        self.durations.add(attempt.duration)
        if "first_byte" in attempt.phases:
            self.connections["false" if "connect" in attempt.phases else "true"] += 1
        if attempt.rule is not None:
            self.refused[attempt.rule] = self.refused.get(attempt.rule, 0) + 1

    def attempted(self, delivery: Delivery, attempt: Attempt, next_: Next | None) -> None:
        """Count an attempt and where it leads, if anywhere."""
        self.tried(attempt)
        if not delivery.attempts:
            self.sizes.add(len(delivery.body))
        if next_ is None:
            return
        if next_.phase is Phase.WAITING:
            self.retries += 1
            return
        self.ended[next_.phase] += 1
        if next_.phase is Phase.DELIVERED and delivery.replay is None:
            self.latencies.add(attempt.started_at + attempt.duration - delivery.created_at)

    def unsent(self) -> None:
        """Count that nothing was sent, by a fault of ours."""
        self.attempts[Outcome.LOCAL] += 1

    def copy(self) -> "Tally":
        """As it is now."""
        return replace(
            self,
            attempts=self.attempts.copy(),
            refused=self.refused.copy(),
            ended=self.ended.copy(),
            connections=self.connections.copy(),
            durations=self.durations.copy(),
            latencies=self.latencies.copy(),
            sizes=self.sizes.copy(),
        )


@dataclass(slots=True)
class Looks:
    """What has come of the looks at a source since the daemon started."""

    outcomes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LOOKED, 0))
    events: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OF_A_SOURCE, 0))
    """Those that were announced of it, by their type."""
    requests: dict[str, int] = field(default_factory=lambda: {answered.value: 0 for answered in StatusClass})
    """By what they were answered with."""
    succeeded_at: float = 0.0
    """When a look was last answered as it should be."""
    late: float = 0.0
    """Seconds after it was due that the last look went."""
    durations: Spread = field(default_factory=partial(Spread, LOOKS))
    """Seconds of each look, from its request until it is written what came of it."""
    delays: Spread = field(default_factory=partial(Spread, DELAYS))
    """Seconds from each change to its being seen, where the provider states when it was."""

    def requested(self, answered: StatusClass) -> None:
        """Count a request."""
        self.requests[answered] += 1

    def failed(self, code: str) -> None:
        """Count a look of which nothing came."""
        self.outcomes[code] += 1

    def succeeded(self, now: float) -> None:
        """Count one that was answered."""
        self.outcomes["ok"] += 1
        self.succeeded_at = now

    def announced(self, type_: str) -> None:
        """Count an event."""
        self.events[type_] += 1

    def noticed(self, after: float | None) -> None:
        """Count a change by the seconds after which it was seen, where that is known."""
        if after is not None:
            self.delays.add(after)

    def copy(self) -> "Looks":
        """As it is now."""
        return replace(
            self,
            outcomes=self.outcomes.copy(),
            events=self.events.copy(),
            requests=self.requests.copy(),
            durations=self.durations.copy(),
            delays=self.delays.copy(),
        )
