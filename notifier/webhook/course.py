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
from contextvars import ContextVar
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar
from weakref import ref

from aiohttp import ClientRequest, ClientTimeout, TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from notifier.connection import Answering
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
        """`leg` is None where no connection was free."""
        super().__init__(leg, total)
        self.leg = leg
        self.total = total


class Course:
    """The course of one attempt, which has begun.

    One timer serves all its legs: it rings no later than any of them may end, also one that has not begun, and is set
    anew where that was too early. Nearly every answer comes sooner, and a timer for each leg took longer than all else.
    """

    def __init__(self, total: float, limits: Mapping[Leg, float], monotonic: Callable[[], float]) -> None:
        """At most `total` seconds altogether, and `limits[leg]` where a leg has one."""
        self.took: dict[str, float] = {}
        """Seconds that each leg took so far."""
        self._loop = asyncio.get_running_loop()
        self._deadline = self._end = self._loop.time() + total
        self._limits = limits
        self._soonest = min(limits.values(), default=total)
        self._monotonic = monotonic
        self._patience: asyncio.Timeout | None = None
        """None: nobody is waiting for an answer."""
        self._timer: asyncio.TimerHandle
        self._leg: Leg | None = None
        self._since = 0.0

    async def answered(self, answer: Awaitable[T]) -> T:
        """The answer, if it comes in time. Raises `OutOfTime`, or what the answer raises."""
        _UNDER_WAY.set(ref(self))
        patience = self._patience = asyncio.timeout(None)
        self._end = self._deadline
        self._set_timer(patience, self._loop.time())
        try:
            async with patience:
                return await answer
        except TimeoutError:
            if not patience.expired():
                raise
            raise OutOfTime(self._leg, total=self._end == self._deadline) from None
        finally:
            self._timer.cancel()
            del self._timer  # it holds the context, which holds us: what ends in a circle, the collector has to find
            self._patience = None
            self._leave_for(None)

    def within(self, seconds: float) -> asyncio.Timeout:
        """So many seconds, or as many as are left of the whole attempt's."""
        return asyncio.timeout_at(min(self._deadline, self._loop.time() + seconds))

    def enter(self, leg: Leg) -> None:
        """This leg begins, unless it has begun or nobody waits any more."""
        if leg is self._leg or self._patience is None:
            return
        self._leave_for(leg)
        self._end = min(self._deadline, self._loop.time() + self._limits.get(leg, math.inf))

    def _set_timer(self, patience: asyncio.Timeout, now: float) -> None:
        self._timer = self._loop.call_at(min(self._end, now + self._soonest), self._ring, patience)

    def _ring(self, patience: asyncio.Timeout) -> None:
        """End the wait if its time is up."""
        now = self._loop.time()
        if now < self._end:
            self._set_timer(patience, now)
        else:
            self._patience = None
            patience.reschedule(now)

    def _leave_for(self, leg: Leg | None) -> None:
        now = self._monotonic()
        if self._leg is not None:
            self.took[self._leg] = self.took.get(self._leg, 0.0) + now - self._since
        self._leg, self._since = leg, now


# --- where a leg begins

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
    """Connections that tell when they are to be made, when there is one, and when it is unused.

    aiohttp's trace tells the former too, slowly; how long it keeps a connection it does not have in common with others.
    """

    def __init__(self, unused: Unused, none_left: Callable[[], None], **options: Any) -> None:
        """As its base. `none_left` is called when none is open any more, the last having been `unused`."""
        super().__init__(keepalive_timeout=None, **options)
        self.none_left = none_left
        self._unused = unused
        protocol: Callable[..., ResponseHandler] = Patient
        self._factory = partial(protocol, unused, loop=self._loop)

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: ClientTimeout,  # noqa: ASYNC109 - the name that aiohttp calls it by
    ) -> Connection:
        """A connection that was there, or a new one."""
        connection = await super().connect(req, traces, timeout)
        self._unused.take(connection.protocol)
        enter(Leg.FIRST_BYTE)
        return connection

    def _release(self, key: ConnectionKey, protocol: ResponseHandler, *, should_close: bool = False) -> None:
        super()._release(key, protocol, should_close=should_close)
        if protocol.is_connected():
            self._unused.add(protocol, self)

    async def _create_connection(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: ClientTimeout,  # noqa: ASYNC109 - as above
    ) -> ResponseHandler:
        enter(Leg.DNS)
        return await super()._create_connection(req, traces, timeout)
