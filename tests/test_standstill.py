"""Time for others, where it may have been us who stood still."""

import asyncio

import pytest

from notifier.standstill import LISTENS, OFTEN, STANDSTILL, stood_still, within


async def test_what_takes_too_long_is_ended():
    with pytest.raises(TimeoutError):
        async with within(0.01):
            await asyncio.Event().wait()


async def test_what_ends_in_time_leaves_no_timer_behind(standstill):
    async with within(10):
        pass
    standstill(600)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(ValueError, match="its own"):
        async with within(10):
            raise ValueError("its own")


async def waits():
    async with within(10):
        await asyncio.Event().wait()


async def test_a_timer_that_is_only_a_little_late_ends_it(standstill):
    asyncio.get_running_loop().call_soon(standstill, 10 + STANDSTILL / 2)
    with pytest.raises(TimeoutError):
        await waits()


async def test_who_stands_still_again_and_again_listens_so_often_and_no_longer(standstill):
    loop = asyncio.get_running_loop()
    began = loop.time()

    def stands_still(more):
        standstill(600)
        if more:
            loop.call_later(LISTENS / 5, stands_still, more - 1)

    loop.call_soon(stands_still, OFTEN)
    with pytest.raises(TimeoutError):
        await waits()
    assert 0 <= loop.time() - began - 600 * (OFTEN + 1) < LISTENS


async def test_an_answer_that_came_while_we_stood_still_twice_in_a_second_is_heard(standstill):
    loop, answer = asyncio.get_running_loop(), asyncio.Event()

    def stands_still(more):
        standstill(600)
        loop.call_later(LISTENS / 5, *((stands_still, more - 1) if more else (answer.set,)))

    loop.call_soon(stands_still, 1)
    async with within(10):
        await answer.wait()


def test_a_timer_is_late_by_more_than_a_busy_machine_makes_it():
    assert [stood_still(5, 5 + STANDSTILL + more) for more in (-0.5, 0, 0.5)] == [False, False, True]
