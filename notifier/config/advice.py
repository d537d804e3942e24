"""What works, but perhaps not as it was meant: said by `check` and at the start, and no reason to stop."""

from collections.abc import Iterable
from math import inf

from notifier.config.calls import mimics
from notifier.config.checks import hidden_texts
from notifier.config.faults import Findings, KeyPath
from notifier.config.forms import SigningText
from notifier.config.keys import CREDENTIALS
from notifier.config.models import EndpointTable, File, SourceTable, sending
from notifier.config.units import network
from notifier.config.urls import is_exposed, is_refused
from notifier.config.words import THIS_VERSION, nearest
from notifier.core.encoding_com import is_called
from notifier.core.events import EVENT_TYPES, matches
from notifier.core.render import iso
from notifier.core.secret import Secret

NOTICE = 7 * 86400.0
"""Seconds before the last secret of an endpoint ends from which on that is told."""


def advise(file: File, findings: Findings, now: float, *, readable: bool) -> None:
    """Everything worth a warning; `readable`: other users of the machine can read the file of the config."""
    if file.delivery.allow_http:
        _allows_http(("delivery", "allow_http"), findings)
    for tables, told in (("sources", file.sources), ("endpoints", file.endpoints or file.server.notify_urls)):
        if not told:
            findings.warn((tables,), "there are none: nothing will be announced to anybody")
    _ends(file.server.notify_secrets, now, ("server", "notify_secrets"), findings)
    for index, source in enumerate(file.sources):
        _source(source, ("sources", index), findings)
    for index, endpoint in enumerate(file.endpoints):
        _endpoint(file, endpoint, ("endpoints", index), findings)
        _ends(endpoint.secrets, now, ("endpoints", index, "secrets"), findings)
    if readable:
        _readable_secrets(file, findings)


def _allows_http(path: KeyPath, findings: Findings) -> None:
    findings.warn(path, "what goes to an http URL can be read and changed on the way")


def _source(source: SourceTable, path: KeyPath, findings: Findings) -> None:
    credential = next((key for key in CREDENTIALS if getattr(source, key) is not None), None)
    if credential and source.base_url and is_exposed(source.base_url):
        findings.warn((*path, "base_url"), f"http: the {credential} can be read on the way")


def _endpoint(file: File, endpoint: EndpointTable, path: KeyPath, findings: Findings) -> None:
    if endpoint.drain:
        findings.warn((*path, "drain"), "nothing new is owed to it; take it out when nothing waits for it any more")
    if endpoint.allow_http:
        _allows_http((*path, "allow_http"), findings)
    allowed = [network(text) for text in sending(endpoint, file.delivery).allow_networks]
    if is_refused(endpoint.url, allowed):
        findings.warn((*path, "url"), "the host is not public and will be refused; allow_networks lets it through")
    if file.sources and not any(matches(endpoint.sources, source.name) for source in file.sources):
        findings.warn((*path, "sources"), "no source can reach this endpoint")
    _events(endpoint, (*path, "events"), findings)


def _events(endpoint: EndpointTable, path: KeyPath, findings: Findings) -> None:
    ready = endpoint.announce_ready
    for number, pattern in enumerate(endpoint.events):
        wanted = pattern.removeprefix("!")
        if not any(matches((wanted,), type_) for type_ in EVENT_TYPES):
            suggestion = "" if "*" in wanted else nearest(wanted, EVENT_TYPES)
            findings.warn((*path, number), f"no event type of {THIS_VERSION} matches", suggestion)
    called = {type_ for type_ in EVENT_TYPES if is_called(type_, announce_ready=ready)}
    if not any(matches(endpoint.events, type_) for type_ in (called if mimics(endpoint) else EVENT_TYPES)):
        findings.warn(path, "no event type passes: this endpoint gets nothing")
    elif mimics(endpoint) and endpoint.statuses and called.isdisjoint(f"upload.{one}" for one in endpoint.statuses):
        findings.warn((*path[:-1], "statuses"), "Encoding.com would call at none of these: this endpoint gets nothing")


def _ends(secrets: Iterable[SigningText], now: float, path: KeyPath, findings: Findings) -> None:
    """Secrets that have ended, or of which soon none signs."""
    ends = [inf if secret.not_after is None else secret.not_after for secret in secrets]
    for number, end in enumerate(ends):
        if end < now:
            findings.warn((*path, number), f"ended at {iso(end)} and signs no more: leave it out")
    if max(ends, default=inf) < now + NOTICE:
        findings.warn(path, f"after {iso(max(ends))} none of them signs, and nothing is sent then: add another")


def _readable_secrets(file: File, findings: Findings) -> None:
    for path, hidden, _ in hidden_texts(file):
        if isinstance(hidden, Secret):
            findings.warn(path, "a secret in a file that other users can read: chmod 600, or keep it elsewhere")
