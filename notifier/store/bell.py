"""A bell for whoever waits for something to happen, several at a time."""

import asyncio
from collections.abc import Callable


class Bell:
    """Take `next` before you look whether there is anything, and wait for it where there is nothing."""

    def __init__(self) -> None:
        self.next = asyncio.Event()
        """The next ring."""
        self.calls: list[Callable[[], object]] = []
        """Called at every ring: for who need not know which one it was."""

    def ring(self) -> None:
        """Wake those who wait."""
        self.next.set()
        for call in self.calls:
            call()
        self.next = asyncio.Event()
