"""Asking for names: each endpoint in a thread of its own, so that name servers that hang keep nobody else waiting."""

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from receiving import Names, endpoint, receiver

from notifier.core.model import Outcome
from notifier.webhook import Limits, Receiver
from notifier.webhook.names import NoThread, OwnThread


class Hanging:
    """Name servers that do not answer until they are let go."""

    def __init__(self):
        self.asked = []
        self.came = threading.Event()
        self._let_go = threading.Event()

    def __call__(self, host, *_):
        self.asked.append((host, threading.current_thread()))
        self.came.set()
        self._let_go.wait()
        return []

    def let_go(self):
        self._let_go.set()


def inside(_host, port, *_):
    """A name server that means this machine."""
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


@pytest.fixture
def hanging():
    servers = Hanging()
    yield servers
    servers.let_go()


async def test_addresses_are_told_as_the_system_tells_them():
    def look_up(*asked):
        assert asked == ("receiver.example", 443, socket.AF_UNSPEC, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 443)),
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::1", 443, 0, 0)),
        ]

    resolver = OwnThread(look_up)
    found = await resolver.resolve("receiver.example", 443, socket.AF_UNSPEC)
    await resolver.close()
    same = {"hostname": "receiver.example", "port": 443, "proto": 6}
    same["flags"] = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    assert found == [
        {**same, "host": "192.0.2.1", "family": socket.AF_INET},
        {**same, "host": "2001:db8::1", "family": socket.AF_INET6},
    ]


async def test_the_systems_refusal_is_passed_on():
    def look_up(*_):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    resolver = OwnThread(look_up)
    with pytest.raises(OSError, match="Name or service not known"):
        await resolver.resolve("receiver.example")
    await resolver.close()


async def test_name_servers_that_hang_keep_no_other_endpoint_waiting(hanging):
    loop = asyncio.get_running_loop()
    shared = ThreadPoolExecutor(1)
    loop.set_default_executor(shared)
    shared.submit(hanging, "somebody else's")
    stuck = OwnThread(hanging)
    asking = [asyncio.create_task(stuck.resolve("hangs.example")) for _ in range(9)]
    async with receiver("http://receiver.example/", names=OwnThread(inside), more={"allow_networks": ()}) as one:
        found = await one.post("evt_1", b"{}")
    assert found.outcome is Outcome.REFUSED_ADDRESS  # it was resolved
    hanging.let_go()
    assert await asyncio.gather(*asking) == [[]] * 9
    await stuck.close()
    assert len({thread for host, thread in hanging.asked if host == "hangs.example"}) == 1


async def test_an_endpoint_whose_name_servers_hang_fails_in_time(hanging):
    limits = Limits(resolve=0.01)
    async with receiver("http://hangs.example/", names=OwnThread(hanging), limits=limits) as one:
        found = await one.post("evt_1", b"{}")
        assert (found.outcome, found.note) == (Outcome.DNS, "hangs.example cannot be resolved: no answer within 0.01 s")
    # Closed, and waited for nobody: the question still hangs.


async def test_a_thread_ends_with_the_last_question_of_its_endpoint():
    asked = []

    def look_up(*asks):
        asked.append(threading.current_thread())
        return inside(*asks)

    async with receiver("http://receiver.example/", names=OwnThread(look_up), more={"allow_networks": ()}) as one:
        for _ in range(3):
            assert (await one.post("evt_1", b"{}")).outcome is Outcome.REFUSED_ADDRESS
            asked[-1].join(60)
            assert not asked[-1].is_alive()
    assert len(asked) == 3  # each in one of its own, for nothing was to be asked meanwhile


async def test_a_question_that_nobody_waits_for_any_more_is_not_put(hanging):
    resolver = OwnThread(hanging)
    first = asyncio.create_task(resolver.resolve("hangs.example"))
    second = asyncio.create_task(resolver.resolve("waits.example"))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second  # before the thread goes on, or it may come first
    hanging.let_go()
    assert await first == []
    hanging.asked[0][1].join(60)
    assert [host for host, _ in hanging.asked] == ["hangs.example"]


async def test_nobody_hears_of_what_is_not_asked_yet_when_all_is_closed(hanging):
    resolver = OwnThread(hanging)
    first, second = (asyncio.create_task(resolver.resolve(name)) for name in ("hangs.example", "waits.example"))
    await asyncio.to_thread(hanging.came.wait)
    await resolver.close()
    hanging.let_go()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert await first == []


async def test_where_there_is_no_thread_it_is_a_fault_of_ours():
    resolver = OwnThread()
    await resolver.close()
    with pytest.raises(NoThread, match="no more is asked"):
        await resolver.resolve("receiver.example")
    one = Receiver(endpoint("http://receiver.example/"))
    await one.close()
    found = await one.post("evt_1", b"{}")
    await one._connections.close()
    assert found.outcome is Outcome.LOCAL
    ours = "by a fault of this machine: no thread, raise its limit of tasks, or of memory"
    assert found.note == f"receiver.example was sent nothing, {ours}"


async def test_a_resolver_that_was_given_is_closed_too():
    class Closing(Names):
        closed = 0

        async def close(self):
            self.closed += 1

    names = Closing()
    async with receiver("http://receiver.example/", names=names):
        assert names.closed == 0
    assert names.closed == 1
