"""A request × where it came in × `server.token` → may it be answered.

Over the control socket everybody may ask whom the file system lets connect. Over TCP, for all but what is open:

    the host it was meant for is ours ──► a browser sent it from our own page, or it only reads ──► it bears the token
              │ no: 421                                  │ no: 403                                       │ no: 401
"""

import binascii
import hmac
import logging
import pwd
import socket
import struct
from base64 import b64decode
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from http import HTTPStatus
from urllib.parse import urlsplit

from aiohttp import web

from notifier.config.units import is_loopback
from notifier.core.secret import Secret
from notifier.server.problems import Problem

log = logging.getLogger(__name__)

CHALLENGE = {"WWW-Authenticate": 'Basic realm="notifier", Bearer realm="notifier"'}
READING = frozenset({"GET", "HEAD"})
QUIET = 60.0
"""Seconds for which no other failure of one address is logged."""
MOST_ADDRESSES = 1000
CREDENTIALS = "3i"
"""The `struct ucred` of unix(7): pid, uid, gid."""


class Seldom:
    """Whom something was said of lately."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` is a monotonic one."""
        self._clock = clock
        self._said: dict[str, float] = {}

    def may(self, address: str) -> bool:
        """Whether it may be said of this address: not for a minute after it was."""
        now = self._clock()
        self._said = {one: at for one, at in self._said.items() if now - at < QUIET}
        if address in self._said or len(self._said) >= MOST_ADDRESSES:
            return False
        self._said[address] = now
        return True


class Guard:
    """Who may ask over TCP."""

    def __init__(self, token: Secret | None, host: str, clock: Callable[[], float]) -> None:
        """`host` is that of `server.listen`, and `clock` a monotonic one. Without a token nobody is let in."""
        self._token = token
        self._host = host.casefold()
        self._seldom = Seldom(clock)

    def adopt(self, token: Secret | None) -> bool:
        """Let in who knows this one from now on; answers whether it is another."""
        before, self._token = self._token, token
        return before != token

    def check(self, request: web.Request) -> None:
        """Raises `Problem` where the request may not be answered."""
        given = _given(request.headers.get("Authorization", ""))
        knows = given is not None and self._token is not None and is_same(given, self._token)
        bears = knows and request.headers["Authorization"].strip().lower().startswith("bearer")
        if not bears and not self._is_ours(request.headers.get("Host", "")):
            words = "this is no name of the daemon: ask for 127.0.0.1, or give the token as Bearer"
            raise Problem(HTTPStatus.MISDIRECTED_REQUEST, words)
        if request.method not in READING and not self._is_of_our_page(request):
            raise Problem(HTTPStatus.FORBIDDEN, "this was sent by a page of another site")
        if self._token is None:
            words = "nobody may ask for this as long as the config has no server.token: set one"
            raise Problem(HTTPStatus.FORBIDDEN, words)
        if not knows:
            self._tell(request)
            words = "the token of server.token is needed, as Bearer or as the password of Basic"
            raise Problem(HTTPStatus.UNAUTHORIZED, words, headers=CHALLENGE)

    def _is_ours(self, host: str) -> bool:
        """Whether `Host` or `Origin` names this machine as we know it: a page that rebinds its name does not."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name == self._host or is_loopback(name)

    def _is_of_our_page(self, request: web.Request) -> bool:
        site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
        if site is not None:
            return site in {"same-origin", "none"}
        return origin is None or self._is_ours(origin.partition("://")[2])

    def _tell(self, request: web.Request) -> None:
        peer = request.remote or ""
        if self._seldom.may(peer):
            log.warning("refused", extra={"fields": {"peer": peer, "path": request.path}})


def _given(authorization: str) -> bytes | None:
    """What a header claims the token to be; None where it claims nothing."""
    scheme, _, credentials = authorization.strip().partition(" ")
    value = credentials.strip().encode(errors="surrogateescape")
    match scheme.lower():
        case "bearer":
            return value
        case "basic":
            try:
                return b64decode(value, validate=True).partition(b":")[2]
            except binascii.Error:
                return None
        case _:
            return None


def is_same(given: bytes, wanted: Secret) -> bool:
    """In a time that tells neither what they have in common nor how long they are."""
    return hmac.compare_digest(sha256(given).digest(), sha256(wanted.reveal().encode()).digest())


# --- who it is


def is_local(request: web.Request) -> bool:
    """Whether a request came over the control socket."""
    over = _socket(request)
    return over is not None and over.family == socket.AF_UNIX


def who(request: web.Request) -> str:
    """Who asks, as it is logged and kept: the user of the process behind the control socket, else `token`."""
    over = _socket(request)
    if over is None or over.family != socket.AF_UNIX:
        return "token"
    credentials = over.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize(CREDENTIALS))
    _, uid, _ = struct.unpack(CREDENTIALS, credentials)
    with suppress(KeyError):  # a user without a name
        return f"uid {uid} ({pwd.getpwuid(uid).pw_name})"
    return f"uid {uid}"


def _socket(request: web.Request) -> socket.socket | None:
    """None where nobody is there any more."""
    return None if request.transport is None else request.transport.get_extra_info("socket")
