"""The disk fails the real process: it is full, may not be written, or gives back something else than it was given.

What can be mended is mended here as its owner would, and nothing is lost then. What a single method says to it is in
tests/store.
"""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest
import verdict
from daemons import KEY, SECRETS, Hooks, config
from faulty import dying
from killing import PATIENCE, STATUSES, world
from tearing import PAGE, Log
from verdict import PLACES, Receipt

from notifier.demo.daemon import Daemon
from notifier.demo.xenonflare import FakeXenonFlare, Media
from notifier.store.examination import examine

MALFORMED = "database disk image is malformed: move it away and restore a backup"


FEW = 4
"""Commits that a log is to hold."""


async def is_killed_at_work(w):
    """A daemon is killed when it has told several things, at rest, and with a log that is not just begun: that."""
    app = w.receivers["app"]
    while True:
        w.upstream.add(15)
        async with w.living() as process:
            await app.got(len(app.bodies) + 10)
            process.kill()
        log = Log(w.folder / "notifier.db-wal")
        if log.commits >= FEW and not log.uncommitted:
            return log


# --- the log


async def test_a_transaction_that_was_cut_off_in_the_middle_of_its_writing_loses_nothing(tmp_path):
    """So a loss of power leaves it: some frames of it are there, whole, half, or wrong, and nobody relies on it."""
    async with world(tmp_path, seed=16) as w:
        for half, wrong in ((False, False), (True, False), (False, True)):
            log = await is_killed_at_work(w)
            log.begin(frames=3, half=half, wrong=wrong)
            assert (Log(log.path).commits, Log(log.path).uncommitted) == (log.commits, 3 - half - wrong)
            assert examine(tmp_path / "notifier.db").flaws == ()
        await w.ends_well()


async def test_a_log_that_lost_what_was_committed_is_told_by_db_check_and_the_daemon_goes_on(tmp_path):
    """SQLite takes what lies behind for a transaction that was cut off, and so do we: it can be seen before a start.

    What nobody remembers any more is asked for and told again. So every upload is told with its last status; what was
    between, and how often it comes, nobody can promise then.
    """
    async with world(tmp_path, seed=21) as w:
        for lost in (1, FEW):
            log = await is_killed_at_work(w)
            if lost == 1:
                log.cut()
            else:
                log.flip(lost)
            assert Log(log.path).commits == log.commits - lost
            told = [flaw.what for flaw in examine(tmp_path / "notifier.db").flaws]
            assert told == [f"its log has a break, and {lost} commits behind it can be read no more"] * (lost > 1)
        while w.upstream.step():
            pass
        for one in w.receivers.values():
            one.answer = lambda: 204
        async with w.living() as process:
            await last_words(w)
            process.kill(signal.SIGTERM)
            assert await process.ended() == 0
        assert examine(tmp_path / "notifier.db").flaws == ()


async def last_words(w):
    """Every upload's last status has come last, be it by an id that something else had which nobody remembers."""
    app = w.receivers["app"]
    wanted = {id_: STATUSES[lives[-1]] for id_, lives in w.upstream.was.items()}
    async with asyncio.timeout(PATIENCE):
        while verdict.last_told(app.events) != wanted:
            app.came.clear()
            await app.came.wait()


# --- pages


async def test_damaged_pages_end_it_with_1_until_what_was_there_is_restored(tmp_path):
    """A whole copy, that is, of file and log: from an older backup it goes on, and tells anew what came since."""
    async with world(tmp_path, seed=22) as w:
        await is_killed_at_work(w)
        file, log = tmp_path / "notifier.db", tmp_path / "notifier.db-wal"
        copies = {one: one.read_bytes() for one in (file, log)}
        with closing(sqlite3.connect(file)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            ((page,),) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'deliveries'")
        with file.open("r+b") as damaged:
            damaged.seek((page - 1) * PAGE)
            damaged.write(b"\xa5" * PAGE)
        (flaw,) = examine(file).flaws
        assert (flaw.where, flaw.what.startswith("damaged: ")) == ("table deliveries", True)
        w.upstream.add(5)
        async with dying(w, MALFORMED, is_ready=False) as process:
            await process.ended()
            restore(copies)
        await w.ends_well()


def restore(copies):
    for path, content in copies.items():
        path.write_bytes(content)


# --- a disk of its own, which is small


def refused_mounts():
    """Why no such disk can be had here; None where it can."""
    if os.geteuid() != 0:
        return "only root can mount"
    command = ["unshare", "--mount", "--propagation", "private", "mount", "-t", "tmpfs", "none", "/mnt"]
    tried = subprocess.run(command, capture_output=True, check=False)
    return "no mounts of our own are permitted here" if tried.returncode else None


class SmallDisk:
    """A disk of 1 MiB in a folder, seen only by what is started with its command; and a daemon with its file there."""

    def __init__(self, folder, holder, media, hooks):
        self.folder = folder
        self.path = Path(f"/proc/{holder.pid}/root{folder}/disk")
        self.media, self.hooks = media, hooks
        self._inside = ("nsenter", f"--target={holder.pid}", "--mount")

    @property
    def file(self):
        """The database, as the daemon calls it."""
        return self.folder / "disk" / "notifier.db"

    def living(self):
        text = config(self.media.base_url, {"app": self.hooks.url}, server=f'socket = "{self.folder}/notifier.sock"')
        text = text.replace("sqlite:notifier.db", f"sqlite:{self.file}")
        run = (*self._inside, sys.executable, "-m", "notifier", "run", "--log-format", "json", "--config")
        return Daemon(self.folder, text, SECRETS, run)

    def mount(self, how):
        subprocess.run((*self._inside, "mount", "-o", f"remount,{how}", self.folder / "disk"), check=True)

    def fill(self):
        with (self.path / "filler").open("wb", buffering=0) as file, suppress(OSError):  # there is no space left
            while file.write(bytes(4096)):
                pass

    def check(self):
        """The database is sound."""
        subprocess.run((*self._inside, sys.executable, "-m", "notifier", "db", "check", self.file), check=True)

    def ended(self):
        """The last line of the log, in which there is no trace."""
        text = (self.folder / "daemon.log").read_text()
        assert "Traceback" not in text
        last = json.loads(text.splitlines()[-1])
        assert (last["level"], last["message"]) == ("critical", "ended")
        return last["reason"]

    async def refuses(self):
        """Why a daemon ends as soon as it is started."""
        async with self.living() as daemon:
            assert await daemon.wait() == 1
        return self.ended()

    async def told(self, wanted):
        """Until the last that was told of each of these uploads is that; then all that came is judged."""
        async with asyncio.timeout(PATIENCE):
            while wanted.items() - verdict.last_told(self.hooks.events).items():
                await self.hooks.got(len(self.hooks.bodies) + 1)
        receipts = list(map(Receipt, self.hooks.bodies))
        events = verdict.firsts("app", receipts)
        verdict.is_complete("app", events)
        verdict.has_arrived("app", events, wanted)
        assert set(Counter(one.id for one in receipts).values()) <= {1, 2}
        return verdict.repeats(receipts)


@contextmanager
def mounted(folder):
    folder.mkdir()
    script = 'mount -t tmpfs -o size=1m none "$1" && echo mounted && read -r _'
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", folder]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"mounted\n"
        yield holder
        holder.stdin.close()


@asynccontextmanager
async def small_disk(folder):
    with mounted(folder / "disk") as holder:
        async with FakeXenonFlare([], time.time, key=KEY) as media, Hooks() as hooks:
            yield SmallDisk(folder, holder, media, hooks)


@pytest.mark.skipif(refused_mounts() is not None, reason=str(refused_mounts()))
async def test_a_disk_that_is_full_or_may_not_be_written_ends_it_with_1_until_it_is_well(tmp_path):
    async with small_disk(tmp_path) as disk:
        disk.media.put(Media("a", status="processing"))
        wanted = {"a": "completed"}
        async with disk.living() as daemon:
            await disk.hooks.got(1)
            disk.fill()
            ended = asyncio.ensure_future(daemon.wait())
            for number in count():  # for as long as what is reserved already suffices
                if ended.done():
                    break
                disk.media.put(Media(f"more{number}", status="completed", title="x" * 3000))
                wanted[f"more{number}"] = "completed"
                got = asyncio.ensure_future(disk.hooks.got(len(disk.hooks.bodies) + 1))
                await asyncio.wait((ended, got), return_when=asyncio.FIRST_COMPLETED)
                got.cancel()
            assert await ended == 1
        full = "database or disk is full: free some space on its disk; nothing was lost"
        assert disk.ended() == f"{disk.file}: {full}"
        assert await disk.refuses() == f"{disk.file}: {full}"  # to whoever starts it again and finds no more space
        (disk.path / "filler").unlink()
        disk.media.put(Media("a", status="completed", parts={"youtube": "published"}))
        disk.mount("ro")
        why = "Read-only file system: the daemon's user must be able to write this folder"
        assert await disk.refuses() == f"{disk.file}: {why}"
        disk.mount("rw")
        async with disk.living() as daemon:
            assert await disk.told(wanted) <= PLACES
            assert await daemon.stop() == 0
        disk.check()
