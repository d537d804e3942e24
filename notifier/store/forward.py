"""What is due later than it can be, because a clock was ahead when it was written: brought forward."""

import json
from collections.abc import Mapping, Sequence

FORWARD = """UPDATE deliveries INDEXED BY deliveries_lane SET due_at = latest.value FROM json_each(:latest) AS latest
    WHERE endpoint BETWEEN :first AND :last AND phase = 'waiting' AND due_at > :soonest
        AND latest.key = min(slots, :most) AND due_at > latest.value"""
"""`soonest` is the least of the moments. The index rules out by it: no row is read where all is as it should be."""


def moments(first: int, last: int, latest: Sequence[float]) -> Mapping[str, float | str]:
    """The parameters for the endpoints whose numbers are from `first` to `last`.

    `latest` holds the last moment at which a delivery may be due, by the slots that it has used; its last one holds for
    all further slots.
    """
    by_slots = json.dumps(list(latest))
    return {"first": first, "last": last, "latest": by_slots, "most": len(latest) - 1, "soonest": min(latest)}
