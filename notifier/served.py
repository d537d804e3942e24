"""One endpoint while the daemon runs: how it fares, what is on its way to it, what else may go."""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from notifier.core import health as healths
from notifier.core.allowance import Bucket
from notifier.core.events import Notice, onlookers, unwanted
from notifier.core.health import WELL, Health, State
from notifier.core.model import Cause, Delivery, Endpoint, Rate
from notifier.core.pauses import Pause, Resumption, reason
from notifier.core.recent import Recent
from notifier.core.retry import jittered
from notifier.store import Standing
from notifier.tally import Tally


class Held(StrEnum):
    """Why an endpoint is not sent to, or by one request at a time."""

    UNPERMITTED = "unpermitted"
    PAUSED = "paused"
    UNSIGNED = "unsigned"
    LOCAL = "local"
    THROTTLED = "throttled"
    OPEN = "open"
    RATE = "rate"


@dataclass(slots=True)
class Served:
    """A place is held until the result is committed: a kill repeats no more than what was on its way."""

    endpoint: Endpoint
    health: Health = WELL
    recent: Recent = ()
    tat: float = 0.0
    """Of the endpoint's `rate`: theoretical arrival time."""
    rests_until: float = 0.0
    """Nothing is sent before, because of a fault of ours: it is no matter of the endpoint's health, and not kept."""
    fault: str = ""
    """Which one it was."""
    in_flight: dict[int, Delivery] = field(default_factory=dict)
    elsewhere: set[int] = field(default_factory=set)
    """What of this goes to the URL that it had before: what comes of that holds nothing back."""
    is_unsigned: bool = False
    """Every secret of it has ended: nothing is sent until the config has another, for nothing could be signed."""
    is_permitted: bool = True
    """Not so where a registration asked for what the config permits no more."""
    crowd: set[int] = field(default_factory=set)
    """What is on its way to the same origin: of callbacks there, which have the places of one endpoint together."""
    tally: Tally = field(default_factory=Tally)
    pinging: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a ping is on its way."""
    pings: int = 0
    """Those on their way, and those that wait for them."""
    _unwanted: dict[tuple[str, str | None, str | None, str], Cause | None] = field(default_factory=dict)
    _bucket: Bucket | None = None

    def __post_init__(self) -> None:
        self._bucket = _bucket(self.endpoint.rate)

    def become(self, endpoint: Endpoint) -> None:
        """Be served as the config has it now; another rate begins with nothing used, another URL without a failure."""
        if endpoint.rate != self.endpoint.rate:
            self.tat = 0.0
        if endpoint.url != self.endpoint.url:
            self.recent, self.elsewhere = (), set(self.in_flight)
        self.endpoint, self._bucket = endpoint, _bucket(endpoint.rate)
        self._unwanted.clear()

    def sign_with(self, now: float) -> bool:
        """See which secrets have ended by now; answers whether `is_unsigned` is another than before."""
        secrets, before = self.endpoint.secrets, self.is_unsigned
        self.is_unsigned = bool(secrets) and all(secret.has_ended(now) for secret in secrets)
        return self.is_unsigned is not before

    @property
    def trouble(self) -> str | None:
        """Why it gets nothing at present, or next to nothing, in one word; None: all is well."""
        if self.is_unsigned:
            return "unsigned"
        return None if self.health.state is State.OK else self.health.state.value

    @property
    def is_probed(self) -> bool:
        """Whether it is tried by one delivery at a time, and so has to be owed one."""
        return self.health.probe_at is not None and not self.is_unsigned

    def opens_at(self) -> float | None:
        """The moment from which anything may be sent; None where a person has to act before."""
        at = healths.may_go(self.health)
        return None if at is None or self.is_unsigned or not self.is_permitted else max(at, self.rests_until)

    def goes_at(self, now: float) -> float | None:
        """The same of the next one, which its `rate` may let go only later."""
        at, may_go = self.opens_at(), self.may_go(now)
        return at if at is None or may_go <= now else max(at, may_go)

    def held(self, now: float) -> Held | None:
        """What holds up what is due for it; None: nothing does."""
        if self.health.paused is Pause.UNPERMITTED or not self.is_permitted:
            return Held.UNPERMITTED
        if healths.may_go(self.health) is None:
            return Held.PAUSED
        if self.is_unsigned:
            return Held.UNSIGNED
        if self.rests_until > now:
            return Held.LOCAL
        if self.health.quiet_until > max(now, self.health.probe_at or 0.0):
            return Held.THROTTLED
        rated = Held.RATE if self.may_go(now) > now else None
        return rated if self.health.probe_at is None else Held.OPEN

    def is_open(self, now: float) -> bool:
        """Whether anything may be sent."""
        at = self.opens_at()
        return at is not None and at <= now

    def room(self, now: float) -> int:
        """How many more may be sent."""
        return self.places_left() if self.is_open(now) else 0

    def places_left(self) -> int:
        """How many more may be sent once anything may."""
        most = self.endpoint.max_in_flight
        places = healths.places(self.health, most)
        return max(0, min(places - len(self.in_flight), most - len(self.crowd)))

    def is_free(self, delivery: Delivery) -> bool:
        """Whether nothing of the delivery's lane is on its way, itself least of all."""
        lane = delivery.lane
        if lane is None:
            return delivery.id not in self.in_flight
        return lane not in [other.lane for other in self.in_flight.values()]

    def is_used(self, now: float) -> bool:
        """Whether something is on its way to it, or it rests: what nobody else would know."""
        return bool(self.in_flight or self.pings) or self.rests_until > now

    def unwanted(self, delivery: Delivery) -> Cause | None:
        """What in the endpoint's config, as it is now, lets the delivery pass no more; None: it passes."""
        about = delivery.type, delivery.source, delivery.status, delivery.format
        if about not in self._unwanted:
            self._unwanted[about] = unwanted(self.endpoint, *about)
        return self._unwanted[about]

    def may_go(self, now: float) -> float:
        """When the endpoint's `rate` lets the next one go."""
        return now if self._bucket is None else self._bucket.may_go(self.tat, now)

    def held_after(self, now: float) -> float:
        """The last `tat` with which one may go now."""
        return now if self._bucket is None else now + (self._bucket.burst - 1) * self._bucket.every

    def latest(self, now: float) -> list[float]:
        """The last moment at which a delivery may be due, unless it asks for more time, by the slots that are used."""
        return [now + jittered(delay, 1.0) for delay in self.endpoint.schedule]

    def take(self, delivery: Delivery, now: float) -> None:
        """Give the delivery a place, and the rate its due."""
        if self._bucket is not None:
            self.tat = self._bucket.spent(self.tat, now)
        self.in_flight[delivery.id] = delivery
        self.crowd.add(delivery.id)

    def release(self, delivery: Delivery) -> None:
        """Give its place free."""
        del self.in_flight[delivery.id]
        self.crowd.discard(delivery.id)
        self.elsewhere.discard(delivery.id)

    def standing(
        self,
        after: Health,
        now: float,
        endpoints: Iterable[Endpoint],
        *,
        by: Resumption = Resumption.ANSWERED,
        is_told: bool = True,
    ) -> Standing:
        """What is to be written where the endpoint's health becomes another, and what the other endpoints are told.

        `by` is what brings it back.
        """
        before, name = self.health, self.endpoint.name
        revives = healths.revives(before, after) or by.is_asked_for
        if after.paused is not before.paused and after.paused is not None:
            after = replace(after, untold=not is_told and (before.paused is None or before.untold))
        if after.paused is before.paused or not is_told or (before.untold and after.paused is None):
            return Standing(name, after, self.tat, now, revives)
        type_, since = "endpoint.resumed", before.paused_at
        if after.paused is not None:
            type_, since = "endpoint.paused", after.paused_at
        after = replace(after, sequence=before.sequence + 1)
        notice = Notice(type_, name, after.sequence, reason(after.paused or by), since or now, now)
        return Standing(name, after, self.tat, now, revives, notice, tuple(onlookers(notice, endpoints)))


def _bucket(rate: Rate) -> Bucket | None:
    if not rate.count:
        return None
    per_second = rate.count / rate.seconds
    return Bucket(1 / per_second, max(1, int(per_second)))


def in_turns(due: Iterable[Delivery]) -> Iterator[Delivery]:
    """One of each endpoint, then the second of each: a backlog at one costs the others nothing."""
    queues: dict[str, list[Delivery]] = {}
    for delivery in due:
        queues.setdefault(delivery.endpoint, []).append(delivery)
    longest = max(map(len, queues.values()), default=0)
    return (queue[turn] for turn in range(longest) for queue in queues.values() if turn < len(queue))
