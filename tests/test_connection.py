"""A connection on which an answer is what was asked for."""

import asyncio

import pytest
from aiohttp.http import HttpProcessingError

from notifier.connection import MOST_INTERIM, Answering

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
WAIT = b"HTTP/1.1 102 Processing\r\n\r\n"


class Wire(asyncio.Transport):
    """Goes nowhere."""

    def __init__(self):
        super().__init__()
        self.is_cut = False

    def abort(self):
        self.is_cut = True

    def is_closing(self):
        return self.is_cut


def connected():
    wire, connection = Wire(), Answering(asyncio.get_running_loop())
    connection.connection_made(wire)
    return wire, connection


async def asked(connection):
    connection.set_response_params()
    connection.data_received(OK)
    message, _ = await connection.read()
    return message.code


async def test_one_answer_a_request():
    wire, connection = connected()
    assert [await asked(connection) for _ in range(3)] == [200, 200, 200]
    assert not wire.is_cut


async def test_an_answer_that_comes_before_any_request_is_none():
    wire, connection = connected()
    connection.data_received(OK)
    connection.set_response_params()
    assert wire.is_cut
    assert not connection._buffer


@pytest.mark.parametrize("said", [OK, WAIT, OK * 1000])
async def test_an_answer_that_comes_between_two_requests_is_none(said):
    wire, connection = connected()
    assert await asked(connection) == 200
    connection.data_received(said)
    assert wire.is_cut
    assert not connection._buffer


async def test_an_answer_too_many_takes_nothing_from_the_one_before_it():
    wire, connection = connected()
    connection.set_response_params()
    connection.data_received(OK + OK)
    message, _ = await connection.read()
    assert (message.code, wire.is_cut) == (200, True)
    assert not connection._buffer


async def test_interim_answers_come_before_the_answer_and_not_for_ever():
    wire, connection = connected()
    connection.set_response_params()
    connection.data_received(WAIT * MOST_INTERIM + OK)
    codes = [(await connection.read())[0].code for _ in range(MOST_INTERIM + 1)]
    assert (set(codes[:-1]), codes[-1], wire.is_cut) == ({102}, 200, False)
    connection.set_response_params()
    connection.data_received(WAIT * (MOST_INTERIM + 1))
    assert wire.is_cut
    for _ in range(MOST_INTERIM):
        await connection.read()
    with pytest.raises(HttpProcessingError, match="more than 100 interim answers"):
        await connection.read()
