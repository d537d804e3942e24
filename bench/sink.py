"""A receiver as fast as Python can be: takes every request whole, answers 204, verifies only when asked afterwards.

What is for `/slow/…` it answers a little later, what is for `/silent/…` never.

A process of its own. Listens on the socket that it is given, and says so on stdout; `GET /receipts` hands over what has
come since the last such question; ends when its stdin is closed.
"""

import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from standardwebhooks import Webhook

from bench.connection import Connection

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
SLOW, SILENT = b"POST /slow/", b"POST /silent/"
TAKES = 0.005
"""Seconds until a slow answer."""
TOLERANCE = 300.0
"""Seconds, as the specification has it."""
PIECE = 20_000
"""Receipts of one answer."""
Taken = tuple[float, float | None, bytes, bytes]
"""When a request was there, when it was answered, its head and its body."""


class Sink(Connection):
    """One connection; `receipts` is shared by all."""

    def __init__(self, webhook: Webhook, receipts: list[Taken]) -> None:
        super().__init__()
        self._webhook = webhook
        self._receipts = receipts

    def asked(self, head: bytes, body: bytes) -> None:
        """A delivery, or what has become of them."""
        if head.startswith(b"GET /receipts "):
            self._hand_over()
        elif head.startswith(SLOW):
            asyncio.get_running_loop().call_later(TAKES, self._take, time.monotonic(), head, body)
        elif head.startswith(SILENT):
            self._receipts.append((time.monotonic(), None, head, body))
        else:
            self._take(time.monotonic(), head, body)

    def _take(self, at: float, head: bytes, body: bytes) -> None:
        self._receipts.append((at, time.monotonic(), head, body))
        self.answer(NO_CONTENT)

    def _hand_over(self) -> None:
        piece = self._receipts[:PIECE]
        del self._receipts[:PIECE]
        self.answer_json(json.dumps([receipt(self._webhook, *one) for one in piece]).encode())


def receipt(webhook: Webhook, at: float, answered: float | None, head: bytes, body: bytes) -> dict[str, object]:
    """What a request was, the official library's judgement of its signature among it."""
    request, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if not is_signed(webhook, headers, body, at):
        return {"at": at, "path": request.split()[1], "verified": False}
    data = json.loads(body)["data"]
    return {
        "at": at,
        "answered": answered,
        "path": request.split()[1],
        "verified": True,
        "id": headers["webhook-id"],
        "lane": data["upload"]["media_id"],
        "upload": data["upload"]["id"],
        "sequence": data["sequence"],
        "headers": sorted(headers),
    }


def is_signed(webhook: Webhook, headers: Mapping[str, str], body: bytes, at: float) -> bool:
    """Whether it bears the signature that the official library makes, and was signed shortly before it was there.

    Its own `verify` would go by the moment at which it is asked: minutes later, for a long backlog.
    """
    stamp = float(headers.get("webhook-timestamp", 0.0))
    ago = at + time.time() - time.monotonic() - stamp
    signed = webhook.sign(headers.get("webhook-id", ""), datetime.fromtimestamp(stamp, UTC), body.decode())
    return abs(ago) < TOLERANCE and signed in headers.get("webhook-signature", "").split()


async def serve(listener: int, core: int, secret: str) -> None:
    """Until stdin ends."""
    os.sched_setaffinity(0, {core})
    loop = asyncio.get_running_loop()
    webhook = Webhook(secret)
    receipts: list[Taken] = []
    server = await loop.create_server(lambda: Sink(webhook, receipts), sock=socket.socket(fileno=listener))
    sys.stdout.write("listening\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
