"""Receivers that mean us harm: each costs little time, little memory and one line in the log."""

import asyncio
import gzip
import tracemalloc
from dataclasses import dataclass

import pytest
from receiving import OK, Act, answer, nothing, receiver, reset, serving

from notifier.core.model import Outcome
from notifier.webhook import Limits

H = b"HTTP/1.1 200 OK\r\n"
PATIENT = {"connect": 60.0, "tls": 60.0, "first_byte": 60.0, "body_idle": 60.0}
USUAL, IDLE, SILENT = (Limits(**{**PATIENT, **short}) for short in ({}, {"body_idle": 0.05}, {"first_byte": 0.1}))
MOST_SECONDS = 30.0
"""On a machine that is busy with other things; what has no bound takes for ever, or until the test is ended."""
MOST_BYTES = 8 * 2**20
ZSTD = bytes.fromhex("28b52ffd")


def on_and_on(beginning: bytes, *pieces: bytes) -> Act:
    """A beginning, and then pieces for as long as anybody listens."""

    async def act(_server, writer):
        writer.write(beginning)
        while True:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)

    return act


def and_rest(sent: bytes) -> Act:
    """Something, and then nothing more."""

    async def act(server, writer):
        writer.write(sent)
        await nothing(server, writer)

    return act


@dataclass
class Case:
    act: Act
    outcome: Outcome
    note: str = ""
    status: int | None = 200
    excerpt: str = ""
    limits: Limits = USUAL
    timeout: float = 60.0


def good(act: Act, excerpt: str, **more) -> Case:
    return Case(act, Outcome.DELIVERED, excerpt=excerpt, **more)


def bad(act: Act, outcome: Outcome, note: str, **more) -> Case:
    return Case(act, outcome, note, None, **more)


LATE = "127.0.0.1 does not answer in time: it should answer first and work afterwards"
CUT = "127.0.0.1 closes the connection before it has answered"
NO_HTTP = "127.0.0.1 gives an answer that is not HTTP: "
CHUNKED = H + b"Transfer-Encoding: chunked\r\n\r\n"
ENDLESS = H + b"Content-Length: 1073741824\r\n\r\n"
LONG = NO_HTTP + "Got more than 8190 bytes when reading"
CASES = {
    # the body
    "a byte and no more": good(and_rest(H + b"Content-Length: 9\r\n\r\na"), "a", limits=IDLE),
    "1 GiB": good(on_and_on(ENDLESS, b"x" * 65536), "x" * 4096),
    "chunks for ever": good(on_and_on(CHUNKED, b"1\r\nx\r\n" * 5000), "x" * 4096),
    "a chunk of 16 EiB": good(and_rest(CHUNKED + b"fffffffffffffffe\r\nabc"), "abc", limits=IDLE),
    "trailers for ever": good(on_and_on(CHUNKED + b"1\r\na\r\n0\r\n", b"X-T: 1\r\n"), "a", limits=IDLE),
    "until the end, which never comes": good(on_and_on(H + b"\r\n", b"x" * 65536), "x" * 4096),
    "a gzip bomb": good(
        answer(H + b"Content-Encoding: gzip\r\nContent-Length: 9000\r\n\r\n" + gzip.compress(bytes(10**7))[:9000]),
        "[compressed, 9000 bytes]",
    ),
    "a zstd bomb": good(
        on_and_on(H + b"Content-Encoding: zstd\r\nContent-Length: 1073741824\r\n\r\n" + ZSTD, bytes(65536)),
        "[compressed, more than 16384 bytes]",
    ),
    "less than it says": good(answer(H + b"Content-Length: 100\r\n\r\nabc", close=True), "abc"),
    "escapes for a terminal, and no UTF-8": good(
        answer(H + b"Content-Length: 12\r\n\r\n\x1b[2J\x1b]0;\xff\r\n\0"), "\\x1b[2J\\x1b]0;\ufffd\\r\\n\\x00"
    ),
    # the headers
    "headers for ever": bad(on_and_on(H, b"X-A: 1\r\n"), Outcome.PROTOCOL, NO_HTTP + "Too many headers received"),
    "a header for ever": bad(on_and_on(H + b"X-A: ", b"x" * 100), Outcome.PROTOCOL, LONG),
    "a name of a header for ever": bad(on_and_on(H, b"x" * 100), Outcome.PROTOCOL, LONG),
    "a reason for ever": bad(on_and_on(b"HTTP/1.1 200 ", b"x" * 100), Outcome.PROTOCOL, LONG),
    "headers that do not end": bad(and_rest(H + b"X-A: 1\r\n"), Outcome.TIMEOUT_FIRST_BYTE, LATE, limits=SILENT),
    "a header that is none": bad(answer(H + b"X A: 1\r\n\r\n"), Outcome.PROTOCOL, NO_HTTP + "Invalid header token"),
    "a length and chunks": bad(
        answer(H + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        Outcome.PROTOCOL,
        NO_HTTP + "Transfer-Encoding can't be present with Content-Length",
    ),
    "escapes in what is shown": Case(
        answer(b"HTTP/1.1 302 \x1b[2J\r\nLocation: http://\x1b[31m.example/\r\nContent-Length: 0\r\n\r\n"),
        Outcome.HTTP_3XX,
        "127.0.0.1 answers a redirect to host 127.0.0.1: change the URL",
        302,
    ),
    # the status
    "interim answers for ever": bad(
        on_and_on(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), Outcome.PROTOCOL, NO_HTTP + "more than 100 interim answers"
    ),
    "interim answers one by one": bad(
        and_rest(b"HTTP/1.1 102 Processing\r\n\r\n" * 100), Outcome.TIMEOUT_FIRST_BYTE, LATE, limits=SILENT
    ),
    "an interim answer and no more": bad(
        and_rest(b"HTTP/1.1 100 Continue\r\n\r\n"), Outcome.TIMEOUT_FIRST_BYTE, LATE, limits=SILENT
    ),
    "status 99": bad(answer(b"HTTP/1.1 99 x\r\n\r\n"), Outcome.PROTOCOL, NO_HTTP + "Bad status line"),
    "status 1000": bad(answer(b"HTTP/1.1 1000 x\r\n\r\n"), Outcome.PROTOCOL, NO_HTTP + "Bad status line"),
    "no status": bad(answer(b"HTTP/1.1\r\n\r\n"), Outcome.PROTOCOL, NO_HTTP + "Bad status line"),
    "HTTP/2": bad(answer(b"HTTP/2 200\r\n\r\n"), Outcome.PROTOCOL, NO_HTTP + "Bad status line"),
    "204 with a body": bad(
        answer(b"HTTP/1.1 204 No Content\r\n\r\nbody"), Outcome.PROTOCOL, NO_HTTP + "Bad status line"
    ),
    # the connection
    "no answer": bad(nothing, Outcome.TIMEOUT_FIRST_BYTE, LATE, limits=SILENT),
    "a reset after the request": bad(reset, Outcome.RESET, CUT),
    "an end after the request": bad(answer(b"", close=True), Outcome.RESET, CUT),
    "an end in the headers": bad(answer(H + b"X-A: ", close=True), Outcome.RESET, CUT),
    "an end after each answer": good(answer(OK, close=True), ""),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_a_hostile_answer_costs_little_and_is_told_in_one_line(case, caplog):
    given = {"limits": case.limits, "more": {"timeout": case.timeout}}
    async with serving(case.act) as server, receiver(server.port, **given) as one:
        await one.post("evt_0", b"{}")  # what is loaded once is none of its costs
        tracemalloc.start()
        try:
            attempt = await one.post("evt_1", b"{}")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert (attempt.outcome, attempt.status, attempt.excerpt) == (case.outcome, case.status, case.excerpt)
    assert attempt.note == case.note
    assert attempt.note.isprintable()
    assert attempt.duration < MOST_SECONDS
    assert peak < MOST_BYTES
    assert caplog.records == []


@pytest.mark.parametrize(
    ("status", "outcome"), [(200, Outcome.DELIVERED), (413, Outcome.HTTP_4XX), (503, Outcome.HTTP_5XX)]
)
async def test_an_answer_before_the_request_is_read_counts(status, outcome):
    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %d Whatever\r\nContent-Length: 0\r\n\r\n" % status)
        writer.write_eof()
        await hung_up.wait()
        writer.transport.abort()
        ended.set()

    hung_up, ended = asyncio.Event(), asyncio.Event()
    listener = await asyncio.start_server(talk, "127.0.0.1", 0, limit=2**16)
    async with receiver(listener.sockets[0].getsockname()[1]) as one:
        attempt = await one.post("evt_1", bytes(2**20))
    hung_up.set()
    await ended.wait()
    listener.close()
    await listener.wait_closed()
    assert (attempt.outcome, attempt.status) == (outcome, status)
