"""What no table can tell by itself: secrets that are there, names that are unique, words that fit together."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from notifier.config import secrets
from notifier.config.calls import check_format
from notifier.config.certificates import check_files
from notifier.config.faults import Findings, KeyPath
from notifier.config.headers import header_faults
from notifier.config.keys import check_keys
from notifier.config.models import EndpointTable, File, SourceTable, sending
from notifier.config.places import Surroundings, socket_path, store_path
from notifier.config.settings import Settings
from notifier.config.units import address, is_loopback
from notifier.config.urls import check_base, check_endpoint
from notifier.config.words import nearest, one_of
from notifier.core.secret import Secret
from notifier.providers.base import Provider

Hidden = tuple[KeyPath, Secret | secrets.Reference, Callable[[Secret], None]]
"""A secret of the config: its key, what stands there, and what it must be fit for."""


def resolve(file: File, around: Surroundings, findings: Findings) -> dict[KeyPath, Secret]:
    """Every secret of the config, by its key."""
    resolved = {}
    for path, hidden, check_fitness in hidden_texts(file):
        with findings.at(path):
            secret = secrets.resolve(hidden, around.environ, around.folder)
            check_fitness(secret)
            resolved[path] = secret
    return resolved


def hidden_texts(file: File) -> Iterator[Hidden]:
    """Every secret that the config names."""
    if file.server.token:
        yield ("server", "token"), file.server.token, secrets.fit_for_header
    if file.server.encoding:
        yield ("server", "encoding", "user_key"), file.server.encoding.user_key, secrets.fit_for_header
    for number, secret in enumerate(file.server.notify_secrets):
        yield ("server", "notify_secrets", number), secret, secrets.fit_for_signing
    for index, source in enumerate(file.sources):
        if source.api_key:
            yield ("sources", index, "api_key"), source.api_key, secrets.fit_for_header
        if source.user_key:
            yield ("sources", index, "user_key"), source.user_key, secrets.fit_for_header
        if source.auth:
            yield ("sources", index, "auth", "secret"), source.auth.secret, secrets.fit_for_header
    for index, endpoint in enumerate(file.endpoints):
        yield from _hidden_texts(endpoint, ("endpoints", index))


def _hidden_texts(endpoint: EndpointTable, path: KeyPath) -> Iterator[Hidden]:
    for number, secret in enumerate(endpoint.secrets):
        yield (*path, "secrets", number), secret, secrets.fit_for_signing
    if endpoint.bearer:
        yield (*path, "bearer"), endpoint.bearer, secrets.fit_for_bearer
    if endpoint.basic:
        yield (*path, "basic", "password"), endpoint.basic.password, secrets.fit_for_basic


def check(file: File, around: Surroundings, document: Mapping[str, Any], findings: Findings) -> None:
    """Everything between the tables, and between them and the machine; `document` has them as they are written."""
    with findings.at(("store", "url")):
        store = store_path(file.store.url, around)
        with findings.at(("server", "socket")):
            socket_path(file.server.socket, store, around)
    if file.server.listen and file.server.token is None and not is_loopback(address(file.server.listen)[0]):
        findings.fault(("server", "listen"), "needs a token: others can reach this address")
    for number, pattern in enumerate(file.server.notify_urls):
        if pattern.startswith("http:") and not file.delivery.allow_http:
            findings.fault(
                ("server", "notify_urls", number), "expected https; http needs allow_http = true in [delivery]"
            )
    _unique("sources", [source.name for source in file.sources], findings)
    _unique("endpoints", [endpoint.name for endpoint in file.endpoints], findings)
    for index, source in enumerate(file.sources):
        _source(source, ("sources", index), around.providers, findings)
    for index, endpoint in enumerate(file.endpoints):
        _endpoint(file, endpoint, ("endpoints", index), around, findings)
    _known_sources(file, document, findings)


LASTS = "cannot change while the daemon runs: restart it"


def check_lasting(file: File, around: Surroundings, running: Settings, findings: Findings) -> None:
    """What was opened at the start and stays open: the database, and where the daemon can be reached."""
    if findings.faults:  # there may be stand-ins
        return
    store = store_path(file.store.url, around)
    if store != running.store_path:
        findings.fault(("store", "url"), LASTS)
    if socket_path(file.server.socket, running.store_path, around) != running.socket:
        findings.fault(("server", "socket"), LASTS)
    if (address(file.server.listen) if file.server.listen else None) != running.listen:
        findings.fault(("server", "listen"), LASTS)


def _unique(tables: str, names: Sequence[str], findings: Findings) -> None:
    first = {name: index for index, name in reversed(list(enumerate(names)))}
    for index, name in enumerate(names):
        if first[name] < index:
            findings.fault((tables, index, "name"), f"another of the {tables} has this name")


def _source(source: SourceTable, path: KeyPath, providers: Mapping[str, Provider], findings: Findings) -> None:
    if not findings.at_fault((*path, "provider")):
        with findings.at((*path, "provider")):
            provider = providers[one_of(source.provider, tuple(providers))]
            check_keys(source, path, provider, findings)
            _kinds(source, path, provider, findings)
            _uploads(source, path, provider, findings)
    if source.base_url is not None:
        with findings.at((*path, "base_url")):
            check_base(source.base_url)


def _kinds(source: SourceTable, path: KeyPath, provider: Provider, findings: Findings) -> None:
    if source.kinds is not None and not provider.kinds:
        findings.fault((*path, "kinds"), f"{provider.name} has only one collection: leave this key out")
        return
    if source.kinds == []:
        findings.fault((*path, "kinds"), "expected at least one: " + ", ".join(provider.kinds))
    for number, kind in enumerate(source.kinds or ()):
        with findings.at((*path, "kinds", number)):
            one_of(kind, provider.kinds)


def _uploads(source: SourceTable, path: KeyPath, provider: Provider, findings: Findings) -> None:
    for number, id_ in enumerate(source.uploads):
        if not provider.is_id(id_):
            findings.fault((*path, "uploads", number), f"expected {provider.ids}")


def _endpoint(file: File, endpoint: EndpointTable, path: KeyPath, around: Surroundings, findings: Findings) -> None:
    own_port = address(file.server.listen)[1] if file.server.listen else None
    with findings.at((*path, "url")):
        check_endpoint(endpoint.url, allow_http=sending(endpoint, file.delivery).allow_http, own_port=own_port)
    for name, fault in header_faults(endpoint.headers):
        findings.fault((*path, "headers", name) if name else (*path, "headers"), fault)
    ended = [secret.not_after is not None and secret.not_after < around.now for secret in endpoint.secrets]
    if ended and all(ended):
        findings.fault((*path, "secrets"), "every one of them has ended, and nothing is sent unsigned: add another")
    check_format(endpoint, path, findings)
    _one_credential(endpoint, path, findings)
    check_files(endpoint, path, around, findings)


def _one_credential(endpoint: EndpointTable, path: KeyPath, findings: Findings) -> None:
    """A request has one header `authorization`."""
    saying: list[KeyPath] = [(*path, key) for key in ("bearer", "basic") if getattr(endpoint, key) is not None]
    saying += [(*path, "headers", name) for name in endpoint.headers if name.lower() == "authorization"]
    for other in saying[1:]:
        findings.fault(other, f"{saying[0][-1]} says already what the header authorization holds: one of them")


def _known_sources(file: File, document: Mapping[str, Any], findings: Findings) -> None:
    if findings.at_fault(("sources",)):
        return
    faulty = [index for index in range(len(file.sources)) if findings.at_fault(("sources", index, "name"))]
    meant = [_name_as_written(document["sources"][index]) for index in faulty]
    names = [source.name for index, source in enumerate(file.sources) if index not in faulty]
    for index, endpoint in enumerate(file.endpoints):
        for number, pattern in enumerate(endpoint.sources):
            name = pattern.removeprefix("!")
            if "*" not in name and name not in names and not _may_be_one_of(meant, name, names):
                findings.fault(("endpoints", index, "sources", number), "no source has this name", nearest(name, names))


def _name_as_written(source: Any) -> str | None:
    name = source.get("name") if isinstance(source, dict) else None
    return name if isinstance(name, str) else None


def _may_be_one_of(meant: Sequence[str | None], name: str, names: Sequence[str]) -> bool:
    """Whether a name that no source has may be that of a source whose own name is at fault, or is not there at all."""
    if nearest(name, [one.lower() for one in meant if one is not None]):
        return True
    return None in meant and not nearest(name, names)
