"""The first page of each list as it was last answered, and what was read in it: mostly it is the same page again."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

from notifier.core.model import Answer, Look
from notifier.providers.http import Reply

LARGEST = 64 * 1024
"""Bytes of a page that is remembered: what was read in it takes some times as many."""


@dataclass(slots=True)
class Memo:
    """Spares reading what was read; whoever gets the very same observations again may spare more."""

    _pages: dict[tuple[str, str], tuple[tuple[str, str, bytes], Answer]] = field(default_factory=dict, repr=False)

    def read(self, look: Look, reply: Reply, read: Callable[[Any, Look], Answer]) -> Answer:
        """What `read` makes of the document, or made of it last time; it must know nothing but these two and the link.

        With the limit and the clock that the headers tell now. Raises as `read` does.
        """
        said = (reply.content_type, reply.link, blake2b(reply.body, digest_size=16).digest())
        place = (look.collection, look.word)
        before, answer = self._pages.get(place, (None, None))
        if answer is None or before != said or look.page > 1:
            answer = read(reply.document, look)
            if look.page == 1 and len(reply.body) <= LARGEST:
                self._pages[place] = (said, answer)
        return replace(answer, limit=reply.limit, skew=reply.skew)
