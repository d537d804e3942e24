"""A name → its addresses, as the system tells them: asked in a thread of the endpoint's own, as long as it asks."""

import asyncio
import encodings.idna  # noqa: F401  # else the first look-up loads it, which takes a descriptor
import socket
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import cached_property, partial
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

LookUp = Callable[..., list[Any]]
"""As `socket.getaddrinfo`, which may take minutes where no name server answers."""


class NoThread(OSError):
    """This machine gives us no thread to ask in, or we ask no more."""


class Question:
    """To be asked in a thread."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        self.answer: Future[Any] = Future()
        self._ask = ask

    def put(self) -> None:
        """Ask, unless nobody wants to know any more."""
        if not self.answer.set_running_or_notify_cancel():
            return
        try:
            found = self._ask()
        except Exception as error:  # noqa: BLE001  # it is raised where the answer is waited for
            self.answer.set_exception(error)
        else:
            self.answer.set_result(found)


class Abandoned(Executor):
    """A thread for each question, for which nobody waits: the end of a program is not held up by one."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """What will come of it."""
        question = Question(partial(fn, *args, **kwargs))
        threading.Thread(target=question.put, name="names", daemon=True).start()
        return question.answer


class Passing(Executor):
    """A thread for as long as there are questions: it puts one after the other, and ends after the last.

    So ten thousand names are no ten thousand threads, but as many as are asked for at the same time. Nobody waits for
    it at the end of the program, either.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._questions: deque[Question] = deque()
        """The first of them is being asked."""
        self._is_over = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """What will come of it. Raises `RuntimeError` where there is no thread to be had, or no more is to be asked."""
        question = Question(partial(fn, *args, **kwargs))
        with self._lock:
            if self._is_over:
                raise RuntimeError("no more is asked")
            if not self._questions:
                threading.Thread(target=self._put_all, name="names", daemon=True).start()
            self._questions.append(question)
        return question.answer

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  # as its base has it
        """Ask nothing more; nobody waits for the question that is being asked, and nobody hears of the others."""
        with self._lock:
            self._is_over = True
            for question in self._questions:
                question.answer.cancel()

    def _put_all(self) -> None:
        while True:
            with self._lock:
                question = self._questions[0]
            question.put()
            with self._lock:
                self._questions.popleft()
                if not self._questions:
                    return


class OwnThread(AbstractResolver):
    """The system's resolver, without a thread in common with anybody: name servers that hang keep nobody else waiting.

    One thread is enough for an endpoint, which has one name.
    """

    def __init__(self, look_up: LookUp = socket.getaddrinfo, thread: Executor | None = None) -> None:
        self._look_up = look_up
        self._given = thread

    @cached_property
    def _thread(self) -> Executor:
        return self._given or Passing()

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
