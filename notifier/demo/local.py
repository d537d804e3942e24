"""An aiohttp application, served on 127.0.0.1 at a port that the kernel chooses."""

from types import TracebackType
from typing import Self

from aiohttp import web


class LocalServer:
    """A server of this machine for this machine; what fakes and receivers have in common."""

    def __init__(self) -> None:
        self.app = web.Application()
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def origin(self) -> str:
        """`http://127.0.0.1:<port>`, once it is started."""
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Listen; from here on `origin` holds, even after `close`."""
        self._runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Stop listening and cut every connection; a second time is no harm."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        await self.close()
