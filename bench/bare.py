"""The yardstick: the same requests by aiohttp alone, with nothing kept, nothing ordered, nothing repeated."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

import aiohttp

from bench.corpus import SECRET
from notifier import __version__
from notifier.core import signing
from notifier.core.model import Endpoint, Event

HEADERS = {
    "content-type": "application/json",
    "user-agent": f"notifier/{__version__}",
    "accept-encoding": "identity",
}


@asynccontextmanager
async def client(connections: int) -> AsyncIterator[aiohttp.ClientSession]:
    """One session with so many connections that are kept alive."""
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector, headers=HEADERS, skip_auto_headers=["accept"]) as session:
        yield session


async def post_all(
    session: aiohttp.ClientSession, workers: int, events: Sequence[Event], endpoints: Sequence[Endpoint]
) -> None:
    """Every event to every endpoint, by so many workers at once."""
    jobs = iter([(endpoint.url, event) for event in events for endpoint in endpoints])
    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(_work(session, jobs))


async def _work(session: aiohttp.ClientSession, jobs: Iterator[tuple[str, Event]]) -> None:
    """Sign, POST, read the answer, take the next."""
    key = signing.parse_secret(SECRET)
    for url, event in jobs:
        headers = signing.headers([key], event.id, int(time.time()), event.body)
        async with session.post(url, data=event.body, headers=headers) as response:
            await response.read()
            assert response.status == 204
