"""snapshot → the numbers that it lacks: each of its targets is a task, or itself where it has none.

Encoding.com's own numbers are kept as they are; the store gives out those of all others, and never one twice.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from notifier.core.encoding_com import ENCODING_COM, places
from notifier.core.model import Observation, Target

LARGEST = 2_147_483_647
"""Receivers keep the numbers in columns of 32 bits."""
_NUMBER = re.compile("[1-9][0-9]{0,9}")


def own_number(provider: str, id_: str | None) -> int:
    """The number that an id at a provider is, where it is one of Encoding.com's; else 0."""
    text = id_ or ""
    if provider != ENCODING_COM or not _NUMBER.fullmatch(text):
        return 0
    number = int(text)
    return number if number <= LARGEST else 0


def wanted(seen: Observation, provider: str) -> list[int]:
    """A number for each part that lacks one: what it wants to have, or 0.

    Of what is reduced there is nothing left to be numbered.
    """
    if seen.reduced:
        return []
    if not seen.targets:
        return [0] if seen.task is None else []
    return [own_number(provider, one.external_id) for one in _lacking(seen, provider)]


def numbered(seen: Observation, provider: str, given: Iterable[int]) -> Observation:
    """The snapshot with these numbers, in the order of `wanted`."""
    numbers = iter(given)
    if not seen.targets:
        return replace(seen, task=next(numbers, seen.task))
    tasks = {one.name: number for one, number in zip(_lacking(seen, provider), numbers, strict=True)}
    return replace(seen, targets=tuple(replace(one, task=tasks.get(one.name, one.task)) for one in seen.targets))


def _lacking(seen: Observation, provider: str) -> Iterator[Target]:
    """A destination is no task: it belongs to that of its format."""
    skipped = places(seen.targets) if provider == ENCODING_COM else {}
    return (one for one in seen.targets if one.task is None and one.name not in skipped)
