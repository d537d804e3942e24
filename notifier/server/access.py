"""A request × `server.token` → may it be answered."""

import binascii
import hmac
from base64 import b64decode
from hashlib import sha256

from aiohttp import web
from aiohttp.typedefs import Handler

from notifier.core.secret import Secret

CHALLENGE = {"WWW-Authenticate": 'Basic realm="notifier", Bearer realm="notifier"'}


def guarded(handler: Handler, token: Secret | None) -> Handler:
    """The handler, for those alone who know the token: as `Bearer`, or as the password of `Basic`, whoever the user.

    Where there is no token nobody is let in.
    """

    async def let_in(request: web.Request) -> web.StreamResponse:
        _check(request.headers.get("Authorization", ""), token)
        return await handler(request)

    return let_in


def _check(authorization: str, token: Secret | None) -> None:
    if token is None:
        raise web.HTTPForbidden(text="nobody may ask for this as long as the config has no server.token: set one")
    given = _given(authorization)
    if given is None or not _is_same(given, token.reveal().encode()):
        words = "the token of server.token is needed, as Bearer or as the password of Basic"
        raise web.HTTPUnauthorized(text=words, headers=CHALLENGE)


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


def _is_same(given: bytes, wanted: bytes) -> bool:
    """In a time that tells neither what they have in common nor how long they are."""
    return hmac.compare_digest(sha256(given).digest(), sha256(wanted).digest())
