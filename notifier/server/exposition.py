"""What is known of the deliveries → metrics, in the text format of Prometheus.

Names are for ever: alerts and dashboards go by them. Labels are names of the config and of closed sets, never an id or
a URL.
"""

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from notifier import __version__
from notifier.core.health import Health
from notifier.core.model import Phase
from notifier.store.history import Figures, Queue
from notifier.tally import Looks, Spread, Tally

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


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
class SourceShown:
    """A source of the config."""

    is_failing: bool
    looks: Looks


@dataclass(frozen=True, slots=True)
class ReloadShown:
    """Whether the last one was refused, and when the config in force was read."""

    is_refused: bool
    succeeded_at: float


@dataclass(frozen=True, slots=True)
class Reading:
    """All that one scrape tells."""

    now: float
    figures: Figures
    endpoints: Mapping[str, Shown]
    sources: Mapping[str, SourceShown] = field(default_factory=dict)
    reload: ReloadShown | None = None

    @property
    def queues(self) -> list[Queue]:
        """What is owed to each endpoint, and to those that left the config, where anything is."""
        return [one for one in self.figures.queues if one.endpoint in self.endpoints or one.waiting or one.dead]


def _age(queue: Queue, now: float) -> float:
    return 0.0 if queue.oldest is None else max(0.0, now - queue.oldest)


QUEUES: tuple[tuple[str, str, Callable[[Queue, float], float]], ...] = (
    (
        "notifier_deliveries_waiting",
        "Deliveries that wait for an attempt, or for another one",
        lambda queue, _now: queue.waiting,
    ),
    (
        "notifier_deliveries_dead",
        "Deliveries that are dead and kept, until they are dropped or replayed",
        lambda queue, _now: queue.dead,
    ),
    (
        "notifier_oldest_waiting_seconds",
        "Age of the oldest delivery that waits, since its announcement or replay; 0 where none does",
        _age,
    ),
)
"""Of what is owed to each endpoint: name, meaning, value at a moment."""

GAUGES: tuple[tuple[str, str, Callable[[Shown], float]], ...] = (
    (
        "notifier_deliveries_in_flight",
        "Deliveries whose attempt has begun and is not recorded",
        lambda one: one.in_flight,
    ),
    (
        "notifier_endpoint_paused",
        "1 where it is paused, at its own word, by a person, or after 5 days of failures",
        lambda one: one.health.paused is not None,
    ),
    (
        "notifier_endpoint_unsigned",
        "1 where every secret of it has ended: nothing is sent until the config has another",
        lambda one: one.is_unsigned,
    ),
    (
        "notifier_endpoint_breaker_state",
        "0 closed, 1 half-open: one probe may go, 2 open: shut off because it fails",
        lambda one: one.breaker,
    ),
    (
        "notifier_endpoint_throttled_until_timestamp_seconds",
        "Until when it asked to be left alone; 0 where it did not",
        lambda one: one.quiet_until,
    ),
)
"""Of each endpoint: name, meaning, value."""

COUNTERS: tuple[tuple[str, str, Callable[[Shown], float]], ...] = (
    (
        "notifier_delivery_retries_total",
        "Attempts after which another one was scheduled",
        lambda one: one.tally.retries,
    ),
    (
        "notifier_endpoint_breaker_trips_total",
        "How often it was shut off because it failed",
        lambda one: one.tally.trips,
    ),
)
"""The same."""

LABELLED: tuple[tuple[str, str, str, Callable[[Shown], Mapping[str, int]]], ...] = (
    (
        "notifier_delivery_attempts_total",
        "outcome",
        "Attempts, pings among them; `local` ones never left this machine",
        lambda one: one.tally.attempts,
    ),
    ("notifier_deliveries_total", "outcome", "Deliveries that ended", lambda one: one.ended),
    (
        "notifier_address_refused_total",
        "rule",
        "Attempts whose address was refused, by the rule; born with its first",
        lambda one: one.tally.refused,
    ),
)
"""Counters of each endpoint: name, second label, meaning, value for each value of the label."""

SPREADS: tuple[tuple[str, str, Callable[[Shown], Spread]], ...] = (
    (
        "notifier_delivery_attempt_duration_seconds",
        "From the beginning of an attempt to its end",
        lambda one: one.tally.durations,
    ),
    (
        "notifier_delivery_latency_seconds",
        "From the announcement to the 2xx; replays are left out",
        lambda one: one.tally.latencies,
    ),
    (
        "notifier_delivery_body_bytes",
        "Size of each body, at its first attempt; above 20 kB it is logged as well",
        lambda one: one.tally.sizes,
    ),
)
"""Histograms of each endpoint: name, meaning, values."""


def text(reading: Reading) -> bytes:
    """The answer to a scrape."""
    return generate_latest(registry(reading))


def registry(reading: Reading) -> CollectorRegistry:
    """A registry of our own, which tells nothing but this reading."""
    made = CollectorRegistry()
    made.register(_Told(reading))
    return made


class _Told:
    """A reading as what a registry collects."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def collect(self) -> Iterator[Metric]:
        """Each metric with its samples."""
        yield from _of_the_daemon(self._reading.figures)
        if self._reading.reload is not None:
            yield from _of_the_config(self._reading.reload)
        yield from _of_the_sources(self._reading.sources)
        queues, now = self._reading.queues, self._reading.now
        for name, words, worth in QUEUES:
            yield _gauge(name, words, ["endpoint"], [((one.endpoint,), worth(one, now)) for one in queues])
        endpoints = self._reading.endpoints.items()
        for name, words, value in GAUGES:
            yield _gauge(name, words, ["endpoint"], [((endpoint,), value(one)) for endpoint, one in endpoints])
        for name, words, value in COUNTERS:
            yield _counter(name, words, ["endpoint"], [((endpoint,), value(one)) for endpoint, one in endpoints])
        for name, label, words, values in LABELLED:
            samples = [((endpoint, key), count) for endpoint, one in endpoints for key, count in values(one).items()]
            yield _counter(name, words, ["endpoint", label], samples)
        for name, words, spread in SPREADS:
            yield _histogram(name, words, [((endpoint,), spread(one)) for endpoint, one in endpoints])


Samples = Iterable[tuple[tuple[str, ...], float]]
"""Values of the labels, and the value that they have."""


def _of_the_daemon(figures: Figures) -> Iterator[Metric]:
    about = (__version__, platform.python_version())
    yield _gauge("notifier_build_info", "1; what runs is in the labels", ["version", "python"], [(about, 1)])
    words = "Size of the database; what is not yet written back to it is left out"
    yield _gauge("notifier_store_bytes", words, ["file"], [(("database",), figures.size)])
    yield _gauge(
        "notifier_store_free_bytes", "Bytes of it that hold nothing any more", ["file"], [(("database",), figures.free)]
    )


def _of_the_config(reload: ReloadShown) -> Iterator[Metric]:
    words = "0 from a reload that was refused to the next that is not"
    yield _gauge("notifier_config_last_reload_successful", words, [], [((), not reload.is_refused)])
    words = "When the config in force was read"
    yield _gauge("notifier_config_last_reload_success_timestamp_seconds", words, [], [((), reload.succeeded_at)])


def _of_the_sources(sources: Mapping[str, SourceShown]) -> Iterator[Metric]:
    shown = sources.items()
    looks = [((name, word), count) for name, one in shown for word, count in one.looks.outcomes.items()]
    yield _counter("notifier_polls_total", "Looks at a source, by what came of them", ["source", "outcome"], looks)
    failing = [((name,), one.is_failing) for name, one in shown]
    yield _gauge("notifier_source_failing", "1 from `source.failing` to `source.recovered`", ["source"], failing)
    last = [((name,), one.looks.succeeded_at) for name, one in shown]
    words = "When a look was last answered as it should be; 0: not since the start"
    yield _gauge("notifier_source_last_success_timestamp_seconds", words, ["source"], last)
    events = [((name, type_), count) for name, one in shown for type_, count in one.looks.events.items()]
    words = "Events announced, by their type"
    yield _counter("notifier_events_total", words, ["source", "type"], events)


def _gauge(name: str, words: str, labels: list[str], samples: Samples) -> Metric:
    return _filled(GaugeMetricFamily(name, words, labels=labels), samples)


def _counter(name: str, words: str, labels: list[str], samples: Samples) -> Metric:
    return _filled(CounterMetricFamily(name, words, labels=labels), samples)


def _filled(made: GaugeMetricFamily | CounterMetricFamily, samples: Samples) -> Metric:
    for values, value in samples:
        made.add_metric(values, value)
    return made


def _histogram(name: str, words: str, samples: Iterable[tuple[tuple[str, ...], Spread]]) -> Metric:
    made = HistogramMetricFamily(name, words, labels=["endpoint"])
    for values, spread in samples:
        below, buckets = 0, []
        for bound, count in zip((*spread.bounds, "+Inf"), spread.counts, strict=True):
            below += count
            buckets.append((f"{bound}", below))
        made.add_metric(values, buckets, spread.sum)
    return made
