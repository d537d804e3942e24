"""What every provider module is made of: three failures, a client, one description.

A module turns looks into requests and documents into observations. One look is one request. What goes wrong is one of
three: `Unavailable` (come back later), `Refused` (a person must act), `Malformed` (they said what they never say).
None of them is ever an observation.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

import aiohttp
from yarl import URL

from notifier.core.allowance import LONGEST_HOLD
from notifier.core.diff import Vanishing
from notifier.core.model import Answer, Look, LookKind, Rate, Source
from notifier.core.pace import Pace
from notifier.core.rhythm import Cadence, Listing, back_off
from notifier.core.ways import any_id


class ProviderError(Exception):
    """The provider could not be asked. The message is for people: no secret, no body, no query."""

    code = "unavailable"
    """What it was, for programs."""

    def rest(self, failures: int, draw: float) -> float:
        """Seconds until the source may be asked again, ever longer; `failures` in a row, a `draw` from 0 to 1."""
        return back_off(failures, draw)


class Unavailable(ProviderError):
    """Transport error, time-out, 5xx, a rate-limit answer, HTML, an empty body or a redirect: later is another time.

    `retry_after` is in seconds, where the provider stated it; `limited` says that it was a rate-limit answer.
    """

    def __init__(self, message: str, retry_after: float | None = None, *, limited: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.limited = limited
        self.code = "limited" if limited else "unavailable"

    def rest(self, failures: int, draw: float) -> float:
        """What the provider asks for, where it does."""
        if self.retry_after is None:
            return super().rest(failures, draw)
        return min(self.retry_after, LONGEST_HOLD) + draw


class Refused(ProviderError):
    """401 or 403: the credential is not accepted, a person must act."""

    code = "refused"


class Malformed(ProviderError):
    """An answer that the documentation does not know: a body of another shape, a request called wrong."""

    code = "malformed"


class Session(Protocol):
    """What sends requests over HTTP: aiohttp's, or one that does more besides."""

    def request(
        self,
        method: str,
        url: URL,
        *,
        headers: Mapping[str, str],
        data: Mapping[str, str] | None,
        allow_redirects: bool,
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """As aiohttp's."""
        ...


class Client(Protocol):
    """One source, being asked."""

    async def observe(self, look: Look, at: float) -> Answer:
        """Send one request, at the moment `at`, and say what it told; raises `ProviderError` and nothing else."""


@dataclass(frozen=True, slots=True)
class Provider:
    """A kind of API: all that the rest of the program needs to know of it."""

    name: str
    base_url: str
    kinds: tuple[str, ...]
    """Its collections; empty where it has only one."""
    listings: tuple[Listing, ...]
    cadence: Cadence
    budget: Rate
    """Our own default cap on requests."""
    limit: Rate
    """The documented limit before any header tells another; a count of 0: none is documented."""
    connect: Callable[[Session, Source], Client]
    kind: str = "media"
    """Where it has only one collection: what its uploads are called in events."""
    batch: int = 0
    """Ids that one BATCH names at first; 0: it has none."""
    batch_up_to: int = 0
    """Ids that one may come to name where all is answered well, if more are worth a try."""
    pace: Pace = field(default_factory=Pace)
    usual: tuple[float, float] = (60.0, 1.1)
    """How long uploads take before any is seen: median in seconds, and sigma of the logarithm."""
    hourly: bool = False
    """Its limit is counted from full hour to full hour, UTC, by its own clock."""
    single: bool = True
    """Whether it can be asked for one upload by its id."""
    is_id: Callable[[str], bool] = any_id
    """Whether an upload can have this id; by one that none has nothing is asked."""
    ids: str = "an id"
    """What its ids are, for people, where they cannot be anything."""
    vanishing: Vanishing = field(default_factory=Vanishing)
    """What it means once it is confirmed that the provider does not know an upload any more."""
    tailored: "Callable[[Source], Provider] | None" = None
    """Of a kind of API that is another one for each source: what this one can be asked."""

    def of(self, source: Source) -> "Provider":
        """The provider as it is for this source."""
        return self if self.tailored is None else self.tailored(source)


def sound(look: Look, answer: Answer) -> Answer:
    """The answer; raises `Malformed` where it has no word of what was asked for."""
    said = answer.missing or answer.then or answer.observations or answer.skipped
    if look.kind is LookKind.GET and not said:
        raise Malformed(f"asked for {look.id}, answered without a word of it")
    return answer
