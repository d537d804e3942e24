"""The sink as a process, and what must be true of all that it received."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import aiohttp

from bench.corpus import SECRET

HEADERS = [
    "accept-encoding", "content-length", "content-type", "host", "user-agent",
    "webhook-id", "webhook-signature", "webhook-timestamp",
]  # fmt: skip
"""What a request carries, whoever sends it."""
CORES = sorted(os.sched_getaffinity(0))
"""The processors that there are for us."""


@dataclass(frozen=True, slots=True)
class Sink:
    """The receiver of everything."""

    port: int

    async def receipts(self) -> list[dict[str, Any]]:
        """What has come since this was asked last, every signature judged by the official library."""
        found: list[dict[str, Any]] = []
        while piece := await told(self.port, "receipts"):
            found += piece
        return found


@dataclass(frozen=True, slots=True)
class Provider:
    """Whom the daemon asks."""

    port: int

    async def asked(self) -> int:
        """How many pages were asked for so far."""
        return int(await told(self.port, "asked"))

    async def stamps(self) -> dict[str, float]:
        """When each job was told first, by its id."""
        found: dict[str, float] = await told(self.port, "stamps")
        return found


async def told(port: int, what: str) -> Any:
    """What a process of ours has to say."""
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/{what}") as response:
        return await response.json()


def taken_port() -> socket.socket:
    """A port of 127.0.0.1 at which nobody listens, and nobody else can: whoever connects is refused."""
    there = socket.socket()
    there.bind(("127.0.0.1", 0))
    return there


@contextmanager
def sink(there: socket.socket | None = None) -> Iterator[Sink]:
    """Start one at this port, or at any.

    Where there are two processors, it gets the second and this process keeps the first.
    """
    with beside("bench.sink", SECRET, there=there) as port:
        yield Sink(port)


@contextmanager
def provider(count: int, live: int, accounts: int, *, grows: bool = False) -> Iterator[Provider]:
    """Start one with so many jobs, of which so many still run, in so many accounts."""
    with beside("bench.provider", *map(str, (count, live, accounts, int(grows)))) as port:
        yield Provider(port)


@contextmanager
def beside(module: str, *arguments: str, there: socket.socket | None = None) -> Iterator[int]:
    """Start one of our own modules on the second processor, by which this one keeps the first; answers its port.

    It is given a socket to listen on, and which processor that is, before these arguments.
    """
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, CORES[:1])
    with there or taken_port() as listener:
        port, number = listener.getsockname()[1], listener.fileno()
        process = subprocess.Popen(  # noqa: S603  # our own module
            [sys.executable, "-m", module, str(number), str(CORES[1 % len(CORES)]), *arguments],
            cwd=Path(__file__).parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=[number],
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline(), f"{module} did not start"
        yield port
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()
        os.sched_setaffinity(0, before)


def check(found: Sequence[dict[str, Any]], expected: int, *, in_order: bool) -> None:
    """All arrived, once, as the same request from either, with a good signature; ours in the order of its lane."""
    assert len(found) == expected, f"{len(found)} of {expected} arrived"
    assert all(one["verified"] for one in found), "a signature was not accepted"
    assert all(one["headers"] == HEADERS for one in found), "other headers than expected"
    assert len({(one["path"], one["id"]) for one in found}) == expected, "something arrived twice"
    if in_order:
        for lane, group in groupby(sorted(found, key=_lane), key=_lane):
            sequences = [one["sequence"] for one in group]
            assert sequences == sorted(sequences), f"lane {lane} arrived as {sequences}"


def _lane(one: dict[str, Any]) -> tuple[str, int]:
    return one["path"], one["lane"]
