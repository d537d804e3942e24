"""URL → what is wrong with it, by its text alone; nothing is resolved, and no message shows a part of it."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network
from urllib.parse import SplitResult, urlsplit

from notifier.config.faults import Wrong
from notifier.config.units import is_ip, is_loopback
from notifier.core.address import name_refusal, port_refusal, refusal
from notifier.core.url import LONGEST, PORTS, UrlRule, url_refusal

_WRONG = {
    UrlRule.LENGTH: f"expected a URL of at most {LONGEST} characters",
    UrlRule.CHARACTERS: "a URL holds no blanks and no control characters",
    UrlRule.BACKSLASH: "a URL holds no backslash",
    UrlRule.FRAGMENT: "a fragment is never sent: leave out the # and what follows",
    UrlRule.EMPTY_QUERY: "a ? with nothing after it is never sent: leave it out",
    UrlRule.SCHEME: 'expected a URL that begins with "https://"',
    UrlRule.CREDENTIALS: "user and password do not belong in a URL, but in a header",
    UrlRule.NO_HOST: "the URL has no host",
    UrlRule.PERCENT: "the host of a URL has no percent signs",
    UrlRule.NOT_ASCII: 'the host of a URL is ASCII: an international name is written "xn--…"',
    UrlRule.HOST: "the host of the URL cannot be read",
    UrlRule.NAME: "the host of the URL is no name: expected labels of 1 to 63 characters with dots between them",
    UrlRule.NUMBER: "the host of the URL is a number, and no address: expected four numbers with dots, or a name",
    UrlRule.PORT: "the port of the URL cannot be read",
}


def check_endpoint(url: str, *, allow_http: bool, own_port: int | None = None) -> None:
    """Raises `Wrong` where webhooks cannot be sent to `url`; `own_port` is where the daemon itself listens."""
    parts = _split(url)
    if parts.scheme == "http" and not allow_http:
        raise Wrong("expected https; http needs allow_http = true")
    port = PORTS[parts.scheme] if parts.port is None else parts.port
    if port_refusal(port):
        raise Wrong("webhooks do not go to this port: expected 443, 80 or one from 1024 that no database is known for")
    if port == own_port:
        raise Wrong("webhooks do not go to the port of server.listen, at any host: one of the two needs another")


def check_base(url: str) -> None:
    """Raises `Wrong` where `url` cannot be the root of an API."""
    _split(url)
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


def check_text(url: str) -> None:
    """Raises `Wrong` where the text could be read in two ways."""
    rule = url_refusal(url)
    if rule is not None:
        raise Wrong(_WRONG[rule])


def _split(url: str) -> SplitResult:
    check_text(url)
    return urlsplit(url)
