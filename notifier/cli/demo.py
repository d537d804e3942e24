"""`notifier demo`: the whole thing on one machine, with nothing to set up."""

import asyncio
import math
import os
import socket
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
    help="How long the uploads keep changing. The first looks and the last webhooks come on top of it.",
)
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Have the daemon serve /healthz and /readyz on 127.0.0.1:PORT."
)
@click.option("--json", "as_json", is_flag=True, help="The summary as one JSON document; all other words go to stderr.")
def demo(seconds: float, port: int | None, *, as_json: bool) -> None:
    """Show it all at work: fake providers, receivers that verify, and the real daemon between them.

    It needs no config and no network, and leaves nothing behind. Exit status 0 if every final status arrived at
    everyone who wanted it, verified, in order and true; otherwise 1.

    \b
    Examples:
      notifier demo
      notifier demo --seconds 60 --json
    """  # noqa: D301  # \b is click's: keep these lines
    if port is not None:
        _ensure_free(port)
    sys.exit(asyncio.run(run(seconds, port, sys.stdout, sys.stderr, as_json=as_json)))


def _ensure_free(port: int) -> None:
    """Say at once what the daemon would say in its own way, and among other words."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise click.ClickException(f"--port {port}: {why}") from None
