"""Sockets that systemd opened for the daemon: the real process, started as systemd starts it."""

import asyncio
import os
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from daemons import SECRETS, Systemd, config

from notifier import systemd as module
from notifier.config import load
from notifier.core.secret import Secret
from notifier.demo.daemon import Daemon
from notifier.server.access import Guard
from notifier.server.listening import start
from notifier.server.routes import Route
from notifier.server.sockets import CannotListen
from notifier.serving import place
from notifier.systemd import passed

TOKEN = "a-token-of-the-socket"
GUARD = Guard(Secret(TOKEN), "127.0.0.1", float)
WITH_TOKEN = 'token = { env = "TOKEN" }'
HANDED_OVER = """\
import os, socket, sys
opened = [socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
          for host in sys.argv[1].split(",")]
with open(sys.argv[2], "w") as ports:
    print(*(one.getsockname()[1] for one in opened), file=ports)
for number, one in enumerate([os.dup(one.fileno()) for one in opened], 3):
    os.dup2(one, number)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(opened)), "LISTEN_FDNAMES": "a:b"}
os.execv(sys.argv[3], sys.argv[3:])
"""
"""A program that opens sockets, tells their ports, and hands them over to another, which it becomes."""


def tcp(host="127.0.0.1"):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, 0), family=family)


@pytest.fixture
def handed(monkeypatch):
    """Hand sockets over to this process; answers its environment."""
    with ExitStack() as opened:

        def handed(*sockets, **environ):
            first = 700
            for number, one in enumerate(sockets, first):
                os.dup2(one.fileno(), number)
                one.close()
                opened.callback(_closed, number)
            monkeypatch.setattr(module, "FIRST", first)
            count = str(len(sockets))
            return {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": count, "LISTEN_FDNAMES": "x", "LANG": "C"} | environ

        yield handed


def _closed(number):
    with suppress(OSError):  # whoever took it has closed it
        os.close(number)


# --- what is taken


def test_all_of_them_are_taken_and_no_child_of_ours_gets_them_or_hears_of_them(handed):
    environ = handed(tcp(), tcp())
    with ExitStack() as opened:
        found = [opened.enter_context(one) for one in passed(environ)]
        assert [one.getsockname()[0] for one in found] == ["127.0.0.1"] * 2
        assert not any(one.get_inheritable() for one in found)
    assert environ == {"LANG": "C"}


@pytest.mark.parametrize("pid", ["1", ""])
def test_those_of_another_process_are_left_alone_and_forgotten(handed, pid):
    environ = handed(tcp(), LISTEN_PID=pid)
    assert passed(environ) == []
    assert environ == {"LANG": "C"}


def test_where_nothing_is_passed_nothing_is_taken():
    assert passed({}) == []


def unix():
    here = socket.socket(socket.AF_UNIX)
    here.bind("")  # the kernel chooses an abstract address
    here.listen()
    return here


def datagrams():
    here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    here.bind(("127.0.0.1", 0))
    return here


def connection():
    with tcp() as server:
        return socket.create_connection(server.getsockname())


@pytest.mark.parametrize("made", [unix, datagrams, connection, Path(os.devnull).open])
def test_what_is_no_tcp_socket_that_listens_is_not_served(handed, made):
    with pytest.raises(ValueError, match="expected ListenStream= with an address and a port, and nothing else"):
        passed(handed(made()))


@pytest.mark.parametrize("count", ["", "-1", "two"])
def test_a_count_that_cannot_be_read_is_told(handed, count):
    with pytest.raises(ValueError, match="LISTEN_FDS: expected the number of sockets"):
        passed(handed(LISTEN_FDS=count))


# --- the daemon


def command(hosts, ports):
    program = (sys.executable, "-m", "notifier", "run", "--config")
    return sys.executable, "-c", HANDED_OVER, hosts, str(ports), sys.executable, *program[1:]


async def status(at, path="/healthz", token=None):
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as session, session.get(f"http://{at}{path}", headers=headers) as response:
        return response.status


async def test_each_of_several_is_served_as_server_listen_is(tmp_path):
    ports = tmp_path / "ports"
    with Systemd(tmp_path / "notify") as systemd:
        text = config("http://127.0.0.1:9/api", {}, server=WITH_TOKEN)
        secrets = {**SECRETS, "TOKEN": TOKEN, **systemd.environ}
        async with Daemon(tmp_path, text, secrets, command("127.0.0.1,::1", ports)):
            await systemd.hears("READY=1")
            first, second = ports.read_text().split()
            for place in (f"127.0.0.1:{first}", f"[::1]:{second}"):
                assert await status(place) == 200
                assert await status(place, "/v1/endpoints") == 401
                assert await status(place, "/v1/endpoints", TOKEN) == 200


def test_it_is_known_to_others_by_the_config_or_else_by_the_first_of_them(tmp_path):
    def known(listen, sockets):
        path = tmp_path / "config.toml"
        path.write_text(config("http://127.0.0.1:9/api", {}, listen=listen))
        return place(load(path, SECRETS), sockets)

    with tcp() as one, tcp("::1") as other:
        assert known("", [one, other]) == one.getsockname()
        assert known("", [other]) == other.getsockname()[:2]
        assert known("127.0.0.1:9480", [one]) == ("127.0.0.1", 9480)
        assert known("", []) == ("", None)


def ended(tmp_path, text, launcher):
    path = tmp_path / "config.toml"
    path.write_text(text)
    environ = {**os.environ, **SECRETS, "TOKEN": TOKEN}
    return subprocess.run([*launcher, str(path)], env=environ, capture_output=True, text=True, check=False)


def test_without_a_token_it_does_not_start(tmp_path):
    told = ended(tmp_path, config("http://127.0.0.1:9/api", {}), command("127.0.0.1", tmp_path / "ports"))
    why = "server.token: missing, and whoever asks over the socket that systemd opened has to know it\n"
    assert (told.returncode, told.stderr) == (78, why)


def test_with_a_socket_that_it_cannot_serve_it_does_not_start(tmp_path):
    launcher = list(command("127.0.0.1", tmp_path / "ports"))
    launcher[2] = launcher[2].replace("os.dup(one.fileno())", "os.open(os.devnull, os.O_RDONLY)")
    told = ended(tmp_path, config("http://127.0.0.1:9/api", {}, server=WITH_TOKEN), launcher)
    assert told.returncode == 78
    assert told.stderr == "the socket unit: expected ListenStream= with an address and a port, and nothing else\n"


# --- at the end


async def well(_):
    return web.Response(text="well")


@pytest.mark.parametrize("turns", range(8))
async def test_whoever_connects_while_the_daemon_stops_is_answered_or_left_to_the_next(turns):
    with tcp() as held:
        held.setblocking(False)
        server = await start([Route("GET", "/healthz", "", well, is_open=True)], GUARD, passed=[held.dup()])
        with socket.create_connection(held.getsockname()) as client:
            client.settimeout(10)
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            for _ in range(turns):
                await asyncio.sleep(0)
            await server.close()
            try:
                held.accept()[0].close()
            except BlockingIOError:  # nobody is left there
                assert client.recv(15) == b"HTTP/1.1 200 OK"


# --- beside server.listen


async def test_a_place_where_a_passed_socket_listens_is_not_opened_again():
    with tcp() as here:
        place = here.getsockname()
        server = await start([], GUARD, listen=place, passed=[here])
        try:
            assert await status(f"127.0.0.1:{place[1]}") == 401
        finally:
            await server.close()


async def test_server_listen_is_served_beside_what_is_passed():
    with tcp() as here:
        place = here.getsockname()
        server = await start([], GUARD, listen=("127.0.0.1", 0), passed=[here])
        try:
            assert [await status(f"127.0.0.1:{port}") for port in (place[1], server.port)] == [401, 401]
        finally:
            await server.close()


async def test_where_the_unit_lets_no_port_be_opened_the_socket_unit_is_named(monkeypatch):
    async def refused(*_, **__):
        raise PermissionError(1, "error while attempting to bind on address ('127.0.0.1', 9480)")

    monkeypatch.setattr(asyncio.get_running_loop(), "create_server", refused)
    with pytest.raises(CannotListen) as told:
        await start([], GUARD, listen=("127.0.0.1", 9480))
    why = "Operation not permitted: its unit lets the daemon open no port, so use notifier-http.socket"
    assert str(told.value) == f"server.listen: 127.0.0.1:9480: {why}"
