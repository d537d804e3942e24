"""a URL that a registration asks for × what the config lets be asked for → a receiver like every other.

A callback is named by its number, `notify:7`: its URL may hold a token, and there may be one for every upload.
"""

import re
from dataclasses import dataclass, replace
from ipaddress import IPv6Address
from urllib.parse import SplitResult, unquote, urlsplit

from notifier.core.encoding_com import ENCODING_COM
from notifier.core.model import Callback, Endpoint
from notifier.core.url import PORTS

PREFIX = "notify:"
"""No endpoint of the config is called so: a colon is in none of their names."""
ALL = "notify:*"
"""What they are called together."""
UNSIGNED = ENCODING_COM
"""The format that is not signed: Encoding.com signs nothing."""
MOST_DECODED = 3
"""Times that a path may be percent-encoded over again and is still looked through."""


@dataclass(frozen=True, slots=True)
class Calling:
    """How callbacks are sent to: as the `template` says, where one of the `allowed` patterns stands for their URL."""

    template: Endpoint
    allowed: tuple[str, ...] = ()

    def permits(self, url: str) -> bool:
        """Whether a URL without fault may be asked for."""
        return is_plain(url) and any(stands_for(pattern, url) for pattern in self.allowed)

    def can_tell(self, format_: str) -> bool:
        """Whether it is signed, or nobody expects that."""
        return format_ == UNSIGNED or bool(self.template.secrets)

    def may_call(self, callback: Callback) -> bool:
        """Whether a callback that was asked for once would be given still."""
        return self.permits(callback.url) and self.can_tell(callback.format)

    def endpoint(self, callback: Callback) -> Endpoint:
        """The receiver, whether it may be called or not."""
        secrets = () if callback.format == UNSIGNED else self.template.secrets
        return replace(self.template, name=callback.name, url=callback.url, format=callback.format, secrets=secrets)


NOBODY = Calling(Endpoint(name=ALL, url="", secrets=()))
"""No URL may be asked for."""


def number_of(name: str) -> int | None:
    """The number of the callback with this name; None: it is no callback's."""
    digits = name.removeprefix(PREFIX)
    return -int(digits) if digits != name and re.fullmatch("[1-9][0-9]{0,9}", digits) else None


def family(name: str) -> str:
    """An endpoint's name, or what all callbacks are called together: of them there may be too many to tell apart."""
    return ALL if name.startswith(PREFIX) else name


def origin(url: str) -> str:
    """Scheme, host and port of a URL without fault: who is behind it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{_host(parts)}:{_port(parts)}"


# --- patterns


def stands_for(pattern: str, url: str) -> bool:
    """Whether a pattern stands for a URL without fault: `*` for anything in a path, or for the beginning of a host.

    Scheme, port and the rest of the host are literal. A query may be there where the pattern has one that stands for
    it, or has none and ends with `*`.
    """
    wanted, given = urlsplit(pattern), urlsplit(url)
    if (wanted.scheme, _port(wanted)) != (given.scheme, _port(given)):
        return False
    if not _is_host(_host(wanted), _host(given)):
        return False
    if not _matches(wanted.path or "/", given.path or "/"):
        return False
    if "?" in pattern:
        return _matches(wanted.query, given.query)
    return wanted.path.endswith("*") or "?" not in url


def is_plain(url: str) -> bool:
    """Whether the path of a URL leads where it seems to: without `.`, `..` and what cannot be seen, however encoded."""
    path = urlsplit(url).path
    for _ in range(MOST_DECODED):
        if not path.isprintable() or "\ufffd" in path:  # some cut it there, or read on in a manner of their own
            return False
        segments = [part.partition(";")[0] for part in path.replace("\\", "/").split("/")]
        if {".", ".."} & set(segments):
            return False
        path, before = unquote(path), path
        if path == before:
            return True
    return False


def has_right_host(pattern: str) -> bool:
    """Whether a `*` in the host of a pattern is all of it, or its beginning before a dot."""
    host = urlsplit(pattern).netloc
    return "*" not in host or host.split(":")[0] == "*" or (host.startswith("*.") and host.count("*") == 1)


def _host(parts: SplitResult) -> str:
    """An address in one of its spellings."""
    host = parts.hostname or ""
    return str(IPv6Address(host)) if ":" in host else host


def _is_host(wanted: str, given: str) -> bool:
    if wanted.startswith("*"):
        return given.endswith(wanted[1:]) and given != wanted[1:]
    return wanted == given


def _matches(pattern: str, text: str) -> bool:
    """Whether `*` in a pattern can stand for what of the text is not literal: in a time that no text makes long."""
    first, *others = pattern.split("*")
    if not others:
        return text == pattern
    *middle, last = others
    at = len(first)
    if not text.startswith(first):
        return False
    for part in middle:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(text) - at >= len(last) and text.endswith(last)


def _port(parts: SplitResult) -> int:
    return PORTS[parts.scheme] if parts.port is None else parts.port
