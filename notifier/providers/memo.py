"""The first page of each list as it was last answered, and what was read in it: mostly it is the same page again.

And where it is not, most of its rows are.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import blake2b, sha256
from typing import Any

from notifier.core.model import Answer, Look
from notifier.providers.http import Reply
from notifier.providers.shapes import Read, RowReader, each

LARGEST = 64 * 1024
"""Bytes of a page that is remembered: what was read in it takes some times as many."""

Rows = dict[bytes, Any]
"""What rows were read as, by what they said."""


@dataclass(frozen=True, slots=True)
class _Page:
    said: tuple[str, str, bytes]
    answer: Answer
    rows: Rows


@dataclass(slots=True)
class Memo:
    """Spares reading what was read; whoever gets the very same observations again may spare more."""

    _pages: dict[tuple[str, str], _Page] = field(default_factory=dict, repr=False)

    def read(self, look: Look, reply: Reply, read: Callable[[Any, Look, RowReader], Answer]) -> Answer:
        """What `read` makes of the document, or made of it last time; it must know nothing but these two and the link.

        It must read rows through the function that it is given alone, and each from the row alone: what a row was read
        as is used again. The answer has the limit and the clock that the headers tell now. Raises as `read` does.
        """
        if look.page > 1 or len(reply.body) > LARGEST:
            answer = read(reply.document, look, each)
        else:
            answer = self._again(look, reply, read)
        return replace(answer, limit=reply.limit, skew=reply.skew)

    def _again(self, look: Look, reply: Reply, read: Callable[[Any, Look, RowReader], Answer]) -> Answer:
        said = (reply.content_type, reply.link, sha256(reply.body).digest())
        place = (look.collection, look.word)
        before = self._pages.get(place)
        if before is not None and before.said == said:
            return before.answer
        rows: Rows = {}
        answer = read(reply.document, look, partial(_each, {} if before is None else before.rows, rows))
        self._pages[place] = _Page(said, answer, rows)
        return answer


def _each(
    before: Rows, now: Rows, rows: Iterable[Any], read: Callable[[Any], Read]
) -> tuple[tuple[Read, ...], tuple[str, ...]]:
    """As `each`, but what a row said `before` is not read again; what all say `now` is noted."""

    def recalled(row: Any) -> Read:
        try:
            said = blake2b(repr(row).encode(), digest_size=16).digest()
        except RecursionError:
            return read(row)
        now[said] = before[said] if said in before else read(row)
        return now[said]  # type: ignore[no-any-return]  # what `read` made of it

    return each(rows, recalled)
