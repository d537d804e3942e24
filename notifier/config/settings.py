"""the config as it is written → what it means: defaults filled in, secrets resolved, durations in seconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from notifier.config.faults import KeyPath
from notifier.config.models import DeliveryTable, EndpointTable, File, SourceTable, sending
from notifier.config.places import Surroundings, store_path
from notifier.config.units import address, network, rate, seconds
from notifier.core.model import Baseline, Endpoint, Order, Source
from notifier.core.secret import Secret
from notifier.providers.base import Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All that the daemon needs to know."""

    store_path: Path
    """The database, absolute."""
    keep: float
    """Seconds for which what is settled and delivered stays."""
    listen: tuple[str, int] | None
    """Host and port of the server over TCP; None: off."""
    token: Secret | None
    in_flight_total: int
    sources: tuple[Source, ...]
    endpoints: tuple[Endpoint, ...]
    warnings: tuple[str, ...] = ()
    """What is worth a line in the log at the start."""


def meaning(file: File, secrets: Mapping[KeyPath, Secret], around: Surroundings, warnings: tuple[str, ...]) -> Settings:
    """The meaning of a config without faults."""
    keys = {path[1]: secret for path, secret in secrets.items() if path[0] == "sources"}
    return Settings(
        store_path=store_path(file.store.url, around),
        keep=seconds(file.store.keep),
        listen=address(file.server.listen) if file.server.listen else None,
        token=secrets.get(("server", "token")),
        in_flight_total=file.delivery.in_flight_total,
        sources=tuple(
            _source(source, keys[index], around.providers[source.provider]) for index, source in enumerate(file.sources)
        ),
        endpoints=tuple(
            _endpoint(endpoint, file.delivery, _signing(secrets, index))
            for index, endpoint in enumerate(file.endpoints)
        ),
        warnings=warnings,
    )


def _signing(secrets: Mapping[KeyPath, Secret], index: int) -> tuple[Secret, ...]:
    return tuple(secret for path, secret in secrets.items() if path[:2] == ("endpoints", index))


def _source(source: SourceTable, api_key: Secret, provider: Provider) -> Source:
    return Source(
        name=source.name,
        provider=provider.name,
        base_url=(source.base_url or provider.base_url).rstrip("/"),
        api_key=api_key,
        budget=rate(source.budget) if source.budget else provider.budget,
        discover=source.discover,
        baseline=Baseline(source.baseline),
        uploads=tuple(source.uploads),
        kinds=provider.kinds if source.kinds is None else tuple(source.kinds),
        reserve=source.reserve,
        stalled_after=seconds(source.stalled_after),
    )


def _endpoint(endpoint: EndpointTable, delivery: DeliveryTable, secrets: tuple[Secret, ...]) -> Endpoint:
    how = sending(endpoint, delivery)
    return Endpoint(
        name=endpoint.name,
        url=endpoint.url,
        secrets=secrets,
        events=tuple(endpoint.events),
        sources=tuple(endpoint.sources),
        statuses=tuple(endpoint.statuses),
        headers=endpoint.headers,
        schedule=tuple(seconds(delay) for delay in how.schedule),
        timeout=seconds(how.timeout),
        max_in_flight=how.max_in_flight,
        rate=rate(how.rate),
        order=Order(how.order),
        allow_http=how.allow_http,
        allow_networks=tuple(network(text) for text in how.allow_networks),
    )
