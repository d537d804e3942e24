"""the config as it is written → what it means: defaults filled in, secrets resolved, durations in seconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from notifier.config.calls import mimics
from notifier.config.certificates import digest_of, files_of
from notifier.config.faults import KeyPath
from notifier.config.models import (
    DeliveryTable,
    EndpointTable,
    FieldsTable,
    File,
    ListTable,
    SourceTable,
    TargetsTable,
    sending,
)
from notifier.config.places import Surroundings, socket_path, store_path
from notifier.config.units import address, network, rate, seconds
from notifier.core.callbacks import ALL, Calling
from notifier.core.description import Auth, Description, ListCall, Paging, SingleCall, TargetCall
from notifier.core.encoding_com_call import Dialect
from notifier.core.model import Baseline, Basic, Endpoint, Order, Source, TargetStatus
from notifier.core.secret import Secret
from notifier.providers.base import Provider


@dataclass(frozen=True, slots=True)
class EncodingAccount:
    """The one user whom `POST /encoding` knows."""

    user_id: str
    user_key: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that the daemon needs to know."""

    store_path: Path
    """The database, absolute."""
    keep: float
    """Seconds for which what is settled and delivered stays."""
    socket: Path
    """The control socket, absolute."""
    listen: tuple[str, int] | None
    """Host and port of the server over TCP; None: off."""
    token: Secret | None
    encoding: EncodingAccount | None
    """None: nobody can ask as of Encoding.com."""
    in_flight_total: int
    calling: Calling
    """Which URLs a registration may ask for, and how they are sent to."""
    sources: tuple[Source, ...]
    endpoints: tuple[Endpoint, ...]
    warnings: tuple[str, ...] = ()
    """What is worth a line in the log at the start."""


def meaning(file: File, secrets: Mapping[KeyPath, Secret], around: Surroundings, warnings: tuple[str, ...]) -> Settings:
    """The meaning of a config without faults."""
    keys = {path[1]: secret for path, secret in secrets.items() if path[0] == "sources"}
    at_endpoints: dict[str | int, dict[KeyPath, Secret]] = {}
    for (index, *key), secret in _inside(secrets, ("endpoints",)).items():
        at_endpoints.setdefault(index, {})[tuple(key)] = secret
    store = store_path(file.store.url, around)
    return Settings(
        store_path=store,
        keep=seconds(file.store.keep),
        socket=socket_path(file.server.socket, store, around),
        listen=address(file.server.listen) if file.server.listen else None,
        token=secrets.get(("server", "token")),
        encoding=_encoding_account(file, secrets),
        in_flight_total=file.delivery.in_flight_total,
        calling=_calling(file, _inside(secrets, ("server", "notify_secrets"))),
        sources=tuple(
            _source(source, keys.get(index, Secret("")), around.providers[source.provider])
            for index, source in enumerate(file.sources)
        ),
        endpoints=tuple(
            _endpoint(endpoint, file.delivery, at_endpoints.get(index, {}), files_of(endpoint, around))
            for index, endpoint in enumerate(file.endpoints)
        ),
        warnings=warnings,
    )


def _encoding_account(file: File, secrets: Mapping[KeyPath, Secret]) -> EncodingAccount | None:
    account = file.server.encoding
    if account is None:
        return None
    return EncodingAccount(account.user_id, secrets["server", "encoding", "user_key"])


def _inside(secrets: Mapping[KeyPath, Secret], table: KeyPath) -> dict[KeyPath, Secret]:
    """The secrets of a table, by their keys in it."""
    return {path[len(table) :]: secret for path, secret in secrets.items() if path[: len(table)] == table}


def _source(source: SourceTable, api_key: Secret, provider: Provider) -> Source:
    api = None if source.fields is None else description(source, source.fields)
    return Source(
        name=source.name,
        provider=provider.name,
        base_url=(source.base_url or provider.base_url).rstrip("/"),
        api_key=api_key,
        user_id=source.user_id or "",
        api=api,
        budget=rate(source.budget) if source.budget else provider.budget,
        discover=source.discovers,
        baseline=Baseline(source.baseline),
        uploads=tuple(source.uploads),
        kinds=provider.kinds if source.kinds is None else tuple(source.kinds),
        reserve=source.reserve,
        stalled_after=seconds(source.stalled_after),
    )


def description(source: SourceTable, fields: FieldsTable) -> Description:
    """The API that a source describes, `fields` being the source's own."""
    auth, pages, single, targets = source.auth, source.list, source.single, source.targets
    statuses = source.statuses or {}
    words = statuses if source.target_statuses is None else source.target_statuses
    return Description(
        auth=None if auth is None else Auth(auth.header, auth.value),
        ok=source.ok,
        list=None if pages is None else _list_call(pages),
        single=None if single is None else SingleCall(single.url, single.item, tuple(single.missing)),
        fields=fields.model_dump(exclude_none=True),
        targets=None if targets is None else _target_call(targets),
        statuses=statuses,
        target_statuses={word: ours for word, ours in words.items() if ours in set(TargetStatus)},
    )


def _list_call(pages: ListTable) -> ListCall:
    return ListCall(pages.url, pages.items, Paging(pages.paging), pages.more, pages.cursor)


def _target_call(targets: TargetsTable) -> TargetCall:
    return TargetCall(targets.items, targets.model_dump(exclude={"items"}, exclude_none=True))


def _endpoint(
    endpoint: EndpointTable, delivery: DeliveryTable, secrets: Mapping[KeyPath, Secret], files: Mapping[str, str]
) -> Endpoint:
    """`secrets` and `files` are the endpoint's own, by the keys in its table."""
    how, basic = sending(endpoint, delivery), endpoint.basic
    dialect = Dialect(endpoint.body, endpoint.body_format, endpoint.output)
    return Endpoint(
        name=endpoint.name,
        url=endpoint.url,
        secrets=tuple(secret for path, secret in secrets.items() if path[0] == "secrets"),
        format=dialect.name if mimics(endpoint) else endpoint.format,
        announce_ready=endpoint.announce_ready,
        notify_upload=endpoint.notify_upload,
        events=tuple(endpoint.events),
        sources=tuple(endpoint.sources),
        statuses=tuple(endpoint.statuses),
        drain=endpoint.drain,
        headers=endpoint.headers,
        bearer=secrets.get(("bearer",)),
        basic=None if basic is None else Basic(basic.user, secrets["basic", "password"]),
        ca_file=files.get("ca_file"),
        client_cert=files.get("client_cert"),
        client_key=files.get("client_key"),
        files=digest_of(files),
        **_sent(how),
    )


def _calling(file: File, secrets: Mapping[KeyPath, Secret]) -> Calling:
    """Callbacks have the defaults of `[delivery]`."""
    template = Endpoint(name=ALL, url="", secrets=tuple(secrets.values()), **_sent(file.delivery))
    return Calling(template, tuple(file.server.notify_urls))


def _sent(how: DeliveryTable) -> dict[str, Any]:
    """How an endpoint is sent to."""
    return {
        "schedule": tuple(seconds(delay) for delay in how.schedule),
        "timeout": seconds(how.timeout),
        "max_in_flight": how.max_in_flight,
        "rate": rate(how.rate),
        "order": Order(how.order),
        "allow_http": how.allow_http,
        "allow_networks": tuple(network(text) for text in how.allow_networks),
    }
