"""`notifier db check`: is the database sound?"""

import os
import sys
from dataclasses import asdict
from pathlib import Path

import click

from notifier.cli.marks import show_finding
from notifier.cli.options import config_option
from notifier.cli.socket_path import database_path
from notifier.cli.tables import show_json
from notifier.core.text import counted

UNSOUND = 1


@click.group()
def db() -> None:
    """Look after the database.

    \b
    Examples:
      notifier db check
      notifier db check monday.db
    """  # noqa: D301  # \b is click's: keep these lines


@db.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@config_option
@click.option("--json", "json_", is_flag=True, help="One JSON document.")
def check(file: Path | None, path: Path | None, *, json_: bool) -> None:
    """Look for damage in FILE, a backup say, or in the database of the config, be it that the daemon runs.

    Every page, every index and what the rows say of one another is looked at, and nothing is changed. Where something
    is wrong it tells what, where, and the cure. Exit status 0 if it is sound, 1 if not, 78 if the config is wrong.

    \b
    Examples:
      sudo notifier db check
      notifier db check monday.db --json
    """  # noqa: D301  # as above
    from notifier.store.examination import examine  # noqa: PLC0415  # help does not wait for it

    found = examine(database_path(file, path, os.environ))
    if json_:
        show_json({**asdict(found), "path": str(found.path), "sound": not found.flaws})
    else:
        for flaw in found.flaws:
            show_finding("fault", flaw.where, flaw.what, flaw.cure)
        if found.flaws:
            click.echo(f"{found.path}: {counted(len(found.flaws), 'flaw')}", err=True)
        else:
            log = f", {found.log_bytes:,} more in its log" if found.log_bytes else ""
            show_finding("good", str(found.path), f"sound: schema {found.schema}, {found.bytes:,} bytes{log}")
    if found.flaws:
        sys.exit(UNSOUND)
