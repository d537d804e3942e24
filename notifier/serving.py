"""Wiring: settings → everything made, joined, and run until a signal.

The only module that knows all others. It hands the real clock and chance to everyone else.
"""

import asyncio
import gc
import logging
import random
import signal
import time
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

from aiohttp import ClientSession

from notifier import __version__
from notifier.app import App, Chore
from notifier.config import Settings
from notifier.core.health import SHUT
from notifier.core.model import Attempt, Delivery, Source
from notifier.core.pace import hurried
from notifier.core.render import headers
from notifier.core.rhythm import faster
from notifier.core.text import counted
from notifier.housekeeping import Housekeeping
from notifier.poller import Poller
from notifier.providers import PROVIDERS
from notifier.providers.http import open_session
from notifier.registrations import Registrations
from notifier.replays import Replays
from notifier.sender import Sender
from notifier.server import api, health, metrics, openapi, status_page, stream
from notifier.server.access import Guard
from notifier.server.control import Control
from notifier.server.encoding import facade
from notifier.server.encoding.facade import Facade
from notifier.server.listening import Server, start
from notifier.server.metrics import Metrics
from notifier.server.routes import Route
from notifier.server.stream import Stream
from notifier.store import Store
from notifier.systemd import Notify
from notifier.watched import Watched
from notifier.webhook import Receivers

log = logging.getLogger(__name__)

LONGEST_STOP = 30.0
"""Seconds at most that requests in flight get to end once the daemon is asked to stop."""
YOUNG = 10_000
"""Objects after which Python looks for garbage in cycles, instead of 700: two hundred requests at once are thousands of
objects that live for some milliseconds, and to look through them at every turn costs a tenth of the throughput."""


async def serve(settings: Settings, notify: Notify, pace: float = 1.0) -> None:
    """Be the daemon until SIGTERM or SIGINT; a second signal ends it at once, and what is owed stays due.

    `pace` makes every cadence so many times faster: providers move in hours, a demonstration in seconds. Raises
    `StoreError`, `CannotListen`, or an ExceptionGroup as `App.run` does.
    """
    gc.set_threshold(YOUNG)
    async with AsyncExitStack() as opened:
        store = await Store.open(settings.store_path)
        opened.push_async_callback(store.close)
        session = await opened.enter_async_context(open_session())
        own_port = settings.listen[1] if settings.listen else None
        receivers = Receivers(settings.endpoints, own_port)
        opened.push_async_callback(receivers.close)

        async def post(delivery: Delivery) -> Attempt:
            endpoint = sender.served[delivery.endpoint].endpoint
            return await receivers.post(endpoint, delivery.event, delivery.body, headers(delivery))

        accounts = _accounts(settings.sources)
        watched = [_watched(one, session, pace, accounts[one.name]) for one in settings.sources]
        poller = Poller(store, watched, settings.endpoints, time.time, random.random, settings.calling)
        total, shut = settings.in_flight_total, SHUT / pace
        sender = Sender(
            store, settings.endpoints, post, time.time, random.random, total, shut, calling=settings.calling
        )
        await poller.open()
        await sender.open()
        replays = Replays(store, settings.endpoints, sender.wake.set, sender.served)
        chores: list[Chore] = [replays, Housekeeping(store, settings.keep)]
        app = App(poller, sender, partial(_status, store, sender), notify, chores=chores)
        opened.callback(app.close)
        ready = health.readiness(app.marks, store.ping)
        told = Metrics(store, sender.served, time.time, called=sender.called, watched=poller.watched)
        registrations = Registrations(store, poller.watched, app.ring, time.time, settings.calling, own_port)
        control = Control(store, sender, replays, registrations, poller, time.time)
        following = Stream(store)
        asked = [*health.routes(ready), *metrics.routes(told), *api.routes(control), *stream.routes(following)]
        asked += [*status_page.routes(), *_encoding(settings, store)]
        server = await _server(settings, [*asked, *openapi.routes(asked)])
        opened.push_async_callback(server.close)
        opened.callback(following.close)
        _heed_signals(app)
        _tell_start(settings)
        await app.run(min(LONGEST_STOP, max(one.timeout for one in (settings.calling.template, *settings.endpoints))))
    log.info("stopped")


async def _server(settings: Settings, routes: Iterable[Route]) -> Server:
    host = settings.listen[0] if settings.listen else ""
    return await start(routes, Guard(settings.token, host, time.monotonic), settings.socket, settings.listen)


def _encoding(settings: Settings, store: Store) -> list[Route]:
    """What can be asked as of Encoding.com."""
    if settings.encoding is None:
        return []
    manners = facade.manners(settings.sources, settings.endpoints)
    return facade.routes(Facade(store, settings.encoding, manners, time.monotonic))


def _accounts(sources: Iterable[Source]) -> dict[str, str]:
    """The name under which the budget of each source is kept: the first one's that has the same credential.

    The credentials themselves are compared here and kept nowhere.
    """
    first: dict[tuple[str, str, str, str], str] = {}
    return {
        one.name: first.setdefault((one.provider, one.base_url, one.user_id, one.api_key.reveal()), one.name)
        for one in sources
    }


def _watched(source: Source, session: ClientSession, pace: float, account: str) -> Watched:
    provider = PROVIDERS[source.provider].of(source)
    listings = tuple(
        replace(one, active=one.active / pace, idle=one.idle / pace, through=one.through / pace)
        for one in provider.listings
    )
    cadence, eagerness = faster(provider.cadence, pace), hurried(provider.pace, pace)
    quick = replace(provider, cadence=cadence, pace=eagerness, listings=listings)
    return Watched(source, quick, provider.connect(session, source), account)


async def _status(store: Store, sender: Sender) -> str:
    counts = await store.counts()
    said = [f"{counted(counts['uploads'], 'upload')} followed", f"{counted(counts['waiting'], 'delivery')} waiting"]
    return ", ".join([*said, *(f"{name} {trouble}" for name, trouble in sender.troubled.items())])


def _heed_signals(app: App) -> None:
    loop = asyncio.get_running_loop()

    def heed(number: int) -> None:
        loop.remove_signal_handler(number)  # a second one has its ordinary, deadly effect
        app.stop()

    def hang_up() -> None:
        log.warning("refused credentials are tried again; the config is not reloaded: restart to apply a change")
        app.resume()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, heed, number)
    loop.add_signal_handler(signal.SIGHUP, hang_up)


def _tell_start(settings: Settings) -> None:
    for warning in settings.warnings:
        log.warning("doubtful config", extra={"fields": {"warning": warning}})
    found = {"sources": len(settings.sources), "endpoints": len(settings.endpoints)}
    log.info("started", extra={"fields": {"version": __version__, "store": settings.store_path, **found}})
