"""A bell for whoever waits for something to happen, several at a time."""

import asyncio


class Bell:
    """Take `next` before you look whether there is anything, and wait for it where there is nothing."""

    def __init__(self) -> None:
        self.next = asyncio.Event()
        """The next ring."""

    def ring(self) -> None:
        """Wake those who wait."""
        self.next.set()
        self.next = asyncio.Event()
