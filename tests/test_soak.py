"""At a steady load nothing of the real process grows: memory, descriptors, threads, file. `make soak` takes longer."""

import itertools
import signal
from pathlib import Path
from typing import NamedTuple

import pytest
from killing import world
from longer import LONGER
from steady import growth

from notifier.demo.xenonflare import Media

SECONDS = 12 * LONGER
WARM = 8.0
"""Seconds after which caches are full, as many rows are kept as will ever be, and Python's arenas are its own."""
RATE = 25.0
"""Changes a second, each told to three endpoints."""
POOL = 150
"""Uploads, each of which goes round: what is followed does not grow."""
ROUND = ("pending", "processing", "completed")
SAMPLES = 48
MIB = 1024 * 1024


class Used(NamedTuple):
    """By the process, at one moment."""

    resident: int
    descriptors: int
    threads: int
    file: int

    @classmethod
    def of(cls, pid, database):
        proc = Path(f"/proc/{pid}")
        told = dict(line.split(":\t", 1) for line in (proc / "status").read_text().splitlines())
        descriptors = sum(1 for _ in (proc / "fd").iterdir())
        return cls(int(told["VmRSS"].split()[0]) * 1024, descriptors, int(told["Threads"]), database.stat().st_size)


GROWTH = Used(resident=MIB, descriptors=4, threads=2, file=MIB)
"""What is taken for none over the second half, whether that is six seconds or a quarter of an hour.

Connections come and go with the load, and Python and SQLite take memory and pages in pieces. A MiB in a quarter of an
hour is less than a leak of a MiB in ten minutes."""


@pytest.mark.uncounted
@pytest.mark.timeout(60 + 2 * SECONDS)
async def test_at_steady_load_nothing_grows(tmp_path):
    samples = []
    async with world(tmp_path, seed=3, names=("app", "crm", "spare")) as soaked:
        soaked.media.tell = lambda _: None
        async with soaked.living() as process:
            await turn(soaked.media, process, WARM)
            process.kill(signal.SIGUSR1)  # it fills what Python keeps of unused tuples, which would take half an hour
            for _ in range(SAMPLES):
                await turn(soaked.media, process, SECONDS / SAMPLES)
                samples.append(Used.of(process.pid, tmp_path / "notifier.db"))
            process.kill(signal.SIGTERM)
            assert await process.ended() == 0
        got = sum(len(one.bodies) for one in soaked.receivers.values())
    assert got > RATE * SECONDS
    for name, most in GROWTH._asdict().items():
        values = [getattr(one, name) for one in samples]
        grown = growth(values)
        print(f"{name}: {values[0]} … {values[len(values) // 2]} … {values[-1]}, {grown:+.0f} in the second half")  # noqa: T201
        assert grown <= most, name
    print(f"{got} webhooks in {WARM + SECONDS:g} s")  # noqa: T201


STEPS = itertools.count()


async def turn(media, process, seconds):
    """So many seconds of the load."""
    for _ in range(max(1, round(seconds * RATE))):
        number = next(STEPS)
        which, status = number % POOL, ROUND[number // POOL % len(ROUND)]
        part = {"completed": "published"}.get(status, status)
        collection = "videos" if which % 2 else "images"
        media.put(Media(f"{which:024x}", collection, status, platforms=("youtube",), parts={"youtube": part}))
        await process.lasts(1 / RATE)
