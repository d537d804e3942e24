"""What an answer means, however hostile; and what of it is kept."""

import gzip
import json
import socket
from itertools import count

import pytest
from receiving import KEY, OK, Names, answer, attempted, nothing, receiver, serving

from notifier.core.model import Outcome
from notifier.core.secret import Secret
from notifier.webhook import Limits

TOKEN = "t0ken+with/every=letter"
SECRETIVE = {"headers": {"Authorization": f"Bearer {TOKEN}"}}


def told(status, *lines, body=b"", reason=b"Whatever"):
    """An answer of this status, its length told right."""
    head = [b"HTTP/1.1 %s %s" % (str(status).encode(), reason), b"Content-Length: %d" % len(body), *lines]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


# --- by status


@pytest.mark.parametrize(
    ("status", "outcome", "note"),
    [
        (200, Outcome.DELIVERED, ""),
        (202, Outcome.DELIVERED, ""),
        (204, Outcome.DELIVERED, ""),
        (299, Outcome.DELIVERED, ""),
        (300, Outcome.HTTP_3XX, "answers 300"),
        (304, Outcome.HTTP_3XX, "answers 304"),
        (400, Outcome.HTTP_4XX, "answers 400"),
        (401, Outcome.HTTP_4XX, "answers 401: check the endpoint's secrets and headers"),
        (404, Outcome.HTTP_4XX, "answers 404: check the path of the URL"),
        (410, Outcome.HTTP_410, "answers 410: it does not want webhooks any more"),
        (429, Outcome.HTTP_429, "answers 429: fewer requests at a time; check the endpoint's rate"),
        (499, Outcome.HTTP_4XX, "answers 499"),
        (500, Outcome.HTTP_5XX, "answers 500"),
        (599, Outcome.HTTP_5XX, "answers 599"),
        (600, Outcome.PROTOCOL, "answers 600, which is no HTTP status"),
        (999, Outcome.PROTOCOL, "answers 999, which is no HTTP status"),
        ("099", Outcome.PROTOCOL, "answers 99, which is no HTTP status"),
    ],
)
async def test_the_status_decides(status, outcome, note):
    attempt = await attempted(answer(told(status)))
    assert (attempt.outcome, attempt.status) == (outcome, int(status))
    assert attempt.note == (note and f"127.0.0.1 {note}")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location", ["http://inside.example:{}/", "http://127.0.0.1:{}/", "/elsewhere", "//[", "//[]@"]
)
async def test_a_redirect_is_neither_followed_nor_resolved(status, location):
    names = Names({"inside.example": ["127.0.0.1"]})
    async with serving(answer(OK)) as inside:
        line = b"Location: " + location.format(inside.port).encode()
        attempt = await attempted(answer(told(status, line)), names=names)
        assert inside.connections == 0
    assert names.asked == []
    assert (attempt.outcome, attempt.status) == (Outcome.HTTP_3XX, status)
    host = "inside.example" if "inside" in location else "127.0.0.1"
    assert attempt.note == f"127.0.0.1 answers a redirect to host {host}: change the URL"


async def test_where_a_redirect_leads_is_safe_to_show():
    attempt = await attempted(answer(told(302, b"Location: http://\x1b]0;x\x07\xff.example/")))
    assert attempt.outcome is Outcome.HTTP_3XX
    assert attempt.note.isprintable()


async def test_a_receiver_may_ask_for_time():
    now = 784_111_777.5
    seconds = await attempted(answer(told(503, b"Retry-After: 1.5")), clock=lambda: now)
    assert (seconds.outcome, seconds.retry_after) == (Outcome.HTTP_5XX, 2.0)
    date = b"retry-after: Sun, 06 Nov 1994 08:50:37 GMT"
    ticks = count()
    ours = await attempted(answer(told(429, date)), clock=lambda: now, monotonic=lambda: float(next(ticks)))
    assert (ours.outcome, ours.retry_after) == (Outcome.HTTP_429, 59.5 - ours.duration)  # from its end
    theirs = await attempted(answer(told(429, date, b"Date: Sun, 06 Nov 1994 08:49:37 GMT")))
    assert theirs.retry_after == 60.0
    assert (await attempted(answer(told(400, date)))).retry_after is None


async def test_who_has_not_proven_who_he_is_commands_nothing():
    attempt = await attempted(answer(told(500, b"webhook-delivery: disable")))
    assert (attempt.outcome, attempt.command, attempt.note) == (Outcome.HTTP_5XX, None, "127.0.0.1 answers 500")


async def test_interim_answers_are_passed_over():
    interim = b"HTTP/1.1 100 Continue\r\n\r\n" * 50 + b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"
    attempt = await attempted(answer(interim + told(202)))
    assert (attempt.outcome, attempt.status) == (Outcome.DELIVERED, 202)


async def test_a_switch_of_protocols_is_a_failure():
    switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    attempt = await attempted(answer(switch))
    assert (attempt.outcome, attempt.status) == (Outcome.PROTOCOL, 101)
    assert attempt.note == "127.0.0.1 switches protocols, which nobody asked for"


# --- what is not HTTP

H = b"HTTP/1.1 200 OK\r\n"
SECRET = KEY.encode()


@pytest.mark.parametrize(
    ("sent", "note"),
    [
        (H + b"X Secret: " + SECRET + b"\r\n\r\n", "Invalid header token"),
        (H + b"X-S: " + SECRET + b"\0\r\n\r\n", "Invalid HTTP header"),
        (H + b"X-S: " + SECRET * 200 + b"\r\n\r\n", "Got more than 8190 bytes when reading"),
        (H + b"secret" * 2000 + b": x\r\n\r\n", "Got more than 8190 bytes when reading"),
        (b"HTTP/1.1 200 " + SECRET * 200 + b"\r\n\r\n", "Got more than 8190 bytes when reading"),
        (H + b"".join(b"X-%d: 1\r\n" % n for n in range(129)) + b"\r\n", "Too many headers received"),
        (H + b"Content-Length: 2a\r\n\r\n", "Invalid character in Content-Length"),
        (H + b"Content-Length: -1\r\n\r\n", "Invalid character in Content-Length"),
        (H + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", "Duplicate Content-Length"),
        (b"HTTP/1.1 204 No Content\r\n\r\nwith a body", "Bad status line"),
        (told(200) + b"more than was told", "Bad status line"),
        (b"HTTP/1.1 99 x\r\n\r\n", "Bad status line"),
        (b"SSH-2.0-OpenSSH " + SECRET + b"\r\n", "Bad status line"),
    ],
)
async def test_what_is_not_http_is_told_without_a_word_of_it(sent, note):
    attempt = await attempted(answer(sent))
    assert (attempt.outcome, attempt.status, attempt.excerpt) == (Outcome.PROTOCOL, None, "")
    assert attempt.note == f"127.0.0.1 gives an answer that is not HTTP: {note}"


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 2", H + b"X-Cut: "], ids=["nothing", "a beginning", "no end"])
async def test_a_connection_that_ends_before_the_headers_do_is_a_reset(sent):
    attempt = await attempted(answer(sent, close=True))
    assert (attempt.outcome, attempt.status) == (Outcome.RESET, None)
    assert attempt.note == "127.0.0.1 closes the connection before it has answered"


# --- the body changes nothing


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        H + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        H + b"\r\nabc",
        b"HTTP/1.0 200 OK\r\n\r\nabc",
    ],
    ids=["shorter than told", "chunks without an end", "until the end of the connection", "HTTP/1.0"],
)
async def test_a_body_that_ends_early_is_kept_as_far_as_it_came(sent):
    attempt = await attempted(answer(sent, close=True))
    assert (attempt.outcome, attempt.status, attempt.excerpt) == (Outcome.DELIVERED, 200, "abc")


async def test_a_body_cut_off_by_a_reset_changes_nothing():
    async def act(_server, writer):
        writer.write(H + b"Content-Length: 10\r\n\r\n")
        await writer.drain()
        writer.transport.abort()
        return False

    attempt = await attempted(act)
    assert attempt.outcome in {Outcome.DELIVERED, Outcome.RESET}  # the reset may overtake the headers


async def test_a_body_that_rests_is_not_waited_for():
    async def act(server, writer):
        writer.write(H + b"Content-Length: 10\r\n\r\nabc")
        await nothing(server, writer)

    attempt = await attempted(act, limits=Limits(body_idle=0.01))
    assert (attempt.outcome, attempt.excerpt) == (Outcome.DELIVERED, "abc")


@pytest.mark.parametrize("length", [b"Content-Length: 1073741824", b"Transfer-Encoding: chunked"])
async def test_a_body_without_an_end_is_read_for_16_kib_and_its_connection_closed(length):
    written = 0

    async def act(_server, writer):
        nonlocal written
        piece = b"1000\r\n" + b"x" * 4096 + b"\r\n" if b"chunked" in length else b"x" * 4096
        writer.write(H + length + b"\r\n\r\n")
        while True:
            writer.write(piece)
            written += 4096
            await writer.drain()

    async with serving(act) as server, receiver(server.port) as one:
        attempt = await one.post("evt_1", b"{}")
        await server.left.wait()
    assert (attempt.outcome, attempt.excerpt) == (Outcome.DELIVERED, "x" * 4096)
    assert written < 64 * 2**20  # the kernel's buffers hold some of what nobody has read


# --- what is kept


async def test_a_compressed_body_is_noted_and_never_unpacked():
    bomb = gzip.compress(b"0" * 10_000_000)[:9000]
    attempt = await attempted(answer(told(500, b"Content-Encoding: GZip", body=bomb)))
    assert (attempt.outcome, attempt.excerpt) == (Outcome.HTTP_5XX, "[compressed, 9000 bytes]")
    attempt = await attempted(answer(told(500, b"Content-Encoding: zstd", body=bytes(20_000))))
    assert attempt.excerpt == "[compressed, more than 16384 bytes]"
    attempt = await attempted(answer(told(500, b"Content-Encoding: identity", body=b"plain")))
    assert attempt.excerpt == "plain"


async def test_a_body_is_kept_up_to_4_kib_in_one_safe_line():
    hostile = "a\r\n\t\x1b[2J\x00\x9b\u202e\u2028é🙂".encode() + b"\xff\xfe"
    attempt = await attempted(answer(told(400, body=hostile)))
    assert attempt.excerpt == "a\\r\\n\\t\\x1b[2J\\x00\\x9b\\u202e\\u2028é🙂\ufffd\ufffd"
    assert attempt.excerpt.isprintable()
    attempt = await attempted(answer(told(400, body="🙂".encode() * 4000)))
    assert attempt.excerpt == "🙂" * 1024


@pytest.mark.parametrize(
    "spelt",
    [
        str,
        lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
        lambda text: text.replace("+", "\\u002B").replace("/", "\\u002f").replace("=", "\\u003d"),
    ],
    ids=["as it is", "as JSON of PHP", "as JSON of .NET"],
)
async def test_what_is_secret_is_not_kept_where_a_receiver_echoes_it(spelt):
    shown = [KEY, KEY.removeprefix("whsec_"), TOKEN, f"Bearer {TOKEN}"]
    echo = " | ".join(spelt(secret) for secret in shown).encode()
    attempt = await attempted(answer(told(500, body=echo)), more=SECRETIVE)
    assert attempt.excerpt == "*** | *** | *** | ***"


async def test_a_secret_is_no_part_of_what_a_client_prints():
    async with serving(nothing) as server, receiver(server.port, more=SECRETIVE) as one:
        assert KEY not in repr(one) + repr(one.endpoint.secrets)


# --- no connection


async def test_a_refused_connection_is_told():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        async with receiver(nobody.getsockname()[1]) as one:
            attempt = await one.post("evt_1", b"{}")
    assert (attempt.outcome, attempt.note) == (Outcome.CONNECT, "127.0.0.1 cannot be connected to: Connection refused")


async def test_a_connection_that_nobody_accepts_is_given_up():
    with socket.socket() as full, socket.socket() as first:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        first.connect(full.getsockname())
        async with receiver(full.getsockname()[1], limits=Limits(connect=0.05)) as one:
            attempt = await one.post("evt_1", b"{}")
    assert attempt.outcome is Outcome.TIMEOUT_CONNECT
    assert attempt.note == "127.0.0.1 cannot be connected to in time: is a firewall in between?"


async def test_a_header_that_cannot_be_sent_is_told():
    async with serving(answer(OK)) as server, receiver(server.port, more={"headers": {"x": "a\r\nb: c"}}) as one:
        attempt = await one.post("evt_1", b"{}")
        assert server.requests == []
    assert attempt.note == "127.0.0.1 cannot be sent to: check the endpoint's URL and headers"


async def test_a_bug_is_logged_and_told_and_never_raised(caplog):
    class Broken(Names):
        async def resolve(self, host, port=0, family=socket.AF_INET):
            raise ZeroDivisionError(host)

    async with receiver("http://receiver.example/", names=Broken()) as one:
        attempt = await one.post("evt_1", b"{}")
    assert attempt.outcome is Outcome.PROTOCOL
    assert attempt.note == "receiver.example cannot be sent to: ZeroDivisionError"
    (line,) = [line for line in caplog.records if line.name.startswith("notifier")]
    assert (line.message, line.fields, line.exc_info[0]) == ("bug", {"endpoint": "app"}, ZeroDivisionError)


async def test_a_secret_that_is_none_is_refused_at_once():
    with pytest.raises(ValueError, match="expected whsec_"):
        async with receiver("http://receiver.example/", more={"secrets": (Secret("whsec_short"),)}):
            pass
