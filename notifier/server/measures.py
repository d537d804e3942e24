"""What is measured: the name of each metric, what it means, and where its value stands in a reading.

Names are for ever: alerts and dashboards go by them. Labels are names of the config and of closed sets, never an id or
a URL. What ends in `_total` is a counter.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from notifier.core.spread import Spread
from notifier.server import process
from notifier.server.readings import Owed, Reading, Shown, SourceShown

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Measures(Generic[T]):
    """What is told of each thing of a kind; the tables have a name, its meaning, and how the value is read."""

    label: str
    """Whose value is the name of the thing; empty where there is but one."""
    single: tuple[tuple[str, str, Callable[[T], float | None]], ...] = ()
    """None: there is no value, and nothing is told."""
    each: tuple[tuple[str, str, str, Callable[[T], Mapping[str, float]]], ...] = ()
    """With a second label after the name, and a value for each value of it."""
    spreads: tuple[tuple[str, str, Callable[[T], Spread]], ...] = ()


def _of_the_process(name: str) -> Callable[[Reading], float | None]:
    return lambda one: one.vitals.process.get(name)


OF_THE_DAEMON: Measures[Reading] = Measures(
    "",
    single=(
        (
            "notifier_config_last_reload_successful",
            "0 from a reload that was refused to the next that is not",
            lambda one: not one.vitals.is_refused,
        ),
        (
            "notifier_config_last_reload_success_timestamp_seconds",
            "When the config in force was read",
            lambda one: one.vitals.configured_at,
        ),
        (
            "notifier_eventloop_lag_seconds",
            "How late the event loop was in the last minute, at most",
            lambda one: one.vitals.lag,
        ),
        (
            "notifier_stream_readers",
            "Who follow `/v1/stream`",
            lambda one: one.vitals.readers,
        ),
        (
            "notifier_log_dropped_total",
            "Lines of the log that the journal did not take",
            lambda one: one.vitals.dropped,
        ),
        *((name, words, _of_the_process(name)) for name, words in process.MEASURES.items()),
    ),
    each=(
        (
            "notifier_loop_last_pass_timestamp_seconds",
            "loop",
            "When each loop last ended a pass; an idle one turns every 5 s",
            lambda one: one.vitals.passes,
        ),
        (
            "notifier_store_bytes",
            "file",
            "Size of the database; what is not yet written back to it is left out",
            lambda one: {"database": one.figures.size},
        ),
        (
            "notifier_store_free_bytes",
            "file",
            "Bytes of it that hold nothing any more",
            lambda one: {"database": one.figures.free},
        ),
    ),
    spreads=(
        (
            "notifier_store_commit_duration_seconds",
            "How long the disk took to have what was written; what found nothing new does not wait for it",
            lambda one: one.commits,
        ),
    ),
)

OF_SOURCES: Measures[SourceShown] = Measures(
    "source",
    single=(
        (
            "notifier_source_budget_remaining_ratio",
            "Share of the requests that could go now, in the tightest window of its budget; 0: looks wait",
            lambda one: one.share_left,
        ),
        (
            "notifier_poll_lag_seconds",
            "How long after it was due the last look went: for want of budget, or of time",
            lambda one: one.looks.late,
        ),
        (
            "notifier_source_failing",
            "1 from `source.failing` to `source.recovered`",
            lambda one: one.is_failing,
        ),
        (
            "notifier_source_last_success_timestamp_seconds",
            "When a look was last answered as it should be; 0: not since the start",
            lambda one: one.looks.succeeded_at,
        ),
    ),
    each=(
        (
            "notifier_uploads",
            "status",
            "Uploads that are followed; `unseen`: the provider has not said anything of them yet",
            lambda one: one.uploads,
        ),
        (
            "notifier_provider_requests_total",
            "code",
            "Requests, by the class of what was answered; `none`: nothing was",
            lambda one: one.looks.requests,
        ),
        (
            "notifier_polls_total",
            "outcome",
            "Looks at a source, by what came of them",
            lambda one: one.looks.outcomes,
        ),
        (
            "notifier_events_total",
            "type",
            "Events announced, by their type",
            lambda one: one.looks.events,
        ),
    ),
    spreads=(
        (
            "notifier_poll_duration_seconds",
            "A look, from its request until it is written what came of it",
            lambda one: one.looks.durations,
        ),
        (
            "notifier_detection_delay_seconds",
            "From a change to its being seen, where the provider states when it was",
            lambda one: one.looks.delays,
        ),
    ),
)

OF_QUEUES: Measures[Owed] = Measures(
    "endpoint",
    single=(
        (
            "notifier_deliveries_waiting",
            "Deliveries that wait for an attempt, or for another one",
            lambda one: one.queue.waiting,
        ),
        (
            "notifier_deliveries_dead",
            "Deliveries that are dead and kept, until they are dropped or replayed",
            lambda one: one.queue.dead,
        ),
        (
            "notifier_oldest_waiting_seconds",
            "Age of the oldest delivery that waits, since its announcement or replay; 0 where none does",
            lambda one: one.age,
        ),
    ),
)

OF_ENDPOINTS: Measures[Shown] = Measures(
    "endpoint",
    single=(
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
    ),
    each=(
        (
            "notifier_delivery_attempts_total",
            "outcome",
            "Attempts, pings among them; `local` ones never left this machine",
            lambda one: one.tally.attempts,
        ),
        ("notifier_deliveries_total", "outcome", "Deliveries that ended", lambda one: one.ended),
        (
            "notifier_connections_total",
            "reused",
            "Connections that a request went out over, by whether an earlier one had opened it",
            lambda one: one.tally.connections,
        ),
        (
            "notifier_address_refused_total",
            "rule",
            "Attempts whose address was refused, by the rule; born with its first",
            lambda one: one.tally.refused,
        ),
    ),
    spreads=(
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
    ),
)
