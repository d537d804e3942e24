"""`notifier listen`: what it says of what arrives, how it misbehaves when it is asked to, and that it can be ended."""

import asyncio
import json
import signal
import socket
import sys
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from notifier.cli.listen import _tell, _tell_json
from notifier.cli.receiver import LARGEST, Listener, Misbehaviour, shown
from notifier.core.signing import headers, parse_lock, parse_secret, shared_secret
from notifier.demo.local import LocalServer

SECRET, OTHER = shared_secret(bytes(range(32))), shared_secret(bytes(32))
NOW = 1_795_262_400
BODY = b'{"id":"evt_1","type":"upload.completed","data":{"x":"\\u001b[2J"}}'


def signed(secret=SECRET, body=BODY, at=NOW):
    return {**headers([parse_secret(secret)], "evt_1", at, body), "content-type": "application/json"}


@asynccontextmanager
async def listening(draw=0.5, **more):
    """A listener; what it told, and a session that asks it."""
    told = []
    listener = Listener(parse_lock(SECRET), told.append, lambda: float(NOW), lambda: draw, **more)
    runner = web.AppRunner(listener.app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:
            yield told, session
    finally:
        await runner.cleanup()


async def posted(session, body=BODY, given=None, path="/hooks?a=b"):
    async with session.post(path, data=body, headers=signed() if given is None else given) as response:
        return response.status, await response.read()


async def test_a_webhook_that_is_right_is_taken():
    async with listening() as (told, session):
        assert await posted(session) == (204, b"")
    (one,) = told
    assert (one.fault, one.warning, one.is_call, one.answer) == (None, None, False, 204)
    assert shown(one)["body"] == json.loads(BODY)
    assert shown(one)["headers"]["webhook-id"] == "evt_1"


@pytest.mark.parametrize(
    ("body", "given", "fault"),
    [
        (BODY, {}, "missing header: webhook-id, webhook-timestamp, webhook-signature"),
        (BODY, signed(OTHER), "wrong secret, most likely"),
        (BODY + b"\n", signed(), "altered body: it verifies without the line end behind it"),
    ],
)
async def test_why_one_is_not_verified_is_told_and_it_is_refused(body, given, fault):
    async with listening() as (told, session):
        assert (await posted(session, body, given))[0] == 401
    assert told[0].fault.startswith(fault)


async def test_an_old_one_is_taken_with_a_warning():
    async with listening() as (told, session):
        assert (await posted(session, given=signed(at=NOW - 1000)))[0] == 204
    assert told[0].warning == "old timestamp: off by 1000 s, where 300 s are allowed"


async def test_a_call_of_encoding_com_s_manner_is_unsigned_and_shown():
    async with listening() as (told, session), session.post("/", data={"xml": "<result/>"}) as response:
        assert response.status == 204
    assert (told[0].is_call, shown(told[0])["verified"], told[0].document) == (True, False, {"xml": "<result/>"})


@pytest.mark.parametrize(("draw", "status"), [(0.0, 503), (0.19, 503), (0.2, 410), (0.29, 410), (0.31, 204)])
async def test_it_fails_as_often_as_it_is_told_to(draw, status):
    misbehaviour = Misbehaviour([(503, 0.2), (410, 0.1)], delay=0.001)
    async with listening(draw, misbehaviour=misbehaviour) as (told, session):
        assert (await posted(session))[0] == status
    assert (told[0].answer, told[0].fault) == (status, None)


class Other(LocalServer):
    """A receiver behind it."""

    def __init__(self, answer=b"busy"):
        super().__init__()
        self.answer = answer
        self.came = []
        self.app.router.add_post("/there", self._receive)

    async def _receive(self, request):
        self.came.append((await request.read(), request.headers["webhook-signature"]))
        return web.Response(status=409, body=self.answer)


async def test_what_it_hands_on_is_what_came_and_the_other_s_answer_is_given_back():
    async with Other() as other, listening(forward=f"{other.origin}/there") as (told, session):
        assert await posted(session) == (409, b"busy")
        assert other.came == [(BODY, signed()["webhook-signature"])]
        await other.close()
        status, said = await posted(session)
    assert (status, b"cannot be reached" in said, told[1].answer) == (502, True, 502)


@pytest.mark.parametrize(("size", "given"), [(1_000_000, 1_000_000), (LARGEST + 1, LARGEST)])
async def test_the_other_s_answer_is_given_back_to_its_end(size, given):
    async with Other(bytes(size)) as other, listening(forward=f"{other.origin}/there") as (_, session):
        status, said = await posted(session)
    assert (status, len(said)) == (409, given)


async def test_a_header_that_is_no_utf_8_is_refused_shown_and_handed_on(capsys):
    wrong = b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n"
    wrong += b"webhook-id: \xff\r\nwebhook-timestamp: 1\r\nwebhook-signature: v1,\xff\r\n\r\n{}"
    async with Other() as other:
        for forward, status in ((None, b"401"), (f"{other.origin}/there", b"409")):
            async with listening(forward=forward) as (told, session):
                reader, writer = await asyncio.open_connection("127.0.0.1", session._base_url.port)
                writer.write(wrong)
                assert (await reader.read()).split()[1] == status
                writer.close()
            _tell(told[0])
            assert "NOT VERIFIED: wrong secret or altered body" in capsys.readouterr().out
    assert other.came == [(b"{}", "v1,\ufffd")]


async def test_each_is_a_line_and_its_body(capsys):
    async with listening() as (told, session):
        await posted(session)
        await posted(session, b"no json", given={})
        await posted(session, given=signed(at=NOW - 1000))
    for one in told:
        _tell(one)
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == "2026-11-21T12:00:00.000Z  upload.completed  evt_1  verified  → 204"
    assert lines[1:3] == ["{", '  "id": "evt_1",']
    assert "\x1b" not in out
    assert "NOT VERIFIED: missing header: webhook-id, webhook-timestamp, webhook-signature  → 401" in out
    assert "no json" in lines
    assert err == "warning: old timestamp: off by 1000 s, where 300 s are allowed by receivers\n"
    _tell_json(told[0])
    assert json.loads(capsys.readouterr().out)["at"] == "2026-11-21T12:00:00.000Z"


@pytest.mark.parametrize("url", ["foo", "", "ftp://127.0.0.1/", "http://", "http://user:word@127.0.0.1/"])
def test_what_is_no_url_is_not_forwarded_to(program, url):
    # It listened, and failed at the first webhook.
    code, out, err = program("listen", "--forward", url)
    assert (code, out) == (2, "")
    assert "expected a URL like http://127.0.0.1:3000/hooks" in err
    assert "word" not in err


@pytest.mark.parametrize("fail", ["503:2", "503:0", "99", "x", "503:x", "600:0.1"])
def test_a_wrong_way_to_fail_is_told(program, fail):
    code, out, err = program("listen", "--fail", fail)
    assert (code, out) == (2, "")
    assert "expected a status and its chance, like 503:0.2" in err


@pytest.mark.parametrize("fail", ["200:0.5", "204", "299:1"])
def test_a_success_is_no_way_to_fail(program, fail):
    code, out, err = program("listen", "--fail", fail)
    assert (code, out) == (2, "")
    status = fail.partition(":")[0]
    assert f"'{fail}': {status} is a success; expected a status from 300 to 599" in err


def test_other_wrong_command_lines_are_told(program):
    assert "chances that are 1 together" in program("listen", "--fail", "503:0.9", "--fail", "500:0.2")[2]
    assert "expected a duration" in program("listen", "--delay", "soon")[2]
    assert "expected a duration" in program("listen", "--delay", "ms")[2]
    code, _, err = program("listen", "--secret", "whsec_hush!")
    assert (code, "hush" in err) == (2, False)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert program("listen", "--secret", SECRET, "--port", port)[::2] == (
            1, f"Error: --port {port}: Address already in use\n",
        )  # fmt: skip


@asynccontextmanager
async def process(*arguments):
    """The program itself; its secret and where it listens."""
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "notifier", "listen", "--port", "0", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        lines = [(await started.stderr.readline()).decode().split() for _ in range(2)]
        yield started, lines[0][1], lines[1][1]
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


async def sent(url, secret, at):
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=BODY, headers=signed(secret, at=at)) as response,
    ):
        return response.status


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
async def test_the_program_makes_a_secret_shows_what_comes_and_ends_when_it_is_asked_to(number, code):
    async with process("--json") as (started, secret, url):
        assert await sent(url, secret, NOW) == 204
        line = json.loads(await started.stdout.readline())
        assert (line["verified"], line["body"]["id"]) == (True, "evt_1")
        started.send_signal(number)
        assert await started.wait() == code


async def test_it_ends_when_nobody_reads_it_any_more():
    async with process("--json") as (started, secret, url):
        started.stdout._transport.close()
        await sent(url, secret, NOW)
        assert await started.wait() == 141
