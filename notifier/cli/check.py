"""`notifier check`: is the config right, and what does it mean?"""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from notifier.cli.options import CONFIG_IS_WRONG, config_option
from notifier.config import ConfigError, Fault, Reading, read
from notifier.config.effective import as_json, as_toml
from notifier.config.kept import kept_from_service
from notifier.core.text import counted
from notifier.doctor.scene import ROOT, Scene, scene


@click.command()
@config_option
@click.option("--json", "json_", is_flag=True, help="One JSON document: a list of faults, or the config in effect.")
def check(path: Path | None, *, json_: bool) -> None:
    """Read the config as `run` would, and tell every fault.

    Where there is none, show the config in effect: each default marked, each secret masked. Nothing is opened or sent.
    /etc/notifier/config.toml is read as the service reads it, with its folders and credentials: as root. Exit status 0
    if it is right, 78 if not.

    \b
    Examples:
      notifier check
      notifier check --config config.toml --json
    """  # noqa: D301  # \b is click's: keep these lines
    try:
        here = scene(path, os.environ, ROOT)
        reading = read(here.config, here.environ)
    except ConfigError as error:
        _show_faults(error.faults, as_document=json_)
        sys.exit(CONFIG_IS_WRONG)
    _show(here, reading, as_document=json_)


def _show_faults(faults: Sequence[Fault], *, as_document: bool) -> None:
    if as_document:
        click.echo(json.dumps([asdict(fault) for fault in faults], indent=2, ensure_ascii=False))
        return
    for fault in faults:
        click.echo(str(fault))
    click.echo(counted(len(faults), "fault"), err=True)


def _show(here: Scene, reading: Reading, *, as_document: bool) -> None:
    path = here.config
    if as_document:
        click.echo(json.dumps({"file": str(path), **as_json(reading)}, indent=2, ensure_ascii=False))
        return
    file = reading.file
    click.echo(as_toml(reading))
    held = f"{counted(len(file.sources), 'source')}, {counted(len(file.endpoints), 'endpoint')}"
    click.echo(f"\n# {path}: {held}{', as the service reads it' if here.is_service else ''}")
    kept = kept_from_service(file, path.absolute().parent) if os.geteuid() == 0 else []  # root can read everything
    for warning in (*reading.settings.warnings, *kept):
        click.echo(f"warning: {warning}", err=True)
