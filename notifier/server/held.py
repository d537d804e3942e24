"""A delivery × its endpoint as it fares → what holds the delivery up, and when it is tried."""

from typing import Any

from notifier.served import Held, Served
from notifier.server.models import Reason, moment
from notifier.store import DeliveryRow

UNCONFIGURED = Reason(code="unconfigured", text="the config names its endpoint no more")
BEHIND = Reason(code="behind", text="one that was owed before it goes first")
TEXTS = {
    Held.UNPERMITTED: "the config permits its endpoint no more",
    Held.PAUSED: "its endpoint is paused",
    Held.UNSIGNED: "every secret of its endpoint has ended",
    Held.LOCAL: "nothing could be sent to its endpoint, by a fault of this machine",
    Held.THROTTLED: "its endpoint asked to be left alone",
    Held.OPEN: "its endpoint is tried by one request at a time",
    Held.RATE: "its endpoint's `rate` lets no more go",
}


def outlook(row: DeliveryRow, served: Served | None, now: float) -> dict[str, Any]:
    """The columns `held` and `next_at` of a delivery; `served` is None where the config names its endpoint no more."""
    if row.due_at is None:
        return {"held": None, "next_at": None}
    if served is None:
        return {"held": UNCONFIGURED, "next_at": None}
    held, goes_at = served.held(now), served.goes_at(now)
    if goes_at is not None and not row.is_head:
        return {"held": BEHIND, "next_at": None}
    next_at = None if goes_at is None else max(row.due_at, goes_at)
    return {"held": held and Reason(code=held.value, text=TEXTS[held]), "next_at": moment(next_at)}
