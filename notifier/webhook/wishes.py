"""headers of an answer → what the receiver asks for: to be left alone for a while, or for good.

retry-after: 30                                RFC 9110, 10.2.3: seconds, or a moment in one of three forms
webhook-delivery: abort-message, or disable    as the hosted Svix has it: of this message, of everything
"""

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime

from notifier.core.health import LONGEST_ASKED
from notifier.core.model import Command, Outcome

_SECONDS = re.compile(r"[0-9]+(\.[0-9]*)?")
_DATES = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")
"""Of HTTP: the usual form, that of RFC 850, that of asctime."""
_SERVER_ERRORS = range(500, 600)
_TOO_MANY_REQUESTS = 429


def retry_after(status: int, headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to leave the receiver alone for, by its `Retry-After`; 0 where that is past, 24 h at most.

    None where the status is neither 429 nor 5xx, and where the header is absent or cannot be read. A date is taken by
    the receiver's own clock where its `Date` tells that, and else by ours, `now`.
    """
    if status != _TOO_MANY_REQUESTS and status not in _SERVER_ERRORS:
        return None
    text = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return float(math.ceil(min(float(text), LONGEST_ASKED)))
    until = _moment(text)
    if until is None:
        return None
    theirs = _moment(headers.get("date", "").strip())
    return min(max(until - (now if theirs is None else theirs), 0.0), LONGEST_ASKED)


def _moment(text: str) -> float | None:
    for form in _DATES:
        with suppress(ValueError):
            return datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()
    return None


def command(outcome: Outcome, headers: Mapping[str, str], *, proven: bool) -> Command | None:
    """What the receiver orders by its `webhook-delivery`; believed only where its certificate has `proven` who it is.

    What is delivered cannot be aborted any more, so a 2xx delivers whatever else it says. `disable` is about what is to
    come, and is obeyed on a 2xx too: who says it with the last answer that he means to give expects to be left alone.
    """
    text = headers.get("webhook-delivery") if proven else None
    if text is None:
        return None
    with suppress(ValueError):
        order = Command(text.strip().lower())
        return None if order is Command.ABORT and outcome is Outcome.DELIVERED else order
    return None
