"""Connections: kept alive, replaced in time, repeated when they turn out dead, closed when all is said."""

import asyncio
import gc
import socket
import weakref

import pytest
from receiving import OK, Clock, Names, Server, answer, receiver, reset, serving

from notifier.core.model import Outcome
from notifier.webhook import Limits


async def gone(server):
    """The connection has ended on the receiver's side."""
    await server.left.wait()
    server.left.clear()


def in_turn(*acts):
    """One act for each request."""

    async def act(server, writer):
        return await acts[len(server.requests) - 1](server, writer)

    return act


def held(open_gate):
    """An answer that waits until the gate is open."""

    async def act(_server, writer):
        await open_gate.wait()
        writer.write(OK)
        await writer.drain()

    return act


async def test_a_connection_is_used_again():
    async with serving(answer(OK)) as server, receiver(server.port) as one:
        assert list((await one.post("evt_1", b"{}")).phases) == ["dns", "connect", "first_byte"]
        for _ in range(4):
            assert list((await one.post("evt_1", b"{}")).phases) == ["first_byte"]
        assert (server.connections, len(server.requests)) == (1, 5)


async def test_a_connection_with_an_answer_that_was_not_read_to_its_end_is_not_used_again():
    big = b"HTTP/1.1 200 OK\r\nContent-Length: 8000000\r\n\r\n" + b"x" * 8_000_000
    async with serving(answer(big)) as server, receiver(server.port) as one:
        for _ in range(2):
            assert (await one.post("evt_1", b"{}")).outcome is Outcome.DELIVERED
        assert server.connections == 2


DOWN = b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"


async def test_an_answer_that_nobody_asked_for_ends_its_connection_and_is_that_of_no_delivery():
    more = asyncio.Event()

    async def twice(_server, writer):
        writer.write(OK)
        await more.wait()
        writer.write(OK)

    async with (
        serving(in_turn(twice, answer(DOWN), answer(OK + OK), answer(DOWN))) as server,
        receiver(server.port) as one,
    ):
        assert (await one.post("evt_1", b"{}")).outcome is Outcome.DELIVERED
        more.set()
        await gone(server)
        assert (await one.post("evt_2", b"{}")).status == 503
        assert (await one.post("evt_3", b"{}")).outcome is Outcome.DELIVERED
        await gone(server)
        assert (await one.post("evt_4", b"{}")).status == 503
        assert server.connections == 3


# --- a connection that was closed in the meantime


@pytest.mark.parametrize("ending", [reset, answer(b"", close=True)], ids=["reset", "closed"])
async def test_a_request_over_a_connection_that_was_kept_alive_too_long_is_repeated_at_once(ending):
    async with serving(in_turn(answer(OK), ending, answer(OK))) as server, receiver(server.port) as one:
        await one.post("evt_1", b"{}")
        attempt = await one.post("evt_2", b"{}", {"notifier-replay": "true"})
        assert (attempt.outcome, attempt.note) == (Outcome.DELIVERED, "")
        first, *others = [dict(request.headers) for request in server.requests]
        assert (first["webhook-id"], first.get("notifier-replay")) == ("evt_1", None)
        assert [(each["webhook-id"], each["notifier-replay"]) for each in others] == [("evt_2", "true")] * 2
        assert server.connections == 2


async def test_it_is_repeated_once():
    async with serving(in_turn(answer(OK), reset, reset)) as server, receiver(server.port) as one:
        await one.post("evt_1", b"{}")
        assert (await one.post("evt_2", b"{}")).outcome is Outcome.RESET
        assert len(server.requests) == 3


async def test_an_answer_that_has_begun_is_not_asked_for_again():
    cut = answer(OK, b"HTTP/1.1 200 OK\r\nX-Cut: ", close=False)

    async def act(server, writer):
        await cut(server, writer)
        return len(server.requests) < 2

    async with serving(act) as server, receiver(server.port) as one:
        await one.post("evt_1", b"{}")
        assert (await one.post("evt_2", b"{}")).outcome is Outcome.RESET
        assert len(server.requests) == 2


async def test_all_requests_on_dead_connections_are_repeated_over_one_set_of_new_ones():
    gate, dead = asyncio.Event(), asyncio.Event()

    async def act(server, writer):
        if len(server.requests) <= 4:
            await gate.wait()
            writer.write(OK)
            return await writer.drain()
        if server.connections <= 4:
            await dead.wait()
            return await reset(server, writer)
        return await answer(OK)(server, writer)

    async with serving(act) as server, receiver(server.port) as one:
        for opens, wanted in ((gate, 4), (dead, 8)):
            posts = [asyncio.create_task(one.post(f"evt_{n}", b"{}")) for n in range(4)]
            while len(server.requests) < wanted:
                server.came.clear()
                await server.came.wait()
            opens.set()
            assert {attempt.outcome for attempt in await asyncio.gather(*posts)} == {Outcome.DELIVERED}
        assert len(server.requests) == 12


async def test_a_receiver_that_restarts_is_reached_again():
    async with serving(answer(OK, close=True)) as server, receiver(server.port) as one:
        for n in range(3):
            assert (await one.post(f"evt_{n}", b"{}")).outcome is Outcome.DELIVERED
            await gone(server)
        assert len(server.requests) == 3


# --- nobody listens for a moment


class Opening(Clock):
    """A port at which nobody listens until somebody has been turned away; a clock, because it is asked then."""

    def __init__(self):
        super().__init__()
        self.place = socket.socket()
        self.place.bind(("127.0.0.1", 0))
        self.port = self.place.getsockname()[1]
        self.opened = asyncio.Event()
        self.asked = 0

    def __call__(self):
        self.asked += 1
        if self.asked == 5:  # it began, looked for a connection, for a name, made one; and now was refused
            self.place.listen()
            self.opened.set()
        return super().__call__()


@pytest.mark.parametrize(
    ("slow", "outcome"), [(0.0, Outcome.DELIVERED), (0.9, Outcome.DELIVERED), (1.0, Outcome.CONNECT)]
)
async def test_a_connection_refused_within_a_second_is_tried_once_more_at_once(slow, outcome):
    clock = Opening()

    class Slow(Names):
        async def resolve(self, host, port=0, family=socket.AF_INET):
            clock.now += slow
            return await super().resolve(host, port, family)

    server = Server(answer(OK))
    names = Slow({"receiver.example": ["127.0.0.1"]})
    async with receiver(f"http://receiver.example:{clock.port}/", names=names, monotonic=clock) as one:
        posting = asyncio.create_task(one.post("evt_1", b"{}"))
        await clock.opened.wait()
        listener = await asyncio.start_server(server.serve, sock=clock.place)
        assert (await posting).outcome is outcome
    listener.close()
    await asyncio.gather(*server.tasks)
    await listener.wait_closed()
    assert len(server.requests) == (outcome is Outcome.DELIVERED)


async def test_a_request_that_was_sent_over_a_fresh_connection_is_not_repeated():
    async with serving(reset) as server, receiver(server.port) as one:
        assert (await one.post("evt_1", b"{}")).outcome is Outcome.RESET
        assert len(server.requests) == 1


# --- their age


async def test_connections_are_replaced_after_a_minute():
    clock = Clock()
    async with serving(answer(OK)) as server, receiver(server.port, monotonic=clock) as one:
        for clock.now in (0.0, 59.9, 60.0, 119.9, 120.0):
            assert (await one.post("evt_1", b"{}")).outcome is Outcome.DELIVERED
        assert server.connections == 3


async def test_nothing_of_replaced_connections_is_left_to_the_collector_of_garbage():
    clock = Clock()
    async with serving(answer(OK)) as server, receiver(server.port, monotonic=clock) as one:
        await one.post("evt_1", b"{}")
        old, clock.now = weakref.ref(one._connections), 60.0
        gc.disable()
        try:
            await one.post("evt_2", b"{}")
            await asyncio.gather(*one._closing)
            await asyncio.sleep(0)  # whoever made the task lets go of it
            assert old() is None
        finally:
            gc.enable()


async def test_what_is_on_its_way_over_an_old_connection_ends_in_peace():
    clock, gate = Clock(), asyncio.Event()
    async with serving(in_turn(held(gate), answer(OK))) as server, receiver(server.port, monotonic=clock) as one:
        slow = asyncio.create_task(one.post("evt_1", b"{}"))
        await server.came.wait()
        clock.now = 60.0
        assert (await one.post("evt_2", b"{}")).outcome is Outcome.DELIVERED
        gate.set()
        assert (await slow).outcome is Outcome.DELIVERED
        assert server.connections == 2


async def test_the_age_may_be_set():
    async with serving(answer(OK)) as server, receiver(server.port, limits=Limits(age=0.0)) as one:
        for _ in range(3):
            await one.post("evt_1", b"{}")
        assert server.connections == 3


# --- the end


async def test_closing_waits_for_what_is_on_its_way():
    gate = asyncio.Event()
    async with serving(held(gate)) as server, receiver(server.port) as one:
        slow = asyncio.create_task(one.post("evt_1", b"{}"))
        await server.came.wait()
        closing = asyncio.create_task(one.close())
        await asyncio.sleep(0)
        assert not closing.done()
        gate.set()
        assert (await slow).outcome is Outcome.DELIVERED
        await closing
        await gone(server)


async def test_what_repeats_itself_while_all_is_closed_leaves_nothing_open():
    gate = asyncio.Event()

    async def late(server, writer):
        await gate.wait()
        return await reset(server, writer)

    async with serving(in_turn(answer(OK), late, answer(OK))) as server, receiver(server.port) as one:
        await one.post("evt_1", b"{}")
        server.came.clear()
        repeated = asyncio.create_task(one.post("evt_2", b"{}"))
        await server.came.wait()
        closing = asyncio.create_task(one.close())
        await asyncio.sleep(0)
        gate.set()
        await closing
        assert (await repeated).outcome is Outcome.DELIVERED
        assert (server.connections, len(server.requests)) == (2, 3)
        await asyncio.gather(*server.tasks)  # every connection has ended


async def test_a_client_that_never_sent_is_closed_at_once():
    async with receiver("http://receiver.example/") as one:
        pass
    assert one._connections is None


async def test_an_attempt_may_be_cut_off():
    gate = asyncio.Event()
    async with serving(in_turn(held(gate), answer(OK))) as server, receiver(server.port) as one:
        slow = asyncio.create_task(one.post("evt_1", b"{}"))
        await server.came.wait()
        slow.cancel()
        with pytest.raises(asyncio.CancelledError):
            await slow
        assert (await one.post("evt_1", b"{}")).outcome is Outcome.DELIVERED
