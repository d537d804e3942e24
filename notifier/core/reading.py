"""upload × what an answer says of it → the upload to be written, and the change to be announced, if there is one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from notifier.core.diff import Vanishing, absent, deserves_a_look, diff, is_old_news, latest, merged
from notifier.core.model import SETTLED, Change, ChangeReason, LookKind, Observation, Status, Upload
from notifier.core.rhythm import Cadence, look_for_missing, next_look

UNSPOKEN_EVERY, UNSPOKEN_AT_MOST = 10.0, 300.0
"""Seconds, at least and at most, until an upload is asked for again of which an answer said nothing at all."""
UNSPOKEN_SHARE = 0.1
"""Of the time for which nothing was said of it: between the two, it is asked for again after so much of that."""
LISTED_BUT_GONE = 21600.0
"""Seconds after which an upload that is gone, and which a list still shows, is asked for once more."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How a source's uploads are read. `stalled_after` is in seconds."""

    cadence: Cadence
    vanishing: Vanishing
    stalled_after: float

    def next_look(self, upload: Upload, seen: Observation, at: float) -> float | None:
        """When an upload just seen is asked for by itself, whatever is expected of it."""
        return next_look(upload, seen, self.cadence, self.stalled_after, at)


@dataclass(frozen=True, slots=True)
class Reading:
    """What becomes of an upload, and what is to be announced of it."""

    upload: Upload
    change: Change | None = None


def sighted(upload: Upload, seen: Observation, kind: LookKind, at: float, rules: Rules) -> Reading:
    """The provider spoke of an upload at the moment `at`, in answer to a look of this kind."""
    if is_old_news(upload, seen, kind, at):
        return Reading(upload)
    if not seen.complete:
        there = upload if upload.snapshot is None or kind is LookKind.FEED else _there(upload)
        hint = kind is LookKind.BATCH or deserves_a_look(there, seen)
        return Reading(_hinted(there, seen, at) if hint else there)
    change = diff(upload, seen, at, rules.stalled_after)
    if change is not None:
        return _announced(change, rules)
    now = merged(upload.snapshot, seen)
    present = _present(upload, now)
    return Reading(replace(present, due_at=rules.next_look(present, now, at)))


def unannounced(upload: Upload, seen: Observation, at: float, rules: Rules) -> Reading:
    """A source's first complete look, where it is silent: the snapshot is taken and nothing said."""
    taken = replace(upload, kind=seen.kind, ref=seen.ref or upload.ref, snapshot=seen)
    due_at = rules.next_look(taken, seen, at)
    return Reading(replace(taken, due_at=due_at if seen.complete or due_at is None else at))


def unspoken(upload: Upload, at: float, rules: Rules) -> Reading:
    """The answer at the moment `at` says nothing of the upload that was asked for: to be asked again in its turn."""
    if upload.snapshot is not None and not upload.misses:
        return Reading(replace(upload, due_at=rules.next_look(upload, upload.snapshot, at)))
    since = upload.followed_at if upload.missing_since is None else upload.missing_since
    sought_at = look_for_missing(upload.misses, since, rules.cadence, at)
    return Reading(replace(upload, due_at=max(sought_at, ask_again(since, at))))


def ask_again(since: float, at: float) -> float:
    """When to ask for an upload again of which nothing was said from `since` to the moment `at`: ever more seldom."""
    return at + min(max(UNSPOKEN_EVERY, UNSPOKEN_SHARE * (at - since)), UNSPOKEN_AT_MOST)


def denied(upload: Upload, at: float, rules: Rules) -> Reading:
    """The provider itself did not know an upload at the moment `at`: no news before that is confirmed.

    Confirmed is what it says `cadence.grace_looks` times in a row over `cadence.grace` seconds.
    """
    known, cadence = upload.snapshot, rules.cadence
    if known is not None and rules.vanishing.says_nothing(known):
        return Reading(replace(upload, due_at=rules.next_look(upload, known, at)))
    since = at if upload.missing_since is None else upload.missing_since
    misses = upload.misses + 1
    missed = replace(upload, misses=misses, missing_since=since, due_at=look_for_missing(misses, since, cadence, at))
    if misses < cadence.grace_looks or at - since < cadence.grace:
        return Reading(missed)
    if known is None and not upload.registered:
        return Reading(replace(missed, due_at=None))  # a row of some list spoke of it; nobody was told
    change = absent(missed, at, rules.vanishing)
    if change is None:
        return Reading(missed)
    told = _announced(change, rules)
    if known is None:
        return Reading(replace(told.upload, misses=misses, missing_since=since, due_at=missed.due_at), change)
    return told


def missed(upload: Upload, at: float, compared_at: float, rules: Rules) -> Reading:
    """A sweep at the moment `at` lacks an upload that nothing but lists shows: each denies it once.

    What had settled is compared again at `compared_at`: no sweep before tells more.
    """
    reading = denied(upload, at, rules)
    known = reading.upload.snapshot
    if reading.change is not None or known is None or known.status not in SETTLED:
        return reading
    return Reading(replace(reading.upload, due_at=compared_at))


def _announced(change: Change, rules: Rules) -> Reading:
    told = _told(change)
    return Reading(replace(told, due_at=rules.next_look(told, change.seen, change.observed_at)), change)


def _told(change: Change) -> Upload:
    """The upload as it stands once its change is announced."""
    stalled = change.reason is ChangeReason.STALLED
    upload = _present(change.upload, change.seen)
    changed_at = upload.changed_at if stalled else change.observed_at
    return replace(
        upload,
        sequence=upload.sequence + 1,
        stalled=stalled,
        changed_at=changed_at,
        fingerprint=None,
        batch_fingerprint=None,
    )


def _present(upload: Upload, seen: Observation) -> Upload:
    return replace(_there(upload), kind=seen.kind, ref=seen.ref or upload.ref, snapshot=seen)


def _there(upload: Upload) -> Upload:
    """No longer missed. The rows of a feed do not show it: they stay when the upload goes."""
    return replace(upload, misses=0, missing_since=None)


def _hinted(upload: Upload, seen: Observation, at: float) -> Upload:
    """To be looked at now; the hint is remembered by its moment, so that it hints once.

    What the provider denied, and lists all the same, is looked at seldom, and once more.
    """
    known = upload.snapshot
    if known is None:
        return replace(upload, due_at=at)
    if known.status is Status.GONE:
        return replace(upload, due_at=at + LISTED_BUT_GONE if upload.due_at is None else upload.due_at)
    return replace(upload, due_at=at, snapshot=replace(known, updated_at=latest(known.updated_at, seen.updated_at)))


def spoken_of(seen: Observation, known: Mapping[str, list[Upload]]) -> Upload | None:
    """The upload that an observation speaks of: by its id, or by the other id that it has."""
    uploads = (upload for id_ in seen.ids for upload in known.get(id_, ()))
    return next((upload for upload in uploads if upload.kind in {seen.kind, ""}), None)
