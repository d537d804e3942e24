"""`notifier backup`: a consistent copy of the live database."""

from pathlib import Path

import click

from notifier.cli.control import Control, client
from notifier.cli.tables import as_json, show_done


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@as_json
@client
def backup(control: Control, file: Path, *, json_: bool) -> None:
    """Copy the live database to FILE, which is not there yet. The daemon writes it, and goes on meanwhile.

    To restore it, stop the daemon and move it to where `store.url` says, without the -wal and -shm of the old one.

    \b
    Examples:
      notifier backup /var/lib/notifier/monday.db
      notifier backup monday.db
    """  # noqa: D301  # \b is click's: keep these lines
    made = control.wait("backup", path=str(file.absolute()))
    show_done(made, f"{made['path']}: {made['bytes']:,} bytes", json_=json_)
