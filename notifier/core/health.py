"""endpoint's health × attempt → its health: whether anything may be sent to it, when, and how much at once.

         5 failures in a row, or half of 20 in a minute
    ok ─────────────────────────────────────────────────► open ──► one probe after 30 s, failing: twice as long after
    ▲ ▲                                                    │ │
    │ └──────────────────── 2xx of the probe ──────────────┘ │ 5 days without a success
    │                                                        ▼
    └── 2xx of an hourly probe; a person; another URL ──── paused ◄── 410, `disable`, a person, the config: from
                                                                      anywhere, and then no probe

Beside it stands the throttle: after a 429, or a 5xx that asks for it, the endpoint is left alone for a while, in
whatever state. A person, or another URL, ends whatever holds it back. What was on its way when it was shut off, or
throttled, says nothing new when it fails.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from notifier.core.blame import Blame, blame
from notifier.core.callbacks import number_of
from notifier.core.digest import digest, is_of
from notifier.core.model import Attempt, Command, Endpoint, Outcome
from notifier.core.pauses import Pause
from notifier.core.recent import Recent, counted, is_spoilt
from notifier.core.retry import SPREAD, jittered

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
FAILURES = 5
"""In a row, and the endpoint is shut off; or too many of the last minute: `core.recent`."""
SHUT, LONGEST_SHUT = 30.0, 1800.0
"""Seconds until the first probe; after each that fails twice as long, at most."""
HUSH, LONGEST_HUSH = 5.0, 300.0
"""Seconds for which an endpoint is left alone after a 429 that says nothing of it, after each further one twice."""
LONGEST_ASKED = DAY
"""Seconds at most for which it is left alone because it asks for it; who wants more asks again."""
SILENT, LASTING = 5 * DAY, 12 * HOUR
"""It pauses after so long without a success, where the first failure and the last are so far apart."""
PROBE_EVERY = HOUR
MOST_DOUBLINGS = 6


class State(StrEnum):
    """How it stands with an endpoint, as people see it."""

    OK = "ok"
    OPEN = "open"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Health:
    """What is remembered of an endpoint across restarts."""

    sequence: int = 0
    """Events announced about the endpoint itself."""
    succeeded_at: float | None = None
    """The last 2xx, to the minute."""
    failing_since: float | None = None
    """The first failure after it."""
    failures: int = 0
    """Failures in a row."""
    failure: str | None = None
    """What came of the last of them, in words."""
    quiet_until: float = 0.0
    """Nothing is sent before."""
    throttles: int = 0
    """Answers of 429 without a success between them."""
    probe_at: float | None = None
    """Not None: it is shut off until then, and then there is one attempt at a time."""
    trips: int = 0
    """How often it was shut off without a success between."""
    ramp: int | None = None
    """Attempts that may be on their way at once; None: as many as the endpoint takes."""
    paused: Pause | None = None
    paused_at: float | None = None
    url_digest: str | None = None
    """Of a paused endpoint: what tells whether its URL is still the one it had then. A callback's is always: empty."""
    untold: bool = False
    """Of a paused endpoint: the others were not told of it, and so are not of its end."""

    @property
    def state(self) -> State:
        """How it stands with it."""
        if self.paused is not None:
            return State.PAUSED
        return State.OK if self.probe_at is None else State.OPEN


WELL = Health()


# --- what may go


def may_go(health: Health) -> float | None:
    """The moment from which something may be sent; None where a person has to act before."""
    if health.paused is not None and health.probe_at is None:
        return None
    return max(health.quiet_until, health.probe_at or 0.0)


def places(health: Health, most: int) -> int:
    """How many attempts may be on their way at once, of the `most` that the endpoint takes."""
    if health.probe_at is not None:
        return 1
    return most if health.ramp is None else min(health.ramp, most)


def revives(before: Health, after: Health) -> bool:
    """Whether the endpoint is no longer shut off, so that all that waits for it is due."""
    return after.state is State.OK and before.state is not State.OK


# --- what an attempt says


def heard(
    health: Health,
    recent: Recent,
    attempt: Attempt,
    endpoint: Endpoint,
    now: float,
    draw: float,
    shut: float = SHUT,
) -> tuple[Health, Recent]:
    """The endpoint's health after an attempt that has just ended; `draw` is a random number from 0 to 1.

    `shut` is for how many seconds it is shut off at first.
    """
    whose = blame(attempt)
    good = attempt.outcome is Outcome.DELIVERED
    if good or whose is Blame.ENDPOINT:
        recent = counted(recent, now, good=good)
    if good:
        health = _succeeded(health, endpoint.max_in_flight, now)
    elif whose is Blame.ENDPOINT:
        off = jittered(min(shut * 2 ** min(health.trips, MOST_DOUBLINGS), LONGEST_SHUT), draw)
        health = _failed(health, endpoint, now, off, spoilt=is_spoilt(recent))
        health = replace(health, failure=attempt.note or attempt.outcome.value)
    if whose is Blame.THROTTLE or attempt.retry_after is not None:
        health = _throttled(health, attempt, now)
    if health.paused is Pause.FAILING and health.probe_at is not None and health.probe_at <= now:
        health = replace(health, probe_at=now + PROBE_EVERY)
    if attempt.outcome is Outcome.HTTP_410:
        health = pause(health, Pause.GONE, endpoint, now)
    elif attempt.command is Command.DISABLE:
        health = pause(health, Pause.DISABLED, endpoint, now)
    return health, recent if health.state is State.OK else ()


def _succeeded(health: Health, most: int, now: float) -> Health:
    """A 2xx. Nothing is new, and nothing to be written, where all was well within the minute."""
    known = health.succeeded_at is not None and 0 <= now - health.succeeded_at < MINUTE
    if known and not health.throttles and health.ramp is None and health.state is State.OK:
        return health
    probed = health.probe_at is not None and now >= health.probe_at
    if probed or health.paused is Pause.FAILING:
        health = resumed(health)
    elif health.ramp is not None and health.state is State.OK:
        health = replace(health, ramp=health.ramp + 1)
    if health.ramp is not None and health.ramp >= most:
        health = replace(health, ramp=None)
    throttles = health.throttles if now < health.quiet_until else 0
    return replace(health, succeeded_at=now, failing_since=None, failures=0, failure=None, throttles=throttles)


def _failed(health: Health, endpoint: Endpoint, now: float, off: float, *, spoilt: bool) -> Health:
    """A failure that speaks against the endpoint: where that was one too many, it is `off` for so many seconds."""
    since = now if health.failing_since is None else health.failing_since
    ramp = max(1, places(health, endpoint.max_in_flight) // 2)
    health = replace(health, failing_since=since, failures=health.failures + 1, ramp=ramp)
    last = since if health.succeeded_at is None else health.succeeded_at
    if now - last >= SILENT and now - since >= LASTING:
        return pause(health, Pause.FAILING, endpoint, now)
    is_probe = health.probe_at is not None and now >= health.probe_at
    is_over = is_probe or (health.probe_at is None and (spoilt or health.failures >= FAILURES))
    if health.paused is None and is_over:
        return replace(health, trips=health.trips + 1, probe_at=now + off)
    return health


def _throttled(health: Health, attempt: Attempt, now: float) -> Health:
    """The receiver asks to be left alone, for as long as it says or, after a 429, ever longer."""
    throttles = health.throttles
    if attempt.outcome is Outcome.HTTP_429 and (now >= health.quiet_until or not throttles):
        throttles += 1
    asked = attempt.retry_after
    if asked is None:
        asked = min(HUSH * 2 ** min(throttles - 1, MOST_DOUBLINGS), LONGEST_HUSH)
    quiet_until = max(health.quiet_until, now + min(asked, LONGEST_ASKED))
    return replace(health, throttles=throttles, quiet_until=quiet_until)


# --- pause, and its end


def pause(health: Health, why: Pause, endpoint: Endpoint, now: float) -> Health:
    """The endpoint pauses. A pause that might end by itself becomes one that does not; any other stays what it is."""
    if health.paused is not None and (health.paused is not Pause.FAILING or why is Pause.FAILING):
        return health
    since = now if health.paused_at is None else health.paused_at
    known = health.url_digest
    if known is None:  # there may be very many callbacks, and a digest takes its time
        known = digest(endpoint.url, f"{endpoint.name} {now}") if number_of(endpoint.name) is None else ""
    probe_at = now + PROBE_EVERY if why is Pause.FAILING else None
    return replace(health, paused=why, paused_at=since, url_digest=known, probe_at=probe_at, trips=0)


def resumed(health: Health) -> Health:
    """The pause is over, or the breaker is closed: it begins anew, with one attempt at a time."""
    return replace(
        health, paused=None, paused_at=None, url_digest=None, untold=False, probe_at=None,
        trips=0, failures=0, failure=None, failing_since=None, ramp=1,
    )  # fmt: skip


def released(health: Health, now: float) -> Health:
    """What a person wants who resumes it: whatever holds it back is over, its own wish to be left alone too."""
    if now < health.quiet_until:
        health = replace(health, quiet_until=0.0, throttles=0)
    return health if health.state is State.OK else resumed(health)


def renewed(health: Health) -> Health:
    """What is known of it at another URL: no pause, failure or wish of who was at the old one holds it back."""
    return resumed(replace(health, quiet_until=0.0, throttles=0))


def is_moved(health: Health, url: str) -> bool:
    """Whether a paused endpoint has another URL than when it paused."""
    return not is_of(health.url_digest, url) if health.url_digest else False


# --- clocks


def stepped(health: Health, jump: float) -> Health:
    """The same after the clock was put forward by so many seconds, or back: nothing has become longer or shorter."""
    if not jump:
        return health
    return replace(
        health,
        succeeded_at=_moved(health.succeeded_at, jump),
        failing_since=_moved(health.failing_since, jump),
        paused_at=_moved(health.paused_at, jump),
        probe_at=_moved(health.probe_at, jump),
        quiet_until=health.quiet_until and health.quiet_until + jump,
    )


def believed(health: Health, now: float) -> Health:
    """The same without what only a clock that was ahead can have written.

    What has happened, happened now at the latest, and a probe is no further away than one can be. A wish to be left
    alone for longer than is heeded, by more than clocks are apart, is forgotten: nobody knows what it was, and the
    receiver will say it again.
    """
    furthest = PROBE_EVERY if health.paused is not None else LONGEST_SHUT * (1 + SPREAD)
    return replace(
        health,
        succeeded_at=_no_later(health.succeeded_at, now),
        failing_since=_no_later(health.failing_since, now),
        paused_at=_no_later(health.paused_at, now),
        probe_at=_no_later(health.probe_at, now + furthest),
        quiet_until=health.quiet_until if health.quiet_until <= now + LONGEST_ASKED + MINUTE else 0.0,
    )


def _moved(moment: float | None, jump: float) -> float | None:
    return None if moment is None else moment + jump


def _no_later(moment: float | None, bound: float) -> float | None:
    return None if moment is None else min(moment, bound)
