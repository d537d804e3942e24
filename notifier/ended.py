"""What has ended × how the endpoints fare → what is to be written. And one line of the log for each of them."""

import logging
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from notifier.core.events import is_operators
from notifier.core.health import SHUT, Health, State, heard
from notifier.core.model import Attempt, Cause, Delivery, Endpoint, Outcome, Phase
from notifier.core.pauses import reason
from notifier.core.recent import Recent
from notifier.core.retry import Next, after
from notifier.served import Served
from notifier.store import GivenUp, Result, Standing
from notifier.tally import LARGE, LARGEST

log = logging.getLogger(__name__)

AGAIN = 30.0
"""Seconds for which an endpoint rests where nothing could be sent to it by a fault of ours."""
Ended = tuple[Delivery, Attempt, Next | None]
"""An attempt and what it leads to."""
UNSIGNED = "every secret of it has ended: add another and reload, or restart; what it is owed waits"


@dataclass(slots=True)
class Fare:
    """How an endpoint fares, on the way through a batch."""

    health: Health
    recent: Recent
    is_told: bool = True
    """Not where what paused it was itself an operator's event: two endpoints would go on telling one another."""


@dataclass(slots=True)
class Batch:
    """All that has ended since the last pass: each an attempt, or the cause for which there is none."""

    served: Mapping[str, Served]
    now: float
    shut: float = SHUT
    """Seconds for which an endpoint that fails is shut off at first."""
    results: list[Result] = field(default_factory=list)
    given_up: list[GivenUp] = field(default_factory=list)
    unsent: list[Delivery] = field(default_factory=list)
    """Nothing was sent of them, by a fault of ours."""
    fares: dict[str, Fare] = field(default_factory=dict)

    def add(self, delivery: Delivery, came: Attempt | Cause, draw: float, chance: float) -> None:
        """`draw` and `chance` are two random numbers from 0 to 1."""
        if isinstance(came, Cause):
            self.given_up.append(GivenUp(delivery, came, self.now))
        elif came.outcome is Outcome.LOCAL:
            self.unsent.append(delivery)
            self._rest(delivery, came)
        else:
            self._hear(delivery, came, draw, chance)

    def standings(self, endpoints: Iterable[Endpoint]) -> list[Standing]:
        """What is to be written of the endpoints, as far as it is another than before."""
        return [
            served.standing(fare.health, self.now, endpoints, is_told=fare.is_told)
            for name, fare in self.fares.items()
            if fare.health is not (served := self.served[name]).health or served.endpoint.rate.count
        ]

    def tell(self, overtaken: Container[int] = ()) -> None:
        """Count all of it and tell the log, once it is committed; of those `overtaken` that they were attempted."""
        for delivery in self.unsent:
            self.served[delivery.endpoint].tally.unsent()
        ended = [
            (delivery, attempt, None if delivery.id in overtaken else next_)
            for delivery, attempt, next_ in self.results
        ]
        for delivery, attempt, next_ in ended:
            self.served[delivery.endpoint].tally.attempted(delivery, attempt, next_)
            tell_size(delivery)
        tell_attempts(ended)
        for one in self.given_up:
            if one.delivery.id in overtaken:
                continue
            self.served[one.delivery.endpoint].tally.ended[one.phase] += 1
            tell_given_up(one)

    def _hear(self, delivery: Delivery, attempt: Attempt, draw: float, chance: float) -> None:
        served = self.served[delivery.endpoint]
        fare = self.fares.get(delivery.endpoint)
        if fare is None:
            fare = self.fares[delivery.endpoint] = Fare(served.health, served.recent)
        before, is_elsewhere = fare.health.paused, delivery.id in served.elsewhere
        if not is_elsewhere:
            fare.health, fare.recent = heard(
                fare.health, fare.recent, attempt, served.endpoint, self.now, chance, self.shut
            )
        paused = fare.health.paused
        if paused is not before:
            fare.is_told = paused is None or not is_operators(delivery.type)
        spared = is_elsewhere or paused is not None
        next_ = after(delivery, attempt, served.endpoint.schedule, draw, spared=spared)
        if next_.due_at is not None:  # the clock may have been set back while the attempt was under way
            slot = min(next_.slots, len(served.endpoint.schedule) - 1)
            latest = max(served.latest(self.now)[slot], fare.health.quiet_until)
            next_ = next_._replace(due_at=min(next_.due_at, latest))
        if next_.cause is Cause.ABORTED:
            attempt = attempt._replace(outcome=Outcome.ABORTED)
        self.results.append(Result(delivery, attempt, next_))

    def _rest(self, delivery: Delivery, attempt: Attempt) -> None:
        """Nothing was sent, by a fault of ours: the delivery stays as it is, and is due again when that has passed."""
        served = self.served[delivery.endpoint]
        if served.rests_until <= self.now:
            fields = {"endpoint": delivery.endpoint, "note": attempt.note, "next": self.now + AGAIN}
            log.error("cannot send", extra={"fields": fields})
        served.rests_until, served.fault = self.now + AGAIN, attempt.note


# --- the log


def tell_size(delivery: Delivery) -> None:
    """A body that is larger than receivers may be counted on to take; it is sent all the same."""
    size = len(delivery.body)
    if not delivery.attempts and size > LARGE:
        fields = {**about(delivery), "bytes": size}
        log.log(logging.ERROR if size > LARGEST else logging.WARNING, "large body", extra={"fields": fields})


def tell_attempts(ended: Iterable[Ended]) -> None:
    """One line for each attempt, with all that is known of it; where it leads to nothing without a `Next`."""
    for level, some in groupby(ended, key=_level):
        if log.isEnabledFor(level):
            log.log(level, "attempted", extra={"fields": [_attempted(*one) for one in some]})


def _level(one: Ended) -> int:
    _, attempt, next_ = one
    if attempt.outcome is Outcome.DELIVERED:
        return logging.INFO
    return logging.ERROR if next_ is not None and next_.phase is Phase.DEAD else logging.WARNING


def _attempted(delivery: Delivery, attempt: Attempt, next_: Next | None) -> dict[str, object]:
    leads = {} if next_ is None else {"slot": next_.slots, "phase": next_.phase, "next": next_.due_at}
    return _known({**about(delivery), "attempt": delivery.attempts + 1, **_what_came(attempt), **leads})


def tell_ping(delivery: Delivery, attempt: Attempt) -> None:
    """One line for a ping, which is kept nowhere else."""
    level = logging.INFO if attempt.outcome is Outcome.DELIVERED else logging.WARNING
    fields = {"event": delivery.event, "endpoint": delivery.endpoint, **_what_came(attempt)}
    log.log(level, "pinged", extra={"fields": _known(fields)})


def tell_given_up(one: GivenUp) -> None:
    """What was given up without an attempt; the trace of a bug was told when it came."""
    level = logging.ERROR if one.cause is Cause.INTERNAL else logging.WARNING
    log.log(level, "given up", extra={"fields": {**about(one.delivery), "cause": one.cause.value}})


def tell_health(before: Health, standing: Standing) -> None:
    """A change of an endpoint's health: once each way."""
    after, fields = standing.health, {"endpoint": standing.endpoint}
    if after.paused is not None and after.paused is not before.paused:
        why = {"reason": reason(after.paused).text, "next": after.probe_at, "deliveries": len(standing.onlookers)}
        log.warning("endpoint paused", extra={"fields": fields | why})
    elif before.paused is not None and after.paused is None:
        text = standing.notice and standing.notice.reason.text
        log.info("endpoint resumed", extra={"fields": {**fields, "reason": text}})
    elif before.state is State.OK and after.state is State.OPEN:
        log.warning("breaker opened", extra={"fields": {**fields, "failures": after.failures, "next": after.probe_at}})
    elif before.state is State.OPEN and after.state is State.OK:
        log.info("breaker closed", extra={"fields": fields})
    is_quiet = before.quiet_until <= standing.at < after.quiet_until  # by a 5xx too, which is no throttle of its own
    if (after.throttles or is_quiet) and not before.throttles:
        log.warning("throttled", extra={"fields": {**fields, "next": after.quiet_until}})
    elif before.throttles and not after.throttles:
        log.info("throttled no more", extra={"fields": fields})


def tell_signing(served: Served) -> None:
    """Whether anything can be signed for an endpoint: once each way."""
    fields = {"endpoint": served.endpoint.name}
    if served.is_unsigned:
        log.error("cannot sign", extra={"fields": {**fields, "note": UNSIGNED}})
    else:
        log.info("can sign again", extra={"fields": fields})


def about(delivery: Delivery) -> dict[str, object]:
    """What a line says of a delivery."""
    return {
        "event": delivery.event,
        "type": delivery.type,
        "source": delivery.source,
        "upload": delivery.upload,
        "endpoint": delivery.endpoint,
        "delivery": delivery.id,
    }


def _what_came(attempt: Attempt) -> dict[str, object]:
    return {
        "outcome": attempt.outcome,
        "status": attempt.status,
        "ms": round(attempt.duration * 1000, 1),
        "note": attempt.note,
    }


def _known(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value not in {None, ""}}
