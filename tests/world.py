"""A small world to try the two loops in: a provider told what is true, receivers that can fail, one clock."""

import json
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path

from verdict import Receipt

from notifier.core.callbacks import NOBODY, Calling
from notifier.core.diff import Vanishing
from notifier.core.model import (
    SETTLED,
    Answer,
    Attempt,
    Baseline,
    Delivery,
    Endpoint,
    Limit,
    Look,
    LookKind,
    Observation,
    Outcome,
    Rate,
    Registration,
    Source,
    Status,
)
from notifier.core.pace import Pace
from notifier.core.rhythm import Cadence, Listing
from notifier.core.secret import Secret
from notifier.poller import Poller
from notifier.providers.base import Provider, ProviderError
from notifier.registrations import Registrations
from notifier.sender import Sender
from notifier.store import Registered, Store
from notifier.watched import Watched

CADENCE = Cadence(settled=((86400, 3600),), settled_all=True, grace=60.0, grace_looks=3)
PACE = Pace(price=inf, caps=((600, 10), (inf, 60)))
LISTING = Listing(LookKind.LIST, "all", active=30, idle=300)
VANISHING = Vanishing()
BUDGET = Rate(6000, 60)
UNKNOWN = Rate(0, 60)
CALLBACKS = Endpoint(name="notify:*", url="", secrets=(Secret("whsec_x"),))
CALLING = Calling(CALLBACKS, ("https://*.example.com/*",))
"""Which callbacks may be asked for, where any may."""


class Killed(BaseException):
    """The process ended here, without a word."""


@dataclass
class Clock:
    """The one clock of the world, moved by hand."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeClient:
    """A provider that shows `truth` and remembers what it showed."""

    truth: dict[str, Observation] = field(default_factory=dict)
    said: dict[tuple[Observation, ...], tuple[Observation, ...]] = field(default_factory=dict)
    shown: dict[str, list[Status]] = field(default_factory=dict)
    asked: list[Look] = field(default_factory=list)
    fault: ProviderError | None = None
    faults: dict[str, ProviderError] = field(default_factory=dict)
    """What goes wrong where an upload of this id is asked for by itself."""
    page_size: int = 100
    tells_total: bool = False
    tells_half: bool = False
    """Whether its lists show of each upload that it is there, and no more."""
    skipped: tuple[str, ...] = ()
    limit: Limit | None = None
    skew: float | None = None
    times: list[float] = field(default_factory=list)
    """When each look of `asked` came."""

    def set(self, id_: str, status: Status, **more) -> None:
        self.truth[id_] = Observation("post", id_, status, status.value, **more)

    def put_on_top(self, *ids: str, status: Status = Status.COMPLETED) -> None:
        """New ones, which push all others down their list."""
        below, self.truth = self.truth, {}
        for id_ in ids:
            self.set(id_, status)
        self.truth |= below

    async def observe(self, look: Look, at: float) -> Answer:
        self.asked.append(look)
        self.times.append(at)
        if (fault := self.faults.get(look.id, self.fault)) is not None:
            raise fault
        return replace(self._answer(look), limit=self.limit, skew=self.skew)

    def _answer(self, look: Look) -> Answer:
        if look.kind is LookKind.GET:
            if look.id not in self.truth:
                return Answer(missing=True)
            return Answer((self._show(look.id),))
        if look.kind is LookKind.BATCH:
            return Answer(tuple(self._show(id_) for id_ in look.ids if id_ in self.truth))
        ids = self._finished() if look.kind is LookKind.FEED else list(self.truth)
        start = (look.page - 1) * self.page_size
        page = ids[start : start + self.page_size]
        seen = tuple(self._show(id_) for id_ in page)
        if self.tells_half:
            seen = tuple(replace(one, complete=False) for one in seen)
        seen = self.said.setdefault(seen, seen)  # the very same again, as where a page that was read is remembered
        total = len(ids) if self.tells_total else None
        return Answer(seen, more=start + self.page_size < len(ids), skipped=self.skipped, total=total)

    def _finished(self) -> list[str]:
        """What has settled, the latest first."""
        settled = [one for one in self.truth.values() if one.status in SETTLED]
        return [one.id for one in sorted(settled, key=lambda one: one.updated_at or 0.0, reverse=True)]

    def _show(self, id_: str) -> Observation:
        seen = self.truth[id_]
        statuses = self.shown.setdefault(id_, [])
        if not statuses or statuses[-1] != seen.status:
            statuses.append(seen.status)
        return seen


@dataclass
class Receivers:
    """Every endpoint's receiver: what it got, and whether it answers well."""

    clock: Clock
    down: set[str] = field(default_factory=set)
    got: dict[str, list[bytes]] = field(default_factory=dict)
    calls: int = 0

    async def post(self, delivery: Delivery) -> Attempt:
        self.calls += 1
        if delivery.endpoint in self.down:
            return Attempt(self.clock.now, 0.01, Outcome.HTTP_5XX, 503)
        self.got.setdefault(delivery.endpoint, []).append(delivery.body)
        return Attempt(self.clock.now, 0.01, Outcome.DELIVERED, 200)

    def events(self, endpoint: str) -> list[dict]:
        return [json.loads(body) for body in self.got.get(endpoint, [])]

    def types(self, endpoint: str) -> list[str]:
        return [event["type"] for event in self.events(endpoint)]


@dataclass
class World:
    path: Path
    discover: bool = True
    baseline: Baseline = Baseline.SILENT
    uploads: tuple[str, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    kinds: tuple[str, ...] = ()
    listings: tuple[Listing, ...] = (LISTING,)
    vanishing: Vanishing = VANISHING
    budget: Rate = BUDGET
    limit: Rate = UNKNOWN
    hourly: bool = False
    accounts: Mapping[str, str] = field(default_factory=lambda: {"posts": "posts"})
    """The sources, and the name under which the budget of each is kept."""
    provider: str = "fake"
    stalled_after: float = 7200.0
    single: bool = True
    batch: int = 0
    batch_up_to: int = 0
    cadence: Cadence = CADENCE
    pace: Pace = PACE
    clock: Clock = field(default_factory=Clock)
    client: FakeClient = field(default_factory=FakeClient)
    open_store: object = Store.open
    in_flight_total: int = 200
    calling: Calling = NOBODY

    def __post_init__(self) -> None:
        self.receivers = Receivers(self.clock)
        self.random = random.Random(1)
        self.rung: list[str] = []
        """The sources that were to be looked at at once."""
        self.post = self.receivers.post

    async def start(self) -> None:
        self.store = await self.open_store(self.path)
        provider = Provider(
            self.provider, "http://127.0.0.1", self.kinds, self.listings, self.cadence, self.budget, self.limit,
            connect=lambda _session, _source: self.client, vanishing=self.vanishing, pace=self.pace,
            single=self.single, batch=self.batch, batch_up_to=self.batch_up_to, hourly=self.hourly, kind="post",
        )  # fmt: skip
        source = Source(
            name="posts", provider=self.provider, base_url="http://127.0.0.1", api_key=Secret("k"), budget=self.budget,
            discover=self.discover, baseline=self.baseline, uploads=self.uploads, stalled_after=self.stalled_after,
        )  # fmt: skip
        watched = [
            Watched(replace(source, name=name), provider, self.client, account)
            for name, account in self.accounts.items()
        ]
        self.poller = Poller(self.store, watched, self.endpoints, self.clock, self.random.random, self.calling)
        self.registrations = Registrations(
            self.store, self.poller.watched, self.rung.append, self.clock, self.calling, own_port=9480
        )
        self.sender = Sender(
            self.store, self.endpoints, self._post, self.clock, self._draw, self.in_flight_total, calling=self.calling
        )
        try:
            await self.poller.open()
            await self.sender.open()
        except BaseException:
            await self.store.close()
            raise

    async def _post(self, _: Endpoint, delivery: Delivery) -> Attempt:
        return await self.post(delivery)

    def _draw(self) -> float:
        """A test may set what `random` draws while the world turns."""
        return self.random.random()

    async def stop(self, within: float = 5.0) -> None:
        """The store is closed whatever the sender says: an open connection's thread would keep the process alive."""
        try:
            await self.sender.stop(within)
        finally:
            await self.store.close()

    async def register(self, id_: str, **more) -> Registered:
        """As a program would."""
        return await self.registrations.register(Registration(**{"source": "posts", "id": id_, **more}))

    async def poll(self, passes: int = 1) -> None:
        """So many passes, the clock moved to each that finds nothing due yet."""
        for _ in range(passes):
            asked = len(self.client.asked)
            at = await self.poller.poll("posts")
            if at > self.clock.now and len(self.client.asked) == asked:
                self.clock.now = at
                await self.poller.poll("posts")

    async def polls_until(self, moment: float) -> None:
        """Every pass that is due before `moment`; of two that are due, over the source that came first less lately."""
        due = dict.fromkeys(self.accounts, self.clock.now)
        while (name := min(due, key=due.__getitem__)) and due[name] <= moment:
            self.clock.now = max(due.pop(name), self.clock.now)
            due[name] = await self.poller.poll(name)
        self.clock.now = moment

    async def settle(self) -> float:
        """Send all that is due now, and what becomes due by it; answers when the next will be due."""
        while True:
            self.sender.wake.clear()
            at = await self.sender.send_due()
            if not self.sender.in_flight:
                if at > self.clock.now:
                    return at
                continue
            await self.sender.wake.wait()

    async def sends_until(self, moment: float) -> None:
        """Every attempt that is due before `moment`."""
        while (at := await self.settle()) <= moment:
            self.clock.now = at
        self.clock.now = max(moment, self.clock.now)


def receipts_of(world: World, name: str) -> list[Receipt]:
    """What came to an endpoint that answered well, to be judged."""
    return [Receipt(body) for body in world.receivers.got.get(name, [])]


def endpoint(name: str, **more) -> Endpoint:
    return Endpoint(name=name, url="http://127.0.0.1/", secrets=(Secret("whsec_x"),), **more)


@asynccontextmanager
async def world(path: Path, **more) -> AsyncIterator[World]:
    one = World(path / "notifier.db", **more)
    await one.start()
    try:
        yield one
    finally:
        await one.stop()
