"""Receivers as a customer would write them: verify every request with the official library, then believe it."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from notifier.demo.ledger import Receipt
from notifier.demo.local import LocalServer
from notifier.providers.base import Malformed
from notifier.providers.xml import read


class Listener(LocalServer, ABC):
    """One endpoint on this machine."""

    def __init__(self, name: str, clock: Callable[[], float], tell: Callable[[Receipt], None]) -> None:
        """`tell` gets a receipt of every request."""
        super().__init__()
        self.name = name
        self.down = False
        """While it is, every request is answered 503."""
        self.pause = 0.0
        """Seconds it takes before it answers."""
        self._clock = clock
        self._tell = tell
        self.app.router.add_post("/hooks", self._receive)

    @property
    def url(self) -> str:
        """What an endpoint's `url` must be; once the receiver is started."""
        return f"{self.origin}/hooks"

    async def _receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        await asyncio.sleep(self.pause)
        receipt = self._receipt(body, dict(request.headers))
        self._tell(receipt)
        if receipt.fault is not None:
            return web.Response(status=401)
        return web.Response(status=204 if receipt.accepted else 503)

    @abstractmethod
    def _receipt(self, body: bytes, headers: dict[str, str]) -> Receipt:
        """What it makes of a request."""


class Receiver(Listener):
    """One that verifies."""

    def __init__(self, name: str, secret: str, clock: Callable[[], float], tell: Callable[[Receipt], None]) -> None:
        """`secret` is a whsec_."""
        super().__init__(name, clock, tell)
        self._webhook = Webhook(secret)

    def _receipt(self, body: bytes, headers: dict[str, str]) -> Receipt:
        now = self._clock()
        try:
            event: dict[str, Any] = self._webhook.verify(body, headers)
        except (WebhookVerificationError, ValueError) as error:
            return Receipt(now, self.name, accepted=False, fault=str(error))
        data = event["data"]
        upload = data.get("upload")
        return Receipt(
            now,
            self.name,
            accepted=not self.down,
            event=event["id"],
            type=event["type"],
            upload=(data["source"], upload["id"]) if upload else None,
            sequence=data.get("sequence", 0),
        )


class OldReceiver(Listener):
    """One that was written for Encoding.com: the document in the one field of a form says which media has ended, how.

    As many did, it finds its own name of the media in that of the source's file.
    """

    def _receipt(self, body: bytes, headers: dict[str, str]) -> Receipt:  # noqa: ARG002  # nothing in them is for it
        now = self._clock()
        try:
            ((_, text),) = parse_qsl(body.decode(), strict_parsing=True)
            told = read(text.encode())
            _, source, file = told.findtext("source", "").rsplit("/", 2)
        except (ValueError, Malformed) as error:
            return Receipt(now, self.name, accepted=False, fault=str(error), is_signed=False)
        word = told.findtext("status", "")
        return Receipt(
            now,
            self.name,
            accepted=not self.down,
            event=f"{told.findtext('mediaid')} {word}",
            type=word,
            upload=(source, file.rpartition(".")[0]),
            is_signed=False,
        )
