"""`notifier schema`: what a config may say, and what the webhooks do, as JSON Schema."""

import json
from typing import Any

import click

from notifier.config.models import File
from notifier.providers import PROVIDERS
from notifier.server.openapi import events

DIALECT = {"$schema": "https://json-schema.org/draft/2020-12/schema"}


@click.command()
@click.argument("of", type=click.Choice(("config", "events")), default="config")
def schema(of: str) -> None:
    """Print the JSON Schema of the config, or of every webhook by its type.

    For an editor, beside the config: `notifier schema config > notifier.schema.json`, and `#:schema
    ./notifier.schema.json` as the config's first line.

    \b
    Examples:
      notifier schema config
      notifier schema events
    """  # noqa: D301  # \b is click's: keep these lines
    click.echo(json.dumps(DIALECT | (events() if of == "events" else _config()), indent=2))


def _config() -> dict[str, Any]:
    document = File.model_json_schema()
    document["$defs"]["SourceTable"]["properties"]["provider"]["enum"] = list(PROVIDERS)
    return document | {"title": "The config of notifier"}
