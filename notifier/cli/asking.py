"""Before a command changes something for many: say how many, and have it confirmed."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import click

from notifier.cli.tables import show_json
from notifier.core.text import counted


def meant(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--dry-run` and `--yes`."""
    dry = click.option("--dry-run", is_flag=True, help="Only say how many it would be.")
    return dry(click.option("--yes", is_flag=True, help="Do not ask, but do it.")(function))


def show_matching(matching: Mapping[str, Any], words: str, *, json_: bool) -> None:
    """How many it would be: `--dry-run` asks for that, so that it is said on stdout."""
    if json_:
        show_json(matching)
    else:
        click.echo(f"{counted(matching['matching'], 'delivery')} {words}")


def ensure_meant(what: str, *, yes: bool) -> None:
    """Ask on a terminal whether to do it; anywhere else `--yes` must have said so. Raises `click.ClickException`."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"this would {what}: say --yes, since nobody can be asked here")
    if not click.confirm(f"This will {what}. Go on?", err=True):
        raise click.ClickException("nothing was done")
