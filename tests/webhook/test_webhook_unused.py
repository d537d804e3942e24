"""Connections that nobody uses: how many are kept over all endpoints, for how long, and which are closed first."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

from receiving import OK, answer, endpoint, receiver, serving

from notifier.core.model import Outcome
from notifier.webhook import Receivers
from notifier.webhook.unused import Unused


async def posted(receivers, some):
    assert {(await receivers.post(one, "evt_1", b"{}")).outcome for one in some} == {Outcome.DELIVERED}


@asynccontextmanager
async def keeping(most, count):
    """So many endpoints at one server, whose unused connections are so many at most."""
    async with serving(answer(OK)) as server:
        some = [replace(endpoint(server.port), name=f"app-{n}") for n in range(count)]
        receivers = Receivers()
        clients = receivers.clients(some)
        receivers.use(clients)
        receivers._unused.most = most
        yield server, receivers, clients, some


async def ended(server, count):
    """So many connections have ended on the receiver's side."""
    while sum(task.done() for task in server.tasks) < count:
        await asyncio.wait([task for task in server.tasks if not task.done()], return_when=asyncio.FIRST_COMPLETED)


async def test_of_all_endpoints_together_so_many_are_kept_and_the_longest_unused_is_closed_first():
    async with keeping(3, 5) as (server, receivers, _, some):
        await posted(receivers, some)
        await ended(server, 2)
        assert server.connections == 5
        await posted(receivers, some[2:])  # over the connections that are there
        assert server.connections == 5
        await posted(receivers, some[:1])  # over a new one, for which that of the third goes
        await ended(server, 3)
        await posted(receivers, [some[3], some[4], some[0]])
        assert server.connections == 6
        await receivers.close()
        await ended(server, 6)


async def test_what_an_endpoint_had_for_its_connections_goes_with_the_last_of_them():
    async with keeping(1, 3) as (_, receivers, clients, some):
        await posted(receivers, some)
        assert [clients[one.name]._connections is None for one in some] == [True, True, False]
        await receivers.close()
        assert not receivers._unused._all


async def test_as_many_are_kept_as_may_be_in_use_at_once():
    receivers = Receivers()
    for at_once, most in ((200, 500), (1000, 1000), (1, 500)):
        receivers.keep(at_once)
        assert receivers._unused.most == most


async def test_two_hundred_requests_at_once_keep_all_their_connections():
    async with serving(answer(OK)) as server:
        some = [replace(endpoint(server.port), name=f"app-{n}", max_in_flight=8) for n in range(25)]
        receivers = Receivers()
        receivers.use(receivers.clients(some))
        receivers.keep(200)
        for _ in range(3):
            await asyncio.gather(*(receivers.post(one, "evt_1", b"{}") for one in some for _ in range(8)))
            assert server.connections == 200
        await receivers.close()


async def test_a_connection_that_nobody_uses_for_a_while_is_closed():
    kept = Unused(0.05)
    async with serving(answer(OK)) as server, receiver(server.port, unused=kept) as one:
        for n in range(2):
            await one.post("evt_1", b"{}")
            await ended(server, n + 1)
            assert one._connections is None
        assert server.connections == 2
    assert kept._timer is None


class Line:
    """A connection that is open until it is closed, and whose owner hears of it."""

    def __init__(self):
        self.is_open, self.left = True, 0

    def close(self):
        self.is_open = False

    def lost(self, _line):
        self.left += 1


async def test_one_that_came_later_stays_until_its_own_time_is_up():
    moment = 100.0
    kept = Unused(15.0, lambda: moment)
    first, second, owner = Line(), Line(), Line()
    kept.add(first, owner)
    moment = 110.0
    kept.add(second, owner)
    moment = 115.0
    kept._ring()
    assert (first.is_open, second.is_open, owner.left) == (False, True, 1)
    assert kept._timer.when() - asyncio.get_running_loop().time() <= 10.0
    moment = 124.9
    kept._ring()
    assert second.is_open
    moment = 125.0
    kept._ring()
    assert (second.is_open, owner.left, kept._timer) == (False, 2, None)


async def test_one_that_the_receiver_closes_is_kept_no_more():
    kept = Unused()
    closes = asyncio.Event()

    async def act(server, writer):
        writer.write(OK)
        await closes.wait()
        return False

    async with serving(act) as server, receiver(server.port, unused=kept) as one:
        await one.post("evt_1", b"{}")
        assert len(kept._all) == 1
        closes.set()
        await ended(server, 1)
        while kept._all:  # noqa: ASYNC110  # our side hears of it a little later
            await asyncio.sleep(0)
        assert one._connections is None


async def test_of_two_that_are_kept_the_other_stays_when_one_ends():
    kept = Unused()
    async with serving(answer(OK)) as server, receiver(server.port, unused=kept) as one:
        await asyncio.gather(*(one.post(f"evt_{n}", b"{}") for n in range(2)))
        assert len(kept._all) == 2
        kept._close_first()
        assert (len(kept._all), one._connections is None) == (1, False)
        await one.post("evt_3", b"{}")
        assert server.connections == 2


async def test_an_endpoint_of_which_one_is_in_use_stays_when_its_others_are_closed():
    gates = [asyncio.Event(), asyncio.Event()]

    async def act(server, writer):
        if len(server.requests) <= 2:
            await gates[len(server.requests) - 1].wait()
        writer.write(OK)

    kept = Unused()
    kept.most = 1
    async with serving(act) as server, receiver(server.port, unused=kept) as one:
        first, second = (asyncio.create_task(one.post(f"evt_{n}", b"{}")) for n in range(2))
        while len(server.requests) < 2:
            server.came.clear()
            await server.came.wait()
        gates[0].set()
        await asyncio.wait([first, second], return_when=asyncio.FIRST_COMPLETED)
        async with receiver(server.port, unused=kept) as other:
            await other.post("evt_3", b"{}")
            await ended(server, 1)
            gates[1].set()
            assert {attempt.outcome for attempt in await asyncio.gather(first, second)} == {Outcome.DELIVERED}
            assert one._connections is not None
            assert other._connections is None  # its one was unused for longest then
        assert (server.connections, len(server.requests)) == (3, 3)
