"""`notifier upload`: one upload and its history."""

from collections.abc import Mapping
from typing import Any

import click

from notifier.cli.control import Control, client
from notifier.cli.options import Named
from notifier.cli.tables import ago_of, as_json, of, show_json, show_table
from notifier.cli.uploads import show_uploads
from notifier.core.text import visible


def _reason(one: Mapping[str, Any]) -> str | None:
    return one["reason"] and str(one["reason"]["text"])


@click.command()
@click.argument("source", type=Named())
@click.argument("id_", type=Named(), metavar="ID")
@click.option("--kind", help="Which of several uploads with this id: video, image.")
@as_json
@client
def upload(control: Control, *, source: str, id_: str, kind: str | None, json_: bool) -> None:
    """Show an upload, its targets, and what was announced of it.

    \b
    Examples:
      notifier upload posts 7b2c2f5e-1234-4a6f-9f1d-a1b2c3d4e5f6
      notifier upload media v_81 --json
    """  # noqa: D301  # \b is click's: keep these lines
    one = control.get("uploads", source, id_, kind=kind)
    if json_:
        show_json(one)
        return
    show_uploads({"items": [one], "next": None}, control.now)
    facts = {"why": _reason(one), "url": one["url"], "calls back": one["notify_url"]}
    facts |= {f"label {key}": value for key, value in one["labels"].items()}
    for name, fact in facts.items():
        if fact is not None:
            click.echo(f"{name}: {visible(fact)}")
    if one["targets"]:
        click.echo()
        columns = {"target": of("name"), "status": of("status"), "url": of("url"), "why": _reason}
        show_table(columns, one["targets"])
    if one["events"]:
        click.echo()
        show_table({"event": of("id"), "type": of("type"), "when": ago_of("timestamp", control.now)}, one["events"])
