"""`notifier uploads`: what is followed."""

from collections.abc import Mapping
from typing import Any

import click

from notifier.cli.control import Control, client
from notifier.cli.tables import ago_of, as_json, limited, of, show_json, show_list, when
from notifier.core.moments import moment


def show_uploads(page: Mapping[str, Any], now: float) -> None:
    """A line for each."""
    columns = {
        "source": of("source"),
        "id": of("id"),
        "kind": of("kind"),
        "status": of("status"),
        "theirs": of("raw_status"),
        "changed": ago_of("changed_at", now),
        "next look": lambda item: _next_look(item, now),
        "media id": of("media_id"),
    }
    show_list(page, "upload", columns, spare=("media id", "kind", "theirs", "next look", "changed"))


def _next_look(item: Mapping[str, Any], now: float) -> str | None:
    told = item["next_look_at"]
    return "now" if told is not None and moment(told) <= now else when(told, now)


@click.command()
@click.option("--source", metavar="NAME", help="Of this source alone.")
@click.option("--status", metavar="STATUS", help="In this status alone: processing, failed.")
@click.option("--open", "is_open", is_flag=True, help="Those alone that have not settled.")
@limited
@as_json
@client
def uploads(
    control: Control, *, source: str | None, status: str | None, is_open: bool, limit: int, json_: bool
) -> None:
    """Show what is followed.

    \b
    Examples:
      notifier uploads --source posts --open
      notifier uploads --status failed --json
    """  # noqa: D301  # \b is click's: keep these lines
    page = control.items("uploads", limit=limit, source=source, status=status, open="true" if is_open else None)
    if json_:
        show_json(page)
    else:
        show_uploads(page, control.now)
