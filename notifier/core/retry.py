"""delivery × attempt → the delivery's next state.

waiting ──2xx──► delivered
   │ ▲
   │ └─ anything else, while the schedule has a slot left, or where it is spared
   └─── anything else, after the last slot; `abort-message` ──► dead
"""

from typing import NamedTuple

from notifier.core.blame import Blame, blame
from notifier.core.model import Attempt, Cause, Command, Delivery, Outcome, Phase

SPREAD = 0.2
"""A delay is multiplied by a number between 1 - SPREAD and 1 + SPREAD, so that many do not come back at once."""


class Next(NamedTuple):
    """Where a delivery goes from here; `due_at` only where it waits, `cause` only where it is dead."""

    phase: Phase
    slots: int
    due_at: float | None = None
    cause: Cause | None = None
    blamed: bool = False
    """The answer spoke against this delivery and not against its endpoint."""


def after(
    delivery: Delivery, attempt: Attempt, schedule: tuple[float, ...], draw: float, *, spared: bool = False
) -> Next:
    """The delivery's state after an attempt; `draw` is a random number from 0 to 1.

    `schedule` holds the delay in seconds before each attempt, the next one counted from the end of this one; the
    receiver may ask for more. Where it is `spared`, because its endpoint is paused or has got another URL since,
    no slot is used and nothing dies.
    """
    slots = delivery.slots + 1
    if attempt.outcome is Outcome.DELIVERED:
        return Next(Phase.DELIVERED, slots)
    if is_aborted(attempt):
        return Next(Phase.DEAD, slots, cause=Cause.ABORTED)
    ended_at = attempt.started_at + attempt.duration
    blamed = blame(attempt) is Blame.DELIVERY
    if spared:  # it goes behind all that has been due for longer
        return Next(Phase.WAITING, delivery.slots, ended_at, blamed=blamed)
    if slots >= len(schedule):
        return Next(Phase.DEAD, slots, cause=Cause.SCHEDULE)
    delay = max(jittered(schedule[slots], draw), attempt.retry_after or 0.0)
    return Next(Phase.WAITING, slots, ended_at + delay, blamed=blamed)


def is_aborted(attempt: Attempt) -> bool:
    """Whether the receiver wants to hear of this delivery no more."""
    return attempt.command is Command.ABORT or attempt.outcome is Outcome.ABORTED


def jittered(delay: float, draw: float) -> float:
    """`delay` × uniform(1 - SPREAD, 1 + SPREAD)."""
    return delay * (1 - SPREAD + 2 * SPREAD * draw)
