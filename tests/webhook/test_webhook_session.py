"""One request over a connection that is kept: what is put on it, and whether it is used again."""

import asyncio

import pytest
from aiohttp import ClientConnectionResetError, TCPConnector
from receiving import OK, answer, receiver, serving
from yarl import URL

from notifier.core.model import Outcome
from notifier.webhook.session import Session
from notifier.webhook.unused import Unused


@pytest.mark.parametrize("breaks", ["\r\nx-other: 1", "a\nb", "a\0b"])
@pytest.mark.parametrize("where", ["name", "value"])
async def test_a_header_that_would_be_two_is_not_sent(breaks, where):
    extra = {breaks: "x"} if where == "name" else {"x": breaks}
    async with serving(answer(OK)) as server, receiver(server.port) as one:
        attempt = await one.post("evt_1", b"{}", extra)
        assert (attempt.outcome, server.requests) == (Outcome.PROTOCOL, [])
        assert attempt.note == "127.0.0.1 cannot be sent to: check the endpoint's URL and headers"
        assert (await one.post("evt_1", b"{}")).outcome is Outcome.DELIVERED


async def test_a_connection_that_ends_as_it_is_handed_over_is_told_as_one_that_was_reset():
    class Late(TCPConnector):
        async def connect(self, *asked):
            connection = await super().connect(*asked)
            connection.transport.abort()
            return connection

    async with serving(answer(OK)) as server:
        session = Session(Late(), URL(f"http://127.0.0.1:{server.port}/"), {}, Unused(), asyncio.Event().set)
        with pytest.raises(ClientConnectionResetError):
            await session.post({}, b"{}")
        await session.close()
        assert server.requests == []


async def test_a_connection_on_which_a_request_is_still_going_out_is_not_used_for_the_next():
    """The receiver has answered before it has read all: the next request would stand in the middle of this one."""
    connections = 0

    async def hasty(reader, writer):
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await closed.wait()
        writer.transport.abort()

    closed = asyncio.Event()
    listener = await asyncio.start_server(hasty, "127.0.0.1", 0)
    async with receiver(listener.sockets[0].getsockname()[1]) as one:
        for _ in range(2):
            assert (await one.post("evt_1", bytes(16 * 1024 * 1024))).outcome is Outcome.DELIVERED
        closed.set()
    assert connections == 2
    listener.close()
    await listener.wait_closed()


async def test_the_query_of_a_url_goes_along_as_it_is_written():
    async with serving(answer(OK)) as server:
        async with receiver(f"http://127.0.0.1:{server.port}/a%20b?c=d%26e") as one:
            await one.post("evt_1", b"{}")
        assert server.requests[0].line == "POST /a%20b?c=d%26e HTTP/1.1"
