"""path and query → one GET → its status and JSON, or one of the three failures. Shared by every JSON provider."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from aiohttp import (
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
    ThreadedResolver,
)
from yarl import URL

from notifier import __version__
from notifier.core.model import Limit
from notifier.providers.base import Malformed, Refused, Unavailable

MAX_BODY = 10 * 1024 * 1024
"""Bytes of an answer that are read at most; a larger one is `Malformed`."""
TIMEOUT = ClientTimeout(total=30, connect=10, sock_read=20)
UNIX_TIME, UNIX_TIME_MS = 1_000_000_000, 1_000_000_000_000
"""From here on a reset header tells a moment, in seconds or milliseconds; below, a number of seconds from now."""
LONGEST_HOST = 253


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: its status, its JSON (None where the body is none) and the limit that its headers told."""

    status: int
    document: Any
    limit: Limit | None


def open_session(timeout: ClientTimeout = TIMEOUT) -> ClientSession:
    """A session for the sources: no cookies, no proxies; names are asked of the system, which may be libnss-resolve."""
    return ClientSession(
        connector=TCPConnector(resolver=ThreadedResolver(), limit_per_host=4),
        cookie_jar=DummyCookieJar(),
        headers={"User-Agent": f"notifier/{__version__}", "Accept": "application/json"},
        timeout=timeout,
    )


@dataclass(frozen=True, slots=True)
class Api:
    """GET requests below a base URL, with a credential in the headers."""

    session: ClientSession
    base_url: str
    headers: Mapping[str, str]

    async def get(self, path: str, query: Mapping[str, str | int], at: float) -> Reply:
        """One request at the moment `at`; `path` begins with a slash, its variable parts percent-encoded.

        Gives a `Reply` for 2xx with JSON, and for every 4xx that the module itself must judge. Redirects are never
        followed: the credential would travel to another host. Raises `ProviderError`.
        """
        url = URL(f"{URL(self.base_url)}{path}", encoded=True).with_query(query)
        try:
            async with self.session.get(url, headers=self.headers, allow_redirects=False) as response:
                return _judged(response, await _body(response), at)
        except TimeoutError:
            raise Unavailable("no answer in time") from None
        except (ClientError, UnicodeError) as error:  # the latter for a host that is none
            raise Unavailable(f"no answer: {type(error).__name__}") from None


async def _body(response: ClientResponse) -> bytes:
    body = bytearray()
    async for part in response.content.iter_any():
        body += part
        if len(body) > MAX_BODY:
            raise Malformed(f"an answer of more than {MAX_BODY >> 20} MiB")
    return bytes(body)


def _judged(response: ClientResponse, body: bytes, at: float) -> Reply:
    status, headers = response.status, response.headers
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        asked = told_wait(headers, at)
        wait = told_reset(headers, at) if asked is None else asked
        raise Unavailable("answers 429, too many requests", wait, limited=True)
    match status // 100:
        case 2:
            return Reply(status, _json(response, body), told_limit(headers, at))
        case 3:
            raise Unavailable(f"answers {status}, a redirect to {_host(headers)}: check base_url")
        case 4:
            return Reply(status, _json_or_none(body), told_limit(headers, at))
        case _:
            raise Unavailable(f"answers {status}", told_wait(headers, at))


def _host(headers: Mapping[str, str]) -> str:
    """Whom a redirect names: the rest of its URL may hold a secret."""
    try:
        return (URL(headers.get("Location", "")).raw_host or "the same host")[:LONGEST_HOST]
    except ValueError:
        return "an unreadable URL"


def _json(response: ClientResponse, body: bytes) -> Any:
    if not body.strip():
        raise Unavailable("an empty answer")
    if response.content_type == "text/html" or body.lstrip().startswith(b"<"):
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


def refuse(reply: Reply, whose: str) -> None:
    """Raise what an answer that is no success means by itself; `whose` key it is that must be mended."""
    if reply.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        raise Refused(f"answers {reply.status}: check {whose}")
    if reply.status == HTTPStatus.NOT_FOUND:
        raise Unavailable("answers 404, and not in its own words: check base_url")
    if reply.status >= HTTPStatus.BAD_REQUEST:
        raise Malformed(f"answers {reply.status}")


# --- what headers tell


def told_wait(headers: Mapping[str, str], at: float) -> float | None:
    """Seconds that `Retry-After` asks for, as a number or a date; None where it is absent or unreadable."""
    text = headers.get("Retry-After", "").strip()
    seconds = _number(text)
    if seconds is not None:
        return math.ceil(seconds) if seconds >= 0 else None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - at)


def told_limit(headers: Mapping[str, str], at: float) -> Limit | None:
    """`X-RateLimit-Remaining`, `-Reset` and `-Limit`; None where one of the first two is absent or unreadable."""
    remaining, reset_in = _number(headers.get("X-RateLimit-Remaining", "")), told_reset(headers, at)
    if remaining is None or reset_in is None:
        return None
    total = int(_number(headers.get("X-RateLimit-Limit", "")) or 0)
    return Limit(int(remaining), reset_in, total if total > 0 else None)


def told_reset(headers: Mapping[str, str], at: float) -> float | None:
    """Seconds until the moment of `X-RateLimit-Reset`, which is in Unix time or in seconds from now."""
    reset = _number(headers.get("X-RateLimit-Reset", ""))
    if reset is None:
        return None
    if reset >= UNIX_TIME_MS:
        reset /= 1000
    return max(0.0, reset - at if reset >= UNIX_TIME else reset)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
