"""`notifier reload`: have the daemon read its config again."""

import sys

import click

from notifier.cli.control import Control, Document, Refused, client
from notifier.cli.options import CONFIG_IS_WRONG
from notifier.cli.tables import as_json, show_json
from notifier.core.text import visible

FAULTY = 422


@click.command()
@as_json
@client
def reload(control: Control, *, json_: bool) -> None:
    """Have the daemon read its config again, and put all of it in force or nothing; tell the verdict.

    Exit status 0 if it is in force, 78 if it has faults: then the old one stays, and nothing has changed. What is on
    its way ends as it began. Where the daemon can be reached, and its database, need a restart.

    \b
    Examples:
      notifier reload
      notifier reload --socket /run/notifier/notifier.sock
    """  # noqa: D301  # \b is click's: keep these lines
    try:
        verdict = control.post("reload")
    except Refused as refused:
        if refused.document.get("status") != FAULTY:
            raise
        _show_faults(refused.document, as_document=json_)
        sys.exit(CONFIG_IS_WRONG)
    if json_:
        show_json(verdict)
        return
    for change in verdict["changes"]:
        click.echo(visible(change))
    for warning in verdict["warnings"]:
        click.echo(f"warning: {visible(warning)}", err=True)
    click.echo("applied" if verdict["changes"] else "nothing changed", err=True)


def _show_faults(document: Document, *, as_document: bool) -> None:
    if as_document:
        show_json(document)
        return
    from notifier.config.faults import Fault  # noqa: PLC0415  # here, because a reload without faults is to be quick

    for fault in document.get("faults") or ():
        click.echo(visible(str(Fault(**fault))), err=True)
    click.echo(visible(str(document["detail"])), err=True)
