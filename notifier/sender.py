"""Loop 2: bring each due delivery one attempt further."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from notifier.core.allowance import Bucket
from notifier.core.model import Attempt, Delivery, Endpoint, Outcome, Phase
from notifier.core.retry import after, jittered
from notifier.store import Result, Store

log = logging.getLogger(__name__)

IDLE = 60.0
"""Seconds until the next pass where nothing is owed."""

Post = Callable[[Delivery], Awaitable[Attempt]]


@dataclass(slots=True)
class Places:
    """What is on its way to one endpoint. A place is held until the result is committed: a kill repeats no more."""

    endpoint: Endpoint
    in_flight: dict[int, Delivery] = field(default_factory=dict)
    tat: float = 0.0
    """Of the endpoint's `rate`: theoretical arrival time."""

    def room(self) -> int:
        """How many more may be sent to it."""
        return max(0, self.endpoint.max_in_flight - len(self.in_flight))

    def is_free(self, delivery: Delivery) -> bool:
        """Whether nothing of the delivery's lane is on its way, itself least of all."""
        if delivery.lane is None:
            return delivery.id not in self.in_flight
        return all(other.lane != delivery.lane for other in self.in_flight.values())

    def may_go(self, now: float) -> float:
        """When the endpoint's `rate` lets the next one go."""
        bucket = self._bucket()
        return now if bucket is None else bucket.may_go(self.tat, now)

    def latest(self, now: float) -> list[float]:
        """The last moment at which a delivery to it may be due, by the slots that it has used."""
        return [now + jittered(delay, 1.0) for delay in self.endpoint.schedule]

    def take(self, delivery: Delivery, now: float) -> None:
        """Give the delivery a place, and the rate its due."""
        bucket = self._bucket()
        self.tat = now if bucket is None else bucket.spent(self.tat, now)
        self.in_flight[delivery.id] = delivery

    def _bucket(self) -> Bucket | None:
        rate = self.endpoint.rate
        if not rate.count:
            return None
        per_second = rate.count / rate.seconds
        return Bucket(1 / per_second, max(1, int(per_second)))


class Sender:
    """Sends what is due, lane by lane, and records what came of it, batch by batch."""

    def __init__(
        self,
        store: Store,
        endpoints: Iterable[Endpoint],
        post: Post,
        clock: Callable[[], float],
        draw: Callable[[], float],
        in_flight_total: int = 200,
    ) -> None:
        """`post` makes one attempt and never raises; `draw` tells a random number from 0 to 1."""
        self.wake = asyncio.Event()
        """Set when an attempt has ended, so that a pass may follow at once."""
        self._store = store
        self._post = post
        self._clock = clock
        self._draw = draw
        self._in_flight_total = in_flight_total
        self._places = {endpoint.name: Places(endpoint) for endpoint in endpoints}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: list[tuple[Delivery, Attempt]] = []
        self._bugs: list[BaseException] = []
        self._recording = asyncio.Lock()
        """A pass and a stop may both find the same results."""
        self._stopping = False

    @property
    def in_flight(self) -> int:
        """Deliveries whose attempt has begun and is not recorded."""
        return sum(len(places.in_flight) for places in self._places.values())

    async def believe_no_later(self) -> None:
        """Bring forward what is due later than it can be: the clock has been set back since.

        To be called at the start, when every endpoint has its number in the store, and whenever the clock jumps.
        """
        now = self._clock()
        brought = await self._store.bring_forward({name: one.latest(now) for name, one in self._places.items()})
        if brought:
            log.warning("brought forward", extra={"fields": {"deliveries": brought}})

    async def send_due(self) -> float:
        """One pass: record what has ended, start what may go. Answers the moment at which to come back."""
        await self.record_ended()
        now = self._clock()
        wanted = {name: one.room() + len(one.in_flight) for name, one in self._places.items() if one.room()}
        due, later = await self._store.due(now, wanted)
        left = self._in_flight_total - self.in_flight
        for delivery in _in_turns(due):
            places = self._places[delivery.endpoint]
            if left <= 0 or self._stopping:
                break
            if not places.room() or not places.is_free(delivery):
                continue
            if (may_go := places.may_go(now)) > now:
                later = may_go if later is None else min(may_go, later)
                continue
            places.take(delivery, now)
            left -= 1
            self._start(delivery)
        return now + IDLE if later is None else later

    async def record_ended(self) -> None:
        """Commit the results of all attempts that have ended, give their places free, then raise a bug that ended one.

        Each bug is raised once. Whoever is cut off here leaves nothing half done: what is committed is known to be.
        """
        if self._ended:
            await asyncio.shield(self._record_ended())
        if self._bugs:
            raise self._bugs.pop(0)

    async def stop(self, within: float) -> None:
        """Let what is on its way end for `within` seconds, then cut it off: it stays due. Record what has ended."""
        self._stopping = True
        try:
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=within)
        finally:  # also where a bug elsewhere cuts off the stop itself
            cut_off = list(self._tasks)
            for task in cut_off:
                task.cancel()
            await asyncio.gather(*cut_off, return_exceptions=True)
            await self.record_ended()

    async def _record_ended(self) -> None:
        async with self._recording:
            results = [self._result(delivery, attempt) for delivery, attempt in self._ended]
            if not results:
                return
            await self._store.record(results)
            del self._ended[: len(results)]  # not before: after a failure, which ends the daemon, `stop` tries again
            for result in results:
                del self._places[result.delivery.endpoint].in_flight[result.delivery.id]
                _tell(result)

    def _start(self, delivery: Delivery) -> None:
        task = asyncio.create_task(self._attempt(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._attempted)

    async def _attempt(self, delivery: Delivery) -> None:
        attempt = await self._post(delivery)
        self._ended.append((delivery, attempt))

    def _attempted(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (bug := task.exception()) is not None:
            self._bugs.append(bug)
        self.wake.set()

    def _result(self, delivery: Delivery, attempt: Attempt) -> Result:
        places = self._places[delivery.endpoint]
        next_ = after(delivery, attempt, places.endpoint.schedule, self._draw())
        if next_.due_at is not None:  # the clock may have been set back while the attempt was under way
            next_ = replace(next_, due_at=min(next_.due_at, places.latest(self._clock())[next_.slots]))
        return Result(delivery, attempt, next_)


def _in_turns(due: Iterable[Delivery]) -> Iterator[Delivery]:
    """One of each endpoint, then the second of each: a backlog at one costs the others nothing."""
    queues: dict[str, list[Delivery]] = {}
    for delivery in due:
        queues.setdefault(delivery.endpoint, []).append(delivery)
    longest = max(map(len, queues.values()), default=0)
    return (queue[turn] for turn in range(longest) for queue in queues.values() if turn < len(queue))


def _tell(result: Result) -> None:
    """One line for an attempt, with all that is known of it."""
    delivery, attempt, next_ = result.delivery, result.attempt, result.next
    good = attempt.outcome is Outcome.DELIVERED
    level = logging.INFO if good else logging.ERROR if next_.phase is Phase.DEAD else logging.WARNING
    if not log.isEnabledFor(level):
        return
    fields = {
        "event": delivery.event,
        "type": delivery.type,
        "source": delivery.source,
        "upload": delivery.upload,
        "endpoint": delivery.endpoint,
        "delivery": delivery.id,
        "attempt": delivery.attempts + 1,
        "slot": next_.slots,
        "outcome": attempt.outcome.value,
        "status": attempt.status,
        "ms": round(attempt.duration * 1000, 1),
        "phase": next_.phase.value,
        "next": next_.due_at,
        "note": attempt.note,
    }
    log.log(
        level, "attempted", extra={"fields": {name: value for name, value in fields.items() if value not in {None, ""}}}
    )
