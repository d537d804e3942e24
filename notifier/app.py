"""Lifecycle: two loops that start passes until they are asked to stop, and what minds the clock and tells systemd.

Each loop starts passes and sleeps until its alarm rings, something ends, or a heartbeat has gone by; work never waits
for other work.

    alarm ──► poll loop ──► Poller.poll(source) ──► owed deliveries in the database
                                     └── rings ──► send loop ──► Sender.send_due() ──► POST
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import Any, Protocol

from notifier.alarm import Alarm
from notifier.lag import Lag
from notifier.poller import Poller
from notifier.sender import Sender
from notifier.systemd import Marks, Notify, watch

log = logging.getLogger(__name__)

HEARTBEAT = 5.0
"""Seconds after which an idle loop turns all the same, to show that it can. Never above a sixth of WatchdogSec."""
LONGEST_PASS = 60.0
"""Seconds that a pass over a source may take: one request, and a commit. One that takes longer hangs."""
STATUS_EVERY = 10.0
LONGEST_REST = 60.0
"""Seconds after which a chore has a step in any case: the moment that it named may be of a clock that was set since."""
JUMP = 2.0
"""Seconds by which the wall clock may move beside the monotonic one between two heartbeats, and is still believed."""
POLLER, SENDER = "poller", "sender"


SLEEPLESS: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # the former only where Linux is


def awake_or_not() -> float:
    """Seconds since the machine started, also those that it slept: what the monotonic clock of Linux leaves out."""
    return time.clock_gettime(SLEEPLESS)


@dataclass(frozen=True, slots=True)
class Clocks:
    """The clocks that the daemon goes by, all in seconds. Only the one on the wall can be set."""

    wall: Callable[[], float] = time.time
    """The moment."""
    monotonic: Callable[[], float] = time.monotonic
    """How long something has taken, without the time that the machine has slept."""
    awake_or_not: Callable[[], float] = awake_or_not
    """The same with that time."""


class Chore(Protocol):
    """What is done beside the two loops, a step at a time, and may be cut off at any moment."""

    wake: asyncio.Event
    """Set to have a step at once."""

    async def step(self, now: float) -> float:
        """One step. Answers the moment at which to come back."""

    def doubt_the_clock(self, now: float) -> None:
        """The clock was set: it may be set back again before long."""


class App:
    """The daemon between its start and its stop."""

    def __init__(
        self,
        poller: Poller,
        sender: Sender,
        status: Callable[[], Awaitable[str]],
        notify: Notify,
        *,
        chores: Collection[Chore] = (),
        clocks: Clocks = Clocks(),
        status_every: float = STATUS_EVERY,
    ) -> None:
        """`status` puts into words how it goes, and is told every `status_every` seconds if it has changed."""
        self.marks = Marks((POLLER, SENDER), clocks.monotonic)
        self.lag = Lag(clocks.monotonic)
        self._clocks = clocks
        self._heartbeat = min(HEARTBEAT, notify.watchdog / 6 or HEARTBEAT)
        self._status_every = status_every
        self._poller = poller
        self._sender = sender
        self._status = status
        self._notify = notify
        self._chores = chores
        self._alarm = Alarm(clocks.wall)
        self._were_apart = self._apart()
        self._judging = asyncio.Lock()
        self._rung: asyncio.Queue[str] = asyncio.Queue()
        self._passes: dict[str, tuple[asyncio.Task[None], float]] = {}
        """The passes under way, by their source, and when each began: one at a time for each source."""
        self._rung_meanwhile: set[str] = set()
        """The sources that were rung for during a pass over them."""
        self._stopping = asyncio.Event()
        self._group = asyncio.TaskGroup()

    async def run(self, stop_within: Callable[[], float]) -> None:
        """Run both loops until `stop` is called; requests in flight then get `stop_within()` seconds to end.

        What escapes a loop is a bug, or the end of the database: it ends everything, as an ExceptionGroup.
        """
        async with self._group as group:
            loops = {
                POLLER: group.create_task(self._poll_loop(), name=POLLER),
                SENDER: group.create_task(self._send_loop(), name=SENDER),
            }
            within = 0.0  # where it is a bug that ends us; what has ended is recorded all the same
            try:
                self._notify.ready(await self._status())
                talks = [
                    group.create_task(watch(self._notify, self.marks, loops)),
                    group.create_task(self._tell_status()),
                    group.create_task(self._mind_the_clock()),
                    group.create_task(self.lag.measure()),
                    *[group.create_task(self._see_to(chore)) for chore in self._chores],
                ]
                await self._stopping.wait()
                within = stop_within()
                self._notify.stopping()
                log.info("stopping", extra={"fields": {"in_flight": self._sender.in_flight}})
                for talk in talks:
                    talk.cancel()
            finally:
                await self._finish(loops.values(), within)

    def stop(self) -> None:
        """Take no new work, let what is under way end."""
        self._stopping.set()
        self._sender.wake.set()
        self._rung.put_nowait("")

    def close(self) -> None:
        """No alarm rings any more."""
        self._alarm.close()

    def ring(self, source: str) -> None:
        """Have a pass over a source at once."""
        self._rung.put_nowait(source)

    def ring_all(self) -> None:
        """Have a pass over every source, and one of the sender, at once."""
        for name in self._poller.watched:
            self._rung.put_nowait(name)
        self._sender.wake.set()

    # --- the two loops

    async def _poll_loop(self) -> None:
        self.ring_all()
        while not self._stopping.is_set():
            name = await _within(self._heartbeat, self._next())
            if name in self._passes:
                self._rung_meanwhile.add(name)
            elif name in self._poller.watched and not self._stopping.is_set():
                self._rung_meanwhile.discard(name)
                self._poller.hands.take()
                task = self._group.create_task(self._pass(name), name=f"poll {name}")
                self._passes[name] = task, self._clocks.monotonic()
            if all(self._clocks.monotonic() - began < LONGEST_PASS for _, began in self._passes.values()):
                self.marks.stamp(POLLER)

    async def _next(self) -> str:
        """The source that was rung for, once there is a hand for it."""
        await self._poller.hands.free()
        return await self._rung.get()

    async def _pass(self, name: str) -> None:
        try:
            await self._judge_the_clock()
            # A reload may have taken it out meanwhile.
            at = await self._poller.poll(name) if name in self._poller.watched else inf
        finally:
            self._poller.hands.give()
        del self._passes[name]
        if name in self._rung_meanwhile or at <= self._clocks.wall():
            self._rung.put_nowait(name)
        elif name in self._poller.watched and not self._stopping.is_set():
            self._alarm.set(f"poll {name}", at, lambda: self._rung.put_nowait(name))

    async def _send_loop(self) -> None:
        while not self._stopping.is_set():
            self._sender.wake.clear()
            await self._judge_the_clock()
            at = await self._sender.send_due()
            await asyncio.sleep(0)  # what was started begins before the alarm is set, for that takes longer
            self.marks.stamp(SENDER)
            if not self._sender.wake.is_set():
                self._alarm.set(SENDER, at, self._sender.wake.set)
                await _within(self._heartbeat, self._sender.wake.wait())

    async def _see_to(self, chore: Chore) -> None:
        while True:
            chore.wake.clear()
            at = await chore.step(self._clocks.wall())
            rest = min(LONGEST_REST, max(0.0, at - self._clocks.wall()))
            await _within(rest, chore.wake.wait())

    async def _tell_status(self) -> None:
        told = ""
        while True:
            await asyncio.sleep(self._status_every)
            status = await self._status()
            if status != told:
                self._notify.status(status)
            told = status

    async def _mind_the_clock(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat)
            await self._judge_the_clock()

    async def _judge_the_clock(self) -> None:
        """When the clock is set or the machine has slept, judge all anew: alarms and due times go by the wall clock.

        Every pass has it judged first, so that nothing is done by a clock of which nobody knows yet that it was set.
        """
        async with self._judging:
            (apart_before, ahead_before), (apart, ahead) = self._were_apart, self._apart()
            self._were_apart = apart, ahead
            if abs(apart - apart_before) > JUMP:
                log.warning("the clock jumped", extra={"fields": {"seconds": round(apart - apart_before, 1)}})
                await self._poller.believe_no_later(ahead - ahead_before)
                await self._sender.believe_no_later(ahead - ahead_before)
                for chore in self._chores:
                    chore.doubt_the_clock(self._clocks.wall())
                self.ring_all()

    def _apart(self) -> tuple[float, float]:
        """By how much the wall clock is ahead of the one that stands still in sleep, and of the one that does not."""
        wall = self._clocks.wall()
        return wall - self._clocks.monotonic(), wall - self._clocks.awake_or_not()

    async def _finish(self, loops: Collection[asyncio.Task[None]], within: float) -> None:
        """Let the passes and the attempts under way end, and cut off those that take too long: they are due again."""
        under_way = {*loops, *(task for task, _ in self._passes.values())}
        await asyncio.gather(asyncio.wait(under_way, timeout=within), self._sender.stop(within))
        for task in under_way:
            task.cancel()


async def _within(seconds: float, awaited: Awaitable[Any]) -> Any:
    """What is awaited, or None where it takes longer than so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await awaited
    return None
