"""A provider as fast as Python can be: each key of it has an account, and each account a list of jobs.

A process of its own, like the sink. `GET /asked` tells how many pages were asked for, `GET /stamps` when each job was
told first. With `grows` there is one more job at every look.
"""

import asyncio
import json
import os
import socket
import sys
import time
from dataclasses import dataclass, field

from bench.sink import END_OF_HEAD

PAGE = 100


@dataclass(slots=True)
class Jobs:
    """Those of all accounts, numbered one after the other; the last of them are still running."""

    count: int
    live: int
    accounts: int
    grows: bool
    asked: int = 0
    stamps: dict[str, float] = field(default_factory=dict)

    def answer(self, target: str, account: int) -> bytes:
        """The body for what is asked."""
        if target == "/asked":
            return json.dumps(self.asked).encode()
        if target == "/stamps":
            return json.dumps(self.stamps).encode()
        self.asked += 1
        body = json.dumps(self.page(int(target.rpartition("=")[2]), account)).encode()
        if self.grows:
            self.stamps[name(self.count)] = time.monotonic()
            self.count += 1
        return body

    def page(self, page: int, account: int) -> dict[str, object]:
        """The newest first. One that grows tells its first job as running, lest nothing be left to look at."""
        last = self.count - 1 - (self.count - 1 - account) % self.accounts
        top = last - (page - 1) * PAGE * self.accounts
        shown = range(top, max(-1, top - PAGE * self.accounts), -self.accounts)
        rows = [{"id": name(number), "state": self.state(number)} for number in shown]
        if self.grows:
            rows = [{"id": name(self.count), "state": "done"}, *rows[:8], {"id": "always", "state": "running"}]
        return {"jobs": rows, "more": not self.grows and top - PAGE * self.accounts >= 0}

    def state(self, number: int) -> str:
        return "running" if number >= self.count - self.live and not self.grows else "done"


def name(number: int) -> str:
    """The id of a job."""
    return f"job-{number:08}"


class Provider(asyncio.Protocol):
    """One connection."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._pending = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._pending += data
        while (cut := self._pending.find(END_OF_HEAD)) >= 0:
            head, self._pending = self._pending[:cut].decode(), self._pending[cut + len(END_OF_HEAD) :]
            account = head.partition("Bearer key-")[2].partition("\r\n")[0]
            body = self._jobs.answer(head.split()[1], int(account or 0))
            start = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            self._transport.write(start.encode() + body)


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
