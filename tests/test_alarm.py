"""Alarms ring in time, and many of them together."""

import asyncio
import logging
import math
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.alarm import LATE, LATEST, LONGEST, SHORTEST, Alarm

NOW = 1e9


class Clock:
    """Says what it is told to say."""

    def __init__(self, now=NOW):
        self.now = now

    def __call__(self):
        return self.now


@pytest.fixture
async def clock():
    return Clock()


@pytest.fixture
async def alarm(clock):
    alarm = Alarm(clock)
    yield alarm
    alarm.close()


def jobs(alarm):
    return alarm._scheduler.get_jobs()


def waits(alarm, clock, ahead):
    """Seconds until an alarm rings that is set for so many from now."""
    return alarm._after(clock.now, ahead) - clock.now


@pytest.mark.parametrize("moment", [math.nan, math.inf, 1e300, 253402300800.0, NOW + LONGEST + 1])
async def test_an_alarm_far_ahead_or_at_no_moment_at_all_is_for_a_day_from_now(alarm, moment):
    before = datetime.now(UTC)
    alarm.set("far", moment, list)
    [job] = jobs(alarm)
    late = timedelta(seconds=LATEST)
    assert before <= job.next_run_time - timedelta(seconds=LONGEST) <= datetime.now(UTC) + late


@pytest.mark.parametrize("moment", [-math.inf, -1e300, -1.0, 0.0, NOW - 1, NOW])
async def test_an_alarm_for_a_moment_that_has_passed_rings_at_once(alarm, moment):
    rung = asyncio.Event()
    alarm.set("past", moment, rung.set)
    await rung.wait()


async def test_an_alarm_that_rings_during_a_stop_is_no_error(caplog):
    for turns in range(8):
        alarm = Alarm(time.time)
        alarm.set("one", 0.0, list)
        for _ in range(turns):
            await asyncio.sleep(0)
        alarm.close()
    for _ in range(8):
        await asyncio.sleep(0)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@given(since=st.floats(-1e6, 1e6), ahead=st.floats(0, LONGEST, exclude_min=True))
def test_an_alarm_is_never_early_and_late_by_a_part_of_its_time_or_half_a_second(since, ahead):
    alarm, now = object.__new__(Alarm), NOW + since
    alarm._began = NOW
    late = alarm._after(now, ahead) - now - ahead
    rounding = 1e-6  # of moments that are a billion seconds from nought
    assert -rounding <= late <= min(LATEST, max(SHORTEST, ahead) / LATE) + rounding


async def test_what_is_due_within_a_moment_rings_together(alarm, clock):
    rung, all_rung = [], asyncio.Event()
    for number in range(100):
        clock.now += 0.00001
        alarm.set(f"{number}", NOW + 0.1 + number / 100_000, lambda number=number: rung.append(number))
    assert len(jobs(alarm)) <= 3
    alarm.set("last", NOW + 0.2, all_rung.set)
    await all_rung.wait()
    assert sorted(rung) == list(range(100))
    assert jobs(alarm) == []


async def test_what_is_due_in_a_minute_meets_what_is_due_in_a_second(alarm, clock):
    alarm.set("a minute", NOW + 60, list)
    clock.now += 58.9
    alarm.set("a second", NOW + 59.99, list)
    assert len(jobs(alarm)) == 1


async def test_an_alarm_that_is_set_again_rings_once_and_calls_what_was_last_given(alarm, clock):
    rung, done = [], asyncio.Event()
    alarm.set("one", NOW + 0.2, lambda: rung.append("early"))
    alarm.set("one", NOW + 0.1, lambda: rung.append("before"))
    alarm.set("one", NOW + 0.1, lambda: rung.append("last"))
    alarm.set("two", NOW + 0.3, done.set)
    await done.wait()
    assert rung == ["last"]


async def test_what_is_put_off_again_and_again_leaves_nothing_behind(alarm, clock):
    for number in range(100):
        clock.now += 1
        alarm.set("one", clock.now + 1000 + number, list)
        assert len(jobs(alarm)) == len(alarm._strokes) == 1


async def test_an_alarm_can_be_set_again_once_it_has_rung(alarm, clock):
    for _ in range(3):
        rung = asyncio.Event()
        alarm.set("one", clock.now + 0.01, rung.set)
        await rung.wait()


async def test_an_alarm_that_was_set_by_a_clock_that_was_ahead_is_off_once_it_is_set_again(alarm, clock):
    rung = asyncio.Event()
    alarm.set("one", NOW + 3600, list)
    clock.now -= 86400
    alarm.set("one", clock.now + 0.01, rung.set)
    await rung.wait()
    assert jobs(alarm) == []


async def test_one_that_fails_takes_none_along_that_rings_with_it(alarm, clock):
    """The pass of a source that nobody ever came back to would be the price."""
    rung, failed = asyncio.Event(), []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failed.append(context["exception"]))

    def again():
        alarm.set("first", NOW + 0.1, list)
        raise ZeroDivisionError

    alarm.set("first", NOW + 0.1, again)
    alarm.set("last", NOW + 0.1, rung.set)
    await rung.wait()
    assert [type(one) for one in failed] == [ZeroDivisionError]
    assert len(jobs(alarm)) == 1


async def test_two_daemons_do_not_ring_in_the_same_moments():
    clock = Clock()
    one = Alarm(clock)
    clock.now += 0.2
    other = Alarm(clock)
    assert waits(one, clock, 60) != waits(other, clock, 60)
    one.close()
    other.close()
