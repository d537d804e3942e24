"""What tests of a machine that fails share: a daemon's log, its /readyz, and lives that end by the fault."""

import asyncio
import json
import signal
from contextlib import asynccontextmanager

import aiohttp
from killing import PATIENCE, world

READY = (200, "ok")
"""What /readyz says of one that has all it needs."""


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
