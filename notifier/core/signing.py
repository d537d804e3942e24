"""keys × message → headers, as Standard Webhooks 1.0.0 wants them."""

import hmac
from binascii import Error, a2b_base64, b2a_base64
from collections.abc import Sequence

PREFIX = "whsec_"
SHORTEST_KEY = 24
LONGEST_KEY = 64
EXPECTED = f"expected {PREFIX} and the standard, padded base64 of {SHORTEST_KEY} to {LONGEST_KEY} bytes"


def parse_secret(text: str) -> bytes:
    """The key that a `whsec_` secret stands for; `ValueError` tells what was expected, never what was there.

    Strict, because receivers' libraries are not: Python's drops letters it does not know, so that a url-safe secret
    verifies with another key there; those of Go, Rust, Java and C# refuse it, and one without padding too.
    """
    encoded = text.removeprefix(PREFIX)
    try:
        key = a2b_base64(encoded)
    except (Error, ValueError):
        raise ValueError(EXPECTED) from None
    canonical = PREFIX + b2a_base64(key, newline=False).decode()
    if text != canonical or not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        raise ValueError(EXPECTED)
    return key


def headers(keys: Sequence[bytes], event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of one attempt at `timestamp`, in Unix seconds, over exactly the bytes of `body`.

    Every key signs, so that a secret can be changed without a gap. The signatures are joined by one blank each:
    Python's library fails on two of them, and on an element without exactly one comma.
    """
    content = f"{event_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join([_v1(key, content) for key in keys]),
    }


def _v1(key: bytes, content: bytes) -> str:
    return "v1," + b2a_base64(hmac.digest(key, content, "sha256"), newline=False).decode()
