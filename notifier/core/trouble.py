"""source × failed or good look → its health, and the event that tells of it: once each way."""

from dataclasses import replace

from notifier.core.events import source_event
from notifier.core.model import Event, LookKind, SourceState, Trouble

AWAITED = 600.0
"""Seconds for which what failed may wait longer than other questions, once it is due again: others go first, and where
few may go that takes its time."""
BATCH, SINGLE = f"{LookKind.BATCH.value} ", f"{LookKind.GET.value} "
"""How the subject begins of a batch, before its ids, and of a look at one of them."""


def failing(state: SourceState, provider: str, trouble: Trouble, subject: str, at: float) -> tuple[SourceState, Event]:
    """The source cannot be read since `at`: to be said when it begins, and not again. `subject` is what was asked."""
    event = source_event("source.failing", state, provider, trouble, since=at, at=at)
    now = replace(state, trouble=trouble, failing_since=at, sequence=event.sequence, failed=subject, failed_due_at=0.0)
    return now, event


def recovered(
    state: SourceState, provider: str, subject: str, due_at: float, at: float
) -> tuple[SourceState, Event | None]:
    """A good answer to `subject`, which was due at `due_at`; the event where the trouble is over by it.

    Over it is where all of that which failed is answered, or where what was due so much later is: then it is asked no
    more. Of a batch that failed, each id is answered by whatever look asks for it: which one it was, nobody knows.
    """
    if state.trouble is None or state.failing_since is None:
        return state, None
    failed = left(state.failed or "", subject)
    if failed and due_at <= state.failed_due_at + AWAITED:
        return replace(state, failed=failed), None
    event = source_event("source.recovered", state, provider, state.trouble, since=state.failing_since, at=at)
    well = replace(state, trouble=None, failing_since=None, sequence=event.sequence, failed=None, failed_due_at=0.0)
    return well, event


def unfailing(state: SourceState, failed: str | None) -> SourceState:
    """The source after a good answer, `failed` being left of what had failed: no look in a row has, and none rests."""
    if not state.failures and not state.hold_until and failed == state.failed:
        return state
    return replace(state, failures=0, hold_until=0.0, failed=failed)


def named(failed: str) -> list[str]:
    """The ids that failed, where it was uploads that were asked for."""
    return failed.split(" ")[1:] if failed.startswith((BATCH, SINGLE)) else []


def left(failed: str, subject: str) -> str:
    """What is left of a subject that failed without what another one asks for; of batches, which name ids, the rest."""
    if failed == subject:
        return ""
    if not (failed.startswith(BATCH) and subject.startswith((BATCH, SINGLE))):
        return failed
    (batch, *ids), (_, *asked) = failed.split(" "), subject.split(" ")
    rest = [id_ for id_ in ids if id_ not in asked]
    return " ".join([batch, *rest]) if rest else ""
