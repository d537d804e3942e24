"""A connection of a server that is as fast as Python can be: requests of HTTP, each whole, one after the other."""

import asyncio
from abc import ABC, abstractmethod

END_OF_HEAD = b"\r\n\r\n"


class Connection(asyncio.Protocol, ABC):
    """Whoever inherits says what becomes of a request."""

    def __init__(self) -> None:
        self._pending = b""
        self._transport: asyncio.Transport

    @abstractmethod
    def asked(self, head: bytes, body: bytes) -> None:
        """A request is there."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It begins."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Some bytes are there."""
        self._pending += data
        while (cut := self._pending.find(END_OF_HEAD)) >= 0:
            head, start = self._pending[:cut], cut + len(END_OF_HEAD)
            end = start + _length(head)
            if len(self._pending) < end:
                return
            body, self._pending = self._pending[start:end], self._pending[end:]
            self.asked(head, body)

    def answer(self, answer: bytes) -> None:
        """Send an answer, whole."""
        self._transport.write(answer)

    def answer_json(self, document: bytes) -> None:
        """Send a document of JSON."""
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(document)}\r\n\r\n"
        self.answer(head.encode() + document)


def _length(head: bytes) -> int:
    """Of the body, by the request's head."""
    start = head.lower().find(b"\r\ncontent-length:")
    return int(head[start + 17 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
