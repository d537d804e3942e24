"""`notifier endpoints`: how each receiver fares."""

from collections.abc import Mapping
from typing import Any

import click

from notifier.cli.control import Control, client
from notifier.cli.tables import ago_of, as_json, of, show_json, show_list, when

MOST = 100_000
"""Endpoints: all of them."""


@click.command()
@as_json
@client
def endpoints(control: Control, *, json_: bool) -> None:
    """Show how each receiver fares: what it is owed, and why nothing goes to it where nothing does.

    \b
    Examples:
      notifier endpoints
      notifier endpoints --json
    """  # noqa: D301  # \b is click's: keep these lines
    page = control.items("endpoints", limit=MOST)
    if json_:
        show_json(page)
        return
    columns = {
        "name": of("name"),
        "state": of("state"),
        "waiting": of("waiting"),
        "oldest": ago_of("oldest_at", control.now),
        "dead": of("dead"),
        "in flight": of("in_flight"),
        "last success": ago_of("succeeded_at", control.now),
        "why": lambda item: _why(item, control.now),
    }
    show_list(page, "endpoint", columns)


def _why(item: Mapping[str, Any], now: float) -> str | None:
    """What keeps it from being sent to."""
    if not item["configured"]:
        return "the config names it no more"
    if item["reason"] is None:
        return None
    if item["reason"]["code"] == "failing":
        return f"it fails; tried again {when(item['probe_at'], now)}"
    if item["reason"]["code"] == "throttled":
        return f"it asked to be left alone; goes on {when(item['quiet_until'], now)}"
    return str(item["reason"]["text"])
