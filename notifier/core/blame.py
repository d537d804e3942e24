"""attempt → whom it speaks against.

A receiver that chokes on one body is well; one that cannot be reached is not, whatever the body. Who is to blame
decides what waits: this delivery, or all that is owed to the endpoint.
"""

from enum import StrEnum

from notifier.core.model import Attempt, Outcome


class Blame(StrEnum):
    """Whom an attempt speaks against."""

    NONE = "none"
    """Nobody: it was delivered, or the fault is ours."""
    ENDPOINT = "endpoint"
    """The endpoint: others would have fared no better."""
    DELIVERY = "delivery"
    """This delivery alone: the receiver is well, and does not want it."""
    THROTTLE = "throttle"
    """Nobody either, but it was too much at a time."""


_BLAMES = {
    Outcome.DELIVERED: Blame.NONE,
    Outcome.LOCAL: Blame.NONE,
    Outcome.ABORTED: Blame.DELIVERY,
    Outcome.HTTP_429: Blame.THROTTLE,
}
"""By outcome; every other one speaks against the endpoint, but for `HTTP_4XX`, where the status tells."""
_ENDPOINT_STATUSES = frozenset({401, 403, 404, 405, 407, 408, 425})
"""Of the 4xx: what any delivery would have been answered, for they are not about its body."""


def blame(attempt: Attempt) -> Blame:
    """Whom an attempt speaks against. A `retry_after` makes the whole endpoint wait besides."""
    if attempt.outcome is Outcome.HTTP_4XX:
        return Blame.ENDPOINT if attempt.status in _ENDPOINT_STATUSES else Blame.DELIVERY
    return _BLAMES.get(attempt.outcome, Blame.ENDPOINT)
