"""what the daemon tells → stdout: a table for a person, JSON for a program.

A pipe gets plain text, with every column and every word whole; a terminal gets colours, and what fits its width.
"""

import json
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import click

from notifier.cli.columns import NONE, fitting, lines
from notifier.cli.marks import is_plain
from notifier.cli.options import Number
from notifier.core.moments import ago, moment
from notifier.core.text import counted, visible

Cell = Callable[[Mapping[str, Any]], object]
"""What stands in a column, by the row; None: nothing."""


def as_json(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--json`, as its argument `json_`."""
    return click.option("--json", "json_", is_flag=True, help="One JSON document, as the API has it.")(function)


def limited(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--limit`."""
    number = Number("a number from 1 on")
    return click.option("--limit", type=number, default=100, show_default=True, metavar="N", help="At most so many.")(
        function
    )


def show_json(document: Mapping[str, Any]) -> None:
    """The document, in letters that every terminal and locale has."""
    click.echo(json.dumps(document, indent=2))


def show_done(document: Mapping[str, Any], words: str, *, json_: bool) -> None:
    """What the daemon did: a sentence on stderr for a person, what it answered for a program."""
    if json_:
        show_json(document)
    else:
        click.echo(words, err=True)


def show_list(page: Mapping[str, Any], one: str, columns: Mapping[str, Cell], spare: Sequence[str] = ()) -> None:
    """A page as a table; how to see more, or that there is none, is said on stderr. `one` is what a row is called."""
    items = page["items"]
    if not items:
        click.echo(counted(0, one), err=True)
        return
    show_table(columns, items, spare)
    if page["next"] is not None:
        click.echo(f"the newest {counted(len(items), one)}: there are more, see --limit", err=True)


def show_table(columns: Mapping[str, Cell], items: Iterable[Mapping[str, Any]], spare: Sequence[str] = ()) -> None:
    """A row for each item. Where a terminal is too narrow the `spare` columns are left out, the first of them first."""
    held = list(items)
    table = {heading: [_text(cell(item)) for item in held] for heading, cell in columns.items()}
    if not sys.stdout.isatty():
        click.echo("\n".join(lines(table)), color=False)
        return
    width = shutil.get_terminal_size().columns
    shown = fitting(table, spare, width)
    click.echo("\n".join(lines(shown, width)), color=False if is_plain() else None)
    if left := [heading for heading in table if heading not in shown]:
        click.echo(f"in {width} columns without: {', '.join(left)}; all of it: --json, or | cat", err=True)


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
