"""text ↔ moments and spans of time, as people and programs write them."""

import re
from datetime import UTC, datetime

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
DURATION = 'expected a duration like "5s", "2m", "36h", "30d"'
SPELLED = "[0-9]{1,9}[smhd]"
"""How a duration is written, as a regular expression that every dialect of them knows."""
MOMENT = "expected a date, a time and its offset, like 2026-12-01T00:00:00Z"
RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
END = 253402300800.0
"""The year 10000, which RFC 3339 cannot write."""
TOLD = (("d", 2 * 86400, 86400), ("h", 3600, 3600), ("min", 60, 60), ("s", 1, 1))
"""Units in which a distance is told, each with the seconds from which on, and those that it has."""


def seconds(text: str) -> float:
    """A duration, `"36h"`, in seconds; `ValueError` tells what was expected."""
    if not re.fullmatch(SPELLED, text):
        raise ValueError(DURATION)
    return float(int(text[:-1]) * SECONDS[text[-1]])


def moment(text: str) -> float:
    """A moment from 1970 on as RFC 3339 has it, in Unix seconds; `ValueError` tells what was expected."""
    try:
        if RFC_3339.fullmatch(text) and 0 <= (at := datetime.fromisoformat(text.upper()).timestamp()) < END:
            return at
    except ValueError:  # it has the form, but there is no such day
        pass
    raise ValueError(MOMENT)


def unit(seconds: float) -> str:
    """What stands behind the stroke of a rate: `m`, `h`, `90s`."""
    return next((unit for unit, length in SECONDS.items() if length == seconds), f"{seconds:g}s")


def rfc_3339(moment: float) -> str:
    """Unix seconds as RFC 3339 has them in UTC, with milliseconds. `OverflowError` or `ValueError` before year 1."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ago(moment: float, now: float) -> str:
    """How far off it is, as people say it: `3 min ago`, `in 2 h`, `now`."""
    distance = abs(now - moment)
    for unit, least, length in TOLD:
        if distance >= least:
            return f"{distance // length:.0f} {unit} ago" if moment < now else f"in {distance // length:.0f} {unit}"
    return "now"
