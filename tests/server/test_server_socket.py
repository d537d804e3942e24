"""The control socket: who may connect, what is replaced, what is refused, and what is left at the end."""

import os
import pwd
import socket
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager

import aiohttp
import pytest
from aiohttp import web
from asking import served

from notifier.server import sockets
from notifier.server.access import Guard, who
from notifier.server.listening import start
from notifier.server.routes import Route
from notifier.server.sockets import CannotListen

NOBODY = Guard(None, "", float)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "notifier.sock"


@asynccontextmanager
async def listening(path, routes=()):
    server = await start(routes, NOBODY, path)
    try:
        yield server
    finally:
        await server.close()


async def answer(path, asked="/nowhere"):
    connector = aiohttp.UnixConnector(str(path))
    async with aiohttp.ClientSession("http://notifier", connector=connector) as session, session.get(asked) as response:
        return response.status, await response.text()


@contextmanager
def umask(mask):
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize("mask", [0o077, 0o000])
async def test_its_owner_and_group_may_connect_and_nobody_else_whatever_the_umask(path, mask):
    with umask(mask):
        async with listening(path):
            assert stat.S_IMODE(path.stat().st_mode) == 0o660
            assert (await answer(path))[0] == 404


async def test_at_the_end_nothing_is_left_of_it(path):
    async with listening(path):
        assert path.is_socket()
    assert not path.exists()


async def test_what_a_killed_daemon_has_left_is_replaced(path):
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
    async with listening(path):
        assert (await answer(path))[0] == 404


async def test_one_at_which_another_daemon_listens_is_refused_and_goes_on(path):
    async with listening(path):
        with pytest.raises(CannotListen) as refused:
            await start([], NOBODY, path)
        told = "another daemon listens there: end that one, or choose another path"
        assert str(refused.value) == f"server.socket: {path}: {told}"
        assert (await answer(path))[0] == 404


def test_one_of_a_daemon_that_is_just_starting_is_refused(path):
    first = sockets.bind(path)
    with first.socket, pytest.raises(CannotListen, match="another daemon listens there"):
        sockets.bind(path)


def bound(path, started, ends):
    """Another daemon's part: bind once all are there, and stay until all have tried."""
    started.wait()
    try:
        there = sockets.bind(path)
    except CannotListen as refused:
        told = str(refused)
    else:
        told = ""
    ends.wait()
    if not told:
        there.socket.close()
    return told


def test_of_several_daemons_that_find_the_same_one_left_behind_one_has_it(path):
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
    several = 8
    started, ends = threading.Barrier(several), threading.Barrier(several)
    with ThreadPoolExecutor(several) as pool:
        told = list(pool.map(bound, [path] * several, [started] * several, [ends] * several))
    assert told.count("") == 1
    assert {one for one in told if one} == {
        f"server.socket: {path}: another daemon listens there: end that one, or choose another path"
    }


async def test_one_whose_daemon_has_no_place_left_for_a_caller_is_refused(path):
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as caller:
        busy.bind(str(path))
        busy.listen(0)
        caller.connect(str(path))
        with pytest.raises(CannotListen, match="another daemon listens there"):
            await start([], NOBODY, path)


async def test_a_file_that_is_no_socket_is_not_touched(path):
    path.write_text("precious")
    with pytest.raises(CannotListen, match="there is a file that is no socket: move it away"):
        await start([], NOBODY, path)
    assert path.read_text() == "precious"


async def test_a_folder_that_is_not_there_is_told_with_the_cure(tmp_path):
    path = tmp_path / "gone" / "notifier.sock"
    with pytest.raises(CannotListen) as refused:
        await start([], NOBODY, path)
    cure = "make its folder, or choose another path"
    assert str(refused.value) == f"server.socket: {path}: No such file or directory: {cure}"


async def test_a_path_of_which_the_kernel_will_have_nothing_is_told(tmp_path):
    with pytest.raises(CannotListen, match=r"^server\.socket: .+: AF_UNIX path too long$"):
        await start([], NOBODY, tmp_path / ("x" * 200))


async def test_one_that_another_has_put_in_its_place_is_not_taken_away(path):
    async with listening(path):
        path.unlink()
        path.write_text("another's")
    assert path.read_text() == "another's"


async def test_one_that_is_gone_at_the_end_is_no_trouble(path):
    async with listening(path):
        path.unlink()


async def test_where_the_port_is_taken_no_socket_is_left(path):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(CannotListen, match=r"^server\.listen: "):
        await start([], NOBODY, path, taken.getsockname())
    assert not path.exists()


async def test_who_asks_is_the_user_of_the_process(path, monkeypatch):
    async def told(request):
        return web.Response(text=who(request))

    async with listening(path, [Route("GET", "/who", "", told)]):
        uid = os.getuid()
        assert await answer(path, "/who") == (200, f"uid {uid} ({pwd.getpwuid(uid).pw_name})")

        def nobody(_):
            raise KeyError

        monkeypatch.setattr(pwd, "getpwuid", nobody)
        assert await answer(path, "/who") == (200, f"uid {uid}")


async def test_over_the_socket_nobody_is_asked_for_a_token(tmp_path):
    async with served(tmp_path, token=None) as (_, caller, _):
        assert (await caller.get("/v1/endpoints")).status == 200
        assert (await caller.get("/metrics")).status == 200
        assert (await caller.ask("GET", "/v1/endpoints", {"Host": "evil.example", "Origin": "null"})).status == 200
