"""source × failed or good look → its health, and the event that tells of it: once each way."""

from dataclasses import replace

from notifier.core.events import source_event
from notifier.core.model import Event, SourceState, Trouble


def failing(state: SourceState, provider: str, trouble: Trouble, at: float) -> tuple[SourceState, Event]:
    """The source cannot be read since `at`: to be said when it begins, and not again."""
    event = source_event("source.failing", state, provider, trouble, since=at, at=at)
    return replace(state, trouble=trouble, failing_since=at, sequence=event.sequence), event


def recovered(state: SourceState, provider: str, at: float) -> tuple[SourceState, Event | None]:
    """The source can be read again; no event where it could be all along."""
    if state.trouble is None or state.failing_since is None:
        return state, None
    event = source_event("source.recovered", state, provider, state.trouble, since=state.failing_since, at=at)
    return replace(state, trouble=None, failing_since=None, sequence=event.sequence), event
