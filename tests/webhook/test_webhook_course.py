"""The course of one attempt: which leg it is on, how long each took, and when it is given up."""

import asyncio
import gc
import math
import weakref

import pytest
from receiving import Clock

from notifier.core.model import Outcome
from notifier.standstill import LISTENS, OFTEN, STANDSTILL
from notifier.webhook.course import Course, Leg, OutOfTime, Patience, enter
from notifier.webhook.verdict import fault


async def rest():
    await asyncio.Event().wait()


async def refused():
    raise ConnectionRefusedError


async def test_each_leg_has_its_time_and_a_second_try_adds_to_it():
    clock = Clock()

    async def going():
        for leg, seconds in [(Leg.DNS, 1), (Leg.CONNECT, 2), (Leg.TLS, 4), (Leg.CONNECT, 8), (Leg.FIRST_BYTE, 16)]:
            enter(leg)
            enter(leg)
            clock.now += seconds
        return "answer"

    course = Course(10, Patience({}), clock)
    assert await course.answered(going()) == "answer"
    assert course.took == {"dns": 1, "connect": 10, "tls": 4, "first_byte": 16}
    enter(Leg.DNS)  # nobody waits any more
    clock.now += 1
    assert course.took["dns"] == 1
    await course.answered(going())
    assert course.took == {"dns": 2, "connect": 20, "tls": 8, "first_byte": 32}


@pytest.mark.parametrize("leg", Leg)
async def test_a_leg_that_takes_too_long_is_named(leg):
    async def going():
        enter(leg)
        await rest()

    course = Course(10, Patience({leg: 0.01}), Clock())
    with pytest.raises(OutOfTime) as caught:
        await course.answered(going())
    assert (caught.value.leg, caught.value.total) == (leg, False)


async def test_a_leg_gets_no_more_than_is_left_of_the_whole():
    async def going():
        enter(Leg.FIRST_BYTE)
        await rest()

    with pytest.raises(OutOfTime) as caught:
        await Course(0.01, Patience({Leg.FIRST_BYTE: 10}), Clock()).answered(going())
    assert (caught.value.leg, caught.value.total) == (Leg.FIRST_BYTE, True)


async def test_a_second_try_gets_no_more_time_than_is_left():
    course = Course(0.05, Patience({}), Clock())
    with pytest.raises(ConnectionError):
        await course.answered(refused())
    with pytest.raises(OutOfTime) as caught:
        await course.answered(rest())
    assert caught.value.total


async def turns():
    for _ in range(5):
        await asyncio.sleep(0)


async def asked(standstill, answer, patience=None):
    """An attempt that waits for its first byte, once we stood still for ten minutes."""

    async def going():
        enter(Leg.FIRST_BYTE)
        return await answer

    patience = patience or Patience({Leg.FIRST_BYTE: 5})
    attempt = asyncio.create_task(Course(10, patience, Clock()).answered(going()))
    await turns()
    standstill(600)
    await turns()
    return attempt


async def test_an_answer_that_came_while_we_stood_still_is_heard(standstill):
    answer = asyncio.get_running_loop().create_future()
    attempt = await asked(standstill, answer)
    answer.set_result("answer")
    assert await attempt == "answer"


async def test_what_began_after_we_stood_still_is_heard_when_we_do_so_again(standstill):
    patience, future = Patience({Leg.FIRST_BYTE: 5}), asyncio.get_running_loop().create_future
    for answer in (future(), future()):
        attempt = await asked(standstill, answer, patience)
        answer.set_result("answer")
        assert await attempt == "answer"


async def test_who_is_listened_to_is_so_whoever_else_is_late(standstill):
    patience, answer = Patience({Leg.FIRST_BYTE: 5}), asyncio.get_running_loop().create_future()
    attempt = await asked(standstill, answer, patience)
    with pytest.raises(OutOfTime):
        await Course(0.01, patience, Clock()).answered(rest())
    answer.set_result("answer")
    assert await attempt == "answer"


async def test_who_has_not_answered_although_we_stood_still_is_late_a_second_after(standstill):
    attempt = await asked(standstill, asyncio.get_running_loop().create_future())
    standstill(LISTENS - 0.5)
    await turns()
    assert not attempt.done()
    standstill(0.6)
    await turns()
    with pytest.raises(OutOfTime):
        await attempt


async def test_an_answer_that_came_while_we_stood_still_twice_in_a_second_is_heard(standstill):
    answer = asyncio.get_running_loop().create_future()
    attempt = await asked(standstill, answer)
    standstill(600)
    await turns()
    answer.set_result("answer")
    assert await attempt == "answer"


async def test_who_stands_still_again_and_again_listens_so_often_and_no_longer(standstill):
    attempt = await asked(standstill, asyncio.get_running_loop().create_future())
    for _ in range(OFTEN):
        assert not attempt.done()
        standstill(600)
        await turns()
    assert attempt.done()
    with pytest.raises(OutOfTime):
        await attempt


async def test_a_timer_that_is_only_a_little_late_ends_the_wait(standstill):
    attempt = asyncio.create_task(Course(10, Patience({}), Clock()).answered(rest()))
    await turns()
    standstill(10 + STANDSTILL / 2)
    await turns()
    with pytest.raises(OutOfTime):
        await attempt


async def test_a_body_gets_no_more_time_than_is_left():
    course = Course(0.05, Patience({}), Clock())
    with pytest.raises(TimeoutError):
        async with course.within(60):
            await rest()
    with pytest.raises(TimeoutError):
        async with Course(60, Patience({}), Clock()).within(0.05):
            await rest()


async def test_who_is_out_of_time_before_any_leg_has_entered_none():
    course = Course(0.01, Patience({}), Clock())
    with pytest.raises(OutOfTime) as caught:
        await course.answered(rest())
    assert (caught.value.leg, caught.value.total, course.took) == (None, True, {})
    told = (Outcome.TIMEOUT_TOTAL, "receiver.example cannot be sent to in time")
    assert fault(caught.value, "receiver.example") == told


async def test_the_end_of_one_leg_is_not_that_of_the_next():
    async def going():
        enter(Leg.CONNECT)
        enter(Leg.FIRST_BYTE)
        await asyncio.wait({resting}, timeout=0.05)
        return "answer"

    resting = asyncio.create_task(rest())
    assert await Course(10, Patience({Leg.CONNECT: 0.01}), Clock()).answered(going()) == "answer"
    resting.cancel()


async def test_a_short_leg_after_a_long_one_has_its_own_time():
    async def going():
        enter(Leg.DNS)
        await asyncio.wait({resting}, timeout=0.05)
        enter(Leg.CONNECT)
        await resting

    resting = asyncio.create_task(rest())
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(OutOfTime) as caught:
        await Course(10, Patience({Leg.CONNECT: 0.02, Leg.FIRST_BYTE: 5}), Clock()).answered(going())
    assert (caught.value.leg, caught.value.total) == (Leg.CONNECT, False)
    assert 0.06 < loop.time() - began < 2


async def test_attempts_that_share_a_timer_end_each_when_its_own_time_is_over():
    async def going(leg):
        enter(leg)
        await rest()

    clock = asyncio.get_running_loop().time
    began, patience = clock(), Patience({Leg.CONNECT: 0.02, Leg.FIRST_BYTE: 0.05})
    courses = [Course(total, patience, Clock()) for total in (10, 10, 0.01, 10)]
    ways = [Leg.FIRST_BYTE, Leg.CONNECT, Leg.FIRST_BYTE, Leg.DNS]
    tasks = [asyncio.create_task(one.answered(going(leg))) for one, leg in zip(courses, ways, strict=True)]
    ended = {}
    for number, task in enumerate(tasks):
        task.add_done_callback(lambda _, number=number: ended.setdefault(number, clock() - began))
    await asyncio.wait(tasks[:3])
    assert {type(task.exception()) for task in tasks[:3]} == {OutOfTime}
    assert [ended[number] >= least for number, least in enumerate((0.05, 0.02, 0.01))] == [True] * 3
    assert 3 not in ended
    tasks[3].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[3]
    patience._ring()
    assert (patience._courses, patience._timer) == (set(), None)


async def test_who_is_cut_off_already_is_not_cut_off_again():
    course = Course(0, Patience({}), Clock())
    task = asyncio.create_task(course.answered(rest()))
    await asyncio.sleep(0)
    assert [course.ring(), course.ring()] == [math.inf, math.inf]
    assert task.cancelling() == 1
    with pytest.raises(OutOfTime):
        await task


async def test_who_is_cut_off_from_outside_is_so_whether_its_time_is_up_or_not():
    async def going():
        enter(Leg.CONNECT)
        try:
            await rest()
        finally:
            if is_late:
                task.cancel()

    for is_late in (False, True):
        course = Course(10, Patience({Leg.CONNECT: 0.01 if is_late else 10}), Clock())
        task = asyncio.create_task(course.answered(going()))
        await asyncio.sleep(0)
        if not is_late:
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelling() == 1


async def test_a_second_try_is_cut_off_for_itself_whatever_became_of_the_first():
    async def broken_off():
        enter(Leg.CONNECT)
        try:
            await rest()
        except asyncio.CancelledError:
            raise ConnectionError from None

    async def twice():
        with pytest.raises(ConnectionError):
            await course.answered(broken_off())
        tried.set()
        await course.answered(rest())

    course, tried = Course(10, Patience({Leg.CONNECT: 0.01}), Clock()), asyncio.Event()
    task = asyncio.create_task(twice())
    await tried.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelling() == 1


async def test_nothing_of_an_attempt_is_left_to_the_collector_of_garbage():
    async def going():
        enter(Leg.CONNECT)
        return "answer"

    async def attempt():
        course = Course(10, Patience({}), Clock())
        assert await course.answered(going()) == "answer"
        return weakref.ref(course)

    gc.disable()
    try:
        course = await asyncio.create_task(attempt())
        await asyncio.sleep(0)  # whoever made the task lets go of it
        assert course() is None
    finally:
        gc.enable()


async def test_what_comes_too_late_begins_no_leg():
    course = Course(10, Patience({Leg.CONNECT: 0.01}), Clock())

    async def going():
        enter(Leg.CONNECT)
        try:
            await rest()
        finally:
            enter(Leg.TLS)

    with pytest.raises(OutOfTime) as caught:
        await course.answered(going())
    assert caught.value.leg is Leg.CONNECT
    assert list(course.took) == ["connect"]


async def test_somebody_elses_time_is_not_ours():
    async def going():
        raise TimeoutError("theirs")

    with pytest.raises(TimeoutError, match="theirs"):
        await Course(10, Patience({}), Clock()).answered(going())


async def test_without_an_attempt_under_way_there_is_no_leg():
    enter(Leg.TLS)


async def test_two_attempts_at_once_keep_their_own_time():
    clock = Clock()
    gate = asyncio.Event()

    async def going(leg):
        enter(leg)
        await gate.wait()

    courses = [Course(10, Patience({}), clock) for _ in range(2)]
    tasks = [
        asyncio.create_task(course.answered(going(leg)))
        for course, leg in zip(courses, (Leg.DNS, Leg.TLS), strict=True)
    ]
    await asyncio.sleep(0)
    clock.now = 3
    gate.set()
    await asyncio.gather(*tasks)
    assert [course.took for course in courses] == [{"dns": 3}, {"tls": 3}]
