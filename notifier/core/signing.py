"""keys × message → headers, as Standard Webhooks 1.0.0 wants them.

whsec_…  a key that the receiver has, too   ──HMAC-SHA256──►  v1
whsk_…   a key pair, of which it has whpk_… ──Ed25519──────►  v1a
"""

import hmac
from binascii import a2b_base64, b2a_base64
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

Key: TypeAlias = "bytes | Ed25519PrivateKey"
"""Bytes for HMAC, or a pair."""
Lock: TypeAlias = "bytes | Ed25519PublicKey"
"""What a receiver verifies with."""
SHARED, PAIR, PUBLIC = "whsec_", "whsk_", "whpk_"
SHORTEST_KEY = 24
LONGEST_KEY = 64
HALF = 32
"""Bytes of a pair's seed, and of its public key."""
EXPECTED = f"expected {SHARED} and the standard, padded base64 of {SHORTEST_KEY} to {LONGEST_KEY} bytes"
EXPECTED_PAIR = f"expected {PAIR} and the standard, padded base64 of an Ed25519 seed and the public key that is its own"
EXPECTED_PUBLIC = f"expected {PUBLIC} and the standard, padded base64 of the {HALF} bytes of an Ed25519 public key"


def parse_secret(text: str) -> Key:
    """The key that a `whsec_` or `whsk_` stands for; `ValueError` tells what was expected, never what was there.

    Strict, because receivers' libraries are not: Python's drops letters it does not know, so that a url-safe secret
    verifies with another key there; those of Go, Rust, Java and C# refuse it, and one without padding too.
    """
    if text.startswith((PAIR, PUBLIC)):
        halves = _decoded(text, PAIR) or b""
        pair = _pair(halves[:HALF]) if len(halves) == 2 * HALF else None
        if pair is None or pair.public_key().public_bytes_raw() != halves[HALF:]:
            raise ValueError(EXPECTED_PAIR)
        return pair
    key = _decoded(text, SHARED)
    if key is None or not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        raise ValueError(EXPECTED)
    return key


def headers(keys: Sequence[Key], event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of one attempt at `timestamp`, in Unix seconds, over exactly the bytes of `body`.

    Every key signs, so that a secret can be changed without a gap: all v1, then all v1a, each in the order of the keys.
    The signatures are joined by one blank each: Python's library fails on two of them, and on an element without
    exactly one comma.
    """
    content = signed_content(event_id, str(timestamp), body)
    v1 = [_element("v1", mac(key, content)) for key in keys if isinstance(key, bytes)]
    v1a = [_element("v1a", key.sign(content)) for key in keys if not isinstance(key, bytes)]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(v1 + v1a),
    }


def mac(key: bytes, content: bytes) -> bytes:
    """HMAC-SHA256."""
    begun = _begun(key).copy()
    begun.update(content)
    return begun.digest()


@lru_cache(maxsize=1000)
def _begun(key: bytes) -> hmac.HMAC:
    """The key is worked in once, which takes as long as to hash a webhook."""
    return hmac.new(key, digestmod="sha256")


def signed_content(event_id: str, timestamp: str, body: bytes) -> bytes:
    """What a signature is over; all of it as it stands in the request."""
    return f"{event_id}.{timestamp}.".encode() + body


# --- the other side: what is handed out, and what a receiver does


def shared_secret(key: bytes) -> str:
    """The `whsec_` of a key."""
    return SHARED + _encoded(key)


def pair_of(seed: bytes) -> tuple[str, str]:
    """The `whsk_` of a seed of 32 bytes, and the `whpk_` for those who verify."""
    public = _pair(seed).public_key().public_bytes_raw()
    return PAIR + _encoded(seed + public), PUBLIC + _encoded(public)


def parse_lock(text: str) -> Lock:
    """What a `whsec_`, a `whpk_` or, with its public half, a `whsk_` verifies with; raises as `parse_secret` does."""
    if not text.startswith(PUBLIC):
        key = parse_secret(text)
        return key if isinstance(key, bytes) else key.public_key()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415  # as in `_pair`

    public = _decoded(text, PUBLIC)
    if public is None or len(public) != HALF:
        raise ValueError(EXPECTED_PUBLIC)
    return Ed25519PublicKey.from_public_bytes(public)


def scheme_of(lock: Lock) -> str:
    """The scheme of the signatures that it can judge."""
    return "v1" if isinstance(lock, bytes) else "v1a"


def fits(lock: Lock, element: str, content: bytes) -> bool:
    """Whether an element of `webhook-signature`, `v1,…`, was made over the content with the key of this lock."""
    scheme, _, encoded = element.partition(",")
    if scheme != scheme_of(lock):
        return False
    if isinstance(lock, bytes):
        return hmac.compare_digest(_element("v1", mac(lock, content)).encode(), element.encode())
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  # as in `_pair`

    try:
        lock.verify(_decoded(encoded, "") or b"", content)
    except InvalidSignature:
        return False
    return True


def _element(scheme: str, signature: bytes) -> str:
    return f"{scheme},{_encoded(signature)}"


def _decoded(text: str, prefix: str) -> bytes | None:
    """What stands behind the prefix; None where it is not written in the one way in which it can be."""
    try:
        content = a2b_base64(text.removeprefix(prefix))
    except ValueError:
        return None
    return content if text == prefix + _encoded(content) else None


def _encoded(content: bytes) -> str:
    return b2a_base64(content, newline=False).decode()


def _pair(seed: bytes) -> "Ed25519PrivateKey":
    # Here, because to load it takes longer than all the rest of a short command, and few endpoints want it.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    return Ed25519PrivateKey.from_private_bytes(seed)
