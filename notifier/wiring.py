"""settings → the parts of the daemon, made and joined; other settings → the same parts, made ready and then changed."""

import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from aiohttp import ClientSession

from notifier.app import App
from notifier.config import Settings
from notifier.core.callbacks import number_of
from notifier.core.health import SHUT
from notifier.core.model import Attempt, Delivery, Endpoint, Source, StatusClass
from notifier.core.pace import hurried
from notifier.core.render import headers
from notifier.core.rhythm import faster
from notifier.core.secret import Secret
from notifier.core.text import counted
from notifier.housekeeping import Housekeeping
from notifier.poller import Poller
from notifier.providers import PROVIDERS
from notifier.providers.counted import Counted
from notifier.registrations import Registrations
from notifier.reloads import Swap
from notifier.replays import Replays
from notifier.sender import Sender
from notifier.server.access import Guard
from notifier.server.encoding import facade
from notifier.server.encoding.facade import Facade
from notifier.server.stream import Stream
from notifier.store import OtherProviderError, Store
from notifier.systemd import Notify
from notifier.watched import Watched
from notifier.webhook import Receivers


@dataclass(frozen=True, slots=True)
class Parts:
    """All that the settings shape; the clock and chance that they go by are the real ones."""

    store: Store
    session: ClientSession
    pace: float
    receivers: Receivers
    poller: Poller
    sender: Sender
    app: App
    replays: Replays
    housekeeping: Housekeeping
    registrations: Registrations
    facade: Facade
    guard: Guard
    stream: Stream

    async def ready(self, settings: Settings) -> tuple[Swap, tuple[str, ...]]:
        """Do all that may fail of putting these in force; answers the rest of it, and what to warn of."""
        for source in settings.sources:
            self._keeps_its_provider(source)
        names = [endpoint.name for endpoint in settings.endpoints]
        await self.store.enrol({source.name: source.provider for source in settings.sources}, names)
        healths, budgets = await self.store.healths(), await self.store.budgets()
        clients = self.receivers.clients(settings.endpoints)
        watched = all_watched(settings.sources, self.session, self.pace)
        warnings = await self._left(settings)

        def swap() -> None:
            self.receivers.use(clients)
            self.receivers.keep(settings.in_flight_total)
            self.poller.adopt(watched, settings.endpoints, settings.calling, budgets)
            self.sender.adopt(settings.endpoints, settings.calling, settings.in_flight_total, healths)
            self.replays.adopt(settings.endpoints)
            self.housekeeping.adopt(settings.keep)
            self.registrations.adopt(settings.calling)
            self.facade.adopt(settings.encoding, facade.outputs(settings.sources, settings.endpoints))
            if self.guard.adopt(settings.token):
                self.stream.cut()  # who follows by a token that is none any more
            self.app.ring_all()

        return swap, tuple(warnings)

    def _keeps_its_provider(self, source: Source) -> None:
        """A look at the one before may be under way, and what it shows would be asked for at this one."""
        one = self.poller.watched.get(source.name)
        if one is not None and one.source.provider != source.provider:
            raise OtherProviderError(source.name, one.source.provider, source.provider)

    async def _left(self, settings: Settings) -> list[str]:
        """What becomes of what the settings name no more."""
        sources, endpoints = ({one.name for one in some} for some in (settings.sources, settings.endpoints))
        left = [name for name in self.sender.served if number_of(name) is None and name not in endpoints]
        replays = await self.store.unfinished()
        owed = [
            (name, await self.store.waiting(name), [one.id for one in replays if one.selection.endpoint == name])
            for name in left
        ]
        open_ = {name: await self.store.open_count(name) for name in self.poller.watched if name not in sources}
        return [
            *(_left_behind(name, waiting, asked) for name, waiting, asked in owed if waiting or asked),
            *(
                f"source {name} is no longer in the config, and not looked at: {counted(count, 'open upload')}"
                for name, count in open_.items()
                if count
            ),
        ]


def _left_behind(name: str, waiting: int, replays: Sequence[int]) -> str:
    """What is owed to an endpoint that left the config, or would be by `replays`, and what to do about it."""
    owed = [f"{counted(waiting, 'delivery')} waiting for it"] if waiting else []
    owed += [f"replay {id_} to it is not done, and goes on if it comes back" for id_ in replays]
    # To drop what waits ends the replays, too.
    ends = [f"notifier drop --endpoint {name}"] if waiting else [f"notifier replay --cancel {id_}" for id_ in replays]
    return (
        f"endpoint {name} is no longer in the config: {'; '.join(owed)}. "
        f"Put it back, with drain = true to have only these sent, or give them up: {'; '.join(ends)}"
    )


async def wired(
    store: Store, session: ClientSession, settings: Settings, notify: Notify, pace: float, place: tuple[str, int | None]
) -> Parts:
    """All parts, each knowing what it has to of the others; what was remembered of them is read from the store.

    `place` is the host and port at which others know us.
    """
    host, own_port = place
    receivers = Receivers(own_port)
    receivers.use(receivers.clients(settings.endpoints))
    receivers.keep(settings.in_flight_total)

    async def post(endpoint: Endpoint, delivery: Delivery) -> Attempt:
        return await receivers.post(endpoint, delivery.event, delivery.body, headers(delivery))

    watched = all_watched(settings.sources, session, pace)
    poller = Poller(store, watched, settings.endpoints, time.time, random.random, settings.calling)
    total, shut = settings.in_flight_total, SHUT / pace
    sender = Sender(store, settings.endpoints, post, time.time, random.random, total, shut, calling=settings.calling)
    await poller.open()
    await sender.open()
    replays = Replays(store, settings.endpoints, sender.wake.set, sender.served)
    housekeeping = Housekeeping(store, settings.keep)
    app = App(poller, sender, partial(status, store, sender), notify, chores=[replays, housekeeping])
    return Parts(
        store=store,
        session=session,
        pace=pace,
        receivers=receivers,
        poller=poller,
        sender=sender,
        app=app,
        replays=replays,
        housekeeping=housekeeping,
        registrations=Registrations(store, poller.watched, app.ring, time.time, settings.calling, own_port),
        facade=Facade(store, settings.encoding, facade.outputs(settings.sources, settings.endpoints), time.monotonic),
        guard=Guard(settings.token, host, time.monotonic),
        stream=Stream(store),
    )


async def status(store: Store, sender: Sender) -> str:
    """How it goes, in a line."""
    counts = await store.counts()
    said = [f"{counted(counts['uploads'], 'upload')} followed", f"{counted(counts['waiting'], 'delivery')} waiting"]
    return ", ".join([*said, *(f"{name} {trouble}" for name, trouble in sender.troubled.items())])


def accounts(sources: Iterable[Source]) -> dict[str, str]:
    """The name under which the budget of each source is kept: the first one's that has the same credential.

    The credentials themselves are compared here and kept nowhere.
    """
    first: dict[tuple[str, str, str, Secret], str] = {}
    return {one.name: first.setdefault(one.credential, one.name) for one in sources}


def all_watched(sources: Sequence[Source], session: ClientSession, pace: float) -> list[Watched]:
    """The sources, each with its provider, its client and its account."""
    account = accounts(sources)
    return [watched(one, session, pace, account[one.name]) for one in sources]


def watched(source: Source, session: ClientSession, pace: float, account: str) -> Watched:
    """A source with its provider, so many times faster, and its client."""
    provider = PROVIDERS[source.provider].of(source)
    listings = tuple(
        replace(one, active=one.active / pace, idle=one.idle / pace, through=one.through / pace)
        for one in provider.listings
    )
    cadence, eagerness = faster(provider.cadence, pace), hurried(provider.pace, pace)
    quick = replace(provider, cadence=cadence, pace=eagerness, listings=listings)

    def count(answered: StatusClass) -> None:
        one.looks.requested(answered)  # whichever looks it has by then

    one = Watched(source, quick, provider.connect(Counted(session, count), source), account)
    return one
