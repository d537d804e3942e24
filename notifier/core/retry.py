"""delivery × attempt → the delivery's next state.

waiting ──2xx──► delivered
   │ ▲
   │ └─ anything else, while the schedule has a slot left
   └─── anything else, after the last slot ──► dead
"""

from dataclasses import dataclass

from notifier.core.model import Attempt, Delivery, Outcome, Phase

SPREAD = 0.2
"""A delay is multiplied by a number between 1 - SPREAD and 1 + SPREAD, so that many do not come back at once."""


@dataclass(frozen=True, slots=True)
class Next:
    """Where a delivery goes from here; `due_at` only where it waits."""

    phase: Phase
    slots: int
    due_at: float | None = None


def after(delivery: Delivery, attempt: Attempt, schedule: tuple[float, ...], draw: float) -> Next:
    """The delivery's state after an attempt; `draw` is a random number from 0 to 1.

    `schedule` holds the delay in seconds before each attempt, the next one counted from the end of this one.
    """
    slots = delivery.slots + 1
    if attempt.outcome is Outcome.DELIVERED:
        return Next(Phase.DELIVERED, slots)
    if slots >= len(schedule):
        return Next(Phase.DEAD, slots)
    ended_at = attempt.started_at + attempt.duration
    return Next(Phase.WAITING, slots, ended_at + jittered(schedule[slots], draw))


def jittered(delay: float, draw: float) -> float:
    """`delay` × uniform(1 - SPREAD, 1 + SPREAD)."""
    return delay * (1 - SPREAD + 2 * SPREAD * draw)
