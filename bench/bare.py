"""The yardstick: the same requests by aiohttp alone, signed beforehand, with nothing kept, ordered or repeated."""

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


Request = tuple[str, bytes, dict[str, str]]
"""A URL, a body and its headers."""


@asynccontextmanager
async def client(connections: int) -> AsyncIterator[aiohttp.ClientSession]:
    """One session with so many connections that are kept alive."""
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector, headers=HEADERS, skip_auto_headers=["accept"]) as session:
        yield session


def signed(events: Sequence[Event], endpoints: Sequence[Endpoint]) -> list[Request]:
    """Every event for every endpoint, signed as notifier signs it."""
    key, now = signing.parse_secret(SECRET), int(time.time())
    return [
        (endpoint.url, event.body, signing.headers([key], event.id, now, event.body))
        for event in events
        for endpoint in endpoints
    ]


async def post_all(session: aiohttp.ClientSession, workers: int, requests: Sequence[Request]) -> None:
    """All of them, by so many workers at once."""
    jobs = iter(requests)
    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(_work(session, jobs))


async def _work(session: aiohttp.ClientSession, jobs: Iterator[Request]) -> None:
    """POST, read the answer, take the next."""
    for url, body, headers in jobs:
        async with session.post(url, data=body, headers=headers) as response:
            await response.read()
            assert response.status == 204
