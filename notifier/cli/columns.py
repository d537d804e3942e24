"""columns × the width of a terminal → the lines of a table; what does not fit is left out, or goes on below.

An id is never cut, for it is to be copied. Only a sentence goes on in the next line.
"""

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import click

NONE = "–"
GAP = "  "
SENTENCE = "why"
"""The heading below which there are sentences; it is the last one."""
NARROWEST = 24
"""Characters of a sentence in a line."""
GREEN, YELLOW, RED = (partial(click.style, fg=colour) for colour in ("green", "yellow", "red"))
DIM = partial(click.style, dim=True)
STYLES: Mapping[str, Callable[[str], str]] = {
    "ok": GREEN,
    "delivered": GREEN,
    "open": YELLOW,
    "waiting": YELLOW,
    "paused": RED,
    "dead": RED,
    "dropped": DIM,
    "superseded": DIM,
}
Columns = Mapping[str, Sequence[str]]
"""The cells below each heading."""


def fitting(columns: Columns, spare: Sequence[str], width: int) -> Columns:
    """Those for which there is place: of the `spare` ones the last go in first, and what holds nothing at the end."""
    empty = [heading for heading, cells in columns.items() if {*cells} == {NONE} and heading not in spare]
    held = columns.keys() - {*spare, *empty}
    for heading in (*reversed(spare), *empty):
        if not held or sum(_least(one, columns[one]) + len(GAP) for one in (*held, heading)) - len(GAP) <= width:
            held |= {heading}
    return {heading: cells for heading, cells in columns.items() if heading in held}


def lines(columns: Columns, width: int | None = None) -> Iterator[str]:
    """The headings, then the rows, with colours. Without a width every sentence stays in its line."""
    widths = [_longest(heading, cells) for heading, cells in columns.items()]
    before = sum(widths[:-1]) + len(GAP) * (len(widths) - 1)
    is_folded = width is not None and SENTENCE in columns
    room = max(width - before, NARROWEST) if width is not None and is_folded else widths[-1]
    for number, row in enumerate([[heading.upper() for heading in columns], *zip(*columns.values(), strict=True)]):
        *cells, last = row
        first, *more = textwrap.wrap(last, room) if is_folded else [last]
        styles = [STYLES.get(cell, str) if number else DIM for cell in row]
        padded = [
            style(cell) + " " * (longest - len(cell))
            for cell, style, longest in zip([*cells, first], styles, [*widths[:-1], 0], strict=True)
        ]
        yield GAP.join(padded)
        yield from (" " * before + line for line in more)


def _longest(heading: str, cells: Sequence[str]) -> int:
    return max(map(len, (heading, *cells)))


def _least(heading: str, cells: Sequence[str]) -> int:
    """Characters without which a column cannot do."""
    return min(_longest(heading, cells), NARROWEST) if heading == SENTENCE else _longest(heading, cells)
