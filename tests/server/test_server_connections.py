"""Connections over TCP, of whoever it is: what is no HTTP, those who never ask, and too many of them."""

import asyncio
import json
from contextlib import AsyncExitStack, suppress

import pytest
from aiohttp import web
from asking import TOKEN, served

from notifier.server import connections, listening, problems
from notifier.server.access import Guard
from notifier.server.listening import start
from notifier.server.routes import Route

NOBODY = Guard(None, "", float)


async def said(port, request):
    """The head and the document that are answered, to the end of the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return head.decode(), json.loads(body)


def port_of(stranger):
    return stranger.session._base_url.port


@pytest.mark.parametrize(
    "header",
    [
        f"Authorization : Bearer {TOKEN}",
        f"Authorization: Bearer {TOKEN}\x00",
        f"Authorization: Bearer {TOKEN}{'x' * 9000}",
        f"{TOKEN}",
    ],
)
async def test_what_is_no_http_is_answered_as_any_fault_and_shown_to_nobody(tmp_path, caplog, header):
    async with served(tmp_path) as (_, _, stranger):
        head, document = await said(port_of(stranger), f"GET /v1/events HTTP/1.1\r\n{header}\r\n\r\n".encode())
    assert head.startswith("HTTP/1.0 400 Bad Request\r\n")
    assert "Content-Type: application/problem+json" in head
    assert "Server: notifier\r\n" in head
    assert "X-Content-Type-Options: nosniff\r\n" in head
    assert document["detail"] == "this is no HTTP, or has too much before its body"
    assert caplog.records == []


async def test_whom_no_memory_is_left_to_refuse_is_not_told_that_it_spoke_no_http(tmp_path, monkeypatch, caplog):
    told, fails = problems.told, [MemoryError]

    def starved(error):
        if fails:
            raise fails.pop()
        return told(error)

    async with served(tmp_path) as (_, _, stranger):
        monkeypatch.setattr(problems, "told", starved)
        head, document = await said(port_of(stranger), b"GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n")
    assert head.startswith("HTTP/1.1 503 Service Unavailable\r\n")
    assert document["detail"] == "no memory is left; the log says why"
    assert [record.fields for record in caplog.records] == [{"reason": "no memory is left"}]


async def test_who_connects_and_does_not_ask_is_not_waited_for_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(listening, "PATIENCE", 0.02)
    async with served(tmp_path) as (_, _, stranger):
        assert connections.PATIENCE == 60
        for begun in (b"", b"GET /v1/events HTTP/1.1\r\nHo"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(stranger))
            writer.write(begun)
            assert await reader.read() == b""
            writer.close()


async def well(_):
    return web.Response(text="well")


async def accepted(opened, port, count):
    """So many connections, which the server has."""
    several = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count + 1)]
    for _, writer in several:
        opened.callback(writer.close)
    assert await is_answered(*several[-1])  # which it accepted after the others
    return several[:-1]


async def test_who_has_connected_when_the_server_closes_is_answered():
    # A client of notifier-http.socket was cut off by a restart: it had connected, and not asked yet.
    async with AsyncExitStack() as opened:
        server = await start([Route("GET", "/healthz", "", well, is_open=True)], NOBODY, listen=("127.0.0.1", 0))
        (one,) = await accepted(opened, server.port, 1)
        closing = asyncio.ensure_future(server.close())
        for _ in range(10):
            await asyncio.sleep(0)
        assert not closing.done()
        assert await is_answered(*one)
        await closing
        assert (await one[0].read()).endswith(b"well")  # and then it is closed


async def test_a_server_that_closes_waits_a_moment_at_most_for_those_who_do_not_ask(monkeypatch):
    monkeypatch.setattr(connections, "MOMENT", 0.02)
    async with AsyncExitStack() as opened:
        server = await start([Route("GET", "/healthz", "", well, is_open=True)], NOBODY, listen=("127.0.0.1", 0))
        one, other = await accepted(opened, server.port, 2)
        other[1].close()  # nor for those who have gone
        await server.close()
        assert await one[0].read() == b""


async def is_answered(reader, writer):
    """Whether the daemon answers over this connection, or has closed it."""
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    try:
        return (await reader.readline()) == b"HTTP/1.1 200 OK\r\n"
    except ConnectionResetError:
        return False


async def test_one_too_many_is_closed_at_once_and_the_control_socket_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(connections, "MOST_STRANGERS", 3)
    async with served(tmp_path) as (_, caller, stranger), AsyncExitStack() as opened:

        async def connection():
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(stranger))
            opened.callback(writer.close)
            return reader, writer

        several = [await connection() for _ in range(4)]
        assert [await is_answered(*one) for one in several] == [True, True, True, False]
        assert (await caller.get("/v1/endpoints")).status == 200
        several[0][1].close()
        while not await is_answered(*await connection()):
            pass  # each one lets the daemon notice who has gone


async def test_a_connection_that_is_closed_already_is_cut_off_without_a_word(tmp_path, caplog):
    were_open = asyncio.Queue()

    async def handler(request):
        with suppress(ConnectionError):  # it ends in the middle
            await request.read()
        were_open.put_nowait(request.transport is not None)
        connections.cut_off(request)
        return web.Response()

    server = await start([Route("POST", "/", "", handler, is_open=True)], NOBODY, tmp_path / "s")
    for body, is_open in ((b"a", False), (b"all of it", True)):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "s")
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n" + body)
        if not is_open:
            writer.close()
        assert await were_open.get() is is_open
        with suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
    await server.close()
    assert caplog.records == []
