"""The machine fails the real process: it says what is wrong, loses nothing, and goes on by itself where it can.

What the store alone can try is in tests/store/test_store_open.py, of a lock and a second daemon in test_app.py.
"""

import asyncio
import json
import resource
import signal
import sqlite3
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from faulty import READY, becomes, dying, lives_through, log_of, readiness, said, says
from killing import PATIENCE, STRICT, world

from notifier.standstill import STANDSTILL

DAY = 86400.0
WHY_NO_NAME = "its host cannot be resolved: temporary failure in name resolution"
HELD = "no answer within 1 s: its disk is slow, or another program holds it"
LOCKED = "database is locked: another program holds it: end that one"
SHORTEST = 1.0
"""Seconds: no receiver can be given less."""


def held(pid):
    """Bytes of its address space."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()


async def test_without_descriptors_from_its_first_moment_it_waits_for_some(tmp_path):
    async def fault(w, process):
        limits = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (10, limits[1]))
        w.source_fails()
        for one in w.receivers.values():  # whoever is connected already is so no more
            await one.close()
            await one.start()
        w.upstream.add(10)
        await says(tmp_path, process, "too many open files")
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, limits)
        assert await readiness(tmp_path) == READY

    await lives_through(tmp_path, 11, fault)


async def test_a_process_that_is_suspended_goes_on_where_it_stood(tmp_path):
    async def fault(w, process):
        await process.lasts(0.5)
        process.kill(signal.SIGSTOP)
        w.sets_clock(600.0)
        process.kill(signal.SIGCONT)
        await says(tmp_path, process, "the clock jumped", "message")
        await process.lasts(0.5)
        w.sets_clock(0.0)
        await says(tmp_path, process, "the clock jumped", "message", times=2)

    log = await lives_through(tmp_path, 12, fault)
    assert [round(line["seconds"], -1) for line in said(log, "the clock jumped", "message")] == [600, -600]


def stopped_by(process, owner, method):
    """An event: the next call of this has stopped the process, which then waits for what it calls for."""
    real, stopped = getattr(owner, method), asyncio.Event()

    def stop(*args):
        setattr(owner, method, real)
        process.kill(signal.SIGSTOP)
        stopped.set()
        return real(*args)

    setattr(owner, method, stop)
    return stopped


async def test_what_comes_while_it_is_stopped_is_heard_and_nobody_was_late(tmp_path):
    """For longer than a receiver has time, with POSTs on their way, and for longer than a look may take, with one."""
    async with world(tmp_path, seed=18) as w:
        w.upstream.add(20)
        hurried(w, '"1s"')
        for one in w.receivers.values():
            one.answer = lambda: 204
        app = w.receivers["app"]
        async with w.living(look_within=SHORTEST) as process:
            for owner, method in ((app, "answer"), (w.upstream.media, "tell")):
                await stopped_by(process, owner, method).wait()
                came = len(app.bodies)
                await process.lasts(SHORTEST + STANDSTILL + 0.5)
                assert all(len(one.answered) == len(one.bodies) for one in w.receivers.values())
                w.upstream.add(5)
                process.kill(signal.SIGCONT)
                while len(app.bodies) < came + 5:
                    app.came.clear()
                    await app.came.wait()
            process.kill(signal.SIGTERM)
            assert await process.ended() == 0
        await w.ends_well()
    log = log_of(tmp_path)
    assert [line for line in said(log, "attempted", "message") if line["outcome"] != "delivered"] == []
    assert not said(log, "source.failing", "type")
    assert not said(log, "breaker", "message")


def hurried(w, timeout):
    """A world in which receivers have no more time than that."""
    real = w.configure

    def configure():
        real()
        path = w.folder / "config.toml"
        path.write_text(path.read_text().replace('timeout = "20s"', f"timeout = {timeout}"))

    w.configure = configure


async def test_a_clock_that_is_a_day_off_for_a_while_loses_nothing(tmp_path):
    """Receivers refuse what is signed then: a day is more than their tolerance."""

    async def fault(w, process):
        await process.lasts(0.3)
        for jumps, days in ((1, -1), (3, 1)):
            w.sets_clock(days * DAY)
            await says(tmp_path, process, "the clock jumped", "message", times=jumps)
            await process.lasts(0.5)
            w.sets_clock(0.0)
            await says(tmp_path, process, "the clock jumped", "message", times=jumps + 1)
        assert await readiness(tmp_path) == READY

    log = await lives_through(tmp_path, 13, fault)
    jumps = [round(line["seconds"] / DAY) for line in said(log, "the clock jumped", "message")]
    assert jumps == [-1, 1, 1, -1]


async def test_a_clock_that_drifts_changes_nothing(tmp_path):
    async def fault(w, process):
        for tick in range(40):  # it gains a fifth
            w.sets_clock(tick * 0.01)
            await process.lasts(0.05)

    log = await lives_through(tmp_path, 14, fault)
    assert not said(log, "the clock jumped", "message")


async def test_while_no_name_is_found_sources_rest_and_webhooks_wait(tmp_path):
    heard = []

    async def fault(w, process):
        w.source_fails()
        await says(tmp_path, process, WHY_NO_NAME, "reason")
        with closing(sqlite3.connect(tmp_path / "notifier.db")) as db:
            while db.execute("SELECT failures FROM sources").fetchone()[0] < 2:
                await process.lasts(0.05)
        assert await readiness(tmp_path) == READY
        w.names.touch()
        heard.extend(w.receivers[name] for name in STRICT)
        async with asyncio.timeout(PATIENCE):
            for hooks in heard:
                while "source.recovered" not in of_source(hooks.events):
                    await hooks.got(len(hooks.bodies) + 1)

    await lives_through(tmp_path, 15, fault, names=False)
    for hooks in heard:
        assert of_source(hooks.events) == ["source.failing", "source.recovered"]


def of_source(events):
    """What was told of the source, each event once."""
    told = {event["id"]: event["type"] for event in events}
    return [type_ for type_ in told.values() if type_.startswith("source.")]


@contextmanager
def locked(folder):
    """Another program holds the database."""
    with closing(sqlite3.connect(folder / "notifier.db", isolation_level=None, timeout=PATIENCE)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


async def test_while_another_program_holds_the_database_it_is_not_ready_and_then_goes_on(tmp_path):
    """Not for longer than it waits: then it ends, and who starts it again, as systemd does, has it go on in the end."""
    async with world(tmp_path, seed=19) as w:
        app, held = w.receivers["app"], f"[-] database: {HELD}\nnot ready"
        w.upstream.add(20)
        async with w.living() as process:
            await app.got(5)
            with locked(tmp_path):
                await becomes(tmp_path, 503, held)
            await becomes(tmp_path, *READY)
            assert {line["level"] for line in log_of(tmp_path)} <= {"info", "warning"}
            process.kill(signal.SIGTERM)
            assert await process.ended() == 0
        with ExitStack() as until_given_back:
            w.upstream.add(5)
            async with dying(w, LOCKED, busy=0.5):
                await app.got(len(app.bodies) + 1)
                until_given_back.enter_context(locked(tmp_path))
            w.upstream.add(5)
            async with dying(w, LOCKED, is_ready=False, busy=0.1):
                pass
        await w.ends_well()


WATCHDOG = 10.0
"""Seconds after which one that makes no progress is ended as systemd does it, who gives it thirty."""
NO_MEMORY = {
    "no memory is left: free some, or raise its limit of it",
    "no thread can be started: raise its limit of tasks, or of memory",
}


async def test_without_memory_it_goes_on_or_ends_with_1_and_says_so_and_loses_nothing(tmp_path):
    async with world(tmp_path, seed=17) as w:
        w.is_sound = False
        for spare in (0, 1 << 22):
            w.upstream.add(20)
            w.source_fails()
            (tmp_path / "daemon.log").write_text("")
            async with w.living() as process:
                await w.receivers["app"].got(len(w.receivers["app"].bodies) + 1)
                size = held(process.pid) + spare
                resource.prlimit(process.pid, resource.RLIMIT_AS, (size, size))
                await w.lives_through_all(process)
                process.kill(signal.SIGTERM)
                await process.lasts(WATCHDOG)
                process.kill(signal.SIGABRT)
                judge_without_memory(w, await process.ended())
        await w.ends_well()


def judge_without_memory(w, code):
    """It stops when it is asked to, or has ended before: with 1 and why, or as libuv does, which aborts.

    Or it stands still for good, where Python waits for a thread that had no memory to begin: systemd ends that.
    """
    text = (w.folder / "daemon.log").read_text()
    if code == -signal.SIGABRT:
        assert "Fatal Python error: Aborted" in text
        return
    ends = [json.loads(line) for line in text.splitlines() if '"critical"' in line]
    assert code in ({1, -signal.SIGTERM} if ends else {0})  # it may be asked to stop when it has just ended
    assert {line["reason"] for line in ends} <= NO_MEMORY
    assert [line for line in ends if "trace" in line] == []
