"""What was true × what was shown × what arrived → the verdict."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from statistics import median

from notifier.core.encoding_com import WORDS
from notifier.core.model import DORMANT, SETTLED, Status

RESTING = SETTLED | DORMANT
"""Statuses from which nothing moves by itself: each one that was shown must be told."""

Name = tuple[str, str]
"""An upload's source and id."""


@dataclass(slots=True)
class Truth:
    """A status that an upload really had, from the moment `at`."""

    upload: Name
    status: Status
    at: float
    old: bool = False
    """It was so before anybody looked: a baseline may pass over it in silence."""
    shown_at: float | None = None
    """When an answer of the provider told it first."""

    @property
    def type(self) -> str:
        """The event that tells it."""
        return f"upload.{self.status.value}"


@dataclass(frozen=True, slots=True)
class Receipt:
    """One request that reached an endpoint, and whether it was answered with 2xx."""

    at: float
    endpoint: str
    accepted: bool
    fault: str | None = None
    """Why its signature does not hold, or what in it is not understood; nothing further is known of it then."""
    event: str = ""
    type: str = ""
    upload: Name | None = None
    """None: the event is not about an upload."""
    sequence: int = 0
    is_signed: bool = True
    """Encoding.com signed nothing: a call is only understood, or not."""

    @property
    def outcome(self) -> str:
        """What became of it, in a word or two."""
        word = "verified" if self.is_signed else "understood"
        if self.fault is not None:
            return f"NOT {word.upper()}: {self.fault}"
        return word if self.accepted else "answered 503"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The counts, and a line for each thing that should not be. Delays: seconds from a change to its receipt."""

    changes: int
    shown: int
    owed: int
    arrived: int
    webhooks: int
    verified: int
    understood: int
    """Calls in Encoding.com's manner."""
    refused: int
    retried: int
    duplicates: int
    lost: tuple[str, ...]
    unverified: tuple[str, ...]
    untrue: tuple[str, ...]
    disordered: tuple[str, ...]
    median_delay: float | None
    worst_delay: float | None

    @property
    def wrong(self) -> tuple[str, ...]:
        """Everything that keeps the verdict from being good."""
        return (*self.lost, *self.unverified, *self.untrue, *self.disordered)


@dataclass(slots=True)
class Ledger:
    """Keeps the three books. `endpoints` tells which event types each endpoint wants, as patterns with `*`.

    Those that are `called` are told of them in Encoding.com's words.
    """

    endpoints: Mapping[str, tuple[str, ...]]
    called: frozenset[str] = frozenset()
    truths: dict[Name, list[Truth]] = field(default_factory=dict)
    receipts: list[Receipt] = field(default_factory=list)

    def became(self, upload: Name, status: Status, at: float, *, old: bool = False) -> Truth | None:
        """The upload has this status from now on; None where it had it already."""
        lives = self.truths.setdefault(upload, [])
        if lives and lives[-1].status is status:
            return None
        lives.append(Truth(upload, status, at, old))
        return lives[-1]

    def showed(self, upload: Name, at: float) -> None:
        """A provider's answer has told the upload's present status."""
        truth = self.truths[upload][-1]
        if truth.shown_at is None:
            truth.shown_at = at

    def received(self, receipt: Receipt) -> None:
        """A request has reached an endpoint."""
        self.receipts.append(receipt)

    def all_shown(self) -> bool:
        """Whether nothing is true that was not shown."""
        return all(lives[-1].shown_at is not None for lives in self.truths.values())

    def verdict(self) -> Verdict:
        """How it stands now."""
        moves = [truth for lives in self.truths.values() for truth in lives if not truth.old]
        good = [receipt for receipt in self.receipts if receipt.accepted and receipt.fault is None]
        arrivals = Counter((receipt.endpoint, receipt.event) for receipt in good)
        refused = Counter((receipt.endpoint, receipt.event) for receipt in self.receipts if not receipt.accepted)
        owed = list(self._owed(moves))
        lost = list(self._lost(owed, good))
        delays = list(self._delays(good))
        return Verdict(
            changes=len(moves),
            shown=sum(truth.shown_at is not None for truth in moves),
            owed=len(owed),
            arrived=len(owed) - len(lost),
            webhooks=len(arrivals),
            verified=sum(receipt.fault is None and receipt.is_signed for receipt in self.receipts),
            understood=sum(receipt.fault is None and not receipt.is_signed for receipt in self.receipts),
            refused=sum(refused.values()),
            retried=sum(each in arrivals for each in refused),
            duplicates=sum(arrivals.values()) - len(arrivals),
            lost=tuple(lost),
            unverified=tuple(f"{each.endpoint}: {each.fault}" for each in self.receipts if each.fault is not None),
            untrue=tuple(self._untrue()),
            disordered=tuple(_disordered(good)),
            median_delay=median(delays) if delays else None,
            worst_delay=max(delays, default=None),
        )

    def _owed(self, moves: Iterable[Truth]) -> Iterator[tuple[str, Truth]]:
        """What came to rest, for each endpoint that wants it; what passed unseen between two looks is owed nobody."""
        for truth in moves:
            last = self.truths[truth.upload][-1] is truth
            if truth.status in RESTING and (last or truth.shown_at is not None):
                yield from ((name, truth) for name, wanted in self.endpoints.items() if _wants(wanted, truth.type))

    def _told(self, receipt: Receipt) -> Truth | None:
        """The truth of which a receipt speaks: the latest of that status that was shown before it came."""
        lives = self.truths.get(receipt.upload, []) if receipt.upload is not None else []
        shown = [each for each in lives if each.shown_at is not None and each.shown_at <= receipt.at]
        return next((each for each in reversed(shown) if self._word(receipt.endpoint, each) == receipt.type), None)

    def _word(self, endpoint: str, truth: Truth) -> str:
        """How an endpoint is told of a truth."""
        return WORDS[truth.status] if endpoint in self.called else truth.type

    def _untrue(self) -> Iterator[str]:
        statuses = {f"upload.{status.value}" for status in Status} | set(WORDS.values())
        for receipt in self.receipts:
            if receipt.type in statuses and self._told(receipt) is None:
                yield f"{receipt.endpoint}: {receipt.type} of {_called(receipt.upload)}, which nobody had said"

    def _delays(self, good: Iterable[Receipt]) -> Iterator[float]:
        first: dict[tuple[str, str], Receipt] = {}
        for receipt in good:
            first.setdefault((receipt.endpoint, receipt.event), receipt)
        for receipt in first.values():
            truth = self._told(receipt)
            if truth is not None and not truth.old:
                yield receipt.at - truth.at

    def _lost(self, owed: Iterable[tuple[str, Truth]], good: Iterable[Receipt]) -> Iterator[str]:
        """A line for each owed webhook that has not come: by endpoint, upload and type as often as it is owed."""
        events = {(each.endpoint, each.upload, each.type, each.event) for each in good}
        came = Counter((endpoint, upload, type_) for endpoint, upload, type_, _ in events)
        for endpoint, truth in owed:
            wanted = (endpoint, truth.upload, self._word(endpoint, truth))
            came[wanted] -= 1
            if came[wanted] < 0:
                never = "" if truth.shown_at is not None else ", for which nobody asked"
                yield f"{endpoint}: no {truth.type} of {_called(truth.upload)}{never}"


def _wants(patterns: Iterable[str], type_: str) -> bool:
    return any(fnmatchcase(type_, pattern) for pattern in patterns)


def _disordered(good: Iterable[Receipt]) -> Iterator[str]:
    """A line for each event that came for the first time after a later one of its upload."""
    seen: set[tuple[str, str]] = set()
    latest: dict[tuple[str, Name | None], int] = {}
    for receipt in good:
        if receipt.upload is None or (receipt.endpoint, receipt.event) in seen:
            continue
        seen.add((receipt.endpoint, receipt.event))
        lane = (receipt.endpoint, receipt.upload)
        before = latest.get(lane, 0)
        if receipt.sequence < before:
            yield f"{receipt.endpoint}: {_called(receipt.upload)} no. {receipt.sequence} after no. {before}"
        latest[lane] = max(before, receipt.sequence)


def _called(upload: Name | None) -> str:
    return "/".join(upload) if upload else "no upload"
