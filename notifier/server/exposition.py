"""A reading × what is measured → the text that Prometheus reads."""

import platform
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from notifier import __version__
from notifier.core.spread import Spread
from notifier.server.measures import OF_ENDPOINTS, OF_QUEUES, OF_SOURCES, OF_THE_DAEMON, Measures
from notifier.server.readings import Reading

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

T = TypeVar("T")


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
        about = (__version__, platform.python_version())
        yield _plain("notifier_build_info", "1; what runs is in the labels", ["version", "python"], [(about, 1)])
        yield from _of_each({"": self._reading}, OF_THE_DAEMON)
        yield from _of_each(self._reading.sources, OF_SOURCES)
        yield from _of_each(self._reading.owed, OF_QUEUES)
        yield from _of_each(self._reading.endpoints, OF_ENDPOINTS)


def _of_each(shown: Mapping[str, T], measures: Measures[T]) -> Iterator[Metric]:
    """All that is measured of things, by their names."""
    of = [measures.label] if measures.label else []
    things = [((name,) if of else (), one) for name, one in shown.items()]
    for name, words, value in measures.single:
        yield _plain(name, words, of, [(key, worth) for key, one in things if (worth := value(one)) is not None])
    for name, label, words, values in measures.each:
        samples = [((*key, word), worth) for key, one in things for word, worth in values(one).items()]
        yield _plain(name, words, [*of, label], samples)
    for name, words, spread in measures.spreads:
        yield _histogram(name, words, of, [(key, spread(one)) for key, one in things])


def _plain(name: str, words: str, labels: list[str], samples: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
    """A counter or a gauge: the values of the labels, and the value that they have."""
    family = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
    made = family(name, words, labels=labels)
    for values, value in samples:
        made.add_metric(values, value)
    return made


def _histogram(name: str, words: str, labels: list[str], samples: Iterable[tuple[tuple[str, ...], Spread]]) -> Metric:
    made = HistogramMetricFamily(name, words, labels=labels)
    for values, spread in samples:
        below, buckets = 0, []
        for bound, count in zip((*spread.bounds, "+Inf"), spread.counts, strict=True):
            below += count
            buckets.append((f"{bound}", below))
        made.add_metric(values, buckets, spread.sum)
    return made
