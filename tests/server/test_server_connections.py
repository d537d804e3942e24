"""Connections over TCP, of whoever it is: what is no HTTP, those who never ask, and too many of them."""

import asyncio
import json
from contextlib import AsyncExitStack

import pytest
from asking import TOKEN, served

from notifier.server import connections, listening


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


async def test_who_connects_and_does_not_ask_is_not_waited_for_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(listening, "PATIENCE", 0.02)
    async with served(tmp_path) as (_, _, stranger):
        assert connections.PATIENCE == 60
        for begun in (b"", b"GET /v1/events HTTP/1.1\r\nHo"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port_of(stranger))
            writer.write(begun)
            assert await reader.read() == b""
            writer.close()


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
