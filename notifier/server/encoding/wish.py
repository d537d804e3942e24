"""what a question tells → which media are meant; what it tells wrongly is complained of by its name."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf

from notifier.core.text import visible
from notifier.server.encoding.question import Complaint

MOST_IDS = 2000
"""Media in one question: what the largest programs are known to ask for at once."""
LARGEST_ID = 2_147_483_647
_ID = re.compile("[0-9]{1,10}")
_COUNT = re.compile("[0-9]{1,9}")
_DATES = {"%Y-%m-%d": 86400.0, "%Y-%m-%d %H:%M:%S": 1.0}
"""The forms of a date, and for how many seconds what each names lasts."""
LONGEST_ECHO = 60


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list of version 3: of what was created from `since` to before `until`."""

    number: int
    size: int
    since: float
    until: float
    newest_first: bool


def ids(told: Mapping[str, str]) -> list[str]:
    """What is given as `mediaid`, each once; raises `Complaint` where that is nothing, or too much."""
    given = [*dict.fromkeys(filter(None, map(str.strip, told.get("mediaid", "").split(","))))]
    if not given:
        raise Complaint("mediaid is missing: the ids of one media or of several, with commas between them")
    if len(given) > MOST_IDS:
        raise Complaint(f"mediaid has {len(given)} ids: at most {MOST_IDS} are answered at once")
    return given


def number(id_: str) -> int | None:
    """The number that an id is; None where no media has such a one."""
    value = int(id_) if _ID.fullmatch(id_) else 0
    return value if 0 < value <= LARGEST_ID else None


def page(told: Mapping[str, str]) -> Page:
    """The page that is meant; raises `Complaint`."""
    for name in ("mediaid", "taskid", "output"):
        if told.get(name):
            raise Complaint(f"a list cannot be asked for by {name} here: ask for all, or with GetStatus")
    _one_of(told, "sort", "created")
    order = _one_of(told, "order", "desc", "asc")
    return Page(
        number=_count(told, "page", 1, range(1, 1_000_001)),
        size=_count(told, "per_page", 10, range(5, 101)),
        since=_moment(told, "date_from", -inf),
        until=_moment(told, "date_to", inf, is_end=True),
        newest_first=order == "desc",
    )


def _one_of(told: Mapping[str, str], name: str, *words: str) -> str:
    """The first is what is meant where nothing is said."""
    word = told.get(name, "").lower() or words[0]
    if word not in words:
        raise Complaint(f"{name} is {echo(word)}: expected {' or '.join(words)}")
    return word


def _count(told: Mapping[str, str], name: str, default: int, among: range) -> int:
    text = told.get(name, "") or str(default)
    count = int(text) if _COUNT.fullmatch(text) else -1
    if count not in among:
        raise Complaint(f"{name} is {echo(text)}: expected {among[0]} to {among[-1]}")
    return count


def _moment(told: Mapping[str, str], name: str, default: float, *, is_end: bool = False) -> float:
    """The beginning of the day or second that is named, or its end; in UTC."""
    text = told.get(name, "")
    if not text:
        return default
    for form, length in _DATES.items():
        with suppress(ValueError):
            return datetime.strptime(text, form).replace(tzinfo=UTC).timestamp() + length * is_end
    raise Complaint(f"{name} is {echo(text)}: expected YYYY-MM-DD, or YYYY-MM-DD HH:MM:SS")


def echo(text: str) -> str:
    """What was given, as far as it can be shown."""
    return f"'{visible(text[:LONGEST_ECHO])}'"
