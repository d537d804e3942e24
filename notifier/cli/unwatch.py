"""`notifier unwatch`: follow uploads no more."""

import click

from notifier.cli.control import Control, client
from notifier.cli.options import Named
from notifier.core.text import visible


@click.command()
@click.argument("source", type=Named())
@click.argument("ids", type=Named(), metavar="ID...", nargs=-1, required=True)
@click.option("--kind", help="Which of several uploads with this id: video, image.")
@client
def unwatch(control: Control, *, source: str, ids: tuple[str, ...], kind: str | None) -> None:
    """Follow uploads no more; what is owed of them stays owed.

    \b
    Examples:
      notifier unwatch posts 7b2c2f5e-1234-4a6f-9f1d-a1b2c3d4e5f6
      notifier unwatch media v_81 --kind video
    """  # noqa: D301  # \b is click's: keep these lines
    for id_ in ids:
        control.delete("uploads", source, id_, kind=kind)
        click.echo(f"{visible(id_)} is followed no more; what is owed of it stays owed", err=True)
