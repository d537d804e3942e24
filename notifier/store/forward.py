"""What is due by a clock that was set since: moved with it, and brought forward where that is later than it can be."""

import json
import sqlite3
from collections.abc import Mapping, Sequence

MOVED = """UPDATE deliveries INDEXED BY deliveries_lane SET due_at = due_at + :jump
    WHERE phase = 'waiting' AND due_at > :now - max(:jump, 0)"""
"""What waits for an attempt waits for as long as before, whoever it is for. What was due already is so still."""
FORWARD = """UPDATE deliveries INDEXED BY deliveries_lane SET due_at = max(latest.value, n.quiet_until)
    FROM json_each(:latest) AS latest CROSS JOIN endpoints AS n
    WHERE endpoint BETWEEN :first AND :last AND phase = 'waiting' AND due_at > :soonest
        AND latest.key = min(slots, :most) AND n.number = endpoint AND due_at > max(latest.value, n.quiet_until)"""
"""`soonest` is the least of the moments. The index rules out by it: no row is read where all is as it should be.

Who asks to be left alone for longer than a slot of the schedule is heeded.
"""
LOWEST = -(1 << 62)
"""Below the number of every callback."""


def moments(first: int, last: int, latest: Sequence[float]) -> Mapping[str, float | str]:
    """The parameters for the endpoints whose numbers are from `first` to `last`.

    `latest` holds the last moment at which a delivery may be due, unless its endpoint asks for more time, by the slots
    that it has used; its last one holds for all further slots.
    """
    by_slots = json.dumps(list(latest))
    return {"first": first, "last": last, "latest": by_slots, "most": len(latest) - 1, "soonest": min(latest)}


def rescheduled(db: sqlite3.Connection, latest: Sequence[Mapping[str, float | str]], now: float, jump: float) -> int:
    """Move what waits by a jump of the clock, then bring forward what is due too late; answers how much of that.

    `latest` holds `moments`.
    """
    if jump:
        db.execute(MOVED, {"now": now, "jump": jump})
    return max(0, db.executemany(FORWARD, latest).rowcount)  # of no statement at all the count is -1
