"""`notifier drop`: give up what is owed; a row keeps who and when."""

import click

from notifier.cli.asking import ensure_meant, meant, show_matching
from notifier.cli.control import Control, client
from notifier.cli.options import Number
from notifier.cli.tables import as_json, show_done
from notifier.core.text import counted

OWED = ("waiting", "dead")


@click.command()
@click.option("--delivery", type=Number("the number of a delivery"), metavar="ID", help="This delivery.")
@click.option("--endpoint", metavar="E", help="All that wait for this endpoint, or are dead.")
@click.option("--phase", type=click.Choice(OWED), help="Of these, those in this phase alone.")
@meant
@as_json
@client
def drop(
    control: Control,
    delivery: int | None,
    endpoint: str | None,
    phase: str | None,
    *,
    dry_run: bool,
    yes: bool,
    json_: bool,
) -> None:
    """Give up what is owed: it is sent no more, unless a replay owes it again.

    Where what waits for an endpoint is given up, the replays to it that go on have ended by that.

    \b
    Examples:
      notifier drop --endpoint crm --phase dead
      notifier drop --delivery 1204
    """  # noqa: D301  # \b is click's: keep these lines
    if (delivery is None) == (not endpoint) or (delivery and phase):
        raise click.UsageError("say what is to be given up: --delivery ID, or --endpoint E, perhaps with --phase")
    wanted = {"delivery": delivery, "endpoint": endpoint, "phase": phase}
    found = control.post("drop", **wanted, dry_run=True)
    if dry_run:
        show_matching(found, "would be given up", json_=json_)
        return
    if not found["matching"]:
        show_done(
            {"dropped": 0, "replays": []}, f"nothing to give up: none is {phase or 'waiting or dead'}", json_=json_
        )
        return
    if endpoint:
        ensure_meant(f"give up {counted(found['matching'], 'delivery')} to {endpoint}", yes=yes)
    came = control.post("drop", **wanted)
    dropped = counted(came["dropped"], "delivery") + "".join(f"; replay {one} has ended" for one in came["replays"])
    of = f" --endpoint {endpoint}" if endpoint else ""
    words = f"given up: {dropped}; they are kept here: notifier deliveries{of} --phase dropped"
    show_done(came, words, json_=json_)
