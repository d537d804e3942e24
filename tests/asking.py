"""A world with its server: whoever asks does so over the control socket, or over TCP as a stranger would."""

import json
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType

import aiohttp
from pydantic import TypeAdapter
from world import endpoint, world

from notifier.core.model import Attempt, Baseline, Outcome, Status
from notifier.core.secret import Secret
from notifier.reloads import Reloads
from notifier.replays import Replays
from notifier.server import api, health, metrics, openapi, status_page, stream
from notifier.server.access import Guard
from notifier.server.control import Control
from notifier.server.listening import start
from notifier.server.metrics import PROMPTLY, Metrics
from notifier.server.stream import Stream
from notifier.systemd import Notify

TOKEN = "a-token-that-nobody-may-see"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
NOTHING = MappingProxyType({})
PARTS = re.compile(r"({\w+})")
WELL = {"poller": "", "sender": "", "database": ""}


@dataclass
class Said:
    """An answer: its status, what it says, and its headers."""

    status: int
    body: object
    headers: dict

    @property
    def detail(self):
        """Of a problem document."""
        assert self.headers["Content-Type"].startswith("application/problem+json")
        assert (self.body["type"], self.body["status"]) == ("about:blank", self.status)
        return self.body["detail"]

    @property
    def faults(self):
        return {fault["where"]: fault["expected"] for fault in self.body["faults"]}


@dataclass
class Caller:
    """Somebody who asks."""

    session: aiohttp.ClientSession
    headers: dict = field(default_factory=dict)
    routes: list = field(default_factory=list)
    """Every answer is held to what these say of it."""

    async def get(self, path, **parameters):
        return await self.ask("GET", path, params=parameters)

    async def post(self, path, **body):
        return await self.ask("POST", path, **({"json": body} if body else {}))

    async def delete(self, path):
        return await self.ask("DELETE", path)

    async def ask(self, method, path, headers=None, **more):
        async with self.session.request(method, path, headers={**self.headers, **(headers or {})}, **more) as response:
            text = await response.text()
            is_json = response.content_type.endswith("json")
            if is_json and text and response.status < 400:
                self._hold(method, response.url.raw_path, response.status, text)
            return Said(response.status, json.loads(text) if is_json and text else text, dict(response.headers))

    def _hold(self, method, path, status, text):
        """What is answered is, to the last member, what its route says."""
        for route in self.routes:
            template = "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in PARTS.split(route.path))
            if route.method == method and re.fullmatch(template, path):
                told = TypeAdapter(route.answers[status]) if route.answers else TypeAdapter(dict)
                assert json.loads(told.dump_json(told.validate_json(text))) == json.loads(text)
                return
        raise AssertionError(f"no route {method} {path}")


@asynccontextmanager
async def served(
    path, *endpoints, token=TOKEN, checks=WELL, promptly=PROMPTLY, following=NOTHING, reloads=None, **more
):
    """A world with these endpoints, one who asks over the control socket, and a stranger who does over TCP."""
    async with world(path, endpoints=endpoints or (endpoint("app"),), **more) as w:
        w.replays = Replays(w.store, w.endpoints, w.sender.wake.set, w.sender.served)
        w.stream = Stream(w.store, **following)
        w.reloads = reloads or Reloads(None, None, None, Notify({}), w.clock)

        async def found():
            return checks

        told = Metrics(w.store, w.sender.served, w.clock, promptly, called=w.sender.called, poller=w.poller)
        routes = [
            *health.routes(found),
            *metrics.routes(told),
            *api.routes(Control(w.store, w.sender, w.replays, w.registrations, w.poller, w.clock, w.reloads)),
            *stream.routes(w.stream),
            *status_page.routes(),
        ]
        routes += openapi.routes(routes)
        guard = Guard(None if token is None else Secret(token), "127.0.0.1", w.clock)
        server = await start(routes, guard, path / "notifier.sock", ("127.0.0.1", 0))
        connector = aiohttp.UnixConnector(str(path / "notifier.sock"))
        try:
            async with (
                aiohttp.ClientSession("http://notifier", connector=connector) as local,
                aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as remote,
            ):
                yield w, Caller(local, routes=routes), Caller(remote, routes=routes)
        finally:
            w.stream.close()
            await server.close()


async def announced(w, *ids, status=Status.PROCESSING):
    """These uploads are told to the endpoints."""
    for id_ in ids:
        w.client.set(id_, status)
    w.clock.now += 300
    await w.poll()
    await w.settle()


async def dead(w, name="app"):
    """All that waits for it is dead: its receiver wants none of it."""
    taking = w.post

    async def aborts(delivery):
        return (
            Attempt(w.clock.now, 0.01, Outcome.HTTP_4XX, 422) if delivery.endpoint == name else await taking(delivery)
        )

    w.post = aborts
    for _ in range(12):
        await w.settle()
        w.clock.now += 90_000
    w.post = taking


def telling(path, *endpoints, **more):
    """`served`, and what the first look finds is told."""
    return served(path, *endpoints, baseline=Baseline.ANNOUNCE, stalled_after=1e9, **more)
