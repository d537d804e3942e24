"""headers × bytes → one POST over a connection that is kept → its answer.

aiohttp's connections and its parser of answers, without its `ClientSession`: what that does for a request, and we have
no use for, costs more than all else that happens to a delivery. See docs/decisions/0040.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import cached_property
from http import HTTPStatus
from typing import NamedTuple

from aiohttp import (
    ClientConnectionResetError,
    ClientRequest,
    ClientResponseError,
    ClientTimeout,
    StreamReader,
    TCPConnector,
)
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError
from yarl import URL

from notifier.webhook.course import Leg, enter
from notifier.webhook.unused import Unused

READ_BUFFER = 8192
"""Bytes of an answer; reading from the socket pauses when twice so many have piled up."""
NO_TIMEOUT = ClientTimeout()
"""The course of an attempt has its own."""


class Answer(NamedTuple):
    """An answer whose headers are there. To be ended, when as much of its body has been read as is wanted."""

    status: int
    headers: Mapping[str, str]
    content: StreamReader
    is_secure: bool
    """It came over TLS."""
    connection: Connection
    session: "Session"

    def end(self) -> None:
        """Let the connection be used again, where all of request and answer went over it; else close it."""
        transport = self.connection.transport
        is_over = self.content.at_eof() and transport is not None and not transport.get_write_buffer_size()
        self.session.end(self.connection, is_over=is_over)


class Target(ClientRequest):
    """Where a connector is to connect to; it is asked for that at every request, and never sent."""

    @cached_property
    def connection_key(self) -> ConnectionKey:
        """What the connections that are kept are known by."""
        return super().connection_key


class Session:
    """POSTs to one URL, with the same headers each time and some more, over connections that are kept."""

    def __init__(
        self,
        connector: TCPConnector,
        url: URL,
        headers: Mapping[str, str],
        unused: Unused,
        none_left: Callable[[], None],
    ) -> None:
        """What is kept is among the `unused`; when the last of it is closed, `none_left` hears."""
        self.headers = headers
        self._connector = connector
        self._unused = unused
        self._none_left = none_left
        self._kept: dict[ResponseHandler, Connection] = {}
        self._request_line = f"POST {url.raw_path_qs} HTTP/1.1\r\n"
        self._lines = _lines(headers)
        self._target = Target("POST", url, loop=asyncio.get_running_loop())
        self._is_secure = self._target.is_ssl()

    async def post(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to one POST; interim ones are passed over. Raises as aiohttp does."""
        request = self._head({**headers, "content-length": str(len(body))}) + body
        connection = self._taken() or await self._connector.connect(self._target, [], NO_TIMEOUT)
        enter(Leg.FIRST_BYTE)
        try:
            return await self._sent(connection, request)
        except BaseException:
            self.end(connection, is_over=False)
            raise

    def end(self, connection: Connection, *, is_over: bool) -> None:
        """A request has ended, and `is_over` if all of it and of its answer went over this: then another may, too."""
        protocol = connection.protocol
        if is_over and protocol is not None and protocol.is_connected() and not protocol.should_close:
            self._kept[protocol] = connection
            self._unused.add(protocol, self)
        else:
            connection.close()

    def lost(self, protocol: ResponseHandler) -> None:
        """One that was kept has ended."""
        self._kept.pop(protocol).close()
        if not self._kept:
            self._none_left()

    async def close(self) -> None:
        """Close all connections."""
        while (connection := self._taken()) is not None:
            connection.release()  # to the connector, which waits for the end of what it closes itself
        await self._connector.close()

    def _taken(self) -> Connection | None:
        """The one that was used last of those that are kept, and it is no more."""
        while self._kept:
            protocol, connection = self._kept.popitem()
            self._unused.take(protocol)
            if protocol.is_connected():
                return connection
            connection.close()
        return None

    async def _sent(self, connection: Connection, request: bytes) -> Answer:
        protocol = connection.protocol
        transport = None if protocol is None else _expecting(protocol).transport
        if protocol is None or transport is None or transport.is_closing():
            raise ClientConnectionResetError("the connection was closed")
        transport.write(request)
        try:
            message, content = await protocol.read()
            while message.code // 100 == 1 and message.code != HTTPStatus.SWITCHING_PROTOCOLS:
                message, content = await protocol.read()
        except HttpProcessingError as error:
            raise ClientResponseError(
                self._target.request_info, (), status=error.code, message=error.message
            ) from error
        return Answer(message.code, message.headers, content, self._is_secure, connection, self)

    def _head(self, headers: Mapping[str, str]) -> bytes:
        """All before the body; what is in both headers is as in these. Raises as `_lines`."""
        ours = self._lines
        if not self.headers.keys().isdisjoint(headers):
            ours = _lines({name: value for name, value in self.headers.items() if name not in headers})
        return f"{self._request_line}{ours}{_lines(headers)}\r\n".encode()


def _expecting(protocol: ResponseHandler) -> ResponseHandler:
    """It, ready for an answer; or ended, where something came before it was asked."""
    protocol.set_response_params(read_until_eof=True, auto_decompress=False, read_bufsize=READ_BUFFER)
    return protocol


def _lines(headers: Mapping[str, str]) -> str:
    """A line for each; raises `ValueError` where one would be more than one."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if not lines.count("\n") == lines.count("\r") == len(headers) or "\0" in lines:
        raise ValueError("a header must be one line")
    return lines
