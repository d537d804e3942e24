"""The real daemon as a process of its own: started with a config, asked what it takes, stopped."""

import asyncio
import os
import socket
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

from bench.corpus import SECRET

PATIENCE = 120.0
"""Seconds until it must be ready, and as many until it must have stopped."""
ENDPOINT = """[[endpoints]]
name = "{name}"
url = "{url}"
secrets = ["{secret}"]
"""
SOURCE = """[[sources]]
name = "source-{number}"
provider = "http_json"
base_url = "http://127.0.0.1:{port}"
auth = {{ header = "Authorization", value = "Bearer {{secret}}", secret = "key-{number}" }}
list = {{ url = "/jobs?limit=100&page={{page}}", items = "jobs", paging = "page", more = "more" }}
fields = {{ id = "id", status = "state" }}
statuses = {{ running = "processing", done = "completed" }}
budget = "{budget}"
"""
PIECE = 1000
"""Endpoints of one file: there is an end to what a file may hold."""
HEAD = """include = ["piece-*.toml"]
[store]
url = "sqlite:notifier.db"
[server]
socket = "{folder}/n.sock"
[delivery]
allow_http = true
allow_networks = ["127.0.0.0/8"]
"""


@dataclass(frozen=True, slots=True)
class Process:
    """A daemon that runs."""

    pid: int
    began: float
    """When it was started, by the monotonic clock."""
    ready: float
    """Seconds from then until it said that it is ready."""

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, name: str = "VmRSS") -> float:
        """Megabytes that it holds; `VmHWM`: has held at most."""
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def source(number: int, port: int, budget: str = "60/m") -> str:
    """The block of the config for an account at our provider."""
    return SOURCE.format(number=number, port=port, budget=budget)


def config(folder: Path, endpoints: Mapping[str, str], sources: Sequence[str] = ()) -> None:
    """Write the config of a daemon whose database is beside it; `endpoints` has the URL of each by its name."""
    blocks = [ENDPOINT.format(name=name, url=url, secret=SECRET) for name, url in endpoints.items()]
    pieces = ["".join(blocks[start : start + PIECE]) for start in range(0, len(blocks), PIECE)]
    for number, text in enumerate([HEAD.format(folder=folder) + "".join(sources), *pieces]):
        path = folder / ("config.toml" if number == 0 else f"piece-{number}.toml")
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)


@asynccontextmanager
async def process(folder: Path, pace: float = 1.0) -> AsyncIterator[Process]:
    """Run it by the config in this folder, on the processor that this one has; its log goes beside it."""
    told = folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified, (folder / "daemon.log").open("ab") as log:
        notified.bind(str(told))
        notified.setblocking(False)
        environment = os.environ | {"NOTIFY_SOCKET": str(told), "NOTIFIER_DEMO_PACE": str(pace)}
        began = time.monotonic()
        made = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "notifier", "run", "--config", str(folder / "config.toml"), "--log-format", "json",
            env=environment, stderr=log,
        )  # fmt: skip
        try:
            async with asyncio.timeout(PATIENCE):
                await told_ready(notified, made)
            yield Process(made.pid, began, time.monotonic() - began)
        finally:
            if made.returncode is None:
                made.terminate()
            async with asyncio.timeout(PATIENCE):
                await made.wait()
        told.unlink()
    assert made.returncode == 0, (folder / "daemon.log").read_text(encoding="utf-8")[-2000:]


async def told_ready(notified: socket.socket, made: asyncio.subprocess.Process) -> None:
    """Wait until it says so, or has ended."""
    ended = asyncio.create_task(made.wait())
    said = b""
    while b"READY=1" not in said:
        hears = asyncio.create_task(asyncio.get_running_loop().sock_recv(notified, 65536))
        await asyncio.wait({hears, ended}, return_when=asyncio.FIRST_COMPLETED)
        assert not ended.done(), f"it ended: {ended.result()}"
        said = hears.result()
    ended.cancel()


def value(folder: Path, sql: str) -> int:
    """The one value that a query finds."""
    with closing(sqlite3.connect(folder / "notifier.db")) as db:
        ((found,),) = db.execute(sql)
    return int(found)
