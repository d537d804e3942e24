"""The endpoints that are sent to: which there are, how each fares, and what people ask for."""

import asyncio
import logging
from collections import ChainMap
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from notifier.calls import Calls
from notifier.core.callbacks import ALL, NOBODY, Calling, number_of
from notifier.core.events import ping
from notifier.core.health import Health, State, believed, is_moved, pause, released, renewed, resumed, stepped
from notifier.core.model import Attempt, Delivery, Endpoint
from notifier.core.pauses import Pause, Resumption
from notifier.ended import AGAIN, tell_health, tell_ping
from notifier.served import Served
from notifier.store import Standing, Store
from notifier.tally import Tally

log = logging.getLogger(__name__)

Post = Callable[[Endpoint, Delivery], Awaitable[Attempt]]


class Endpoints:
    """Those of the config, and the callbacks that something is on its way to. Nobody's health changes but here."""

    def __init__(
        self,
        store: Store,
        endpoints: Iterable[Endpoint],
        post: Post,
        clock: Callable[[], float],
        in_flight_total: int,
        calling: Calling = NOBODY,
    ) -> None:
        """`post` makes one attempt and never raises; `calling` says how callbacks are sent to."""
        self.wake = asyncio.Event()
        """Set when there is something to do for the sender, so that a pass may follow at once."""
        store.announced.calls.append(self.wake.set)
        self._store = store
        self._post = post
        self._clock = clock
        self._in_flight_total = in_flight_total
        self._endpoints = tuple(endpoints)
        self._served = {endpoint.name: Served(endpoint) for endpoint in self._endpoints}
        self._ending: list[Served] = []
        """Those that have secrets which end: of the others none can become unsigned."""
        self._note_ending()
        self._leaving: dict[str, Served] = {}
        """Those that left the config last, or earlier and something is on its way to them: more may be written of them,
        and what was `remembered` for the next config may be older than that."""
        self._known = ChainMap(self._served, self._leaving)
        self._calls = Calls(store, calling, self._served)
        self._busy: set[str] = set()
        """Those that anything is on its way to, or unrecorded."""
        self._recording = asyncio.Lock()
        """A pass and a stop may both find the same results. Nobody's health changes but under it."""
        self._is_changed = False
        """Whether other endpoints were adopted, or others with the same names, since the last pass."""
        self._moved: set[str] = set()
        """Those that have got another URL since then."""

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
        await self._begin()

    def adopt(
        self,
        endpoints: Iterable[Endpoint],
        calling: Calling,
        in_flight_total: int,
        remembered: Mapping[str, tuple[Health, float]],
    ) -> None:
        """Serve these from now on. What is on its way ends as it began; to what is named no more nothing else goes.

        Each has its number in the store, and `remembered` is how it says that they fare.
        """
        self._endpoints, self._in_flight_total = tuple(endpoints), in_flight_total
        before = {name: self._served.pop(name) for name in list(self._served) if number_of(name) is None}
        for endpoint in self._endpoints:
            served = before.pop(endpoint.name, None) or self._leaving.pop(endpoint.name, None)
            if served is None:
                health, tat = remembered[endpoint.name]
                served = Served(endpoint, health, tat=tat)
            if endpoint.url != served.endpoint.url:
                self._moved.add(endpoint.name)
            served.become(endpoint)
            self._served[endpoint.name] = served
        for name in [name for name, served in self._leaving.items() if not served.in_flight]:
            del self._leaving[name]
        self._leaving.update(before)
        self._note_ending()
        self._calls.adopt(calling)
        self._is_changed = True
        self.wake.set()

    def _note_ending(self) -> None:
        some = [self._served[one.name] for one in self._endpoints]
        self._ending = [
            one
            for one in some
            if one.is_unsigned or any(secret.not_after is not None for secret in one.endpoint.secrets)
        ]

    async def believe_no_later(self, jump: float = 0.0) -> None:
        """Have what waits go when it would have gone, and bring forward what is due later than it can be.

        To be called whenever the clock jumps; `jump` is by how many seconds it was put forward just now, or back.
        """
        now = self._clock()
        for served in self._served.values():
            served.rests_until = min(served.rests_until, now + AGAIN)
        shut = await self._store.callbacks_shut()
        await self._change([*self._served, *shut], lambda one: believed(stepped(one.health, jump), now))
        if jump:
            await self._store.mark_left(self._served, now, jump)
        latest = {name: one.latest(now) for name, one in self._served.items() if number_of(name) is None}
        latest[ALL] = self._calls.all.latest(now)
        if brought := await self._store.bring_forward(latest, now, jump):
            log.warning("rescheduled", extra={"fields": {"deliveries": brought}})

    # --- what people ask for

    async def one(self, name: str) -> Served:
        """An endpoint of the config, or a callback, as it is now; raises `UnknownNameError`."""
        return await self._calls.of(name)

    async def pause(self, name: str) -> None:
        """Send nothing more to an endpoint until it is resumed; what is on its way ends. What is owed is kept."""
        await self.one(name)
        await self._pause([name], Pause.PERSON)

    async def resume(self, name: str) -> None:
        """Send to an endpoint again that is paused, shut off or asks for time: all that waits for it is due."""
        await self.one(name)
        await self._change([name], lambda one: released(one.health, self._clock()), Resumption.PERSON)
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
                attempt = await self._post(served.endpoint, delivery)
        finally:
            served.pings -= 1
        served.tally.tried(attempt)
        tell_ping(delivery, attempt)
        return delivery.event, attempt

    # --- what is written

    async def _begin(self) -> None:
        """Note whom the config names no more, bring forward what is due too late, and bring back who has moved."""
        for name, since in (await self._store.mark_left(self._served, self._clock())).items():
            if waiting := await self._store.waiting(name):
                fields = {"endpoint": name, "waiting": waiting, "since": since}
                log.warning("endpoint left the config: what waits for it is kept", extra={"fields": fields})
        await self.believe_no_later()
        moved, self._moved = self._moved, set()
        moved |= {name for name, one in self._served.items() if is_moved(one.health, one.endpoint.url)}
        await self._change(moved, lambda one: renewed(one.health), Resumption.URL)
        await self._change(await self._calls.permitted_again(), lambda one: resumed(one.health), Resumption.CONFIG)

    async def _pause(self, names: Iterable[str], why: Pause) -> None:
        await self._change(names, lambda one: pause(one.health, why, one.endpoint, self._clock()))

    async def _change(
        self, names: Iterable[str], step: Callable[[Served], Health], by: Resumption = Resumption.ANSWERED
    ) -> None:
        """Make the health of endpoints another, for another reason than an attempt; `by` is what brings them back."""
        await asyncio.shield(self._changed(names, step, by))

    async def _changed(self, names: Iterable[str], step: Callable[[Served], Health], by: Resumption) -> None:
        async with self._recording:
            some = [await self._calls.of(name) for name in names if name in self._served or number_of(name)]
            changed = [(one, after) for one in some if (after := step(one)) != one.health or by.is_asked_for]
            now = self._clock()
            standings = [served.standing(after, now, self._endpoints, by=by) for served, after in changed]
            if standings:
                await self._store.record([], standings)
                self._stand(standings)

    def _stand(self, standings: Sequence[Standing]) -> None:
        """Take for true what is committed, and tell it."""
        for standing in standings:
            served = self._known[standing.endpoint]
            before, served.health = served.health, standing.health
            if before.state is State.OK and served.health.state is State.OPEN:
                served.tally.trips += 1
            tell_health(before, standing)
