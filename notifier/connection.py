"""Connections over HTTP/1.1 on which an answer is what was asked for."""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from aiohttp import ClientRequest, ClientTimeout, StreamReader, TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError, RawResponseMessage
from aiohttp.tracing import Trace

from notifier.standstill import within

CONNECT = 10.0
"""Seconds until there is a connection, be it that one becomes free."""

MOST_INTERIM = 100
"""Interim answers (RFC 9110, 15.2) before the answer: all that there could be are as many."""


class Answering(ResponseHandler):
    """A connection that ends where an answer comes that nobody asked for, or too many interim ones.

    aiohttp keeps what comes between two requests, however much that is, and takes it for the answer to the next one. Of
    interim answers a read holds ten thousand, and each costs some microseconds: whoever sends nothing else would keep
    the event loop from everything for as long as an answer is waited for.
    """

    _is_asked = False
    _interim = 0

    def set_response_params(self, **wanted: Any) -> None:
        """A request is about to be sent."""
        super().set_response_params(**wanted)  # what had come before any request ends it here
        self._is_asked = True

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """An answer has come, its headers at least."""
        code = data[0].code
        if not self._is_asked:
            self.abort()
            return
        if code // 100 != 1 or code == HTTPStatus.SWITCHING_PROTOCOLS:
            self._is_asked, self._interim = False, 0
        elif self._interim == MOST_INTERIM:
            self.abort()
            self.set_exception(HttpProcessingError(code=code, message=f"more than {MOST_INTERIM} interim answers"))
            return
        else:
            self._interim += 1
        super().feed_data(data, size)


class Connector(TCPConnector):
    """aiohttp's, with such connections, and with an end to the waiting for one."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        protocol: Callable[..., ResponseHandler] = Answering
        self._factory = partial(protocol, loop=self._loop)

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: ClientTimeout,  # noqa: ASYNC109 - the name that aiohttp calls it by
    ) -> Connection:
        """As aiohttp's, whose own time-out is over before what came while we stood still is heard."""
        async with within(CONNECT):
            return await super().connect(req, traces, timeout)
