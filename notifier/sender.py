"""Loop 2: bring each due delivery one attempt further."""

import asyncio
import logging
from collections.abc import Callable, Container, Iterable, Sequence
from contextlib import suppress

from notifier.core.callbacks import NOBODY, Calling, family
from notifier.core.health import SHUT
from notifier.core.model import Attempt, Cause, Delivery, Endpoint
from notifier.core.pauses import Pause
from notifier.ended import Batch, about, tell_signing
from notifier.endpoints import Endpoints, Post
from notifier.served import in_turns
from notifier.store import Store
from notifier.turns import Turns

log = logging.getLogger(__name__)

IDLE = 60.0
"""Seconds until the next pass where nothing is owed."""


class Sender(Endpoints):
    """Sends what is due, lane by lane, and records what came of it, batch by batch."""

    def __init__(  # noqa: PLR0913  # the last three have defaults
        self,
        store: Store,
        endpoints: Iterable[Endpoint],
        post: Post,
        clock: Callable[[], float],
        draw: Callable[[], float],
        in_flight_total: int = 200,
        shut: float = SHUT,
        *,
        calling: Calling = NOBODY,
    ) -> None:
        """`post` makes one attempt and never raises; `draw` tells a random number from 0 to 1.

        An endpoint that fails is left alone for `shut` seconds at first. `calling` says how callbacks are sent to.
        """
        super().__init__(store, endpoints, post, clock, in_flight_total, calling)
        self.in_flight = 0
        """Deliveries whose attempt has begun and is not recorded."""
        self._draw = draw
        self._shut = shut
        self._tasks: dict[int, asyncio.Task[None]] = {}
        """The attempts that are under way, by the delivery's id."""
        self._ended: list[tuple[Delivery, Attempt | Cause]] = []
        self._bugs: list[BaseException] = []
        self._stopping = False
        self._turns = Turns(store, self._served)

    # --- the pass

    async def send_due(self) -> float:
        """One pass: record what has ended, start what may go. Answers the moment at which to come back."""
        await self.record_ended()
        if self._is_changed:
            self._is_changed = False
            await self._begin()
        now = self._clock()
        for served in (self._calls.all, *(self._served[name] for name in self._calls.names), *self._ending):
            if served.sign_with(now):
                tell_signing(served)
        called = await self._calls.take(now, self._in_flight_total - self.in_flight, self._in_flight_total // 2)
        if unpermitted := self._calls.unpermitted():
            await self._pause(unpermitted, Pause.UNPERMITTED)
        moments = await self._ask(now)
        if not self._recording.locked():  # else somebody is about to write how one of them fares
            self._calls.let_go(now)
        return min([*moments, *((called,) if called is not None else ())], default=now + IDLE)

    async def _ask(self, now: float) -> list[float]:
        """Ask for what is due and start what may go; answers the moments at which more may."""
        self._turns.begin(self._calls.names)
        moments: list[float] = []
        total = self._in_flight_total
        while not self._stopping and (wanted := await self._turns.wanted(now, total - self.in_flight, total)):
            taken = {id_ for name in wanted for id_ in self._served[name].in_flight}
            due, later = await self._store.due(now, wanted, taken)
            moments += self._start_all(due, now)
            if later is not None:
                moments.append(later)
        return [*moments, *self._turns.moments]

    def _start_all(self, due: Sequence[Delivery], now: float) -> list[float]:
        """Start what may go, endpoints in turn; answers when their rates let go what may not yet.

        Where places become few, some are kept for endpoints that have none: those that hang never have them all. All
        callbacks together are as one endpoint in that: there may be a host that hangs for each of them.
        """
        left, most_kept = self._in_flight_total - self.in_flight, self._in_flight_total // 2
        busy = {family(name) for name in self._busy}
        without = self._without(busy, left + most_kept, now)
        some = {delivery.endpoint for delivery in due} & self._served.keys()  # another config may have come meanwhile
        opened = {name: its for name in some if (its := self._served[name]).is_open(now)}
        held: list[float] = []
        for delivery in in_turns(due):
            served = opened.get(delivery.endpoint)
            if left <= 0 or self._stopping:
                break
            if served is None or not served.places_left() or not served.is_free(delivery):
                continue
            if (cause := served.unwanted(delivery)) is not None:
                served.in_flight[delivery.id] = delivery
                self.in_flight += 1
                self._busy.add(delivery.endpoint)
                self._ended.append((delivery, cause))
                self.wake.set()
                continue
            one = family(delivery.endpoint)
            if one in busy and left <= min(len(without), most_kept):
                continue
            if (may_go := served.may_go(now)) > now:
                held.append(may_go)
                continue
            served.take(delivery, now)
            self.in_flight += 1
            self._busy.add(delivery.endpoint)
            busy.add(one)
            without.discard(one)
            left -= 1
            self._start(served.endpoint, delivery)
        return held

    def _without(self, busy: Container[str], enough: int, now: float) -> set[str]:
        """Those that nothing is on its way to and that may be sent to: so many are `enough`, there may be very many."""
        found: set[str] = set()
        for name, served in self._served.items():
            if len(found) >= enough:
                break
            if not served.in_flight and (one := family(name)) not in busy and served.room(now):
                found.add(one)
        return found

    async def record_ended(self) -> None:
        """Commit the results of all attempts that have ended, give their places free, then raise what ended one.

        Each such is raised once. Whoever is cut off here leaves nothing half done: what is committed is known to be.
        """
        if self._ended:
            recording = asyncio.ensure_future(self._record_ended())
            recording.add_done_callback(_heard)  # who is cut off here hears of no failure, and `stop` tries again
            await asyncio.shield(recording)
        if self._bugs:
            raise self._bugs.pop(0)

    async def stop(self, within: float) -> None:
        """Let what is on its way end for `within` seconds, then cut it off: it stays due. Record what has ended."""
        self._stopping = True
        try:
            if self._tasks:
                await asyncio.wait(self._tasks.values(), timeout=within)
        finally:  # also where a bug elsewhere cuts off the stop itself
            cut_off = list(self._tasks.values())
            for task in cut_off:
                task.cancel()
            await asyncio.gather(*cut_off, return_exceptions=True)
            await self.record_ended()

    # --- what is written

    async def _record_ended(self) -> None:
        async with self._recording:
            ended = self._ended[:]
            served = {name: self._known[name] for name in {delivery.endpoint for delivery, _ in ended}}
            batch = Batch(served, self._clock(), self._shut)
            for delivery, came in ended:
                batch.add(delivery, came, self._draw(), self._draw())
            standings = batch.standings(self._endpoints)
            overtaken: Container[int] = ()
            if batch.results or batch.given_up:
                overtaken = await self._store.record(batch.results, standings, batch.given_up)
            del self._ended[: len(ended)]  # not before: after a failure, which ends the daemon, `stop` tries again
            for delivery, _ in ended:
                served[delivery.endpoint].release(delivery)
            self.in_flight -= len(ended)
            self._busy.difference_update(name for name, one in served.items() if not one.in_flight)
            for name, fare in batch.fares.items():
                served[name].recent = fare.recent
            batch.tell(overtaken)
            self._stand(standings)

    # --- one attempt

    def _start(self, endpoint: Endpoint, delivery: Delivery) -> None:
        self._tasks[delivery.id] = asyncio.create_task(self._attempt(endpoint, delivery))

    async def _attempt(self, endpoint: Endpoint, delivery: Delivery) -> None:
        """A bug ends its delivery and no other: one that nobody can send must not hold up the rest."""
        try:
            self._ended.append((delivery, await self._post(endpoint, delivery)))
        except Exception:
            log.exception("bug", extra={"fields": about(delivery)})
            self._ended.append((delivery, Cause.INTERNAL))
        except asyncio.CancelledError:
            raise
        except BaseException as end:  # noqa: BLE001 - it ends the next pass
            self._bugs.append(end)
        finally:
            del self._tasks[delivery.id]
            self.wake.set()


def _heard(task: asyncio.Task[None]) -> None:
    """Whatever it failed of, nobody else has to hear."""
    with suppress(asyncio.CancelledError):
        task.exception()
