"""what was found → a line with a mark and a word, and the cure beneath."""

import os

import click

from notifier.core.text import visible

MARKS = {"good": ("✓", "green"), "doubt": ("!", "yellow"), "fault": ("✗", "red")}
"""By the word that stands beside it: colours and signs are not for everybody."""
WIDTH = max(map(len, MARKS))


def is_plain() -> bool:
    """Whether no colours are wanted, not even on a terminal."""
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def show_finding(word: str, about: str, text: str, cure: str = "") -> None:
    """One line, and another for its cure where there is one."""
    mark, colour = MARKS[word]
    head = click.style(f"{mark} {word:<{WIDTH}}", fg=colour)
    click.echo(f"{head}  {visible(f'{about}: {text}')}", color=False if is_plain() else None)  # None: on a terminal
    if cure:
        click.echo(f"  {'':<{WIDTH}}  cure: {visible(cure)}")
