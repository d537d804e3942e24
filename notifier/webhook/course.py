"""One attempt under way: which leg of it this is, how long each took, and how long the present one may take.

    [dns] → connect → [tls] → first byte    over a new connection; where one address fails, the next is connected to
                              first byte    over a connection that is used again

aiohttp's own time-outs will not do: one bounds TCP and TLS together, none bounds the wait for an answer while interim
ones keep coming, and all are rounded up. So each leg tells when it begins: by the connector, a socket, a handshake.
"""

import asyncio
import math
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar, copy_context
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar
from weakref import ref

from aiohttp import ClientRequest, ClientTimeout, TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.tracing import Trace

from notifier.connection import Answering
from notifier.standstill import LISTENS, OFTEN, stood_still
from notifier.webhook.unused import Unused

T = TypeVar("T")


class Leg(StrEnum):
    """What an attempt is waiting for."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    FIRST_BYTE = "first_byte"
    """Until the headers of the answer are complete; the request is sent meanwhile."""


class OutOfTime(Exception):
    """There was no answer in time. `total`: the whole attempt's time is up, and not only that of the `leg`."""

    def __init__(self, leg: Leg | None, *, total: bool) -> None:
        """`leg` is None before the first."""
        super().__init__(leg, total)
        self.leg = leg
        self.total = total


class Patience:
    """How long the legs of attempts to one endpoint may take, and the timer of all that are under way.

    It rings no later than any leg of any of them may end, also one that has not begun, and is set anew where that was
    too early. Nearly every answer comes sooner, and a timer for each attempt took as long as to sign it.
    """

    def __init__(self, legs: Mapping[Leg, float]) -> None:
        """Seconds, where a leg has a limit."""
        self.legs = legs
        self.shortest = min(legs.values(), default=math.inf)
        self._courses: set[Course] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = math.inf

    def begin(self, course: "Course", at: float) -> None:
        """Look at it at that moment of the loop's clock, or sooner, and until it has ended."""
        self._courses.add(course)
        if at < self._rings_at:
            self._set_timer(at)

    def end(self, course: "Course") -> None:
        """It has ended."""
        self._courses.discard(course)

    def _set_timer(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at = at
        self._timer = asyncio.get_running_loop().call_at(at, self._ring, context=_NOBODYS)

    def _ring(self) -> None:
        late = stood_still(self._rings_at, asyncio.get_running_loop().time())
        self._timer, self._rings_at = None, math.inf
        at = min([course.ring(late=late) for course in self._courses], default=math.inf)
        if at < math.inf:
            self._set_timer(at)


class Course:
    """The course of one attempt, which has begun."""

    def __init__(self, total: float, patience: Patience, monotonic: Callable[[], float]) -> None:
        """At most `total` seconds altogether, and of each leg as many as the `patience` has for it."""
        self.took: dict[str, float] = {}
        """Seconds that each leg took so far."""
        self._loop = asyncio.get_running_loop()
        self._deadline = self._end = self._loop.time() + total
        self._listens_until = -math.inf
        """To what came while we stood still."""
        self._listens = OFTEN
        """So often it may yet."""
        self._patience = patience
        self._monotonic = monotonic
        self._waits: asyncio.Task[Any] | None = None
        """For an answer, and may be cut off; None: nobody does."""
        self._is_over = False
        """The wait was cut off."""
        self._leg: Leg | None = None
        self._since = 0.0

    async def answered(self, answer: Awaitable[T]) -> T:
        """The answer, if it comes in time. Raises `OutOfTime`, or what the answer raises."""
        _UNDER_WAY.set(ref(self))
        task = self._waits = asyncio.current_task()
        others = 0 if task is None else task.cancelling()
        self._end, self._is_over = self._deadline, False
        self._patience.begin(self, self._next_look())
        try:
            return await answer
        except asyncio.CancelledError:
            if self._is_over and task is not None and task.cancelling() - 1 <= others:  # by us, and by nobody else
                raise OutOfTime(self._leg, total=self._end == self._deadline) from None
            raise
        finally:
            if self._is_over and task is not None:
                task.uncancel()
            self._patience.end(self)
            self._waits = None
            self._leave_for(None)

    def within(self, seconds: float) -> asyncio.Timeout:
        """So many seconds, or as many as are left of the whole attempt's."""
        return asyncio.timeout_at(min(self._deadline, self._loop.time() + seconds))

    def enter(self, leg: Leg) -> None:
        """This leg begins, unless it has begun or nobody waits any more."""
        if leg is self._leg or self._waits is None:
            return
        self._leave_for(leg)
        self._end = min(self._deadline, self._loop.time() + self._patience.legs.get(leg, math.inf))

    def ring(self, *, late: bool = False) -> float:
        """End the wait if its time is up, but listen first where this rings so `late` that we stood still.

        Answers when to look again.
        """
        now = self._loop.time()
        if self._waits is None:
            return math.inf
        if late and now >= self._end and self._listens:
            self._listens, self._listens_until = self._listens - 1, now + LISTENS
        if now < max(self._end, self._listens_until):
            return self._next_look()
        self._is_over, self._waits = self._waits.cancel(), None
        return math.inf

    def _next_look(self) -> float:
        """No later than any leg may end, be it one that begins at once."""
        return min(max(self._end, self._listens_until), self._loop.time() + self._patience.shortest)

    def _leave_for(self, leg: Leg | None) -> None:
        now = self._monotonic()
        if self._leg is not None:
            self.took[self._leg] = self.took.get(self._leg, 0.0) + now - self._since
        self._leg, self._since = leg, now


# --- where a leg begins

_NOBODYS = copy_context()
"""For what is done for all attempts: the context of one would hold it for longer than it lasts."""
_UNDER_WAY: ContextVar["ref[Course] | None"] = ContextVar("under way", default=None)
"""Of the present task, and of all that aiohttp and asyncio do for it; a connection keeps this as long as it is open."""


def enter(leg: Leg) -> None:
    """The attempt that is under way enters a leg; without one nothing happens."""
    under_way = _UNDER_WAY.get()
    if under_way is not None and (course := under_way()) is not None:
        course.enter(leg)


class Handshake(ssl.SSLObject):
    """A TLS connection that tells when its handshake begins: the `sslobject_class` of a context."""

    def do_handshake(self) -> None:
        """Begin the handshake, or go on with it."""
        enter(Leg.TLS)
        super().do_handshake()


class Patient(Answering):
    """A connection that may be among the unused."""

    def __init__(self, unused: Unused, loop: asyncio.AbstractEventLoop) -> None:
        """It tells these `unused` when it has ended."""
        super().__init__(loop)
        self._unused = unused

    def connection_lost(self, exc: BaseException | None) -> None:
        """It has ended."""
        super().connection_lost(exc)
        self._unused.lost(self)


class TimedConnector(TCPConnector):
    """Connections that tell when they are to be made, as aiohttp's trace does slowly, and when they have ended.

    There may be any number, and none is kept: whoever asks for them does that.
    """

    def __init__(self, unused: Unused, **options: Any) -> None:
        """As its base."""
        super().__init__(keepalive_timeout=None, limit=0, **options)
        protocol: Callable[..., ResponseHandler] = Patient
        self._factory = partial(protocol, unused, loop=self._loop)

    async def _create_connection(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: ClientTimeout,  # noqa: ASYNC109 - the name that aiohttp calls it by
    ) -> ResponseHandler:
        enter(Leg.DNS)
        return await super()._create_connection(req, traces, timeout)
