"""`notifier deliveries`: what is owed, delivered, dead, or given up."""

from collections.abc import Mapping
from typing import Any

import click

from notifier.cli.control import Control, client
from notifier.cli.tables import Cell, ago_of, as_json, limited, of, show_json, show_list, when
from notifier.core.moments import moment

PHASES = ("waiting", "delivered", "dead", "superseded", "dropped")

CAUSES = {
    "schedule": "its schedule has ended",
    "aborted": "the receiver wants no more of it",
    "internal": "a bug of notifier: see the log",
    "left": "its endpoint left the config",
    "unwanted_event": "the endpoint's `events` let it pass no more",
    "unwanted_source": "the endpoint's `sources` let it pass no more",
    "unwanted_status": "the endpoint's `statuses` let it pass no more",
    "unwanted_format": "the endpoint's `format` is another, signed or not",
    "drain": "it is drained: nothing new is owed to it",
}

ENDED_BY_ANSWER = {"schedule", "aborted"}
"""Causes of which the last attempt tells more."""


@click.command()
@click.option("--endpoint", metavar="E", help="To this endpoint alone.")
@click.option("--phase", type=click.Choice(PHASES), help="In this phase alone.")
@limited
@as_json
@client
def deliveries(control: Control, endpoint: str | None, phase: str | None, limit: int, *, json_: bool) -> None:
    """List what is owed to endpoints, or was, the newest first.

    \b
    Examples:
      notifier deliveries --endpoint app --phase dead
      notifier deliveries --limit 1000 --json
    """  # noqa: D301  # \b is click's: keep these lines
    page = control.items("deliveries", limit=limit, endpoint=endpoint, phase=phase)
    if json_:
        show_json(page)
        return
    columns: dict[str, Cell] = {
        "id": of("id"),
        "owed": ago_of("created_at", control.now),
        "endpoint": of("endpoint"),
        "type": of("type"),
        "source": of("source"),
        "about": lambda item: item["upload"] or item["about"],
        "phase": of("phase"),
        "tries": of("attempts"),
        "next or last": lambda item: next_or_last(item, control.now),
        "event": of("event"),
        "why": lambda item: why(item, control.now),
    }
    show_list(page, "delivery", columns, spare=("event", "source", "owed", "tries", "type"))


def next_or_last(delivery: Mapping[str, Any], now: float) -> str | None:
    """When it goes, or ended; None where nobody knows when it will go."""
    if delivery["next_at"] is not None and moment(delivery["next_at"]) <= now:
        return "due"
    return when(delivery["next_at"] or delivery["settled_at"], now)


def why(delivery: Mapping[str, Any], now: float) -> str | None:
    """Why it is over without having been delivered; or what its last attempt met, and what holds it or when it goes."""
    if delivery["dropped_by"] is not None:  # it may have been dead before, for some cause
        return f"dropped by {delivery['dropped_by']}"
    met = None if delivery["outcome"] == "delivered" else delivery["note"] or delivery["outcome"]
    if delivery["cause"] is not None:
        cause = CAUSES.get(delivery["cause"], str(delivery["cause"]))
        return f"{cause}: {met}" if met and delivery["cause"] in ENDED_BY_ANSWER else cause
    if delivery["replaced_by"] is not None:
        return f"{delivery['replaced_by']} says more"
    waits = () if delivery["due_at"] is None else (met, _again(delivery, now, is_first=met is None))
    replay = delivery["replay"] and f"replay {delivery['replay']}"
    return "; ".join(filter(None, (*waits, replay))) or None


def _again(delivery: Mapping[str, Any], now: float, *, is_first: bool) -> str | None:
    """What holds a delivery that waits, or when it goes again."""
    if delivery["held"] is not None:
        return str(delivery["held"]["text"])
    if is_first:
        return None
    return "due again" if moment(delivery["next_at"]) <= now else f"tried again {when(delivery['next_at'], now)}"
