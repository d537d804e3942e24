"""headers × bytes → one POST over a connection that is kept → its answer.

aiohttp's connections and its parser of answers, without its `ClientSession`: what that does for a request, and we have
no use for, costs more than all else that happens to a delivery. See docs/decisions/0040.
"""

import asyncio
from collections.abc import Mapping
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

    def end(self) -> None:
        """Let the connection be used again, where all of request and answer went over it; else close it."""
        transport = self.connection.transport
        if self.content.at_eof() and transport is not None and not transport.get_write_buffer_size():
            self.connection.release()
        else:
            self.connection.close()


class Target(ClientRequest):
    """Where a connector is to connect to; it is asked for that at every request, and never sent."""

    @cached_property
    def connection_key(self) -> ConnectionKey:
        """What the connections that are kept are known by."""
        return super().connection_key


class Session:
    """POSTs to one URL, with the same headers each time and some more."""

    def __init__(self, connector: TCPConnector, url: URL, headers: Mapping[str, str]) -> None:
        self.headers = headers
        self._connector = connector
        self._line = f"POST {url.raw_path_qs} HTTP/1.1"
        self._target = Target("POST", url, loop=asyncio.get_running_loop())

    async def post(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to one POST; interim ones are passed over. Raises as aiohttp does."""
        head = self._head({**self.headers, **headers, "content-length": str(len(body))})
        connection = await self._connector.connect(self._target, [], NO_TIMEOUT)
        try:
            return await self._sent(connection, head + body)
        except BaseException:
            connection.close()
            raise

    async def close(self) -> None:
        """Close all connections."""
        await self._connector.close()

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
        return Answer(message.code, message.headers, content, self._target.is_ssl(), connection)

    def _head(self, headers: Mapping[str, str]) -> bytes:
        """All before the body; raises `ValueError` where a header would be more than one."""
        words = "".join([*headers, *headers.values()])
        if "\r" in words or "\n" in words or "\0" in words:
            raise ValueError("a header must be one line")
        return "\r\n".join([self._line, *map(": ".join, headers.items()), "\r\n"]).encode()


def _expecting(protocol: ResponseHandler) -> ResponseHandler:
    """It, ready for an answer; or ended, where something came before it was asked."""
    protocol.set_response_params(read_until_eof=True, auto_decompress=False, read_bufsize=READ_BUFFER)
    return protocol
