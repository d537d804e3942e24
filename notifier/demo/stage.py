"""Fakes, receivers and ledger, wired up: everything around the daemon, moved on by the script."""

import base64
import secrets
from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Protocol, Self

from notifier.demo.daemon import EndpointLine, SourceLine, config
from notifier.demo.ledger import Ledger, Receipt, Truth
from notifier.demo.provider import html_page, server_error
from notifier.demo.receivers import Listener, OldReceiver, Receiver
from notifier.demo.timeline import Mishap, Scene, Script
from notifier.demo.upload_post import FakeUploadPost, Post
from notifier.demo.xenonflare import FakeXenonFlare

WANTED: dict[str, tuple[str, ...]] = {
    "app": ("upload.*",),
    "crm": ("upload.*",),
    "ops": ("upload.failed", "upload.partial", "upload.action_required", "source.*"),
    "old": ("upload.completed", "upload.partial", "upload.failed"),
}
"""The endpoints and the events that each asks for."""
CALLED = frozenset({"old"})
"""Those that were written for Encoding.com."""
SLOW = 0.15
"""Seconds that `ops` takes for an answer."""
LIMIT = 600
"""Requests a minute that the fake Upload-Post answers."""


class Audience(Protocol):
    """Who is told what happens on the stage."""

    def moved(self, truth: Truth, title: str) -> None:
        """An upload has another status now."""

    def went_wrong(self, mishap: Mishap) -> None:
        """Something was made to go wrong, or well again."""

    def received(self, receipt: Receipt) -> None:
        """A request has reached an endpoint."""


class Stage:
    """Everything but the daemon."""

    def __init__(self, script: Script, clock: Callable[[], float], audience: Audience) -> None:
        """Nothing listens before the context is entered, nothing moves before `begin`."""
        self.secrets = {"DEMO_POSTS_KEY": secrets.token_hex(16), "DEMO_MEDIA_KEY": "xf_" + secrets.token_hex(16)}
        """Environment variables for the daemon."""
        self.ledger = Ledger(WANTED, CALLED)
        self.posts = FakeUploadPost((), clock, key=self.secrets["DEMO_POSTS_KEY"], limit=LIMIT)
        self.media = FakeXenonFlare((), clock, key=self.secrets["DEMO_MEDIA_KEY"])
        self.posts.tell = lambda id_: self.ledger.showed(("posts", id_), clock())
        self.media.tell = lambda id_: self.ledger.showed(("media", id_), clock())
        self.receivers = {name: self._receiver(name, clock) for name in WANTED}
        self.receivers["ops"].pause = SLOW
        self._registered = script.registered
        self._audience = audience
        self._open = AsyncExitStack()
        self._scenes, self._mishaps = deque(script.scenes), deque(script.mishaps)
        self._begun_at: float | None = None
        self._untold: deque[Receipt] = deque()
        for scene in script.before:
            self._set(scene, clock(), clock(), old=True)

    def config(self, listen: str) -> str:
        """The daemon's config, once the context is entered."""
        return config(
            sources=[
                SourceLine("posts", "upload_post", self.posts.base_url, "DEMO_POSTS_KEY", self._registered),
                SourceLine("media", "xenonflare", self.media.base_url, "DEMO_MEDIA_KEY"),
            ],
            endpoints=[
                EndpointLine(name, receiver.url, "" if name in CALLED else _secret_env(name), WANTED[name])
                for name, receiver in self.receivers.items()
            ],
            listen=listen,
        )

    async def __aenter__(self) -> Self:
        for server in (self.posts, self.media, *self.receivers.values()):
            await self._open.enter_async_context(server)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        await self._open.aclose()

    def begin(self, now: float) -> None:
        """The script's moments count from here."""
        self._begun_at = now

    def perform(self, now: float) -> None:
        """Whatever is due by now happens; what has arrived since the last time is told before."""
        while self._untold:  # not by the receivers: an audience that is gone must end the play, not a request
            self._audience.received(self._untold.popleft())
        if self._begun_at is None:
            return
        while self._scenes and self._begun_at + self._scenes[0].at <= now:
            self._set(self._scenes.popleft(), self._begun_at, now)
        while self._mishaps and self._begun_at + self._mishaps[0][0] <= now:
            self._go_wrong(self._mishaps.popleft()[1])

    def _set(self, scene: Scene, zero: float, now: float, *, old: bool = False) -> None:
        upload = scene.upload
        if upload.scheduled_at is not None:
            upload = replace(upload, scheduled_at=zero + upload.scheduled_at)
        if isinstance(upload, Post):
            name = ("posts", upload.id)
            self.posts.put(upload)
        else:
            name = ("media", upload.id)
            self.media.put(upload)
        truth = self.ledger.became(name, scene.status, now, old=old)
        if truth is not None:
            self._audience.moved(truth, upload.title)

    def _go_wrong(self, mishap: Mishap) -> None:
        match mishap:
            case Mishap.POSTS_500:
                self.posts.faults.append(server_error)
            case Mishap.POSTS_429:
                self.posts.faults.append(self.posts.rate_limited)
            case Mishap.MEDIA_HTML:
                self.media.faults.append(html_page)
            case _:
                self.receivers["crm"].down = mishap is Mishap.CRM_DOWN
        self._audience.went_wrong(mishap)

    def _receiver(self, name: str, clock: Callable[[], float]) -> Listener:
        if name in CALLED:
            return OldReceiver(name, clock, self._received)
        secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        self.secrets[_secret_env(name)] = secret
        return Receiver(name, secret, clock, self._received)

    def _received(self, receipt: Receipt) -> None:
        self.ledger.received(receipt)
        self._untold.append(receipt)


def _secret_env(name: str) -> str:
    return f"DEMO_{name.upper()}_SECRET"
