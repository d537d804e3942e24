"""The real process: it starts, serves, stops, is killed, and says why it ends."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import asynccontextmanager

import aiohttp
import pytest
from daemons import KEY, SECRET, SECRETS, Hooks, Systemd, config

from notifier.app import LONGEST_PASS, POLLER, SENDER, App
from notifier.demo.daemon import Daemon
from notifier.demo.xenonflare import FakeXenonFlare, Media
from notifier.systemd import Notify


@pytest.fixture
async def media():
    async with FakeXenonFlare([Media("one", title="a film")], time.time, key=KEY) as server:
        yield server


@pytest.fixture
async def hooks():
    async with Hooks() as server:
        yield server


@pytest.fixture
def systemd(tmp_path):
    with Systemd(tmp_path / "notify") as socket:
        yield socket


@asynccontextmanager
async def running(tmp_path, text, systemd, **environ):
    """The daemon, once it has said that it is ready."""
    systemd.said.clear()
    async with Daemon(tmp_path, text, {**SECRETS, **systemd.environ, **environ}) as daemon:
        await systemd.hears("READY=1")
        yield daemon


def logged(tmp_path):
    lines = (tmp_path / "daemon.log").read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


# --- a whole life


async def test_it_is_ready_works_and_stops(tmp_path, media, hooks, systemd):
    text = config(media.base_url, {"app": hooks.url})
    async with running(tmp_path, text, systemd) as daemon:
        assert systemd.said[0] == "READY=1\nSTATUS=0 uploads followed, 0 deliveries waiting"
        await hooks.got(1)
        media.put(Media("one", status="completed", title="a film", parts={"youtube": "published"}))
        await hooks.got(2)
        assert await daemon.stop() == 0
    assert "STOPPING=1" in systemd.heard()
    assert [event["type"] for event in hooks.events] == ["upload.queued", "upload.completed"]
    lines = logged(tmp_path)
    assert [line["message"] for line in lines] == [
        "doubtful config", "started", "announced", "attempted", "announced", "attempted", "stopped",
    ]  # fmt: skip
    told = {key: lines[5][key] for key in ("event", "type", "source", "upload", "endpoint", "outcome", "status")}
    assert told == {
        "event": hooks.events[1]["id"],
        "type": "upload.completed",
        "source": "media",
        "upload": "one",
        "endpoint": "app",
        "outcome": "delivered",
        "status": 204,
    }


async def test_secrets_are_neither_logged_nor_stored(tmp_path, media, hooks, systemd):
    hooks.answer = lambda: 500
    text = config(media.base_url, {"app": hooks.url})
    async with running(tmp_path, text, systemd) as daemon:
        await hooks.came.wait()
        await daemon.stop()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b"attempted" in kept
    for secret in (KEY, SECRET, SECRET.removeprefix("whsec_")):
        assert secret.encode() not in kept


async def test_it_answers_for_its_health(tmp_path, media, hooks, systemd, unused_tcp_port):
    listen = f"127.0.0.1:{unused_tcp_port}"
    async with (
        running(tmp_path, config(media.base_url, {"app": hooks.url}, listen=listen), systemd),
        aiohttp.ClientSession(f"http://{listen}") as session,
    ):
        await hooks.got(1)
        for path in ("/healthz", "/readyz?verbose"):
            async with session.get(path) as response:
                assert response.status == 200, await response.text()


async def test_signs_of_life_are_given_while_both_loops_make_progress(tmp_path, media, hooks, systemd):
    text = config(media.base_url, {"app": hooks.url})
    async with running(tmp_path, text, systemd, WATCHDOG_USEC="400000"):
        await systemd.hears("WATCHDOG=1")


async def test_a_hangup_does_not_end_it(tmp_path, media, hooks, systemd):
    async with running(tmp_path, config(media.base_url, {"app": hooks.url}), systemd) as daemon:
        await hooks.got(1)
        daemon.send_signal(signal.SIGHUP)
        media.put(Media("one", status="processing"))
        await hooks.got(2)
        assert await daemon.stop() == 0
    assert "not reloaded: restart to apply a changed config" in [line["message"] for line in logged(tmp_path)]


# --- stopping


async def test_a_request_in_flight_at_a_stop_is_answered_and_not_repeated(tmp_path, media, hooks, systemd):
    hooks.hold = asyncio.Event()
    text = config(media.base_url, {"app": hooks.url})
    async with running(tmp_path, text, systemd) as daemon:
        await hooks.got(1)
        stopped = asyncio.create_task(daemon.stop())
        await systemd.hears("STOPPING=1")
        hooks.hold.set()
        assert await stopped == 0
    async with running(tmp_path, text, systemd) as daemon:
        media.put(Media("one", status="processing"))
        await hooks.got(2)
        await daemon.stop()
    assert [event["type"] for event in hooks.events] == ["upload.queued", "upload.processing"]


async def test_a_request_that_outlasts_the_stop_is_repeated_as_it_was(tmp_path, media, hooks, systemd):
    hooks.hold = asyncio.Event()
    text = config(media.base_url, {"app": hooks.url}, timeout="1s")
    async with running(tmp_path, text, systemd) as daemon:
        await hooks.got(1)
        assert await daemon.stop() == 0
    hooks.hold = None
    async with running(tmp_path, text, systemd) as daemon:
        await hooks.got(2)
        await daemon.stop()
    assert hooks.bodies[0] == hooks.bodies[1]


async def test_a_second_signal_ends_it_at_once_and_what_was_owed_stays_owed(tmp_path, media, hooks, systemd):
    hooks.hold = asyncio.Event()
    text = config(media.base_url, {"app": hooks.url})
    async with running(tmp_path, text, systemd) as daemon:
        await hooks.got(1)
        daemon.send_signal(signal.SIGTERM)
        await systemd.hears("STOPPING=1")
        daemon.send_signal(signal.SIGTERM)
        assert await daemon.wait() == -signal.SIGTERM
    hooks.hold = None
    async with running(tmp_path, text, systemd) as daemon:
        await hooks.got(2)
        await daemon.stop()
    assert hooks.bodies[0] == hooks.bodies[1]


# --- why it does not start


def run(tmp_path, text):
    path = tmp_path / "config.toml"
    path.write_text(text)
    command = [sys.executable, "-m", "notifier", "run", "--config", str(path)]
    return subprocess.run(command, env={**os.environ, **SECRETS}, capture_output=True, text=True, check=False)


def test_a_wrong_config_ends_it_with_78_and_every_fault(tmp_path):
    ended = run(tmp_path, '[store]\nkeeep = "1d"\n[delivery]\nmax_in_flight = 0\n')
    assert ended.returncode == 78
    assert 'config.toml:2:1: store.keeep: unknown key; did you mean "keep"?' in ended.stderr
    assert "config.toml:4:1: delivery.max_in_flight: expected a whole number" in ended.stderr


def test_a_newer_database_ends_it_with_78_and_stays_as_it_is(tmp_path):
    text = config("http://127.0.0.1:9/api", {})
    with sqlite3.connect(tmp_path / "notifier.db") as db:
        db.execute("PRAGMA application_id = 0x6E6F7469")
        db.execute("PRAGMA user_version = 999")
    db.close()
    ended = run(tmp_path, text)
    assert ended.returncode == 78
    assert "its schema is 999" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_store_that_cannot_be_opened_ends_it_with_1_and_the_cure(tmp_path):
    (tmp_path / "notifier.db").mkdir()
    ended = run(tmp_path, config("http://127.0.0.1:9/api", {}))
    assert ended.returncode == 1
    assert "the daemon's user must be able to write it" in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_a_second_daemon_on_one_database_ends_with_1_and_names_the_first(tmp_path, media, hooks, systemd):
    text = config(media.base_url, {"app": hooks.url})
    async with running(tmp_path, text, systemd):
        second = await asyncio.to_thread(run, tmp_path, text)
    assert second.returncode == 1
    assert "another notifier (pid " in second.stderr


async def test_a_database_that_another_program_holds_ends_it_with_1_and_loses_nothing(tmp_path, media, hooks, systemd):
    text = config(media.base_url, {"app": hooks.url})
    async with running(tmp_path, text, systemd) as daemon:
        await hooks.got(1)
        with sqlite3.connect(tmp_path / "notifier.db", isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            media.put(Media("one", status="processing"))
            assert await daemon.wait() == 1
        other.close()
    assert "another program holds it: end that one" in logged(tmp_path)[-1]["reason"]
    async with running(tmp_path, text, systemd) as daemon:
        while hooks.events[-1]["type"] != "upload.processing":
            await hooks.got(len(hooks.bodies) + 1)
        assert await daemon.stop() == 0
    first, *repeats, last = hooks.bodies
    assert last != first
    assert repeats in ([], [first])  # the first one's result may not have been written


async def test_a_port_that_is_taken_ends_it_with_1(tmp_path, hooks):
    listen = hooks.origin.removeprefix("http://")
    ended = await asyncio.to_thread(run, tmp_path, config("http://127.0.0.1:9/api", {}, listen=listen))
    assert ended.returncode == 1
    assert f"server.listen: {listen}: " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_bug_ends_it_with_1_and_its_trace(tmp_path):
    # A database whose schema lies about what it holds: no one but a bug makes that.
    text = config("http://127.0.0.1:9/api", {})
    with sqlite3.connect(tmp_path / "notifier.db") as db:
        db.execute("PRAGMA application_id = 0x6E6F7469")
        db.execute("PRAGMA user_version = 1")
        db.execute("CREATE TABLE sources (name TEXT UNIQUE)")
        db.execute("CREATE TABLE endpoints (name TEXT UNIQUE)")
    db.close()
    ended = run(tmp_path, text)
    assert ended.returncode == 1
    assert "no such column: number" in ended.stderr


# --- the loops, from inside


class Hanging:
    """A poller with one source, whose pass never ends, and a sender with nothing to do."""

    def __init__(self):
        self.watched = {"media": None}
        self.wake = asyncio.Event()
        self.begun = asyncio.Event()
        self.sent = asyncio.Event()

    async def poll(self, name):
        self.begun.set()
        await asyncio.Event().wait()

    async def send_due(self):
        self.sent.set()
        return 2e9

    async def until(self, done):
        """Let the send loop turn until it is so."""
        while not done():
            self.sent.clear()
            await self.sent.wait()

    async def stop(self, within):
        pass


class Failing(Hanging):
    async def poll(self, name):
        raise LookupError("a bug")


async def status():
    return "fine"


async def test_a_pass_that_hangs_is_no_progress():
    clock = [0.0]
    loops = Hanging()
    app = App(loops, loops, status, Notify({}), monotonic=lambda: clock[0], heartbeat=0.001)
    running = asyncio.create_task(app.run(0.01))
    await loops.begun.wait()
    clock[0] = LONGEST_PASS - 1
    await loops.until(lambda: app.marks.late(1.0) == [])
    clock[0] = LONGEST_PASS + 10
    await loops.until(lambda: app.marks.late(1.0) == [POLLER])
    assert SENDER not in app.marks.late(1.0)
    app.stop()
    await running
    app.close()


async def test_what_escapes_a_pass_ends_everything():
    loops = Failing()
    app = App(loops, loops, status, Notify({}))
    with pytest.raises(ExceptionGroup) as ended:
        await app.run(1)
    assert ended.group_contains(LookupError, match="a bug")
    app.close()


async def test_the_status_is_told_when_it_changes(systemd):
    counts = iter(range(1000))
    told = []

    async def changing():
        told.append(f"{next(counts) // 2} uploads")
        return told[-1]

    loops = Hanging()
    app = App(loops, loops, changing, Notify(systemd.environ), status_every=0.001)
    running = asyncio.create_task(app.run(0.01))
    await systemd.hears("STATUS=3 uploads")
    app.stop()
    await running
    app.close()
    statuses = [said for said in systemd.heard() if said.startswith("STATUS=")]
    assert len(statuses) == len(set(statuses))
