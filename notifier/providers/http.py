"""path and query → one GET → its status and JSON, or one of the three failures. Shared by every JSON provider."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from socket import gaierror
from ssl import SSLCertVerificationError, SSLError
from typing import Any

from aiohttp import (
    ClientConnectionError,
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientError,
    ClientHandlerType,
    ClientOSError,
    ClientPayloadError,
    ClientRequest,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    ServerDisconnectedError,
    ThreadedResolver,
)
from aiohttp.abc import AbstractResolver
from yarl import URL

from notifier import __version__
from notifier.connection import Connector
from notifier.core.model import Limit
from notifier.providers.base import Malformed, Refused, Session, Unavailable
from notifier.providers.limits import Headers, read, told_limit, told_reset, told_skew, told_wait
from notifier.standstill import within

MAX_BODY = 10 * 1024 * 1024
"""Bytes of an answer that are read at most; a larger one is `Malformed`."""
LONGEST = 30.0
"""Seconds that a request may take, with its answer, as long as nothing else is said."""
PLACES = 4
"""Requests to one host at a time, whichever sources they are of."""
KEPT_OPEN = 1.0
"""Seconds for which a connection waits for the next request: less than a server does that might close it just then."""
LONGEST_HOST = 253


@dataclass(frozen=True)
class Reply:
    """One answer as it came: `limit` is what its headers told."""

    status: int
    body: bytes = field(repr=False)
    content_type: str
    limit: Limit | None
    link: str = ""
    """The `Link` header, all of its lines in one."""
    skew: float | None = None
    """Seconds that the provider's clock is ahead of ours, as its `Date` told."""

    @cached_property
    def document(self) -> Any:
        """Its JSON; of an answer that is no success None where its body is none. Raises `ProviderError`."""
        succeeded = self.status // 100 == HTTPStatus.OK // 100
        return _json(self.content_type, self.body) if succeeded else _json_or_none(self.body)


@dataclass(frozen=True, slots=True)
class Page:
    """One answer as it came: `wait` is what its `Retry-After` asks for, in seconds; `limit` what its headers told."""

    status: int
    body: bytes
    content_type: str
    wait: float | None
    limit: Limit | None
    skew: float | None = None
    """As of a `Reply`."""


def open_session(names: AbstractResolver | None = None) -> ClientSession:
    """A session for the sources: no cookies, no proxies, no time-out but an `Api`'s.

    Names are asked of the system, which may be libnss-resolve.
    """
    return ClientSession(
        connector=Connector(resolver=names or ThreadedResolver(), limit_per_host=PLACES, keepalive_timeout=KEPT_OPEN),
        middlewares=[once],
        cookie_jar=DummyCookieJar(),
        headers={"User-Agent": f"notifier/{__version__}", "Accept": "application/json"},
        timeout=ClientTimeout(),
    )


async def once(request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
    """Have aiohttp not send a GET again whose connection broke: nobody would count that request."""
    try:
        return await send(request)
    except ClientConnectorError:
        raise
    except (ClientOSError, ServerDisconnectedError) as error:
        raise ClientConnectionError(str(error)) from error


@dataclass(frozen=True, slots=True)
class Api:
    """GET requests below a base URL, with a credential in the headers."""

    session: Session
    base_url: str
    headers: Mapping[str, str] = field(repr=False)
    within: float = LONGEST
    """Seconds that a request may take, with its answer."""

    async def get(self, path: str, query: Mapping[str, str | int], at: float) -> Reply:
        """One request at the moment `at`; `path` begins with a slash, its variable parts percent-encoded.

        Gives, and raises, what `fetch` does.
        """
        return await self.fetch(self.url(path).with_query(query), at)

    def url(self, path: str) -> URL:
        """Where `path` is, which may have a query; what it holds is percent-encoded already."""
        return URL(f"{URL(self.base_url)}{path}", encoded=True)

    async def fetch(self, url: URL, at: float) -> Reply:
        """One request at the moment `at` to a URL of this API.

        Gives a `Reply` for 2xx, and for every 4xx that the module itself must judge. Redirects are never
        followed: the credential would travel to another host. Raises `ProviderError`.
        """
        response, body = await self._asked("GET", url)
        return _judged(response, body, at)

    async def post_form(self, path: str, form: Mapping[str, str], at: float) -> Page:
        """One request with a form for its body; 2xx and 4xx are given unread, the rest is as with `get`."""
        response, body = await self._asked("POST", self.url(path), form)
        told = _turn_away(response, at)
        return Page(response.status, body, response.content_type, told_wait(told), told_limit(told), told_skew(told))

    async def greet(self, at: float) -> tuple[int, float | None]:
        """HEAD of the base URL at the moment `at`: the status, and `skew` as of a `Reply`. Raises `ProviderError`."""
        response, _ = await self._asked("HEAD", URL(self.base_url))
        return response.status, told_skew(read(response.headers, at))

    async def _asked(
        self, method: str, url: URL, form: Mapping[str, str] | None = None
    ) -> tuple[ClientResponse, bytes]:
        try:
            async with (
                within(self.within),
                self.session.request(method, url, headers=self.headers, data=form, allow_redirects=False) as response,
            ):
                return response, await _body(response)
        except TimeoutError:
            raise Unavailable("no answer in time") from None
        except (ClientError, UnicodeError) as error:  # the latter for a host that is none
            raise Unavailable(f"no answer: {_why(error)}") from None


async def _body(response: ClientResponse) -> bytes:
    body = bytearray()
    async for part in response.content.iter_any():
        body += part
        if len(body) > MAX_BODY:
            raise Malformed(f"an answer of more than {MAX_BODY >> 20} MiB")
    return bytes(body)


def _judged(response: ClientResponse, body: bytes, at: float) -> Reply:
    told = _turn_away(response, at)
    link = ", ".join(response.headers.getall("Link", []))
    return Reply(response.status, body, response.content_type, told_limit(told), link, told_skew(told))


def _turn_away(response: ClientResponse, at: float) -> Headers:
    """Raise what a status means at every provider; 2xx is an answer, and every other 4xx is the module's to judge.

    Gives what the headers tell.
    """
    status, told = response.status, read(response.headers, at)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        asked = told_wait(told)
        raise Unavailable("answers 429, too many requests", told_reset(told) if asked is None else asked, limited=True)
    match status // 100:
        case 2 | 4:
            return told
        case 3:
            raise Unavailable(f"answers {status}, a redirect to {_host(response.headers)}: check base_url")
        case _:
            raise Unavailable(f"answers {status}", told_wait(told))


def _host(headers: Mapping[str, str]) -> str:
    """Whom a redirect names: the rest of its URL may hold a secret."""
    try:
        return (URL(headers.get("Location", "")).raw_host or "the same host")[:LONGEST_HOST]
    except (ValueError, IndexError):  # the latter for brackets with nothing in them
        return "an unreadable URL"


def _json(content_type: str, body: bytes) -> Any:
    if not body.strip():
        raise Unavailable("an empty answer")
    if content_type == "text/html" or body.lstrip().startswith(b"<"):
        raise Unavailable("an HTML page where JSON was expected")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("the answer is no JSON") from None


def _json_or_none(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def refuse(reply: Reply | Page, whose: str) -> None:
    """Raise what an answer that is no success means by itself; `whose` key it is that must be mended."""
    if reply.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise Refused(f"answers {reply.status}: check {whose}")
    if reply.status == HTTPStatus.NOT_FOUND:
        raise Unavailable("answers 404, and not in its own words: check base_url")
    if reply.status >= HTTPStatus.BAD_REQUEST:
        raise Malformed(f"answers {reply.status}")


# --- why there was no answer

_FAULTS: tuple[tuple[type[Exception], str], ...] = (
    (ClientConnectorDNSError, "its host cannot be resolved: {why}"),
    (ClientConnectorCertificateError, "its certificate is not accepted: {why}"),
    (ClientConnectorSSLError, "the TLS handshake fails: {why}"),
    (ClientConnectorError, "{why}"),
    (ClientConnectionError, "the connection was closed"),
    (ClientPayloadError, "it was cut off, or cannot be decoded"),
    (ClientResponseError, "what came is not HTTP"),
    (Exception, "base_url is none that can be asked"),
)
"""The first that fits."""


def _why(error: Exception) -> str:
    """For people, in the system's words or ours: aiohttp's own quote the URL and the answer."""
    words = next(words for kind, words in _FAULTS if isinstance(error, kind))
    return words.format(why=_cause(error.os_error) if isinstance(error, ClientConnectorError) else "")


def _cause(error: OSError) -> str:
    match error:
        case SSLCertVerificationError(verify_message=str(words)):
            return words
        case SSLError(reason=str(words)):
            return words.replace("_", " ").lower()
        case gaierror(strerror=str(words)):
            return words.lower()
        case OSError(errno=int(number)):
            return os.strerror(number).lower()
    return "it cannot be connected to"
