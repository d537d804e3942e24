"""`notifier events`, `notifier event`: what was announced, and what became of it."""

import json
from collections.abc import Mapping
from typing import Any

import click
from click.core import ParameterSource

from notifier.cli.control import Control, client
from notifier.cli.deliveries import next_or_last, why
from notifier.cli.tables import ago_of, as_json, limited, of, show_facts, show_json, show_list, show_table
from notifier.core.text import visible

LONGEST_TYPE = len("upload.action_required")


@click.command()
@click.option("--type", "type_", metavar="T", help="Of this type alone; upload.* is all of uploads.")
@click.option("--source", metavar="S", help="Of this source alone.")
@click.option("--follow", is_flag=True, help="Show each as it is announced, from now on, until Ctrl-C.")
@limited
@as_json
@client
def events(control: Control, type_: str | None, source: str | None, limit: int, *, follow: bool, json_: bool) -> None:
    """List what was announced, the newest first; or follow what is being announced.

    With --follow and --json a line of JSON for each event, as the endpoints get it.

    \b
    Examples:
      notifier events --type upload.failed
      notifier events --source posts --follow
    """  # noqa: D301  # \b is click's: keep these lines
    if follow:
        if click.get_current_context().get_parameter_source("limit") is not ParameterSource.DEFAULT:
            raise click.UsageError("--follow goes on without --limit: name one of them")
        announced = control.follow(_tell_lost, type=type_, source=source)
        while True:  # it has no end
            one = next(announced)
            click.echo(json.dumps(one) if json_ else _line(one))
    page = control.items("events", limit=limit, type=type_, source=source)
    if json_:
        show_json(page)
        return
    columns = {
        "when": ago_of("timestamp", control.now),
        "type": of("type"),
        "source": of("source"),
        "about": about,
        "no.": of("sequence"),
        "id": of("id"),
    }
    show_list(page, "event", columns, spare=("no.", "id", "source"))


@click.command()
@click.argument("id_", metavar="ID")
@as_json
@client
def event(control: Control, id_: str, *, json_: bool) -> None:
    """Show an event: what it tells, to whom it is owed, and what came of each attempt.

    \b
    Examples:
      notifier event evt_f69db2261d052eccda838dace9984827
      notifier event evt_f69db2261d052eccda838dace9984827 --json
    """  # noqa: D301  # as above
    document = control.get("events", id_)
    if json_:
        show_json(document)
        return
    told = ("id", "type", "timestamp", "source", "endpoint", "upload", "sequence", "status")
    show_facts({name: document[name] for name in told} | {"changes": changes(document["body"]) or None})
    for delivery in document["deliveries"]:
        _show_delivery(delivery, control.now)
    if not document["deliveries"]:
        click.echo("it is owed to nobody: no endpoint wanted it, or all that was delivered has gone", err=True)


def _tell_lost() -> None:
    click.echo("the daemon has gone away: waiting for it", err=True)


def _line(event: Mapping[str, Any]) -> str:
    """An event, as a line of a log."""
    data = event["data"]
    about = data["upload"]["id"] if "upload" in data else data.get("endpoint")
    words = [event["timestamp"], f"{event['type']:<{LONGEST_TYPE}}", data.get("source"), about, changes(event)]
    return visible("  ".join(str(word) for word in words if word))


def about(item: Mapping[str, Any]) -> object:
    """What an event tells of: an upload, an endpoint, or its source itself."""
    return item["upload"] or item["endpoint"]


def changes(body: Mapping[str, Any]) -> str:
    """`status processing → completed, targets.x.url`, as far as the body tells of changes."""
    told = [(one["field"], one["from"], one["to"]) for one in body["data"].get("changes", ())]
    return ", ".join(f"{field} {before or '–'} → {after or '–'}" for field, before, after in told)


def _show_delivery(delivery: Mapping[str, Any], now: float) -> None:
    stands = ", ".join(filter(None, (delivery["phase"], next_or_last(delivery, now))))
    click.echo(f"\ndelivery {delivery['id']} to {delivery['endpoint']}: {stands}")
    reason = why(delivery, now)
    if reason:
        click.echo(reason)
    if delivery["tries"]:
        columns = {
            "no.": of("number"),
            "when": ago_of("started_at", now),
            "took": lambda one: f"{one['duration']:.2f} s",
            "outcome": of("outcome"),
            "status": of("status"),
            "note": of("note"),
            "answer": of("excerpt"),
        }
        show_table(columns, delivery["tries"])
