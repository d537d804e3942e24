"""Loop 2: bring each due delivery one attempt further."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, Sequence

from notifier.calls import Calls
from notifier.core.callbacks import NOBODY, Calling
from notifier.core.events import ping
from notifier.core.health import (
    SHUT,
    Health,
    Pause,
    Resumption,
    State,
    believed,
    is_moved,
    pause,
    released,
    resumed,
    stepped,
)
from notifier.core.model import Attempt, Cause, Delivery, Endpoint
from notifier.ended import AGAIN, Batch, about, tell_health, tell_ping, tell_signing
from notifier.served import Served, in_turns
from notifier.store import Standing, Store
from notifier.tally import Tally

log = logging.getLogger(__name__)

IDLE = 60.0
"""Seconds until the next pass where nothing is owed."""

Post = Callable[[Delivery], Awaitable[Attempt]]


class Sender:
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
        self.wake = asyncio.Event()
        """Set when an attempt has ended, so that a pass may follow at once."""
        self._store = store
        self._post = post
        self._clock = clock
        self._draw = draw
        self._in_flight_total = in_flight_total
        self._shut = shut
        self._endpoints = tuple(endpoints)
        self._served = {endpoint.name: Served(endpoint) for endpoint in self._endpoints}
        self._calls = Calls(store, calling, self._served)
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: list[tuple[Delivery, Attempt | Cause]] = []
        self._bugs: list[BaseException] = []
        self._recording = asyncio.Lock()
        """A pass and a stop may both find the same results. Nobody's health changes but under it."""
        self._stopping = False

    @property
    def in_flight(self) -> int:
        """Deliveries whose attempt has begun and is not recorded."""
        return sum(len(served.in_flight) for served in self._served.values())

    @property
    def served(self) -> Mapping[str, Served]:
        """Every endpoint as it is now, and the callbacks that something is on its way to; to be looked at only."""
        return self._served

    @property
    def called(self) -> Tally:
        """What has come of the deliveries to all callbacks."""
        return self._calls.all.tally

    @property
    def troubled(self) -> dict[str, str]:
        """The endpoints of the config that are not well, and how it stands with them."""
        troubles = {endpoint.name: self._served[endpoint.name].trouble for endpoint in self._endpoints}
        return {name: trouble for name, trouble in troubles.items() if trouble is not None}

    async def open(self) -> None:
        """Remember how the endpoints fare. To be called at the start, when each has its number in the store."""
        for name, (health, tat) in (await self._store.healths()).items():
            if name in self._served:
                self._served[name].health, self._served[name].tat = health, tat
        for name, since in (await self._store.mark_left(self._served, self._clock())).items():
            if waiting := await self._store.waiting(name):
                fields = {"endpoint": name, "waiting": waiting, "since": since}
                log.warning("endpoint left the config: what waits for it is kept", extra={"fields": fields})
        await self.believe_no_later()
        for name, served in self._served.items():
            if is_moved(served.health, served.endpoint.url):
                await self._change([name], resumed, Resumption.URL)

    async def believe_no_later(self, jump: float = 0.0) -> None:
        """Bring forward what is due later than it can be: the clock has been set back since.

        To be called whenever the clock jumps; `jump` is by how many seconds it was put forward just now, or back.
        """
        now = self._clock()
        for served in self._served.values():
            served.rests_until = min(served.rests_until, now + AGAIN)
        shut = await self._store.callbacks_shut()
        await self._change([*self._served, *shut], lambda health: believed(stepped(health, jump), now))
        if jump:
            await self._store.mark_left(self._served, now, jump)
        brought = await self._store.bring_forward({name: one.latest(now) for name, one in self._served.items()})
        brought += await self._store.bring_callbacks_forward(self._calls.latest(now))
        if brought:
            log.warning("brought forward", extra={"fields": {"deliveries": brought}})

    # --- what people ask for

    async def one(self, name: str) -> Served:
        """An endpoint of the config, or a callback, as it is now; raises `UnknownNameError`."""
        return await self._calls.of(name)

    async def pause(self, name: str) -> None:
        """Send nothing more to an endpoint until it is resumed; what is on its way ends. What is owed is kept."""
        endpoint = (await self.one(name)).endpoint
        await self._change([name], lambda health: pause(health, Pause.PERSON, endpoint, self._clock()))

    async def resume(self, name: str) -> None:
        """Send to an endpoint again that is paused, shut off or asks for time: all that waits for it is due."""
        await self._change([name], lambda health: released(health, self._clock()), Resumption.PERSON)
        self.wake.set()

    async def ping(self, name: str) -> tuple[str, Attempt]:
        """Make one attempt to bring an endpoint a `notifier.ping`; answers the event's id, and what came of it.

        It goes however the endpoint fares and whatever its `events`, and changes nothing of how it fares. It waits
        for nothing but another ping of the same endpoint.
        """
        served = await self.one(name)
        served.pings += 1
        try:
            async with served.pinging:
                delivery = ping(served.endpoint, self._clock())
                attempt = await self._post(delivery)
        finally:
            served.pings -= 1
        served.tally.tried(attempt)
        tell_ping(delivery, attempt)
        return delivery.event, attempt

    # --- the pass

    async def send_due(self) -> float:
        """One pass: record what has ended, start what may go. Answers the moment at which to come back."""
        await self.record_ended()
        now = self._clock()
        for served in (self._calls.all, *self._served.values()):
            if served.sign_with(now):
                tell_signing(served)
        called = await self._calls.take(now, self._in_flight_total - self.in_flight)
        opening = [at for served in self._served.values() if (at := served.opens_at()) is not None and at > now]
        wanted = {
            name: room + len(served.in_flight) for name, served in self._served.items() if (room := served.room(now))
        }
        due, later = await self._store.due(now, wanted)
        held = self._start_all(due, wanted, now)
        if not self._recording.locked():  # else somebody is about to write how one of them fares
            self._calls.let_go(now)
        return min([*opening, *held, *(at for at in (later, called) if at is not None)], default=now + IDLE)

    def _start_all(self, due: Iterable[Delivery], wanted: Iterable[str], now: float) -> list[float]:
        """Start what may go, endpoints in turn; answers when their rates let go what may not yet.

        Where places become few, some are kept for endpoints that have none: those that hang never have them all.
        """
        left = self._in_flight_total - self.in_flight
        without = {name for name in wanted if not self._served[name].in_flight}
        held: list[float] = []
        for delivery in in_turns(due):
            served = self._served[delivery.endpoint]
            if left <= 0 or self._stopping:
                break
            if not served.room(now) or not served.is_free(delivery):
                continue
            if (cause := served.unwanted(delivery)) is not None:
                served.in_flight[delivery.id] = delivery
                self._ended.append((delivery, cause))
                self.wake.set()
                continue
            if served.in_flight and left <= min(len(without), self._in_flight_total // 2):
                continue
            if (may_go := served.may_go(now)) > now:
                held.append(may_go)
                continue
            served.take(delivery, now)
            without.discard(delivery.endpoint)
            left -= 1
            self._start(delivery)
        return held

    async def record_ended(self) -> None:
        """Commit the results of all attempts that have ended, give their places free, then raise what ended one.

        Each such is raised once. Whoever is cut off here leaves nothing half done: what is committed is known to be.
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

    # --- what is written

    async def _record_ended(self) -> None:
        async with self._recording:
            ended, batch = self._ended[:], Batch(self._served, self._clock(), self._shut)
            for delivery, came in ended:
                batch.add(delivery, came, self._draw(), self._draw())
            standings = batch.standings(self._endpoints)
            overtaken: Container[int] = ()
            if batch.results or batch.given_up:
                overtaken = await self._store.record(batch.results, standings, batch.given_up)
            del self._ended[: len(ended)]  # not before: after a failure, which ends the daemon, `stop` tries again
            for delivery, _ in ended:
                self._served[delivery.endpoint].release(delivery)
            for name, fare in batch.fares.items():
                self._served[name].recent = fare.recent
            batch.tell(overtaken)
            self._stand(standings)

    async def _change(
        self, names: Iterable[str], step: Callable[[Health], Health], by: Resumption = Resumption.ANSWERED
    ) -> None:
        """Make the health of endpoints another, for another reason than an attempt; `by` is what brings them back."""
        await asyncio.shield(self._changed(names, step, by))

    async def _changed(self, names: Iterable[str], step: Callable[[Health], Health], by: Resumption) -> None:
        async with self._recording:
            some = [await self._calls.of(name) for name in names]
            changed = [(served, after) for served in some if (after := step(served.health)) != served.health]
            now = self._clock()
            standings = [served.standing(after, now, self._endpoints, by=by) for served, after in changed]
            if standings:
                await self._store.record([], standings)
                self._stand(standings)

    def _stand(self, standings: Sequence[Standing]) -> None:
        """Take for true what is committed, and tell it."""
        for standing in standings:
            served = self._served[standing.endpoint]
            before, served.health = served.health, standing.health
            if before.state is State.OK and served.health.state is State.OPEN:
                served.tally.trips += 1
            tell_health(before, standing)

    # --- one attempt

    def _start(self, delivery: Delivery) -> None:
        task = asyncio.create_task(self._attempt(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._attempted)

    async def _attempt(self, delivery: Delivery) -> None:
        """A bug ends its delivery and no other: one that nobody can send must not hold up the rest."""
        try:
            came: Attempt | Cause = await self._post(delivery)
        except Exception:
            log.exception("bug", extra={"fields": about(delivery)})
            came = Cause.INTERNAL
        self._ended.append((delivery, came))

    def _attempted(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (end := task.exception()) is not None:
            self._bugs.append(end)
        self.wake.set()
