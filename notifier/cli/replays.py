"""`notifier replays`: what is being owed again, and what was lately."""

from collections.abc import Mapping
from typing import Any

import click

from notifier.cli.control import Control, client
from notifier.cli.tables import ago_of, as_json, limited, of, show_json, show_list


@click.command()
@limited
@as_json
@client
def replays(control: Control, limit: int, *, json_: bool) -> None:
    """List the replays that go on, and those done lately, the newest first.

    \b
    Examples:
      notifier replays
      notifier replays --json
    """  # noqa: D301  # \b is click's: keep these lines
    page = control.items("replays", limit=limit)
    if json_:
        show_json(page)
        return
    columns = {
        "id": of("id"),
        "asked for": ago_of("created_at", control.now),
        "what": _what,
        "endpoint": of("endpoint"),
        "owed again": of("count"),
        "done": ago_of("done_at", control.now),
    }
    show_list(page, "replay", columns, spare=("asked for",))


def _what(item: Mapping[str, Any]) -> str:
    if item["event"] is not None:
        return str(item["event"])
    if item["latest"]:
        return "the latest"
    return ", ".join(item["phases"]) + (f" since {item['since']}" if item["since"] else "")
