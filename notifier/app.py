"""Wiring and lifecycle: settings → a daemon that polls, sends, answers for its health and stops when it is asked to.

The only module that knows all others, the real clock, chance, signals and APScheduler. Each loop starts passes and
sleeps until its alarm rings, something ends, or a heartbeat has gone by; work never waits for other work.

    alarm ──► poll loop ──► Poller.poll(source) ──► owed deliveries in the database
                                     └── rings ──► send loop ──► Sender.send_due() ──► POST
"""

import asyncio
import gc
import logging
import random
import signal
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiohttp import ClientSession
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from notifier import __version__
from notifier.config import Settings
from notifier.core.model import Attempt, Delivery, Source
from notifier.core.pace import faster
from notifier.poller import Poller, Watched
from notifier.providers import PROVIDERS
from notifier.providers.http import open_session
from notifier.sender import Sender
from notifier.server import health
from notifier.store import Store
from notifier.systemd import Marks, Notify, watch
from notifier.webhook import Receiver

log = logging.getLogger(__name__)

HEARTBEAT = 5.0
"""Seconds after which an idle loop makes a pass all the same, to show that it can; a sixth of WatchdogSec=30s."""
LONGEST_PASS = 60.0
"""Seconds that a pass over a source may take: one request, and a commit. One that takes longer hangs."""
STATUS_EVERY = 10.0
LONGEST_STOP = 30.0
"""Seconds at most that requests in flight get to end once the daemon is asked to stop."""
YOUNG = 10_000
"""Objects after which Python looks for garbage in cycles, instead of 700: two hundred requests at once are thousands of
objects that live for some milliseconds, and to look through them at every turn costs a tenth of the throughput."""
POLLER, SENDER = "poller", "sender"


class Alarm:
    """APScheduler as an alarm clock: at the moment it calls a function, and does nothing else."""

    def __init__(self) -> None:
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._scheduler.start()

    def set(self, name: str, moment: float, ring: Callable[[], object]) -> None:
        """Call `ring` at `moment`, or at once where it has passed; an alarm of this name that was set before is off."""

        async def rung() -> None:  # what is no coroutine, APScheduler calls in a thread
            ring()

        at = datetime.fromtimestamp(moment, UTC)
        self._scheduler.add_job(rung, "date", run_date=at, id=name, replace_existing=True, misfire_grace_time=None)

    def close(self) -> None:
        """No alarm rings any more."""
        self._scheduler.shutdown(wait=False)


class App:
    """The daemon between its start and its stop."""

    def __init__(
        self,
        poller: Poller,
        sender: Sender,
        status: Callable[[], Awaitable[str]],
        notify: Notify,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        heartbeat: float = HEARTBEAT,
        status_every: float = STATUS_EVERY,
    ) -> None:
        """`status` puts into words how it goes; `monotonic` tells how long something has taken."""
        self.marks = Marks((POLLER, SENDER), monotonic)
        self._monotonic = monotonic
        self._heartbeat = heartbeat
        self._status_every = status_every
        self._poller = poller
        self._sender = sender
        self._status = status
        self._notify = notify
        self._alarm = Alarm()
        self._rung: asyncio.Queue[str] = asyncio.Queue()
        self._passes: dict[asyncio.Task[None], float] = {}
        """The passes over sources that are under way, and when each began."""
        self._stopping = asyncio.Event()
        self._group = asyncio.TaskGroup()

    async def run(self, stop_within: float) -> None:
        """Run both loops until `stop` is called; requests in flight then get `stop_within` seconds to end.

        What escapes a loop is a bug, or the end of the database: it ends everything, as an ExceptionGroup.
        """
        async with self._group as group:
            loops = {
                POLLER: group.create_task(self._poll_loop(), name=POLLER),
                SENDER: group.create_task(self._send_loop(), name=SENDER),
            }
            self._notify.ready(await self._status())
            talks = [
                group.create_task(watch(self._notify, self.marks, loops)),
                group.create_task(self._tell_status()),
            ]
            await self._stopping.wait()
            self._notify.stopping()
            for talk in talks:
                talk.cancel()
            await self._finish(loops.values(), stop_within)

    def stop(self) -> None:
        """Take no new work, let what is under way end."""
        self._stopping.set()
        self._sender.wake.set()
        self._rung.put_nowait("")

    def close(self) -> None:
        """No alarm rings any more."""
        self._alarm.close()

    # --- the two loops

    async def _poll_loop(self) -> None:
        for name in self._poller.watched:
            self._rung.put_nowait(name)
        while not self._stopping.is_set():
            name = await _within(self._heartbeat, self._rung.get())
            if name:
                task = self._group.create_task(self._pass(name), name=f"poll {name}")
                self._passes[task] = self._monotonic()
                task.add_done_callback(self._passes.pop)
            if all(self._monotonic() - began < LONGEST_PASS for began in self._passes.values()):
                self.marks.stamp(POLLER)

    async def _pass(self, name: str) -> None:
        at = await self._poller.poll(name)
        self._sender.wake.set()
        if not self._stopping.is_set():
            self._alarm.set(f"poll {name}", at, lambda: self._rung.put_nowait(name))

    async def _send_loop(self) -> None:
        while not self._stopping.is_set():
            self._sender.wake.clear()
            at = await self._sender.send_due()
            self.marks.stamp(SENDER)
            if not self._sender.wake.is_set():
                self._alarm.set(SENDER, at, self._sender.wake.set)
                await _within(self._heartbeat, self._sender.wake.wait())

    async def _tell_status(self) -> None:
        told = ""
        while True:
            await asyncio.sleep(self._status_every)
            status = await self._status()
            if status != told:
                self._notify.status(status)
            told = status

    async def _finish(self, loops: Collection[asyncio.Task[None]], within: float) -> None:
        """Let the passes and the attempts under way end, and cut off those that take too long: they are due again."""
        await asyncio.wait(loops, timeout=within)
        under_way = {*loops, *self._passes}
        await asyncio.gather(asyncio.wait(under_way, timeout=within), self._sender.stop(within))
        for task in under_way:
            task.cancel()


async def _within(seconds: float, awaited: Awaitable[Any]) -> Any:
    """What is awaited, or None where it takes longer than so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await awaited
    return None


# --- wiring


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
        receivers = {endpoint.name: Receiver(endpoint) for endpoint in settings.endpoints}
        for receiver in receivers.values():
            opened.push_async_callback(receiver.close)

        async def post(delivery: Delivery) -> Attempt:
            return await receivers[delivery.endpoint].post(delivery.event, delivery.body)

        watched = [_watched(source, session, pace) for source in settings.sources]
        poller = Poller(store, watched, settings.endpoints, time.time, random.random)
        sender = Sender(store, settings.endpoints, post, time.time, random.random, settings.in_flight_total)
        await poller.open()
        app = App(poller, sender, partial(_status, store), notify)
        opened.callback(app.close)
        if settings.listen is not None:
            server = await health.start(settings.listen, health.readiness(app.marks, store.ping))
            opened.push_async_callback(server.close)
        _heed_signals(app.stop)
        _tell_start(settings)
        await app.run(min(LONGEST_STOP, max((one.timeout for one in settings.endpoints), default=0.0)))
    log.info("stopped")


def _watched(source: Source, session: ClientSession, pace: float) -> Watched:
    provider = PROVIDERS[source.provider]
    listings = tuple(replace(one, active=one.active / pace, idle=one.idle / pace) for one in provider.listings)
    hurried = replace(provider, cadence=faster(provider.cadence, pace), listings=listings)
    return Watched(source, hurried, provider.connect(session, source))


async def _status(store: Store) -> str:
    counts = await store.counts()
    return f"{_counted(counts['uploads'], 'upload')} followed, {_counted(counts['waiting'], 'delivery')} waiting"


def _counted(count: int, one: str) -> str:
    many = one.removesuffix("y") + "ies" if one.endswith("y") else one + "s"
    return f"{count} {one if count == 1 else many}"


def _heed_signals(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()

    def heed(number: int) -> None:
        loop.remove_signal_handler(number)  # a second one has its ordinary, deadly effect
        stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, heed, number)
    loop.add_signal_handler(signal.SIGHUP, log.warning, "not reloaded: restart to apply a changed config")


def _tell_start(settings: Settings) -> None:
    for warning in settings.warnings:
        log.warning("doubtful config", extra={"fields": {"warning": warning}})
    found = {"sources": len(settings.sources), "endpoints": len(settings.endpoints)}
    log.info("started", extra={"fields": {"version": __version__, "store": settings.store_path, **found}})
