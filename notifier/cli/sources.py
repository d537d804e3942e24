"""`notifier sources`, `notifier source`: how each source fares; look at one now."""

from collections.abc import Mapping
from typing import Any

import click

from notifier.cli.control import Control, client
from notifier.cli.tables import ago_of, as_json, of, show_done, show_json, show_list, when
from notifier.core.moments import unit

MOST = 100_000
"""Sources: all of them."""


@click.command()
@as_json
@client
def sources(control: Control, *, json_: bool) -> None:
    """Show how each source fares: what is open there, when it was looked at and is next, what is used of its budget.

    Used is what went since this minute, hour or day began, by all sources with the same credential; behind it stands
    what may go in it, by the budget or by what the reserve leaves of the provider's limit, whichever is less.

    \b
    Examples:
      notifier sources
      notifier sources --json
    """  # noqa: D301  # \b is click's: keep these lines
    page = control.items("sources", limit=MOST)
    if json_:
        show_json(page)
        return
    columns = {
        "name": of("name"),
        "provider": of("provider"),
        "state": of("state"),
        "open": of("open"),
        "last look": ago_of("looked_at", control.now),
        "next look": ago_of("next_at", control.now),
        "budget used": _used,
        "why": lambda item: _why(item, control.now),
    }
    show_list(page, "source", columns, spare=("provider", "last look"))


def _used(item: Mapping[str, Any]) -> str:
    """`3 of 45/m`, and what the provider itself says."""
    said = "" if item["provider_left"] is None else f", {item['provider_left']} left there"
    return f"{item['requests_used']} of {item['requests_limit']}/{unit(item['requests_window'])}{said}"


def _why(item: Mapping[str, Any], now: float) -> str | None:
    """What keeps it from being looked at."""
    rests = item["rests_until"] and f"rests; goes on {when(item['rests_until'], now)}"
    said = item["reason"] and f"{item['reason']['text']}, since {when(item['failing_since'], now)}"
    return "; ".join(filter(None, (said, rests))) or None


@click.group()
def source() -> None:
    """Look at a source now.

    \b
    Examples:
      notifier source poll posts
      notifier source poll media --socket /run/notifier/notifier.sock
    """  # noqa: D301  # as above


@source.command()
@click.argument("name")
@as_json
@client
def poll(control: Control, name: str, *, json_: bool) -> None:
    """Look now at everything unsettled and at the lists, whatever the rhythm.

    Its budget, the reserve and a rest that the provider has asked for hold all the same.

    \b
    Examples:
      notifier source poll posts
      notifier source poll media --socket /run/notifier/notifier.sock
    """  # noqa: D301  # as above
    told = control.post("sources", name, "poll")
    at = (
        f"rests, and is looked at {when(told['rests_until'], control.now)}"
        if told["rests_until"]
        else "is looked at now"
    )
    show_done(told, f"{name} {at}; watch: notifier events --follow --source {name}", json_=json_)
