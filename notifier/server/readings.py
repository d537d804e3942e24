"""What one scrape reads: the daemon, its sources and its endpoints as they are at a moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from notifier.core.health import Health
from notifier.core.model import Phase
from notifier.core.spread import Spread
from notifier.store.history import Figures, Queue
from notifier.tally import Looks, Tally


@dataclass(frozen=True, slots=True)
class Shown:
    """An endpoint at the moment `now`."""

    now: float
    health: Health
    is_unsigned: bool
    in_flight: int
    superseded: int
    dropped: int
    """By people; what fell through the config is in the tally."""
    tally: Tally

    @property
    def breaker(self) -> int:
        """Its state as a number."""
        if self.health.probe_at is None:
            return 0
        return 1 if self.health.probe_at <= self.now else 2

    @property
    def quiet_until(self) -> float:
        """The end of a throttle that has not passed."""
        return self.health.quiet_until if self.health.quiet_until > self.now else 0.0

    @property
    def ended(self) -> Mapping[str, int]:
        """Deliveries by the phase in which they ended."""
        dropped = self.tally.ended[Phase.DROPPED] + self.dropped
        return {**self.tally.ended, Phase.SUPERSEDED.value: self.superseded, Phase.DROPPED.value: dropped}


@dataclass(frozen=True, slots=True)
class Owed:
    """What is owed to an endpoint at the moment `now`."""

    now: float
    queue: Queue

    @property
    def age(self) -> float:
        """Seconds for which the oldest has waited; 0 where none does."""
        return 0.0 if self.queue.oldest is None else max(0.0, self.now - self.queue.oldest)


@dataclass(frozen=True, slots=True)
class SourceShown:
    """A source of the config."""

    is_failing: bool
    looks: Looks
    uploads: Mapping[str, int]
    """How many are followed, by their status."""
    share_left: float
    """Of its budget, in the tightest window."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """What the daemon tells of itself."""

    passes: Mapping[str, float] = field(default_factory=dict)
    """When each loop last ended one; 0: not yet."""
    lag: float = 0.0
    """Seconds by which the event loop was late lately."""
    readers: int = 0
    """Of the stream."""
    dropped: int = 0
    """Lines of the log."""
    process: Mapping[str, float] = field(default_factory=dict)
    is_refused: bool = False
    """Whether the last reload was."""
    configured_at: float = 0.0
    """When the config in force was read."""


@dataclass(frozen=True, slots=True)
class Reading:
    """All that one scrape tells."""

    now: float
    figures: Figures
    commits: Spread
    vitals: Vitals
    endpoints: Mapping[str, Shown]
    sources: Mapping[str, SourceShown] = field(default_factory=dict)

    @property
    def owed(self) -> Mapping[str, Owed]:
        """What is owed to each endpoint, and to those that left the config, where anything is."""
        return {
            one.endpoint: Owed(self.now, one)
            for one in self.figures.queues
            if one.endpoint in self.endpoints or one.waiting or one.dead
        }
