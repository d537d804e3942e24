"""Loop 2: bring each due delivery one attempt further."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field

from notifier.core.model import Attempt, Delivery, Endpoint, Outcome, Phase
from notifier.core.pace import Bucket
from notifier.core.retry import after
from notifier.store import Result, Store

log = logging.getLogger(__name__)

IDLE = 60.0
"""Seconds until the next pass where nothing is owed."""

Post = Callable[[Delivery], Awaitable[Attempt]]


@dataclass(slots=True)
class Line:
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
        self._lines = {endpoint.name: Line(endpoint) for endpoint in endpoints}
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: list[tuple[Delivery, Attempt]] = []
        self._bugs: list[BaseException] = []
        self._recording = asyncio.Lock()
        """A pass and a stop may both find the same results."""
        self._stopping = False

    @property
    def in_flight(self) -> int:
        """Deliveries whose attempt has begun and is not recorded."""
        return sum(len(line.in_flight) for line in self._lines.values())

    async def send_due(self) -> float:
        """One pass: record what has ended, start what may go. Answers the moment at which to come back."""
        await self.record_ended()
        now = self._clock()
        wanted = {name: line.room() + len(line.in_flight) for name, line in self._lines.items() if line.room()}
        due, later = await self._store.due(now, wanted)
        places = self._in_flight_total - self.in_flight
        for delivery in _in_turns(due):
            line = self._lines[delivery.endpoint]
            if places <= 0 or self._stopping:
                break
            if not line.room() or not line.is_free(delivery):
                continue
            if (may_go := line.may_go(now)) > now:
                later = may_go if later is None else min(may_go, later)
                continue
            line.take(delivery, now)
            places -= 1
            self._start(delivery)
        return now + IDLE if later is None else later

    async def record_ended(self) -> None:
        """Commit the results of all attempts that have ended, then give their places free."""
        if self._bugs:
            raise self._bugs[0]
        async with self._recording:
            if not self._ended:
                return
            results = [self._result(delivery, attempt) for delivery, attempt in self._ended]
            await self._store.record(results)
            del self._ended[
                : len(results)
            ]  # not before: where the database is full or locked, the next pass tries again
            for result in results:
                del self._lines[result.delivery.endpoint].in_flight[result.delivery.id]
                _tell(result)

    async def stop(self, within: float) -> None:
        """Let what is on its way end for `within` seconds, then cut it off: it stays due. Record what has ended."""
        self._stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within)
        cut_off = list(self._tasks)
        for task in cut_off:
            task.cancel()
        await asyncio.gather(*cut_off, return_exceptions=True)
        await self.record_ended()

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
        schedule = self._lines[delivery.endpoint].endpoint.schedule
        return Result(delivery, attempt, after(delivery, attempt, schedule, self._draw()))


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
