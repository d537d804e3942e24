"""A page → the JSON that it is compared by; of rows that it showed before that is not worked out again."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from notifier.core.diff import fingerprint
from notifier.core.model import LookKind, Observation
from notifier.store import Compared

FEW = 100
"""Uploads at most that are kept in memory because a page lacks them."""


@dataclass(slots=True)
class Heard:
    """What the answer to a question said last."""

    seen: Sequence[Observation]
    rows: Sequence[str]
    """The same as JSON, as `Store.compared` wants it: kind, id, fingerprint and alias of each."""
    mark: int = 0
    """As `Store.mark` told when it was compared."""
    found: Compared | None = None
    """What that came to, if nothing was new and little lacking; else None."""

    def before(self, *, alone: bool) -> Compared | None:
        """What it came to, if that is kept, and tells what is lacking where it is `alone` in its list."""
        return None if self.found is None or (alone and self.found.lacking is None) else self.found

    def remember(self, found: Compared, mark: int) -> None:
        """It was compared with what is known."""
        is_little = not found.fresh and len(found.lacking or ()) <= FEW
        self.mark, self.found = mark, found if is_little else None


def heard(seen: Sequence[Observation], kind: LookKind, before: Heard | None) -> Heard:
    """What is said now, where `before` was said last; the very same again is the very same."""
    if before is not None and before.seen is seen:
        return before
    known = {} if before is None else {id(one): row for one, row in zip(before.seen, before.rows, strict=True)}
    return Heard(seen, [known.get(id(one)) or _row(one, kind) for one in seen])


def _row(seen: Observation, kind: LookKind) -> str:
    return json.dumps((seen.kind, seen.id, fingerprint(seen, kind), seen.alias))
