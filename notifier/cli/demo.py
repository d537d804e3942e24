"""`notifier demo`: the whole thing on one machine, with nothing to set up."""

import asyncio
import math
import sys

import click

from notifier.demo import run


def _number(_context: click.Context, _option: click.Parameter, seconds: float) -> float:
    if math.isnan(seconds):  # no bound keeps it out
        raise click.BadParameter("nan is no number")
    return seconds


@click.command()
@click.option(
    "--seconds",
    type=click.FloatRange(1, 3600),
    default=20.0,
    show_default=True,
    callback=_number,
    help="How long it plays.",
)
@click.option("--port", type=click.IntRange(1, 65535), help="Let the daemon's own server listen here on 127.0.0.1.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document at the end; words go to stderr.")
def demo(seconds: float, port: int | None, *, as_json: bool) -> None:
    """Show it all at work: fake providers, receivers that verify, and the real daemon between them.

    Exit status 0 only if everything that changed arrived, verified and in order. Leaves nothing behind.

    \b
    Examples:
      notifier demo
      notifier demo --seconds 60 --json
    """  # noqa: D301  # \b is click's: keep these lines
    sys.exit(asyncio.run(run(seconds, port, sys.stdout, sys.stderr, as_json=as_json)))
