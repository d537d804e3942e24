"""an endpoint's own headers → what is wrong with them; no message shows a value, it may be a credential."""

import re
from collections.abc import Iterator, Mapping

TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""A header's name by RFC 9110, section 5.6.2."""
OURS = frozenset(
    {"host", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade", "expect", "user-agent"}
    | {"accept-encoding"}
)
OUR_PREFIXES = ("content-", "proxy-", "webhook-", "ce-", "signature", "notifier-")
LARGEST = 4096
"""Bytes of all names and values."""


def header_faults(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Name and fault of each header that cannot be sent; the name is "" where it is all of them together."""
    seen = set()
    for name, value in headers.items():
        if fault := _fault(name, value):
            yield name, fault
        elif name.lower() in seen:
            yield name, "named twice: upper and lower case do not differ in a header"
        seen.add(name.lower())
    if sum(len(name.encode()) + len(value.encode()) for name, value in headers.items()) > LARGEST:
        yield "", f"expected at most {LARGEST} bytes of headers"


def _fault(name: str, value: str) -> str:
    if not TOKEN.fullmatch(name):
        return "expected the name of a header"
    if name.lower() in OURS or name.lower().startswith(OUR_PREFIXES):
        return "notifier itself says what this header holds"
    if not value.replace("\t", " ").isprintable():
        return "a header holds no line breaks and no other control characters"
    return ""
