"""A receiver that was written for Encoding.com, and a world that calls it."""

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network

from aiohttp import web
from world import world

from notifier.core.model import Baseline, Endpoint, Reason, Status, Target, TargetStatus
from notifier.core.render import headers
from notifier.demo.local import LocalServer
from notifier.webhook import Receiver

S, T = Status, TargetStatus
WHERE = "https://cdn.example/out/clip.mp4?a=1&b=2"


@dataclass
class Legacy(LocalServer):
    """Reads one field of a form, or the whole body where it has no name for one; a fault of its own is a 500."""

    name: str
    understood: Callable[[str], object]
    said: list[object] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    is_down: bool = False
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self):
        super().__init__()
        self.app.router.add_post("/notify.php", self._called)

    async def _called(self, request):
        body = await request.read()
        self.requests.append((request.raw_path, {name.lower(): value for name, value in request.headers.items()}, body))
        if self.is_down:
            return web.Response(status=503)
        form = {"": body.decode()} if not self.name else await request.post()
        if self.name not in form:
            return web.Response(status=400)
        self.said.append(self.understood(form[self.name]))
        self.came.set()
        return web.Response(text="OK")

    async def got(self, count):
        """Until so many calls were understood."""
        while len(self.said) < count:
            self.came.clear()
            await self.came.wait()


@asynccontextmanager
async def called(path, dialect, understood, **more):
    """A world whose endpoint is such a receiver."""
    async with Legacy(dialect.body if dialect.body_format == "form_urlencoded" else "", understood) as legacy:
        one = Endpoint(
            name="legacy", url=f"{legacy.origin}/notify.php?id=7&token=a%2Fb", secrets=(), allow_http=True,
            format=dialect.name, allow_networks=(ip_network("127.0.0.0/8"),), **more,
        )  # fmt: skip
        async with world(path, endpoints=(one,), baseline=Baseline.ANNOUNCE) as w:
            receiver = Receiver(one)
            w.post = lambda delivery: receiver.post(delivery.event, delivery.body, headers(delivery))
            try:
                yield w, legacy
            finally:
                await w.sender.stop(5)
                await receiver.close()


async def ends(w, status, urls=(WHERE,)):
    """The upload is seen to begin, and to end so; all that is due then is sent."""
    w.client.set("u1", S.PROCESSING, targets=tuple(Target(f"x{n}", T.PROCESSING) for n, _ in enumerate(urls)))
    await w.poll(2)
    await w.settle()
    await turns(w, status, urls)


async def turns(w, status, urls=(WHERE,)):
    """The upload is seen to be so now, with a target for each URL; all that is due then is sent."""
    reason = Reason("error", "too large") if status is S.FAILED else None
    part = {S.COMPLETED: T.COMPLETED, S.FAILED: T.FAILED}.get(status, T.PROCESSING)
    urls = urls if status is S.COMPLETED else [None] * len(urls)
    targets = tuple(Target(f"x{n}", part, url=url, reason=reason) for n, url in enumerate(urls))
    w.client.set("u1", status, reason=reason, targets=targets)
    await w.polls_until(w.clock.now + 4000)
    await w.settle()
