"""headers × the moment of the request → how long to wait, and what is left of the provider's limit.

Of four ways of telling it, the first that says something counts:

    Retry-After: 30                                                    RFC 9110; or an HTTP date
    RateLimit: "burst";r=8;t=1, "daily";r=400;t=3600                   the IETF draft of the RateLimit fields, 8 to 11,
    RateLimit-Policy: "burst";q=10;w=10, "daily";q=5000;w=86400        with the policies that it speaks of
    RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset              its drafts before; in the last of them on one
    RateLimit: limit=100, remaining=50, reset=30                       line
    X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset        a custom; also X-Rate-Limit-…

What cannot be read is as good as absent. Moments are taken by the provider's own clock, where `Date` tells it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import inf

from notifier.core.allowance import LONGEST_HOLD
from notifier.core.model import Limit

UNIX_TIME, UNIX_TIME_MS = 1e9, 1e12
"""From here on a reset tells a moment, in seconds or milliseconds since 1970."""
LONGEST_SECONDS = 3600.0
"""Up to here it tells seconds from now, and milliseconds beyond."""
LONGEST_WINDOW = 32 * 86400.0
"""A reset further ahead is not of a limit, but of a clock that is wrong."""
MOST_DIGITS = 20
LISTS = frozenset({"ratelimit", "ratelimit-policy"})

_ITEM = r""""(?:[ !#-\[\]-~]|\\["\\])*"|:[A-Za-z0-9+/=]*:|\?[01]|-?[0-9.]+|[A-Za-z*][\w!#$%&'*+.^`|~:/-]*"""
_PARAMETER = rf";[ ]*([a-z*][a-z0-9_.*-]*)(?:=({_ITEM}))?"
_MEMBER = re.compile(rf"[ \t]*({_ITEM})((?:{_PARAMETER})*)[ \t]*(?:,|\Z)", re.ASCII)
_PAIR = re.compile(r"\b(limit|remaining|reset)[ \t]*=[ \t]*\"?([^\s,;\"]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Headers:
    """What an answer tells beside its body, `at` being the moment of the request by our clock."""

    fields: Mapping[str, str]
    """By name in lower case."""
    at: float
    date: float | None
    """The moment of the answer by the provider's clock, to a second."""


def read(headers: Mapping[str, str], at: float) -> Headers:
    """The headers of an answer; where one comes twice it is a list, or else the first counts."""
    fields: dict[str, str] = {}
    for name, value in headers.items():
        key = name.lower()
        before = fields.get(key)
        fields[key] = value if before is None else f"{before}, {value}" if key in LISTS else before
    return Headers(fields, at, _moment(fields.get("date", "")))


def told_skew(headers: Headers) -> float | None:
    """Seconds that the provider's clock is ahead of ours, less than a second more or less than what the answer took."""
    return None if headers.date is None else headers.date + 0.5 - headers.at


def told_wait(headers: Headers) -> float | None:
    """Seconds that `Retry-After` asks for, an hour at most; None where it is absent or unreadable."""
    text = headers.fields.get("retry-after", "").strip()
    seconds = _number(text)
    if seconds is None:
        moment = _moment(text)
        seconds = None if moment is None else moment - _now(headers)
    return None if seconds is None else _within_an_hour(seconds)


def told_reset(headers: Headers) -> float | None:
    """Seconds until the limit is reset, an hour at most."""
    return next((_within_an_hour(told.reset_in) for told in _told(headers) if told.reset_in is not None), None)


def told_limit(headers: Headers) -> Limit | None:
    """What is left of the limit, until when, and how much it is; None where one of the first two is not told."""
    for told in _told(headers):
        if told.remaining is not None and told.reset_in is not None:
            reset_in = told.reset_in if told.reset_in <= LONGEST_WINDOW else LONGEST_HOLD
            return Limit(int(told.remaining), reset_in, int(told.total or 0) or None, told.window or None)
    return None


@dataclass(frozen=True, slots=True)
class _Told:
    remaining: float | None
    reset_in: float | None
    total: float | None = None
    window: float | None = None


def _told(headers: Headers) -> Iterator[_Told]:
    fields = headers.fields
    if not any("rate" in name for name in fields):
        return
    yield from _policies(headers)
    line = {name.lower(): text for name, text in _PAIR.findall(fields.get("ratelimit", ""))}
    for named in (
        {name: fields.get(f"ratelimit-{name}", "") for name in ("limit", "remaining", "reset")},
        line,
        {name: fields.get(f"x-ratelimit-{name}", "") for name in ("limit", "remaining", "reset")},
        {name: fields.get(f"x-rate-limit-{name}", "") for name in ("limit", "remaining", "reset")},
    ):
        total = re.split("[,;]", named.get("limit", ""))[0]  # older drafts have the policies behind it
        remaining, reset = named.get("remaining", ""), named.get("reset", "")
        yield _Told(_number(remaining), _reset_in(reset, _now(headers)), _number(total))


# --- the fields of the IETF's draft


def _policies(headers: Headers) -> Iterator[_Told]:
    """What `RateLimit` tells of the tightest policy; of one that counts anything but requests it tells nothing."""
    quotas = dict(_members(headers.fields.get("ratelimit-policy", "")))
    told = []
    for name, of in _members(headers.fields.get("ratelimit", "")):
        quota = quotas.get(name, {})
        window, remaining = _count(quota.get("w")), _count(of.get("r"))
        reset_in = _count(of["t"]) if "t" in of else window
        if quota.get("qu", '"requests"') != '"requests"':
            continue
        if remaining is None or reset_in is None:
            continue
        told.append(_Told(remaining, reset_in, _count(quota.get("q")), window))
    if told:
        yield min(told, key=_slack)


def _slack(told: _Told) -> tuple[float, float]:
    """Requests a second that are left: the fewer, the tighter; of none at all, the longer they are not there."""
    remaining, reset_in = told.remaining or 0.0, told.reset_in or 0.0
    return (remaining / reset_in if reset_in else inf, -reset_in)


def _members(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The members of a structured list and their parameters, as they are written; nothing at all of a broken one."""
    members, end = [], 0
    while end < len(text):
        found = _MEMBER.match(text, end)
        if found is None:
            return
        members.append((found[1].strip('"'), dict(re.findall(_PARAMETER, found[2]))))
        end = found.end()
    yield from members


# --- values


def _count(text: str | None) -> float | None:
    return float(text) if text is not None and text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None


def _number(text: str) -> float | None:
    """A number that is not negative, as anyone would write it; nothing else that Python could read."""
    text = text.strip()
    plain = re.fullmatch(r"[0-9]+(?:\.[0-9]*)?", text, re.ASCII)
    return float(text) if plain and len(text.replace(".", "")) <= MOST_DIGITS else None


def _reset_in(text: str, now: float) -> float | None:
    """Seconds until a reset: what a number means shows in its size, what is none may be a date."""
    number = _number(text)
    if number is None:
        moment = _moment(text)
        return None if moment is None else max(0.0, moment - now)
    if number > UNIX_TIME_MS:
        return max(0.0, number / 1000 - now)
    if number > UNIX_TIME:
        return max(0.0, number - now)
    return number if number <= LONGEST_SECONDS else number / 1000


def _moment(text: str) -> float | None:
    """A moment as HTTP or RFC 3339 spells it; one without a zone is UTC."""
    text = text.strip()
    if not text:
        return None
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError, TypeError, IndexError):
            continue
    return None


def _now(headers: Headers) -> float:
    return headers.at if headers.date is None else headers.date


def _within_an_hour(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_HOLD)
