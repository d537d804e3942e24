"""a captured request × secret → verified, or why not, as far as that can be told.

headers there? ──► form right? ──► some signature fits? ──► verified, as old as it is
                                         │ none does
                                         ▼
               another body fits? another id within it? signed by others alone? ──► the likeliest reason
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from notifier.core.signing import PUBLIC, SHARED, Lock, fits, scheme_of, signed_content

NAMES = ("webhook-id", "webhook-timestamp", "webhook-signature")
SECRETS = {"v1": SHARED, "v1a": PUBLIC}
"""What verifies the signatures of a scheme."""
TOLERANCE = 300.0
"""Seconds by which a timestamp may be off at receivers that use one of the libraries."""


class Unverified(Exception):
    """Why it is not verified, and what to do about it; no part of the secret is in it."""


@dataclass(frozen=True, slots=True)
class Verified:
    """Whose it is, and when it was sent."""

    id: str
    timestamp: int
    scheme: str


def verified(headers: Mapping[str, str], body: bytes, lock: Lock) -> Verified:
    """The request, if one of its signatures fits; the names of `headers` are in lower case. Raises `Unverified`."""
    missing = [name for name in NAMES if not headers.get(name)]
    if missing:
        raise Unverified(f"missing header: {', '.join(missing)}")
    id_, timestamp, signatures = (headers[name] for name in NAMES)
    if not re.fullmatch(r"0|[1-9][0-9]{0,15}", timestamp):
        raise Unverified("bad timestamp: expected webhook-timestamp to be a whole number of Unix seconds")
    elements = signatures.split()
    if _fits(lock, elements, signed_content(id_, timestamp, body)):
        return Verified(id_, int(timestamp), scheme_of(lock))
    schemes = {element.partition(",")[0] for element in elements} & SECRETS.keys()
    if not schemes:
        raise Unverified("bad signature: expected webhook-signature to hold v1,… or v1a,…")
    if scheme_of(lock) not in schemes:
        [other] = schemes
        raise Unverified(f"wrong kind of secret: it is signed by {other} alone, which a {SECRETS[other]} verifies")
    raise Unverified(_likeliest(id_, body, lambda other: _fits(lock, elements, signed_content(id_, timestamp, other))))


def age_fault(timestamp: int, now: float, most: float = TOLERANCE) -> str | None:
    """What is wrong with the age of a request, where it is off by more than so many seconds."""
    off = now - timestamp
    if abs(off) <= most:
        return None
    kind = "old" if off > 0 else "future"
    return f"{kind} timestamp: off by {abs(off):.0f} s, where {most:.0f} s are allowed"


def _fits(lock: Lock, elements: Iterable[str], content: bytes) -> bool:
    return any(fits(lock, element, content) for element in elements)


def _likeliest(id_: str, body: bytes, would_fit: Callable[[bytes], bool]) -> str:
    """Why no signature fits the body as it is."""
    document, compact = _read(body)
    others = {
        "without the line end behind it": body.removesuffix(b"\n").removesuffix(b"\r"),
        "with a line end behind it": body + b"\n",
        "without the byte order mark before it": body.removeprefix(b"\xef\xbb\xbf"),
        "with LF in place of CR LF": body.replace(b"\r\n", b"\n"),
        "as compact JSON, so it was read and written anew": compact,
    }
    for words, other in others.items():
        if would_fit(other):
            return f"altered body: it verifies {words}; take the bytes of the request before anything reads them"
    told = document.get("id") if isinstance(document, dict) else None
    if isinstance(told, str) and told != id_:
        return f"other body: it says that its id is {told}, while webhook-id says {id_}"
    if told == id_ and compact == body:
        return "wrong secret, most likely: the body has its id and the form in which it is sent; or a value was altered"
    return "wrong secret or altered body: no signature fits it with this body, webhook-id and webhook-timestamp"


def _read(body: bytes) -> tuple[object, bytes]:
    """The document, and its bytes in the form in which bodies are sent; nothing where it is no JSON."""
    try:
        document = json.loads(body)
        return document, json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    except (ValueError, RecursionError):
        return None, b""
