"""Lifecycle of the whole: settings → everything wired, listening, and run until a signal."""

import asyncio
import gc
import logging
import signal
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial

from notifier import __version__
from notifier.app import App, awake_or_not
from notifier.config import ConfigError, Reading, Settings
from notifier.log import dropped
from notifier.providers.http import open_session
from notifier.reloads import Reloads, TooLong
from notifier.server import api, health, metrics, openapi, status_page, stream
from notifier.server.control import Control
from notifier.server.encoding import facade
from notifier.server.listening import Server, start
from notifier.server.metrics import Metrics
from notifier.server.process import Process
from notifier.server.readings import Vitals
from notifier.store import Store, StoreError
from notifier.systemd import Notify
from notifier.wiring import Parts, wired

log = logging.getLogger(__name__)

LONGEST_STOP = 30.0
"""Seconds at most that requests in flight get to end once the daemon is asked to stop."""
YOUNG = 10_000
"""Objects after which Python looks for garbage in cycles, instead of 700: two hundred requests at once are thousands of
objects that live for some milliseconds, and to look through them at every turn costs a tenth of the throughput."""


def fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Makes the event loop of uvloop, where that is installed: the extra `fast`. None: asyncio's own will do."""
    try:
        import uvloop  # noqa: PLC0415  # it may be missing
    except ImportError:
        return None
    return uvloop.new_event_loop


async def serve(
    reading: Reading,
    read: Callable[[Settings], Reading],
    notify: Notify,
    pace: float = 1.0,
    passed: Sequence[socket.socket] = (),
) -> None:
    """Be the daemon until SIGTERM or SIGINT; a second signal ends it at once, and what is owed stays due.

    `read` reads the config again, for a daemon that runs with these settings: at SIGHUP, or when somebody asks. `pace`
    makes every cadence so many times faster: providers move in hours, a demonstration in seconds. What is `passed` is
    served as `server.listen` is. Raises `StoreError`, `CannotListen`, or an ExceptionGroup as `App.run` does.
    """
    gc.set_threshold(YOUNG)
    settings = reading.settings
    async with AsyncExitStack() as opened:
        store = await Store.open(settings.store_path)
        opened.push_async_callback(store.close)
        session = await opened.enter_async_context(open_session())
        parts = await wired(store, session, settings, notify, pace, place(settings, passed))
        opened.push_async_callback(parts.receivers.close)
        opened.callback(parts.app.close)
        reloads = Reloads(reading, read, parts.ready, notify, time.time)
        server = await _server(parts, reloads, passed)
        opened.push_async_callback(server.close)
        opened.callback(parts.stream.close)
        _heed_signals(parts.app, reloads)
        _tell_start(settings)
        gc.enable()  # `notifier run` has it wait until here
        await parts.app.run(lambda: _stop_within(reloads.reading.settings))
    log.info("stopped")


async def _server(parts: Parts, reloads: Reloads, passed: Sequence[socket.socket]) -> Server:
    store, sender, poller, settings = parts.store, parts.sender, parts.poller, reloads.reading.settings
    ready = health.readiness(parts.app.marks, store.ping)
    vitals = partial(_vitals, parts, reloads, Process(time.time(), awake_or_not()))
    told = Metrics(store, sender.served, time.time, called=sender.called, poller=poller, vitals=vitals)
    control = Control(store, sender, parts.replays, parts.registrations, poller, time.time, reloads)
    asked = [*health.routes(ready), *metrics.routes(told), *api.routes(control), *stream.routes(parts.stream)]
    asked += [*status_page.routes(), *facade.routes(parts.facade)]
    return await start([*asked, *openapi.routes(asked)], parts.guard, settings.socket, settings.listen, passed)


def place(settings: Settings, passed: Sequence[socket.socket]) -> tuple[str, int | None]:
    """Host and port at which others know us, "" and None where they do not."""
    if settings.listen:
        return settings.listen
    return passed[0].getsockname()[:2] if passed else ("", None)


def _stop_within(settings: Settings) -> float:
    return min(LONGEST_STOP, max(one.timeout for one in (settings.calling.template, *settings.endpoints)))


def _vitals(parts: Parts, reloads: Reloads, process: Process) -> Vitals:
    now = time.time()
    passes = {loop: max(0.0, now - age) for loop, age in parts.app.marks.ages().items()}
    lag, readers, used = parts.app.lag.worst, parts.stream.readers, process.used()
    return Vitals(passes, lag, readers, dropped(), used, reloads.is_refused, reloads.succeeded_at)


def _heed_signals(app: App, reloads: Reloads) -> None:
    loop = asyncio.get_running_loop()
    reloading: set[asyncio.Task[None]] = set()

    def heed(number: int) -> None:
        loop.remove_signal_handler(number)  # a second one has its ordinary, deadly effect
        app.stop()

    async def reload() -> None:
        with suppress(ConfigError, TooLong, StoreError):  # the log tells
            await reloads.reload()

    def hang_up() -> None:
        task = asyncio.create_task(reload())
        reloading.add(task)
        task.add_done_callback(reloading.discard)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, heed, number)
    loop.add_signal_handler(signal.SIGHUP, hang_up)


def _tell_start(settings: Settings) -> None:
    for warning in settings.warnings:
        log.warning("config warning", extra={"fields": {"warning": warning}})
    found = {"sources": len(settings.sources), "endpoints": len(settings.endpoints)}
    log.info("started", extra={"fields": {"version": __version__, "store": settings.store_path, **found}})
