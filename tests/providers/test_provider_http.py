"""One GET, and what each answer means: every failure is one of three, none of them a bug of ours."""

import asyncio
import gzip
import json
import ssl
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from aiohttp import web

from notifier import __version__
from notifier.connection import CONNECT
from notifier.core.model import Limit
from notifier.demo.local import LocalServer
from notifier.providers.base import Malformed, ProviderError, Refused, Unavailable
from notifier.providers.http import LONGEST, MAX_BODY, PLACES, Api, Page, open_session, refuse
from notifier.standstill import LISTENS, STANDSTILL

AT = 1_784_000_000.0
KEY = {"X-API-Key": "xf_very_secret"}
CERTIFICATES = Path(__file__).parent.parent / "webhook" / "certificates"
LONG_HOST = ".".join(letter * 60 for letter in "abcde")


class Server(LocalServer):
    """Answers everything alike and remembers what it was asked."""

    def __init__(self, answer):
        super().__init__()
        self.requests = []
        self._answer = answer
        self.app.router.add_route("*", "/{any:.*}", self._any)

    async def _any(self, request):
        self.requests.append(request)
        return await self._answer(request)


@asynccontextmanager
async def served(answer):
    """A server that gives `answer`, a response or a handler, and an `Api` below it."""

    async def fixed(_):
        return answer

    async with Server(answer if callable(answer) else fixed) as server, open_session() as session:
        yield server, Api(session, server.origin + "/v1", KEY)


@asynccontextmanager
async def raw(*parts: bytes, cut=True, until=b"\r\n\r\n", tls=None):
    """A server that sends these bytes after a request's head, then cuts the connection, or else says nothing more."""
    done = asyncio.Event()

    async def talk(reader, writer):
        await (reader.readuntil(until) if until else reader.read(10))
        writer.writelines(parts)
        await writer.drain()
        if not cut:
            await done.wait()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", ssl=tls)
    async with server:
        try:
            yield f"{'http' if tls is None else 'https'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            done.set()


async def failure(answer, kind):
    async with served(answer) as (_, api):
        with pytest.raises(kind) as caught:
            _ = (await api.get("/jobs", {}, AT)).document
    return caught.value


async def raw_failure(kind, *parts, within=LONGEST, cut=True):
    async with raw(*parts, cut=cut) as origin, open_session() as session:
        with pytest.raises(kind) as caught:
            await Api(session, origin, KEY, within).get("/jobs", {"token": "very_secret"}, AT)
    return caught.value


# --- what is sent


async def test_a_request_bears_the_key_and_says_who_asks():
    async with served(web.json_response({"a": 1})) as (server, api):
        reply = await api.get("/jobs/a%2Fb", {"page": 2, "q": "x y"}, AT)
    (request,) = server.requests
    assert (reply.status, reply.document, reply.limit) == (200, {"a": 1}, None)
    assert request.raw_path == "/v1/jobs/a%2Fb?page=2&q=x+y"
    assert request.headers["X-API-Key"] == KEY["X-API-Key"]
    assert request.headers["User-Agent"] == f"notifier/{__version__}"
    assert request.headers["Accept"] == "application/json"


async def test_a_base_url_may_be_written_in_any_letters():
    async with served(web.json_response({})) as (server, api):
        await Api(api.session, server.origin + "/über", KEY).get("/a%2Fb", {}, AT)
    assert server.requests[0].raw_path == "/%C3%BCber/a%2Fb"


async def test_cookies_are_neither_kept_nor_sent():
    async def answer(_):
        return web.json_response({}, headers={"Set-Cookie": "session=1"})

    async with served(answer) as (server, api):
        # A jar takes no cookie from a bare address in any case: only a name shows that there is no jar.
        named = Api(api.session, server.origin.replace("127.0.0.1", "localhost"), KEY)
        await named.get("/jobs", {}, AT)
        await named.get("/jobs", {}, AT)
    assert ["Cookie" in request.headers for request in server.requests] == [False, False]


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    async with served(web.json_response({})) as (server, api), served(web.Response(status=502)) as (proxy, _):
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.origin)
        await api.get("/jobs", {}, AT)
    assert (len(server.requests), len(proxy.requests)) == (1, 0)


async def test_a_redirect_is_never_followed_and_its_host_is_named():
    async with served(web.json_response({})) as (other, _):
        location = other.origin + "/login?key=very_secret"
        error = await failure(web.Response(status=302, headers={"Location": location}), Unavailable)
    assert str(error) == "answers 302, a redirect to 127.0.0.1: check base_url"
    assert other.requests == []


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("/elsewhere", "the same host"),
        ("", "the same host"),
        ("http://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("http://[bad", "an unreadable URL"),
        ("//[]@", "an unreadable URL"),
        ("http://host:99999999/", "an unreadable URL"),
        (f"http://{LONG_HOST}/", LONG_HOST[:253]),
    ],
)
async def test_an_odd_redirect_is_a_redirect_all_the_same(location, told):
    error = await failure(web.Response(status=307, headers={"Location": location}), Unavailable)
    assert str(error) == f"answers 307, a redirect to {told}: check base_url"


async def test_a_redirect_to_bytes_that_are_no_text_ends_nothing():
    head = b"HTTP/1.1 301 Moved\r\nLocation: http://\xff\xfe.example/\r\nContent-Length: 0\r\n\r\n"
    error = await raw_failure(Unavailable, head)
    assert str(error).encode() == b"answers 301, a redirect to an unreadable URL: check base_url"


# --- bodies


async def test_a_compressed_answer_is_read():
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    async with served(web.Response(body=gzip.compress(b'{"a": 1}'), headers=headers)) as (_, api):
        assert (await api.get("/jobs", {}, AT)).document == {"a": 1}


async def test_json_is_json_whatever_it_is_called():
    async with served(web.Response(body=b'\xef\xbb\xbf {"a": 1}', content_type="text/plain")) as (_, api):
        assert (await api.get("/jobs", {}, AT)).document == {"a": 1}


@pytest.mark.parametrize("status", [200, 202, 299])
async def test_every_2xx_is_an_answer(status):
    async with served(web.json_response([], status=status)) as (_, api):
        assert (await api.get("/jobs", {}, AT)).status == status


@pytest.mark.parametrize("body", [b"", b" \r\n"])
async def test_an_empty_answer_is_no_answer(body):
    assert str(await failure(web.Response(body=body), Unavailable)) == "an empty answer"


@pytest.mark.parametrize(
    ("body", "content_type"), [(b"{}", "text/html"), (b" <!doctype html>", "application/json"), (b"<?xml", "text/xml")]
)
async def test_a_page_for_people_is_no_answer(body, content_type):
    error = await failure(web.Response(body=body, content_type=content_type), Unavailable)
    assert str(error) == "an HTML page where JSON was expected"


@pytest.mark.parametrize("body", [b'{"a": ', b"OK", b'"\xff"', b"[" * 100_000, b"9" * 5000])
async def test_what_is_no_json_is_malformed(body):
    error = await failure(web.Response(body=body, content_type="application/json"), Malformed)
    assert str(error) == "the answer is no JSON"


async def test_an_endless_answer_is_not_read_to_its_end():
    sent = 0

    async def endless(request):
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b" " * 65536)
                sent += 65536
        except ConnectionError:
            return response

    assert str(await failure(endless, Malformed)) == "an answer of more than 10 MiB"
    assert sent < 4 * MAX_BODY


async def test_a_small_answer_that_unpacks_to_a_large_one_is_not_unpacked():
    bomb = gzip.compress(b" " * (MAX_BODY + 1))
    answer = web.Response(body=bomb, headers={"Content-Encoding": "gzip"})
    assert str(await failure(answer, Malformed)) == "an answer of more than 10 MiB"


# --- no answer


CLOSED = "the connection was closed"
CUT_OFF = "it was cut off, or cannot be decoded"
NOT_HTTP = "what came is not HTTP"


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ([], CLOSED),
        ([b"HTTP/1.1 200 OK\r\nContent-"], CLOSED),
        ([b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a": 1}'], CUT_OFF),
        ([b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"a": 1}\r\n'], CUT_OFF),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"], NOT_HTTP),
        ([b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"], CUT_OFF),
        ([b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000 + b"\r\n\r\n"], NOT_HTTP),
        ([b"220 mail.example.com ESMTP\r\n"], NOT_HTTP),
    ],
)
async def test_a_cut_or_garbled_transfer_is_unavailable(parts, why):
    error = await raw_failure(Unavailable, *parts)
    assert (str(error), error.retry_after, error.limited) == (f"no answer: {why}", None, False)


async def test_a_request_whose_connection_breaks_is_not_sent_again_without_being_counted():
    async def breaks(request):
        request.transport.abort()
        return web.Response()

    async with served(breaks) as (server, api):
        with pytest.raises(Unavailable, match=CLOSED):
            await api.get("/media", {}, AT)
        assert len(server.requests) == 1


async def test_nobody_listening_is_unavailable_in_the_system_s_words():
    async with raw() as origin:
        pass
    assert await why_not(origin) == "connection refused"


@pytest.mark.parametrize(
    "url", ["http://no-such-host.invalid", "http://\0.example", "http://" + "a" * 70 + ".example", "http://256.1.1.1"]
)
async def test_a_host_that_is_none_is_unavailable(url):
    why = await why_not(url)
    assert why.startswith("its host cannot be resolved: ") or why == "base_url is none that can be asked"
    assert "example" not in why


async def test_a_certificate_that_proves_nothing_is_not_accepted():
    identity = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    identity.load_cert_chain(CERTIFICATES / "self_signed.pem")
    async with raw(tls=identity) as origin:
        assert await why_not(origin) == "its certificate is not accepted: self-signed certificate"


async def test_what_does_not_speak_tls_is_told():
    async with raw(b"HTTP/1.1 400 Bad Request\r\n\r\n", until=b"") as origin:
        assert (await why_not(origin.replace("http:", "https:"))).startswith("the TLS handshake fails: ")


async def test_a_handshake_that_is_cut_off_is_told():
    async with raw(until=b"") as origin:
        assert await why_not(origin.replace("http:", "https:")) == "it cannot be connected to"


async def why_not(origin: str) -> str:
    """Why there is no answer from there, in the words that people get to see."""
    async with open_session() as session:
        with pytest.raises(Unavailable) as caught:
            await Api(session, origin, KEY).get("/jobs", {"token": "very_secret"}, AT)
    before, colon, why = str(caught.value).partition(": ")
    assert (before, colon) == ("no answer", ": ")
    assert "secret" not in why
    assert "Error" not in why
    return why


async def test_silence_is_unavailable():
    error = await raw_failure(Unavailable, within=0.05, cut=False)
    assert str(error) == "no answer in time"


async def test_silence_in_the_middle_of_an_answer_is_unavailable():
    head = b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a": 1}'
    error = await raw_failure(Unavailable, head, within=0.05, cut=False)
    assert str(error) == "no answer in time"


# --- while we stood still


@asynccontextmanager
async def holding(*numbers):
    """Requests by their numbers, of which one more each is answered whenever `go` is released; `came` counts them."""
    came, go = asyncio.Semaphore(0), asyncio.Semaphore(0)

    async def answer(_):
        came.release()
        await go.acquire()
        return web.json_response({"a": 1})

    async with served(answer) as (_, api):
        asked = [asyncio.create_task(api.get(f"/{number}", {}, AT)) for number in numbers]
        for _ in numbers[:PLACES]:
            await came.acquire()
        yield asked, go
        for one in asked:
            one.cancel()
        await asyncio.wait(asked)


async def test_an_answer_that_came_while_we_stood_still_is_heard(standstill):
    async with holding(1) as ((asked,), go):
        standstill(600)
        go.release()
        assert (await asked).document == {"a": 1}


async def test_a_connection_that_was_to_be_had_while_we_stood_still_is_taken(standstill):
    async with holding(*range(PLACES + 1)) as ((*_, last), go):
        standstill(CONNECT + STANDSTILL + 1)
        for _ in range(PLACES + 1):
            go.release()
        assert (await last).document == {"a": 1}


@pytest.mark.parametrize(("others", "seconds"), [(0, LONGEST), (PLACES, CONNECT)])
async def test_who_has_not_answered_although_we_stood_still_is_late_a_second_after(standstill, others, seconds):
    async with holding(*range(others + 1)) as ((*_, last), _):
        standstill(seconds + STANDSTILL + 1)
        done, _ = await asyncio.wait({last}, timeout=LISTENS / 2)
        assert not done
        standstill(LISTENS)
        with pytest.raises(Unavailable, match=r"^no answer in time$"):
            await last


# --- statuses


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 599])
async def test_a_fault_of_theirs_is_unavailable(status):
    error = await failure(web.json_response({"success": True}, status=status), Unavailable)
    assert (str(error), error.retry_after, error.limited) == (f"answers {status}", None, False)


@pytest.mark.parametrize("status", [b"600", b"999"])
async def test_a_status_of_no_known_family_is_unavailable(status):
    error = await raw_failure(Unavailable, b"HTTP/1.1 " + status + b" Odd\r\nContent-Length: 2\r\n\r\n{}")
    assert str(error) == f"answers {status.decode()}"


async def test_a_fault_of_theirs_may_say_when_to_come_back():
    error = await failure(web.Response(status=503, headers={"Retry-After": "120"}), Unavailable)
    assert (error.retry_after, error.limited) == (120, False)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"Retry-After": "17"}, 17),
        ({"Retry-After": "17", "X-RateLimit-Reset": "99"}, 17),
        ({"Retry-After": "0", "X-RateLimit-Reset": "99"}, 0),
        ({"Retry-After": "soon", "X-RateLimit-Reset": "99"}, 99),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(AT) + 42)}, 42),
        ({"X-RateLimit-Reset": str(int(AT) + 42)}, 42),
        ({"RateLimit": '"burst";r=0;t=7'}, 7),
        ({"Retry-After": "86400"}, 3600),
    ],
)
async def test_too_many_requests_says_when_to_come_back(headers, wait):
    now = {"Date": "Tue, 14 Jul 2026 03:33:20 GMT"}
    error = await failure(web.Response(status=429, headers=now | headers), Unavailable)
    assert (error.retry_after, error.limited) == (wait, True)


@pytest.mark.parametrize(
    ("body", "document"),
    [(b'{"code": 404}', {"code": 404}), (b"<h1>404</h1>", None), (b"", None), (b"[" * 100_000, None)],
)
async def test_a_4xx_is_for_the_module_to_judge(body, document):
    async with served(web.Response(body=body, status=404)) as (_, api):
        reply = await api.get("/jobs", {}, AT)
    assert (reply.status, reply.document) == (404, document)


@pytest.mark.parametrize(
    ("status", "kind", "told"),
    [
        (401, Refused, "answers 401: check api_key"),
        (403, Refused, "answers 403: check api_key"),
        (404, Unavailable, "answers 404, and not in its own words: check base_url"),
        (400, Malformed, "answers 400"),
        (410, Malformed, "answers 410"),
        (422, Malformed, "answers 422"),
    ],
)
async def test_what_a_module_does_not_judge_means_what_it_says(status, kind, told):
    async with served(web.json_response({}, status=status)) as (_, api):
        reply = await api.get("/jobs", {}, AT)
    with pytest.raises(kind) as caught:
        refuse(reply, "api_key")
    assert str(caught.value) == told


async def test_a_success_is_not_refused():
    async with served(web.json_response({}, status=201)) as (_, api):
        assert refuse(await api.get("/jobs", {}, AT), "api_key") is None


@pytest.mark.parametrize("status", [200, 302, 429, 500])
async def test_no_error_tells_the_key_or_the_query_or_the_body(status):
    async def echo(request):
        text = f"{request.headers['X-API-Key']} {request.query_string}"
        return web.Response(status=status, text=text, headers={"Location": "/?token=very_secret"})

    async with served(echo) as (_, api):
        with pytest.raises(ProviderError) as caught:
            _ = (await api.get("/jobs", {"token": "very_secret"}, AT)).document
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(caught.value)
    assert caught.value.__cause__ is None


async def test_no_error_of_the_transport_tells_the_key_or_the_query():
    for parts in ([], [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"], [b"nonsense\r\n\r\n"]):
        assert "secret" not in str(await raw_failure(Unavailable, *parts))


# --- what headers tell


async def test_a_reply_has_the_limit_that_its_headers_tell():
    headers = {"X-RateLimit-Remaining": "7", "X-RateLimit-Reset": "60"}
    for status in (200, 404):
        async with served(web.Response(body=json.dumps({}), status=status, headers=headers)) as (_, api):
            assert (await api.get("/jobs", {}, AT)).limit == Limit(7, 60.0)


async def test_a_reply_tells_their_clock():
    for status in (200, 404):
        answer = web.Response(body=b"{}", status=status, headers={"Date": "Tue, 14 Jul 2026 03:34:00 GMT"})
        async with served(answer) as (_, api):
            assert (await api.get("/jobs", {}, AT)).skew == 40.5


@pytest.mark.parametrize("date", ["Tue, 14 Jul 2026 03:33:50 GMT", "some day"])
async def test_a_date_in_headers_is_taken_by_the_clock_that_told_it(date):
    headers = {"Date": date, "Retry-After": "Tue, 14 Jul 2026 03:34:00 GMT"}
    error = await failure(web.Response(status=503, headers=headers), Unavailable)
    assert error.retry_after == (40 if date == "some day" else 10)


async def test_headers_of_no_sense_do_no_harm():
    fields = (b"Date: \xff\xfe", b'RateLimit: "\xff', b"X-RateLimit-Reset: \xff", b"Content-Length: 2")
    async with (
        raw(b"HTTP/1.1 200 OK\r\n", *(field + b"\r\n" for field in fields), b"\r\n{}", cut=False) as origin,
        open_session() as session,
    ):
        reply = await Api(session, origin, KEY).get("/jobs", {}, AT)
    assert (reply.document, reply.limit, reply.skew) == ({}, None, None)


async def test_a_form_is_posted_and_its_answer_comes_as_it_is():
    headers = {"Date": "Tue, 14 Jul 2026 03:33:30 GMT", "Retry-After": "9", "RateLimit": '"a";r=5;t=20'}

    async def echo(request):
        text = (await request.post())["xml"]
        return web.Response(text=text, status=421, content_type="text/xml", headers=headers)

    async with served(echo) as (server, api):
        page = await api.post_form("/", {"xml": "<a> & b</a>"}, AT)
    assert page == Page(421, b"<a> & b</a>", "text/xml", 9, Limit(5, 20), 10.5)
    assert [(one.method, one.raw_path) for one in server.requests] == [("POST", "/v1/")]


async def test_an_answer_that_nobody_asked_for_is_not_that_of_the_next_request():
    """Else an upload would be told what another one is."""

    async def talk(reader, writer):
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while path := (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1]:
                body = json.dumps(path.decode()).encode()
                head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
                writer.write(2 * (head + body))
                await writer.drain()
        writer.close()

    listener = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with listener, open_session() as session:
        api = Api(session, f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", KEY)
        assert [(await api.get(path, {}, AT)).document for path in ("/a", "/b", "/c")] == ["/a", "/b", "/c"]
