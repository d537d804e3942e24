"""what the daemon tells → stdout: a table for a person, JSON for a program.

A pipe gets plain text with every word whole; a terminal gets colours, and what fits its width: only there is rich
imported.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import click

from notifier.core.moments import ago, moment
from notifier.core.text import counted, visible

NONE = "–"
COLOURS = {
    "ok": "green",
    "delivered": "green",
    "open": "yellow",
    "waiting": "yellow",
    "paused": "red",
    "dead": "red",
    "dropped": "dim",
    "superseded": "dim",
}
WIDEST = 100_000
Cell = Callable[[Mapping[str, Any]], object]
"""What stands in a column, by the row; None: nothing."""


def as_json(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--json`, as its argument `json_`."""
    return click.option("--json", "json_", is_flag=True, help="One JSON document, as the API has it.")(function)


def limited(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--limit`."""
    option = click.option(
        "--limit", type=click.IntRange(1), default=100, show_default=True, metavar="N", help="At most so many."
    )
    return option(function)


def show_json(document: Mapping[str, Any]) -> None:
    """The document, in letters that every terminal and locale has."""
    click.echo(json.dumps(document, indent=2))


def show_list(page: Mapping[str, Any], one: str, columns: Mapping[str, Cell]) -> None:
    """A page as a table; how to see more, or that there is none, is said on stderr. `one` is what a row is called."""
    items = page["items"]
    if not items:
        click.echo(counted(0, one), err=True)
        return
    show_table(columns, items)
    if page["next"] is not None:
        click.echo(f"the newest {counted(len(items), one)}: there are more, see --limit", err=True)


def show_table(columns: Mapping[str, Cell], items: Iterable[Mapping[str, Any]]) -> None:
    """A row for each item."""
    rows = [[_text(cell(item)) for cell in columns.values()] for item in items]
    (_in_colour if sys.stdout.isatty() else _plain)([heading.upper() for heading in columns], rows)


def show_facts(facts: Mapping[str, object]) -> None:
    """A line for each of what is known."""
    width = max(map(len, facts))
    for name, fact in facts.items():
        if fact is not None:
            click.echo(f"{name:<{width}}  {_text(fact)}")


def ago_of(key: str, now: float) -> Cell:
    """A column with how long ago the moment is that stands under a key."""
    return lambda item: when(item[key], now)


def of(key: str) -> Cell:
    """A column with what stands under a key."""
    return lambda item: item[key]


def when(told: str | None, now: float) -> str | None:
    """A moment of the API, as people tell it."""
    return None if told is None else ago(moment(told), now)


def _text(value: object) -> str:
    return NONE if value is None or value == "" else visible(str(value))


def _plain(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    for row in (headings, *rows):
        click.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def _in_colour(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console  # noqa: PLC0415  # a pipe needs none of it, and does not wait for it
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(*headings, box=None, header_style="dim", padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*(Text(cell, COLOURS.get(cell, "")) for cell in row))
    # As wide as it is: a terminal wraps lines better than a table its cells, and a folded id cannot be copied.
    Console(width=WIDEST).print(table)
