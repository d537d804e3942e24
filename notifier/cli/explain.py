"""`notifier explain`: who gets an event of an upload, why not where not, and what is sent."""

import json
from collections.abc import Mapping
from typing import Any

import click

from notifier.cli.control import Control, client
from notifier.cli.deliveries import CAUSES
from notifier.cli.options import Named
from notifier.cli.tables import as_json, show_json
from notifier.core.text import visible


@click.command()
@click.argument("source", type=Named())
@click.argument("id_", type=Named(), metavar="ID")
@click.option("--kind", help="Which of several uploads with this id: video, image.")
@click.option("--event", metavar="EVENT", help="This event of it; else the last one.")
@as_json
@client
def explain(control: Control, *, source: str, id_: str, kind: str | None, event: str | None, json_: bool) -> None:
    """Tell which endpoints get what was announced of an upload, by the config as it is, and what they are sent.

    \b
    Examples:
      notifier explain posts 7b2c2f5e-1234-4a6f-9f1d-a1b2c3d4e5f6
      notifier explain media v_81 --event evt_f69db2261d052eccda838dace9984827 --json
    """  # noqa: D301  # \b is click's: keep these lines
    told = control.get("explain", source=source, id=id_, kind=kind, event=event)
    if json_:
        show_json(told)
        return
    about = told["event"]
    what = f"{about['type']} of {about['upload']} at {about['source']}"
    click.echo(visible(f"{about['id']}: {what}, {about['timestamp']}"))
    shown: dict[str, str] = {}
    for one in told["endpoints"]:
        _show(one, shown)
    if not told["endpoints"]:
        click.echo("the config has no endpoints", err=True)


def _show(one: Mapping[str, Any], shown: dict[str, str]) -> None:
    """An endpoint, and what it is sent; `shown` has the endpoint beside which each body stands already."""
    why = "gets it" if one["wanted"] else f"does not get it: {CAUSES.get(one['cause'], one['cause'])}"
    became = f"; it was owed, and is {one['phase']}" if one["phase"] else ""
    click.echo()
    click.echo(visible(f"{one['endpoint']} {why}{became}"))
    for sent in one["sent"]:
        click.echo(visible(f"  POST {one['url']}"))
        for name, value in sent["headers"].items():
            click.echo(visible(f"  {name}: {value}"))
        click.echo("")
        beside = shown.setdefault(sent["body"], one["endpoint"])
        for line in _lines(sent["body"]) if beside == one["endpoint"] else [f"the same body as {beside}"]:
            click.echo(f"  {visible(line)}")


def _lines(body: str) -> list[str]:
    """A body for people: a document on as many lines as it has parts."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False).splitlines()
    except ValueError:
        return [body]
