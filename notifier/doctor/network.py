"""sources, endpoints → can they be reached, and what time is it there?

A provider is greeted once without a credential, which spends no budget; at an endpoint no more is done than to shake
hands. All at the same time, and each in a few seconds.
"""

import asyncio
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence

from yarl import URL

from notifier.config import Settings
from notifier.core.model import Endpoint, Outcome, Source
from notifier.core.text import counted
from notifier.core.verifying import TOLERANCE
from notifier.doctor.findings import Finding, doubt, fault, good
from notifier.providers.base import ProviderError
from notifier.providers.http import Api, open_session
from notifier.webhook.names import Abandoned, LookUp, OwnThread
from notifier.webhook.reach import reach

WITHIN = 5.0
"""Seconds for each."""
AT_ONCE = 64
NOTICEABLE = 30.0
"""Seconds by which a clock may be off without a word: what is asked for and what is signed go by it."""
SERVER_ERROR = 500
SEE_NETWORK = "see base_url, the name servers in /etc/resolv.conf, and whether a firewall is in between"
SEE_CERTIFICATES = "see the clock, and that the authorities are installed: sudo apt install ca-certificates"
SET_CLOCK = "have it set: sudo timedatectl set-ntp true"
CURES = {
    Outcome.DNS: "see its url, and the name servers in /etc/resolv.conf",
    Outcome.CONNECT: "see whether it is up, and whether a firewall is in between",
    Outcome.TIMEOUT_CONNECT: "see whether it is up, and whether a firewall is in between",
    Outcome.TLS: "see its certificate, our clock, and ca_file where it has an authority of its own",
    Outcome.REFUSED_ADDRESS: "see its url, or allow_networks where it is meant to be there",
}
SEE_ENDPOINT = "see its url and its files"


async def of_network(
    settings: Settings,
    clock: Callable[[], float],
    look_up: LookUp,
    *,
    within: float = WITHIN,
    trust: ssl.SSLContext | None = None,
) -> list[Finding]:
    """Each source and each endpoint, and the clock. `trust` is what endpoints without files of their own have."""
    places = asyncio.Semaphore(AT_ONCE)
    names = OwnThread(look_up, Abandoned())
    own_port = settings.listen[1] if settings.listen else None
    skews: dict[str, float] = {}

    async def greeted(url: str, sources: Sequence[Source]) -> Finding:
        async with places:
            return await _greeted(url, [one.name for one in sources], clock, names, within, skews)

    async def reached(endpoint: Endpoint) -> Finding:
        async with places:
            return _of_endpoint(endpoint, await reach(endpoint, names, within=within, own_port=own_port, trust=trust))

    asked = [greeted(url, sources) for url, sources in _by_url(settings.sources).items()]
    found = await asyncio.gather(*asked, *map(reached, settings.endpoints))
    return [*found, *([of_clock(skews)] if settings.sources else [])]


def _by_url(sources: Iterable[Source]) -> Mapping[str, list[Source]]:
    """One greeting is enough for all that are at one place."""
    by_url: dict[str, list[Source]] = {}
    for source in sources:
        by_url.setdefault(source.base_url, []).append(source)
    return by_url


async def _greeted(
    url: str,
    names: Sequence[str],
    clock: Callable[[], float],
    resolver: OwnThread,
    within: float,
    skews: dict[str, float],
) -> Finding:
    about = f"source {', '.join(names)}"
    host = URL(url).host or "the provider"
    try:
        async with open_session(resolver) as session:
            status, skew = await Api(session, url, {}, within).greet(clock())
    except ProviderError as error:
        cure = SEE_CERTIFICATES if "certificate" in str(error) else SEE_NETWORK
        return fault(about, f"{host}: {error}", cure)
    if skew is not None:
        skews[names[0]] = skew
    if status >= SERVER_ERROR:
        return doubt(about, f"{host} answers {status}", "wait: it has trouble of its own")
    return good(about, f"{host} answers")


def _of_endpoint(endpoint: Endpoint, trouble: tuple[Outcome, str] | None) -> Finding:
    about = f"endpoint {endpoint.name}"
    if trouble is None:
        return good(about, f"{URL(endpoint.url).host} can be connected to")
    outcome, note = trouble
    return fault(about, note, CURES.get(outcome, SEE_ENDPOINT))


def of_clock(skews: Mapping[str, float]) -> Finding:
    """Our clock beside those of the sources, in seconds that each is ahead: where all agree that it is wrong, it is."""
    if not skews:
        return doubt("clock", "no source has told the time", "see with `timedatectl` whether it is set")
    source, skew = min(skews.items(), key=lambda one: abs(one[1]))
    off = abs(skew)
    where = f"{'behind' if skew > 0 else 'ahead of'} that of {source}"
    if off > TOLERANCE:
        return fault("clock", f"ours is {off:.0f} s {where}: receivers refuse what is signed so", SET_CLOCK)
    if off > NOTICEABLE:
        return doubt("clock", f"ours is {off:.0f} s {where}", SET_CLOCK)
    return good("clock", f"within {counted(max(1, round(off)), 'second')} of that of {source}")
