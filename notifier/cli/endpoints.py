"""`notifier endpoints`, `notifier endpoint`: how each receiver fares; send it a ping, leave it alone, go on."""

from collections.abc import Mapping
from typing import Any

import click

from notifier.cli.control import Control, client
from notifier.cli.options import Named
from notifier.cli.tables import ago_of, as_json, of, show_done, show_facts, show_json, show_list, when
from notifier.core.moments import moment
from notifier.core.text import counted

MOST = 100_000
"""Endpoints: all of them."""
DELIVERED = "delivered"
"""The outcome of an attempt that its endpoint took; to import it would take as long as the command."""


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
    show_list(page, "endpoint", columns, spare=("in flight", "last success", "oldest", "dead"))


def _why(item: Mapping[str, Any], now: float) -> str | None:
    """What fails, or keeps it from being sent to, and when something goes there next."""
    if item["reason"] is None or item["next_at"] is None:
        return item["reason"] and str(item["reason"]["text"])
    next_ = "now" if moment(item["next_at"]) <= now else when(item["next_at"], now)
    return f"{item['reason']['text']}; next {next_}"


def _took(came: Mapping[str, Any]) -> str:
    """`0.020 s (connect 0.001, first_byte 0.018)`."""
    parts = ", ".join(f"{part} {seconds:.3f}" for part, seconds in came["phases"].items())
    return f"{came['duration']:.3f} s" + (f" ({parts})" if parts else "")


@click.group()
def endpoint() -> None:
    """Send a receiver a ping, leave it alone, or go on with it.

    \b
    Examples:
      notifier endpoint ping app
      notifier endpoint pause app
    """  # noqa: D301  # as above


@endpoint.command()
@click.argument("name", type=Named())
@as_json
@client
def ping(control: Control, name: str, *, json_: bool) -> None:
    """Send a signed `notifier.ping` to this endpoint, whatever its `events`, and show what came of it.

    It is one attempt, made at once: also where the endpoint is paused or asks to be left alone, and it changes nothing
    of that. Exit status 1 where it was not delivered.

    \b
    Examples:
      notifier endpoint ping app
      notifier endpoint ping crm --json
    """  # noqa: D301  # as above
    came = control.post("endpoints", name, "ping")
    if json_:
        show_json(came)
    else:
        answered = {"status": came["status"], "note": came["note"] or None, "answer": came["excerpt"] or None}
        show_facts({"event": came["event"], "outcome": came["outcome"], "took": _took(came), **answered})
    if came["outcome"] != DELIVERED:
        raise click.exceptions.Exit(1)


@endpoint.command()
@click.argument("name", type=Named())
@as_json
@client
def pause(control: Control, name: str, *, json_: bool) -> None:
    """Send nothing to it until it is resumed. What is announced meanwhile waits.

    \b
    Examples:
      notifier endpoint pause app
      notifier endpoint pause crm --socket /run/notifier/notifier.sock
    """  # noqa: D301  # as above
    told = control.post("endpoints", name, "pause")
    many = counted(told["waiting"], "delivery")
    show_done(told, f"{name} is paused, {many} waiting; go on: notifier endpoint resume {name}", json_=json_)


@endpoint.command()
@click.argument("name", type=Named())
@as_json
@client
def resume(control: Control, name: str, *, json_: bool) -> None:
    """Go on with it after a pause, whoever or whatever has paused it: all that waits is due.

    \b
    Examples:
      notifier endpoint resume app
      notifier endpoint resume crm --socket /run/notifier/notifier.sock
    """  # noqa: D301  # as above
    told = control.post("endpoints", name, "resume")
    many = counted(told["waiting"], "delivery")
    show_done(told, f"{name} goes on with {many}; watch: notifier deliveries --endpoint {name}", json_=json_)
