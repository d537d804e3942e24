"""upload × what an answer says of it → the upload to be written, and the change to be announced, if there is one."""

from dataclasses import dataclass, replace

from notifier.core.diff import Vanishing, absent, deserves_a_look, diff, is_old_news, latest, merged
from notifier.core.model import Change, ChangeReason, LookKind, Observation, Upload
from notifier.core.pace import Cadence, look_for_missing, next_look


@dataclass(frozen=True, slots=True)
class Rules:
    """How a source's uploads are read. `stalled_after` is in seconds."""

    cadence: Cadence
    vanishing: Vanishing
    stalled_after: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What becomes of an upload; `followed` is False where it is followed no longer."""

    upload: Upload
    change: Change | None = None
    followed: bool = True


def sighted(upload: Upload, seen: Observation, kind: LookKind, at: float, rules: Rules) -> Reading:
    """The provider spoke of an upload at the moment `at`, in answer to a look of this kind."""
    if is_old_news(upload, seen, kind):
        return Reading(upload)
    if not seen.complete:
        there = upload if upload.snapshot is None or kind is LookKind.FEED else _there(upload)
        return Reading(_hinted(there, seen, at) if deserves_a_look(there, seen) else there)
    change = diff(upload, seen, at, rules.stalled_after)
    if change is not None:
        return _announced(change, rules.cadence)
    now = merged(upload.snapshot, seen)
    present = _present(upload, now)
    return Reading(replace(present, due_at=next_look(present, now, rules.cadence, at)))


def unannounced(upload: Upload, seen: Observation, at: float, rules: Rules) -> Reading:
    """A source's first complete look, where it is silent: the snapshot is taken and nothing said."""
    taken = replace(upload, kind=seen.kind, ref=seen.ref or upload.ref, snapshot=seen)
    due_at = next_look(taken, seen, rules.cadence, at)
    return Reading(replace(taken, due_at=due_at if seen.complete or due_at is None else at))


def unspoken(upload: Upload, at: float, rules: Rules) -> Reading:
    """The answer at the moment `at` says nothing of the upload that was asked for: to be asked again in its turn."""
    every = rules.cadence.open[0][1]
    due_at = next_look(upload, upload.snapshot, rules.cadence, at) if upload.snapshot else at + every
    return Reading(replace(upload, due_at=due_at))


def denied(upload: Upload, at: float, rules: Rules) -> Reading:
    """The provider itself did not know an upload at the moment `at`: no news before that is confirmed.

    Confirmed is what it says `cadence.grace_looks` times in a row over `cadence.grace` seconds.
    """
    known, cadence = upload.snapshot, rules.cadence
    if known is not None and rules.vanishing.says_nothing(known):
        return Reading(replace(upload, due_at=next_look(upload, known, cadence, at)))
    since = at if upload.missing_since is None else upload.missing_since
    misses = upload.misses + 1
    missed = replace(upload, misses=misses, missing_since=since, due_at=look_for_missing(misses, since, cadence, at))
    if misses < cadence.grace_looks or at - since < cadence.grace:
        return Reading(missed)
    if known is None and not upload.registered:
        return Reading(missed, followed=False)  # a row of some list spoke of it; nobody was told
    change = absent(missed, at, rules.vanishing)
    if change is None:
        return Reading(missed)
    told = _announced(change, cadence)
    if known is None:
        return Reading(replace(told.upload, misses=misses, missing_since=since, due_at=missed.due_at), change)
    return told


def _announced(change: Change, cadence: Cadence) -> Reading:
    told = _told(change)
    return Reading(replace(told, due_at=next_look(told, change.seen, cadence, change.observed_at)), change)


def _told(change: Change) -> Upload:
    """The upload as it stands once its change is announced."""
    stalled = change.reason is ChangeReason.STALLED
    upload = _present(change.upload, change.seen)
    changed_at = upload.changed_at if stalled else change.observed_at
    return replace(upload, sequence=upload.sequence + 1, stalled=stalled, changed_at=changed_at)


def _present(upload: Upload, seen: Observation) -> Upload:
    return replace(_there(upload), kind=seen.kind, ref=seen.ref or upload.ref, snapshot=seen)


def _there(upload: Upload) -> Upload:
    """No longer missed. The rows of a feed do not show it: they stay when the upload goes."""
    return replace(upload, misses=0, missing_since=None)


def _hinted(upload: Upload, seen: Observation, at: float) -> Upload:
    """To be looked at now; the hint is remembered by its moment, so that it hints once."""
    known = upload.snapshot
    if known is None:
        return replace(upload, due_at=at)
    return replace(upload, due_at=at, snapshot=replace(known, updated_at=latest(known.updated_at, seen.updated_at)))
