"""APScheduler as an alarm clock, of which many alarms ring together.

Work that has its own moment wakes the processor by itself, finds its caches cold, and pays for that several times over.
So no alarm rings at its very moment, but a little later, when others do.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil, floor, log2

from apscheduler.executors.debug import DebugExecutor
from apscheduler.job import Job
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger

LONGEST = 86400.0
"""Seconds ahead for which an alarm is set at most: a moment further away is none to rely on."""
LATE = 64
"""An alarm rings later than it was set for by at most this part of the time until then,"""
LATEST = 0.5
"""and by at most so many seconds."""
SHORTEST = 0.001
"""Seconds: what is due sooner has this for the time until then."""


@dataclass(slots=True)
class Stroke:
    """A moment at which alarms ring."""

    at: float
    job: Job
    rings: dict[str, Callable[[], object]] = field(default_factory=dict)
    """What is called then, by the names of the alarms."""


class Alarm:
    """At its moment, or a little after, it calls a function, and does nothing else."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = clock()
        """Strokes are counted from here, so that not all daemons there are ask in the same moments."""
        self._strokes: dict[float, Stroke] = {}
        self._set: dict[str, Stroke] = {}
        """At which stroke each alarm rings."""
        # What rings is over at once: a task for it could be cut off by the stop, which APScheduler logs as an error.
        self._scheduler = AsyncIOScheduler(timezone=UTC, executors={"default": DebugExecutor()})
        self._scheduler.start()

    def set(self, name: str, moment: float, ring: Callable[[], object]) -> None:
        """Call `ring` at `moment`, or at once where it has passed; an alarm of this name that was set before is off.

        What is too far ahead, or no moment at all, is taken for a day from now.
        """
        now = self._clock()
        ahead = max(0.0, min(LONGEST, moment - now))  # in this order, NaN is a day too
        at = self._after(now, ahead) if ahead else now
        before = self._set.get(name)
        if before is None or before.at != at:
            if before is not None:
                self._put_off(name, before)
            if at not in self._strokes:
                self._strokes[at] = Stroke(at, self._job(at, at - now))
            self._set[name] = self._strokes[at]
        self._set[name].rings[name] = ring

    def close(self) -> None:
        """No alarm rings any more that is not due by now."""
        self._scheduler.shutdown(wait=False)

    def _after(self, now: float, ahead: float) -> float:
        """The first stroke so many seconds from now or later: a power of two apart, so that those of many meet."""
        apart = min(LATEST, 2.0 ** floor(log2(max(SHORTEST, ahead) / LATE)))
        return self._began + ceil((now - self._began + ahead) / apart) * apart

    def _job(self, at: float, ahead: float) -> Job:
        # Else APScheduler looks for the trigger, or for a time zone, in files, which takes a descriptor.
        once = DateTrigger(datetime.now(UTC) + timedelta(seconds=ahead), UTC)
        return self._scheduler.add_job(self._strike, once, [at], misfire_grace_time=None)

    def _put_off(self, name: str, stroke: Stroke) -> None:
        del stroke.rings[name]
        if not stroke.rings:
            stroke.job.remove()
            del self._strokes[stroke.at]

    def _strike(self, at: float) -> None:
        loop = asyncio.get_running_loop()
        for name, ring in self._strokes.pop(at).rings.items():
            del self._set[name]
            loop.call_soon(ring)  # each by itself: one that fails takes none of the others along
