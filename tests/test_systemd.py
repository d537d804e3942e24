import asyncio
import logging
import math
import os
import socket
from contextlib import suppress

import pytest

from notifier.systemd import Marks, Notify, watch, where


@pytest.fixture
def systemd(tmp_path):
    """What systemd would be: a socket that receives datagrams."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as here:
        here.bind(str(tmp_path / "notify"))
        yield here


@pytest.fixture
def notify(systemd):
    return Notify({"NOTIFY_SOCKET": systemd.getsockname(), "WATCHDOG_USEC": "30000000"})


def received(systemd):
    """All that has arrived."""
    datagrams = []
    with suppress(BlockingIOError):
        while True:
            datagrams.append(systemd.recv(1000))
    return datagrams


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


class Stopped(Exception):
    pass


# --- what is said


def test_each_word_is_one_datagram(systemd, notify):
    notify.ready("12 uploads followed")
    notify.status("13 uploads followed")
    notify.alive()
    notify.stopping()
    assert received(systemd) == [
        b"READY=1\nSTATUS=12 uploads followed",
        b"STATUS=13 uploads followed",
        b"WATCHDOG=1",
        b"STOPPING=1",
    ]


def test_a_status_cannot_bring_a_line_of_its_own(systemd, notify):
    notify.status("fine\nWATCHDOG=trigger")
    assert systemd.recv(1000) == b"STATUS=fine WATCHDOG=trigger"


def test_an_abstract_socket_begins_with_an_at_sign():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as here:
        here.bind("")  # the kernel chooses an abstract address
        here.setblocking(False)
        Notify({"NOTIFY_SOCKET": "@" + here.getsockname()[1:].decode()}).alive()
        assert here.recv(1000) == b"WATCHDOG=1"


def test_without_a_socket_nothing_is_said(caplog):
    Notify({}).ready("unheard")
    assert not caplog.records


def test_a_socket_that_is_not_there_is_logged_once_and_ends_nothing(tmp_path, caplog):
    notify = Notify({"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    notify.alive()
    notify.alive()
    assert [line.message for line in caplog.records] == ["not heard by systemd"]


def test_a_full_socket_is_logged_once_each_time_it_fills(systemd, notify, caplog):
    for _ in range(2):
        fill(systemd.getsockname())
        notify.alive()
        notify.alive()
        assert b"WATCHDOG=1" not in received(systemd)
        notify.alive()
        assert received(systemd) == [b"WATCHDOG=1"]
    assert [line.message for line in caplog.records] == ["not heard by systemd"] * 2


def fill(address):
    """Put datagrams into a socket until it takes no more."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
        sender.connect(address)
        with suppress(BlockingIOError):
            while True:
                sender.send(b"noise")


# --- what is asked


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, 0.0),
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": str(os.getpid())}, 0.5),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": "1"}, 0.0),
    ],
)
def test_the_watchdog_is_ours_where_the_process_is(environ, seconds):
    assert Notify(environ).watchdog == seconds


# --- marks


def test_a_loop_is_late_until_its_first_pass_and_again_when_its_mark_is_old():
    clock = Clock()
    marks = Marks(["poller", "sender"], clock)
    assert marks.loops == ("poller", "sender")
    assert marks.late(30) == ["poller", "sender"]
    marks.stamp("poller")
    assert marks.late(30) == ["sender"]
    clock.now += 30
    marks.stamp("sender")
    assert marks.late(30) == []
    clock.now += 0.1
    assert marks.late(30) == ["poller"]


def test_how_long_ago_each_loop_ended_a_pass_is_told():
    clock = Clock()
    marks = Marks(["poller", "sender"], clock)
    marks.stamp("poller")
    clock.now += 7
    assert marks.ages() == {"poller": 7, "sender": math.inf}


# --- the watchdog


class Story:
    """Time that passes while the watchdog sleeps; at each step some loops end a pass."""

    def __init__(self, *steps):
        self.clock = Clock()
        self.marks = Marks(["poller", "sender"], self.clock)
        self.steps = list(steps)
        self.slept = []

    async def sleep(self, seconds):
        if not self.steps:
            raise Stopped
        self.clock.now += seconds
        self.slept.append(seconds)
        for loop in self.steps.pop(0):
            self.marks.stamp(loop)


BOTH = ("poller", "sender")


async def told(story, notify):
    stuck = asyncio.create_task(asyncio.Event().wait())
    await asyncio.sleep(0)
    with pytest.raises(Stopped):
        await watch(notify, story.marks, {"poller": stuck, "sender": stuck}, story.sleep)
    stuck.cancel()


async def test_signs_of_life_come_four_times_as_often_as_asked(systemd, notify):
    story = Story(BOTH, BOTH, BOTH)
    await told(story, notify)
    assert story.slept == [7.5, 7.5, 7.5]
    assert received(systemd) == [b"WATCHDOG=1"] * 3


async def test_a_loop_that_stands_still_ends_the_signs_within_half_the_time(systemd, notify):
    await told(Story(BOTH, ["poller"], ["poller"], ["poller"], ["poller"]), notify)
    assert received(systemd) == [b"WATCHDOG=1"] * 3


async def test_a_loop_that_goes_on_brings_the_signs_back(systemd, notify):
    await told(Story(BOTH, [], [], [], BOTH), notify)
    assert received(systemd) == [b"WATCHDOG=1"] * 4


async def test_where_a_late_loop_waits_is_logged_once_each_time_it_is_late(notify, caplog):
    await told(
        Story(BOTH, ["poller"], ["poller"], ["poller"], ["poller"], BOTH, ["poller"], ["poller"], ["poller"]), notify
    )
    lines = [(line.message, line.levelno, line.fields["loop"]) for line in caplog.records]
    assert lines == [("late", logging.ERROR, "sender")] * 2
    assert caplog.records[0].fields["where"].endswith(" wait")


async def test_where_no_sign_is_wanted_the_watch_is_over():
    await watch(Notify({}), Story().marks, {}, Story().sleep)


# --- where a task waits


async def test_a_task_waits_where_its_innermost_await_is():
    async def outer():
        await inner(waiting)

    async def inner(event):
        await event.wait()

    waiting = asyncio.Event()
    task = asyncio.create_task(outer())
    await asyncio.sleep(0)
    lines = where(task).split(" > ")
    assert [line.split()[1] for line in lines] == ["outer", "inner", "wait"]
    assert lines[0].startswith("test_systemd.py:")
    assert lines[2].startswith("locks.py:")
    waiting.set()
    await task
    assert where(task) == ""


async def test_a_task_may_wait_in_an_old_fashioned_awaitable():
    class Once:
        def __await__(self):
            yield from asyncio.sleep(0).__await__()

    async def outer():
        await Once()

    task = asyncio.create_task(outer())
    await asyncio.sleep(0)
    assert [line.split()[1] for line in where(task).split(" > ")][:2] == ["outer", "__await__"]
    await task
