"""A provider as fast as Python can be: each key of it has an account, and each account a list of jobs.

A process of its own, like the sink. `GET /asked` tells how many pages were asked for. With `grows` every look shows
something new, a job more or that one done, and `GET /stamps` tells when each was told first.
"""

import asyncio
import json
import os
import socket
import sys
import time
from dataclasses import dataclass, field

from bench.connection import Connection

PAGE = 100


@dataclass(slots=True)
class Jobs:
    """Those of all accounts, numbered one after the other; the last of them are still running."""

    count: int
    live: int
    accounts: int
    grows: bool
    asked: int = 0
    is_done: bool = False
    """Of the last job, where they grow."""
    stamps: dict[str, float] = field(default_factory=dict)
    """By the id of a job and 1 or 2: when it was shown first, and when first as done."""

    def answer(self, target: str, account: int) -> bytes:
        """The body for what is asked."""
        if target == "/asked":
            return json.dumps(self.asked).encode()
        if target == "/stamps":
            return json.dumps(self.stamps).encode()
        self.asked += 1
        body = json.dumps(self.page(int(target.rpartition("=")[2]), account)).encode()
        if self.grows:
            self.stamps[f"{name(self.count)}/{1 + self.is_done}"] = time.monotonic()
            self.count += self.is_done
            self.is_done = not self.is_done
        return body

    def page(self, page: int, account: int) -> dict[str, object]:
        """The newest first. One that grows tells its first job as running, lest nothing be left to look at."""
        last = self.count - 1 - (self.count - 1 - account) % self.accounts
        top = last - (page - 1) * PAGE * self.accounts
        shown = range(top, max(-1, top - PAGE * self.accounts), -self.accounts)
        rows = [{"id": name(number), "state": self.state(number)} for number in shown]
        if self.grows:
            newest = {"id": name(self.count), "state": "done" if self.is_done else "running"}
            rows = [newest, *rows[:8], {"id": "always", "state": "running"}]
        return {"jobs": rows, "more": not self.grows and top - PAGE * self.accounts >= 0}

    def state(self, number: int) -> str:
        return "running" if number >= self.count - self.live and not self.grows else "done"


def name(number: int) -> str:
    """The id of a job."""
    return f"job-{number:08}"


class Provider(Connection):
    """One connection."""

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self._jobs = jobs

    def asked(self, head: bytes, body: bytes) -> None:
        """A page, or how it was asked so far."""
        del body
        text = head.decode()
        account = text.partition("Bearer key-")[2].partition("\r\n")[0]
        self.answer_json(self._jobs.answer(text.split()[1], int(account or 0)))


async def serve(listener: int, core: int, jobs: Jobs) -> None:
    """Until stdin ends."""
    os.sched_setaffinity(0, {core})
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Provider(jobs), sock=socket.socket(fileno=listener))
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    _, listener, core, count, live, accounts, grows = 0, *map(int, sys.argv[1:])
    asyncio.run(serve(listener, core, Jobs(count, live, accounts, bool(grows))))
