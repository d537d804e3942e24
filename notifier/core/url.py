"""text of a URL → the rule that it breaks; nothing is resolved.

Each rule keeps out a spelling that two parsers could read in two ways, or a secret that would end up in logs. What is
left names one host, one port, and nobody can take it for another.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

LONGEST = 2048
LONGEST_HOST = 253
PORTS = {"https": 443, "http": 80}
"""The schemes of a receiver, and the port where none is written."""

_LABEL = re.compile(r"[A-Za-z0-9_-]{1,63}")
"""A part of a host between two dots."""
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|[A-Za-z0-9._-]+)(?::.*)?")
"""A host, and perhaps a port; brackets hold an IPv6 address and nothing else."""
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
"""Where the last label of a host is one, some parsers read the whole of it as an IPv4 address: 127.1, 0x7f000001."""


class UrlRule(StrEnum):
    """What no URL may have."""

    LENGTH = "length"
    CHARACTERS = "blank or control character"
    BACKSLASH = "backslash"
    FRAGMENT = "fragment"
    EMPTY_QUERY = "empty query"
    SCHEME = "scheme"
    CREDENTIALS = "credentials in the URL"
    NO_HOST = "no host"
    PERCENT = "percent sign in the host"
    NOT_ASCII = "host beyond ASCII"
    HOST = "unreadable host"
    NAME = "not a name"
    NUMBER = "number for a host"
    PORT = "unreadable port"


def url_refusal(url: str) -> UrlRule | None:
    """The first rule that the text breaks; None: it may be the URL of a receiver."""
    return next(_broken(url), None)


def _broken(url: str) -> Iterator[UrlRule]:
    """The rules that are broken, in the order in which they can be judged: each needs those before it kept."""
    if len(url) > LONGEST:
        yield UrlRule.LENGTH
    if not url.isprintable() or " " in url:
        yield UrlRule.CHARACTERS
    if "\\" in url:
        yield UrlRule.BACKSLASH
    if "#" in url:
        yield UrlRule.FRAGMENT
    if url.partition("?")[1:] == ("?", ""):
        yield UrlRule.EMPTY_QUERY
    parts = _split(url)
    if parts is None:
        yield UrlRule.HOST  # for its brackets
    else:
        yield from _broken_by_parts(parts)


def _broken_by_parts(parts: SplitResult) -> Iterator[UrlRule]:
    if parts.scheme not in PORTS:
        yield UrlRule.SCHEME
    yield from _broken_by_host(parts)
    if not _has_port(parts):
        yield UrlRule.PORT


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _broken_by_host(parts: SplitResult) -> Iterator[UrlRule]:
    if "@" in parts.netloc:
        yield UrlRule.CREDENTIALS
    if not parts.hostname:
        yield UrlRule.NO_HOST
    if "%" in parts.netloc:
        yield UrlRule.PERCENT
    if not parts.netloc.isascii():
        yield UrlRule.NOT_ASCII
    found = _HOST.fullmatch(parts.netloc)
    if found is None or (found[1] and not _is_ip(found[1])):
        yield UrlRule.HOST
    elif not found[1]:
        yield from _broken_by_name(parts.hostname or "")


def _broken_by_name(host: str) -> Iterator[UrlRule]:
    labels = host.removesuffix(".").split(".")  # without the root, which may be written
    if len(host.removesuffix(".")) > LONGEST_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        yield UrlRule.NAME
    if _NUMBER.fullmatch(labels[-1]) and not _is_ip(host):
        yield UrlRule.NUMBER


def _has_port(parts: SplitResult) -> bool:
    """Whether the port can be read, or none is written."""
    try:
        parts.port  # noqa: B018 - it is read when it is asked for
    except ValueError:
        return False
    return True


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
