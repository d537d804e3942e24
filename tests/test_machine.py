"""The machine fails the real process: it says what is wrong, loses nothing, and goes on by itself where it can.

What the store alone can try is in tests/store/test_store_open.py, of a lock and a second daemon in test_app.py.
"""

import asyncio
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager, suppress
from itertools import count
from pathlib import Path

import aiohttp
import pytest
from daemons import KEY, SECRETS, Hooks, config
from killing import PATIENCE, world

from notifier.demo.daemon import Daemon
from notifier.demo.xenonflare import FakeXenonFlare, Media
from notifier.standstill import STANDSTILL

DAY = 86400.0
HALF_A_FRAME = 2000
READY = (200, "ok")
HELD = "no answer within 1 s: its disk is slow, or another program holds it"
LOCKED = "database is locked: another program holds it: end that one"
SHORTEST = 1.0
"""Seconds: no receiver can be given less."""


async def lives_through(folder, seed, fault, *, names=True):
    """A daemon in whose life there is a fault, after which it goes on by itself; then all is judged. Gives its log."""
    async with world(folder, seed) as w:
        w.upstream.add(20)
        if not names:
            w.names.unlink()
        async with w.living() as process:
            await fault(w, process)
            process.kill(signal.SIGTERM)
            assert await process.ended() == 0
        await w.ends_well()
    return log_of(folder)


def log_of(folder):
    *lines, _ = (folder / "daemon.log").read_text().split("\n")  # what is being written is not there yet
    return [json.loads(line) for line in lines]


async def says(folder, process, word, key="note", times=1):
    """The daemon, which lives, has said this so often."""
    while len(said(log_of(folder), word, key)) < times:
        await process.lasts(0.05)


def said(log, word, key="note"):
    return [line for line in log if word in line.get(key, "")]


def held(pid):
    """Bytes of its address space."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()


async def readiness(folder):
    """Status and text of /readyz."""
    connector = aiohttp.UnixConnector(str(folder / "notifier.sock"))
    async with (
        aiohttp.ClientSession("http://notifier", connector=connector) as session,
        session.get("/readyz") as response,
    ):
        return response.status, await response.text()


async def becomes(folder, *wanted):
    """Its /readyz has come to say that."""
    async with asyncio.timeout(PATIENCE):
        while await readiness(folder) != wanted:
            pass


@asynccontextmanager
async def dying(w, reason, *, is_ready=True, **job):
    """A daemon that is to end by itself: with 1, a reason in the last line of its log that ends so, and no trace."""
    path, starts = w.folder / "daemon.log", w.starts
    w.is_sound = False
    async with w.living(**job) as process:
        yield process
        async with asyncio.timeout(PATIENCE):
            assert await process.ended() == 1
    w.is_sound = True
    assert (w.starts == starts) is is_ready
    last = log_of(w.folder)[-1]
    assert (last["level"], last["message"]) == ("critical", "ended")
    assert last["reason"] == f"{w.folder / 'notifier.db'}: {reason}"
    assert "Traceback" not in path.read_text()
    path.write_text("")  # the next life is judged by its own


async def test_without_descriptors_from_its_first_moment_it_waits_for_some(tmp_path):
    async def fault(w, process):
        limits = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (10, limits[1]))
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
        await process.lasts(1.0)
        w.sets_clock(600.0)
        process.kill(signal.SIGCONT)
        await says(tmp_path, process, "the clock jumped", "message")
        await process.lasts(1.0)
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


@pytest.mark.parametrize("days", [-1, 1])
async def test_a_clock_that_is_a_day_off_for_a_while_loses_nothing(tmp_path, days):
    """Receivers refuse what is signed then: a day is more than their tolerance."""

    async def fault(w, process):
        await process.lasts(0.3)
        w.sets_clock(days * DAY)
        await says(tmp_path, process, "the clock jumped", "message")
        await process.lasts(1.0)
        w.sets_clock(0.0)
        await says(tmp_path, process, "the clock jumped", "message", times=2)
        assert await readiness(tmp_path) == READY

    log = await lives_through(tmp_path, 13, fault)
    jumps = [round(line["seconds"] / DAY) for line in said(log, "the clock jumped", "message")]
    assert jumps == [days, -days]


async def test_a_clock_that_drifts_changes_nothing(tmp_path):
    async def fault(w, process):
        for tick in range(40):  # it gains a fifth
            w.sets_clock(tick * 0.01)
            await process.lasts(0.05)

    log = await lives_through(tmp_path, 14, fault)
    assert not said(log, "the clock jumped", "message")


async def test_while_no_name_is_found_sources_rest_and_webhooks_wait(tmp_path):
    async def fault(w, process):
        await says(tmp_path, process, "its host cannot be resolved: temporary failure in name resolution", "reason")
        assert await readiness(tmp_path) == READY
        w.names.touch()

    await lives_through(tmp_path, 15, fault, names=False)


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
            async with dying(w, LOCKED, busy=3.0):
                await app.got(len(app.bodies) + 1)
                until_given_back.enter_context(locked(tmp_path))
                await becomes(tmp_path, 503, held)
            w.upstream.add(5)
            async with dying(w, LOCKED, is_ready=False, busy=0.1):
                pass
        await w.ends_well()


async def test_a_log_that_was_torn_in_the_middle_of_a_write_loses_nothing(tmp_path):
    async with world(tmp_path, seed=16) as w:
        for life in range(6):
            await w.is_killed(after=0.8)
            with (tmp_path / "notifier.db-wal").open("ab") as torn:
                torn.write(os.urandom(HALF_A_FRAME * (life + 1)))
        await w.ends_well()


NO_MEMORY = {
    "no memory is left: free some, or raise its limit of it",
    "no thread can be started: raise its limit of tasks, or of memory",
}


async def test_without_memory_it_goes_on_or_ends_with_1_and_says_so_and_loses_nothing(tmp_path):
    async with world(tmp_path, seed=17) as w:
        w.is_sound = False
        for spare in (0, 1 << 22):
            w.upstream.add(20)
            (tmp_path / "daemon.log").write_text("")
            async with w.living() as process:
                await w.receivers["app"].got(len(w.receivers["app"].bodies) + 1)
                size = held(process.pid) + spare
                resource.prlimit(process.pid, resource.RLIMIT_AS, (size, size))
                await w.lives_through_all(process)
                process.kill(signal.SIGTERM)
                await process.lasts(PATIENCE)
                judge_without_memory(w, await process.ended())
        await w.ends_well()


def judge_without_memory(w, code):
    """It stops when it is asked to, or has ended before: with 1 and why, or as libuv does, which aborts."""
    text = (w.folder / "daemon.log").read_text()
    if code == -signal.SIGABRT:
        assert "Fatal Python error: Aborted" in text
        return
    ends = [json.loads(line) for line in text.splitlines() if '"critical"' in line]
    assert code in ({1, -signal.SIGTERM} if ends else {0})  # it may be asked to stop when it has just ended
    assert {line["reason"] for line in ends} <= NO_MEMORY
    assert [line for line in ends if "trace" in line] == []


# --- a disk of its own, which is small


def refused_mounts():
    """Why no such disk can be had here; None where it can."""
    if os.geteuid() != 0:
        return "only root can mount"
    command = ["unshare", "--mount", "--propagation", "private", "mount", "-t", "tmpfs", "none", "/mnt"]
    tried = subprocess.run(command, capture_output=True, check=False)
    return "no mounts of our own are permitted here" if tried.returncode else None


@contextmanager
def small_disk(folder):
    """A disk of 1 MiB in a folder, seen only by what is started by the command that this gives."""
    folder.mkdir()
    script = 'mount -t tmpfs -o size=1m none "$1" && echo mounted && read -r _'
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", folder]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"mounted\n"
        yield ("nsenter", f"--target={holder.pid}", "--mount"), Path(f"/proc/{holder.pid}/root{folder}")
        holder.stdin.close()


def fill(path):
    with path.open("wb", buffering=0) as file, suppress(OSError):  # there is no space left
        while file.write(bytes(4096)):
            pass


@pytest.mark.skipif(refused_mounts() is not None, reason=str(refused_mounts()))
async def test_a_full_disk_ends_it_with_1_and_it_goes_on_by_itself_once_there_is_space(tmp_path):
    with small_disk(tmp_path / "disk") as (inside, disk):
        async with FakeXenonFlare([], time.time, key=KEY) as media, Hooks() as hooks:
            text = config(media.base_url, {"app": hooks.url}, server=f'socket = "{tmp_path}/notifier.sock"')
            text = text.replace("sqlite:notifier.db", f"sqlite:{tmp_path}/disk/notifier.db")
            command = (*inside, sys.executable, "-m", "notifier", "run", "--log-format", "json", "--config")
            media.put(Media("a", status="processing"))
            async with Daemon(tmp_path, text, SECRETS, command) as daemon:
                await hooks.got(1)
                fill(disk / "filler")
                for number in count():  # for as long as what is reserved already suffices
                    if daemon.ended is not None:
                        break
                    media.put(Media(f"more{number}", status="completed", title="x" * 3000))
                    await asyncio.wait((asyncio.ensure_future(daemon.wait()),), timeout=0.1)
                assert daemon.ended == 1
            assert "full: free some space on its disk; nothing was lost" in ended(tmp_path)
            (disk / "filler").unlink()
            media.put(Media("a", status="completed", parts={"youtube": "published"}))
            async with Daemon(tmp_path, text, SECRETS, command) as daemon:
                while not any(is_of("a", event, "completed") for event in hooks.events):
                    await hooks.got(len(hooks.bodies) + 1)
                assert await daemon.stop() == 0
    told = [event["data"]["upload"]["status"] for event in hooks.events if is_of("a", event)]
    assert list(dict.fromkeys(told)) == ["processing", "completed"]


def is_of(id_, event, *statuses):
    upload = event["data"].get("upload", {})
    return upload.get("id") == id_ and (not statuses or upload["status"] in statuses)


def ended(folder):
    """The reason that the log gives of the end."""
    return json.loads((folder / "daemon.log").read_text().splitlines()[-1])["reason"]
