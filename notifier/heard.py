"""What a page said → what it is compared by: of the rows that it goes on to show as it was worked out before."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from notifier.core.diff import fingerprint
from notifier.core.model import LookKind, Observation
from notifier.store import Compared


@dataclass(slots=True)
class Heard:
    """What the answer to a question said last."""

    seen: Sequence[Observation]
    rows: Sequence[str]
    """The same as JSON, as `Store.compared` wants it: kind, id, fingerprint and alias of each."""
    mark: int = 0
    """How the uploads were when it was compared, as `Store.mark` tells."""
    found: Compared | None = None
    """What that came to where nothing was new; None: something was, or it was not compared yet."""


def heard(seen: Sequence[Observation], kind: LookKind, before: Heard | None) -> Heard:
    """What is said now, where `before` was said last; the very same again is the very same."""
    if before is not None and before.seen is seen:
        return before
    known = {} if before is None else {id(one): row for one, row in zip(before.seen, before.rows, strict=True)}
    return Heard(seen, [known.get(id(one)) or _row(one, kind) for one in seen])


def _row(seen: Observation, kind: LookKind) -> str:
    return json.dumps((seen.kind, seen.id, fingerprint(seen, kind), seen.alias))
