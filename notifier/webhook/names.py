"""A name → its addresses, as the system tells them: asked in a thread of the endpoint's own."""

import asyncio
import encodings.idna  # noqa: F401  # else the first look-up loads it, which takes a descriptor
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import cached_property, partial
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

LookUp = Callable[..., list[Any]]
"""As `socket.getaddrinfo`, which may take minutes where no name server answers."""


class NoThread(OSError):
    """This machine gives us no thread to ask in, or we ask no more."""


class Abandoned(Executor):
    """A thread for each question, for which nobody waits: the end of a program's last look is not held up by one."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """What will come of it."""
        answer: Future[Any] = Future()

        answer.set_running_or_notify_cancel()  # from here on nobody can cancel it, who then wonders at an answer

        def ask() -> None:
            try:
                found = fn(*args, **kwargs)
            except Exception as error:  # noqa: BLE001  # it is raised where the answer is waited for
                answer.set_exception(error)
            else:
                answer.set_result(found)

        threading.Thread(target=ask, daemon=True).start()
        return answer


class OwnThread(AbstractResolver):
    """The system's resolver, without a thread in common with anybody: name servers that hang keep nobody else waiting.

    One thread is enough for an endpoint, which has one name. It begins with the first question.
    """

    def __init__(self, look_up: LookUp = socket.getaddrinfo, thread: Executor | None = None) -> None:
        self._look_up = look_up
        self._given = thread

    @cached_property
    def _thread(self) -> Executor:
        return self._given or ThreadPoolExecutor(1, thread_name_prefix="names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Its addresses; raises `OSError`, `NoThread` among them, or `UnicodeError` where it is no host name."""
        ask = partial(self._look_up, host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG)
        try:
            asked = asyncio.get_running_loop().run_in_executor(self._thread, ask)
        except RuntimeError as error:
            raise NoThread(None, str(error)) from None
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=family,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for family, _, protocol, _, address in await asked
        ]

    async def close(self) -> None:
        """Ask nothing more; a question that hangs is left to itself."""
        self._thread.shutdown(wait=False, cancel_futures=True)
