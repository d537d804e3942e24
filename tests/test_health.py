import asyncio
import socket
from contextlib import asynccontextmanager

import aiohttp
import pytest

from notifier.core.secret import Secret
from notifier.server.access import Guard
from notifier.server.health import readiness, routes
from notifier.server.listening import start
from notifier.systemd import Marks

WELL = {"poller": "", "sender": "", "database": ""}
TOKEN = "a-token-that-nobody-may-see"
GUARD = Guard(Secret(TOKEN), "127.0.0.1", float)
BEARER = {"Authorization": f"Bearer {TOKEN}"}
ILL = {**WELL, "sender": "no pass within 30 s"}


@asynccontextmanager
async def serving(found=None):
    async def checks():
        return WELL if found is None else found

    server = await start(routes(checks), GUARD, listen=("127.0.0.1", 0))
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session:
        yield session
    await server.close()


async def said(session, path, method="GET"):
    async with session.request(method, path) as response:
        return response.status, await response.text()


# --- alive


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/-/healthy"])
async def test_a_process_that_answers_is_alive_whatever_ails_it(path):
    async with serving(ILL) as session:
        assert await said(session, path) == (200, "ok")


# --- ready


@pytest.mark.parametrize("path", ["/readyz", "/-/ready"])
async def test_ready_is_one_word(path):
    async with serving() as session:
        assert await said(session, path) == (200, "ok")


@pytest.mark.parametrize("path", ["/readyz", "/-/ready"])
async def test_not_ready_names_what_fails(path):
    async with serving(ILL) as session:
        assert await said(session, path) == (503, "[-] sender: no pass within 30 s\nnot ready")


async def test_verbose_names_every_check():
    async with serving() as session:
        assert await said(session, "/readyz?verbose") == (200, "[+] poller\n[+] sender\n[+] database\nok")
    async with serving(ILL) as session:
        assert await said(session, "/readyz?verbose=1") == (
            503,
            "[+] poller\n[-] sender: no pass within 30 s\n[+] database\nnot ready",
        )


async def test_a_head_asks_without_a_body():
    async with serving(ILL) as session:
        assert await said(session, "/healthz", "HEAD") == (200, "")
        assert await said(session, "/readyz", "HEAD") == (503, "")


# --- everything else


async def test_what_is_not_there_is_a_problem_document():
    async with serving() as session, session.get("/nowhere", headers=BEARER) as response:
        assert response.status == 404
        assert response.content_type == "application/problem+json"
        told = await response.json(content_type=None)
        assert (told["title"], told["status"]) == ("Not Found", 404)
        assert told["detail"] == "there is nothing here: see /openapi.json for what there is"


async def test_another_method_is_a_problem_document_that_names_the_right_ones():
    async with serving() as session, session.post("/healthz", headers=BEARER) as response:
        assert response.status == 405
        assert response.content_type == "application/problem+json"
        assert response.headers["Allow"] == "GET,HEAD"
        told = await response.json(content_type=None)
        assert (told["title"], told["detail"]) == ("Method Not Allowed", "this takes GET or HEAD")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/nowhere"])
async def test_every_answer_says_little_of_itself(path):
    async with serving(ILL) as session, session.get(path) as response:
        assert response.headers["Server"] == "notifier"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "no-store"


# --- the port


async def test_a_taken_port_is_told_by_its_name_in_the_config():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=rf"^server\.listen: 127\.0\.0\.1:{port}: Address already in use$"):
            await start([], GUARD, listen=("127.0.0.1", port))


async def test_an_address_that_is_not_here_is_told_as_it_is_written():
    with pytest.raises(OSError, match=r"^server\.listen: \[2001:db8::1\]:9480: [A-Z]\w+"):
        await start([], GUARD, listen=("2001:db8::1", 9480))


@pytest.mark.parametrize("host", [".".join(["a" * 60] * 5), "a..b"])  # too long to be asked for, and no name at all
async def test_a_host_that_has_no_address_is_told(host):
    with pytest.raises(OSError, match=rf"^server\.listen: {host}:9480: .+") as told:
        await start([], GUARD, listen=(host, 9480))
    assert not str(told.value).endswith("None")


async def test_a_closed_server_lets_go_of_its_port():
    server = await start([], GUARD, listen=("127.0.0.1", 0))
    await server.close()
    socket.create_server(("127.0.0.1", server.port)).close()


# --- the checks


async def answers():
    return 1


async def test_ready_are_two_loops_that_made_a_pass_and_a_database_that_answers():
    now = 1000.0
    marks = Marks(["poller", "sender"], lambda: now)
    checks = readiness(marks, answers)
    never = "no pass within 30 s"
    assert await checks() == {"poller": never, "sender": never, "database": ""}
    marks.stamp("poller")
    marks.stamp("sender")
    assert await checks() == WELL
    now += 31
    marks.stamp("sender")
    assert await checks() == {**WELL, "poller": never}


async def test_a_database_that_fails_is_told_without_its_words():
    async def fails():
        raise RuntimeError("/var/lib/notifier/notifier.db")

    assert await readiness(Marks([], float), fails)() == {"database": "does not answer"}


async def test_a_database_that_is_slow_does_not_answer():
    checks = readiness(Marks([], float), asyncio.Event().wait, promptly=0)
    assert await checks() == {"database": "no answer within 0 s: its disk is slow, or another program holds it"}
