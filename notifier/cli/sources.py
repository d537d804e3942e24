"""`notifier sources`, `notifier source`: how each source fares; look at one now."""

from collections.abc import Mapping
from typing import Any

import click

from notifier.cli.control import Control, client
from notifier.cli.options import Named
from notifier.cli.tables import ago_of, as_json, of, show_done, show_json, show_list, when
from notifier.core.moments import unit

MOST = 100_000
"""Sources: all of them."""


@click.command()
@as_json
@client
def sources(control: Control, *, json_: bool) -> None:
    """Show how each source fares: what is open there, when it was looked at and is next, what went this hour.

    USED THIS HOUR is what went since the full hour, by all sources with the same credential. BUDGET is what may go, by
    the config or by what the reserve leaves of the provider's limit, whichever is less, and what that says is left.

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
        "used this hour": of("requests_used"),
        "budget": _budget,
        "why": lambda item: _why(item, control.now),
    }
    show_list(page, "source", columns, spare=("used this hour", "provider", "last look"))


def _budget(item: Mapping[str, Any]) -> str:
    """`45/m`, and what the provider itself says."""
    said = "" if item["provider_left"] is None else f", {item['provider_left']} left there"
    return f"{item['requests_limit']}/{unit(item['requests_window'])}{said}"


def _why(item: Mapping[str, Any], now: float) -> str | None:
    """What keeps it from being looked at."""
    said = item["reason"] and f"{item['reason']['text']}, since {when(item['failing_since'], now)}"
    return "; ".join(filter(None, (said, _rests(item, now)))) or None


def _rests(item: Mapping[str, Any], now: float) -> str | None:
    if item["rests_until"]:
        return f"rests; goes on {when(item['rests_until'], now)}"
    return item["may_go_at"] and f"its budget lets the next request go {when(item['may_go_at'], now)}"


@click.group()
def source() -> None:
    """Look at a source now.

    \b
    Examples:
      notifier source poll posts
      notifier source poll media --socket /run/notifier/notifier.sock
    """  # noqa: D301  # as above


@source.command()
@click.argument("name", type=Named())
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
    at = f"is looked at as soon as it may: {rests}" if (rests := _rests(told, control.now)) else "is looked at now"
    show_done(told, f"{name} {at}; watch: notifier events --follow --source {name}", json_=json_)
