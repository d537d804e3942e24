"""`notifier replay`: owe again what is over, with the same id and the same bytes."""

import click

from notifier.cli.asking import ensure_meant, meant, show_matching
from notifier.cli.control import Control, client
from notifier.cli.options import Number
from notifier.cli.tables import as_json, show_done
from notifier.core.moments import DURATION, SECONDS, moment, rfc_3339, seconds
from notifier.core.text import counted

OVER = ("delivered", "dead", "superseded", "dropped")


@click.command()
@click.option("--event", metavar="ID", help="This event.")
@click.option("--endpoint", metavar="E", help="To this endpoint alone.")
@click.option("--since", metavar="T", help='Announced since then: "2h", "3d", or 2026-12-01T00:00:00Z.')
@click.option("--phase", type=click.Choice(OVER), help="In this phase alone.")
@click.option("--latest", is_flag=True, help="Instead, the last event of each upload: for an endpoint that is new.")
@click.option(
    "--cancel", type=Number("the number of a replay"), metavar="REPLAY", help="End a replay before it is through."
)
@meant
@as_json
@client
def replay(
    control: Control,
    since: str | None,
    cancel: int | None,
    *,
    dry_run: bool,
    yes: bool,
    json_: bool,
    **selection: str | bool | None,
) -> None:
    """Owe again what was delivered, is dead or was given up: same id, same bytes, at the endpoint's rate.

    \b
    Examples:
      notifier replay --endpoint crm --since 2h --phase dead
      notifier replay --event evt_f69db2261d052eccda838dace9984827
    """  # noqa: D301  # \b is click's: keep these lines
    _ensure_one_thing(cancel, {**selection, "since": since, "dry_run": dry_run, "yes": yes, "json": json_})
    if cancel is not None:
        control.delete("replays", str(cancel))
        click.echo(
            f"replay {cancel} has ended; what it has made waiting: notifier deliveries --phase waiting", err=True
        )
        return
    wanted = {**selection, "latest": selection["latest"] or None, "since": _moment(since, control.now)}
    found = control.post("replay", **wanted, dry_run=True)
    if dry_run:
        show_matching(found, "would be owed again", json_=json_)
        return
    if not found["matching"]:
        show_done(found, "nothing to owe again: no such delivery is over", json_=json_)
        return
    many = counted(found["matching"], "delivery")
    if selection["event"] is None:
        ensure_meant(f"owe {many} again", yes=yes)
    made = control.post("replay", **wanted)
    of = f"--endpoint {selection['endpoint']}" if selection["endpoint"] else "--phase waiting"
    watch, end = f"notifier deliveries {of}", f"notifier replay --cancel {made['id']}"
    show_done(made, f"replay {made['id']} owes {many} again; watch: {watch}; end it: {end}", json_=json_)


def _ensure_one_thing(cancel: int | None, others: dict[str, str | bool | None]) -> None:
    if cancel is not None and any(others.values()):
        raise click.UsageError("--cancel ends a replay at once, and takes no other option")
    if cancel is None and not (others["event"] or others["endpoint"]):
        raise click.UsageError("say what is to be owed again: --event ID, --endpoint E, or both")


def _moment(text: str | None, now: float) -> str | None:
    """RFC 3339 for a duration back from now, or for a moment."""
    if text is None:
        return None
    try:
        return rfc_3339(max(0.0, now - seconds(text)) if text[-1:] in SECONDS else moment(text))
    except ValueError:
        raise click.BadParameter(f"{DURATION}, or a moment like 2026-12-01T00:00:00Z", param_hint="--since") from None
