"""What the fake providers have in common: they check the credential, count requests and misbehave when told to."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import formatdate

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from notifier.demo.local import LocalServer

Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]
"""What is answered instead of the truth."""

NOT_FOUND_PAGE = "<!doctype html><title>404</title><h1>Not found</h1>"
SORRY_PAGE = "<!doctype html><title>Sorry</title><h1>We are back in a moment</h1>"


class FakeProvider(LocalServer, ABC):
    """A provider on this machine. Everything it tells is what was `put` there; what it is told is not changed by it."""

    path = ""
    """Where its API begins, below the origin."""

    def __init__(self, clock: Callable[[], float], key: str, *between: Middleware) -> None:
        """`clock` tells the moment; `key` is the only credential that is accepted.

        The middlewares `between` see every accepted request and its answer, a fault's included.
        """
        super().__init__()
        self.requests: list[str] = []
        """Path and query of everything that was asked, in order, whatever the answer."""
        self.faults: deque[Fault] = deque()
        """The next accepted requests are answered by these, one each, instead of the truth."""
        self.tell: Callable[[str], None] = lambda _: None
        """Called with the id of every upload that an answer shows."""
        self._clock = clock
        self._key = key
        self.app.middlewares.extend([self._guard, *between, self._misbehave])
        self.app.on_response_prepare.append(self._date)

    @property
    def base_url(self) -> str:
        """What a source's `base_url` must be; once the provider is started."""
        return self.origin + self.path

    @abstractmethod
    def accepts(self, request: web.Request) -> bool:
        """Whether the request bears the credential."""

    @abstractmethod
    def refusal(self) -> web.Response:
        """The documented 401."""

    async def _date(self, _: web.Request, response: web.StreamResponse) -> None:
        """By the provider's own clock, which its limits go by too."""
        response.headers["Date"] = formatdate(self._clock(), usegmt=True)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.requests.append(request.path_qs)
        if request.path.startswith(self.path + "/") and not self.accepts(request):
            return self.refusal()
        try:
            return await handler(request)
        except web.HTTPNotFound:
            return page(NOT_FOUND_PAGE, status=404)

    @web.middleware
    async def _misbehave(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        return await (self.faults.popleft() if self.faults else handler)(request)


def iso(moment: float) -> str:
    """RFC 3339 in UTC with milliseconds and `Z`, as both providers write it."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def number(request: web.Request, name: str, default: int) -> int:
    """A positive whole number of the query; anything else is the default."""
    text = request.query.get(name, "")
    return int(text) if text.isdecimal() and int(text) > 0 else default


def page(html: str, status: int = 200) -> web.Response:
    """An HTML page where JSON was expected."""
    return web.Response(text=html, status=status, content_type="text/html")


async def server_error(_: web.Request) -> web.StreamResponse:
    """A fault: 500, with the body that Upload-Post documents for it."""
    return web.json_response({"error": "Failed to get status", "details": "database is busy"}, status=500)


async def html_page(_: web.Request) -> web.StreamResponse:
    """A fault: 200, and a page for people."""
    return page(SORRY_PAGE)
