"""URL → what is wrong with it, by its text alone; nothing is resolved, and no message shows a part of it.

Each rule keeps a spelling out that two parsers could read in two ways, or a secret that would end up in logs.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network
from urllib.parse import SplitResult, urlsplit

from notifier.config.faults import Wrong
from notifier.config.units import is_ip, is_loopback
from notifier.core.address import name_refusal, port_refusal, refusal

LONGEST = 2048
LONGEST_HOST = 253
LABEL = re.compile(r"[A-Za-z0-9_-]{1,63}")
"""A part of a host between two dots."""
HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|[A-Za-z0-9._-]+)(?::.*)?")
"""A host, and perhaps a port; brackets hold an IPv6 address and nothing else."""


def check_endpoint(url: str, *, allow_http: bool) -> None:
    """Raises `Wrong` where webhooks cannot be sent to `url`."""
    parts = _split(url)
    if parts.scheme == "http" and not allow_http:
        raise Wrong("expected https; http needs allow_http = true")
    if port_refusal(_port(parts)):
        raise Wrong("webhooks do not go to this port: expected 443, 80 or one from 1024 that no database is known for")


def check_base(url: str) -> None:
    """Raises `Wrong` where `url` cannot be the root of an API."""
    parts = _split(url)
    _port(parts)
    if "?" in url:
        raise Wrong("a base_url has no query")


def is_refused(url: str, allowed: Sequence[IPv4Network | IPv6Network]) -> bool:
    """Whether the text of a right URL tells that its host is no public one, nor in one of the networks `allowed`."""
    host = urlsplit(url).hostname or ""
    if is_ip(host):
        return refusal(host, allowed) is not None
    return not allowed and name_refusal(host) is not None


def is_exposed(url: str) -> bool:
    """Whether what goes to a right URL can be read on the way."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def shown(url: str) -> str:
    """The URL with its query masked: it may hold a token."""
    beginning, mark, _ = url.partition("?")
    return beginning + mark + "***" if mark else url


def shown_template(url: str) -> str:
    """A URL with names in its query, and everything else there masked: it may hold a token."""
    beginning, mark, query = url.partition("?")
    return beginning + mark + "&".join(part if "{" in part else _masked(part) for part in query.split("&"))


def _masked(parameter: str) -> str:
    name, mark, _ = parameter.partition("=")
    return f"{name}=***" if mark else "***" if name else ""


def _split(url: str) -> SplitResult:
    if len(url) > LONGEST:
        raise Wrong(f"expected a URL of at most {LONGEST} characters")
    if not url.isprintable() or " " in url:
        raise Wrong("a URL holds no blanks and no control characters")
    if "\\" in url:
        raise Wrong("a URL holds no backslash")
    if "#" in url:
        raise Wrong("a fragment is never sent: leave out the # and what follows")
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets
        raise Wrong("the host of the URL cannot be read") from None
    if parts.scheme not in ("https", "http"):
        raise Wrong('expected a URL that begins with "https://"')
    _check_host(parts)
    return parts


def _check_host(parts: SplitResult) -> None:
    if "@" in parts.netloc:
        raise Wrong("user and password do not belong in a URL, but in a header")
    if not parts.hostname:
        raise Wrong("the URL has no host")
    if "%" in parts.netloc:
        raise Wrong("the host of a URL has no percent signs")
    if not parts.netloc.isascii():
        raise Wrong('the host of a URL is ASCII: an international name is written "xn--…"')
    found = HOST.fullmatch(parts.netloc)
    if not found or (found[1] and not is_ip(found[1])):
        raise Wrong("the host of the URL cannot be read")
    if not found[1] and not _is_name(parts.hostname):
        raise Wrong("the host of the URL is no name: expected labels of 1 to 63 characters with dots between them")


def _is_name(host: str) -> bool:
    name = host.removesuffix(".")  # the root, which may be written
    return len(name) <= LONGEST_HOST and all(LABEL.fullmatch(label) for label in name.split("."))


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        raise Wrong("the port of the URL cannot be read") from None
    return {"https": 443, "http": 80}[parts.scheme] if port is None else port
