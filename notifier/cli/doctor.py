"""`notifier doctor`: what is in the daemon's way, and the cure."""

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from notifier.cli.marks import show_finding
from notifier.cli.options import config_option
from notifier.cli.tables import show_json
from notifier.core.text import counted

if TYPE_CHECKING:
    from notifier.doctor.findings import Finding
    from notifier.doctor.scene import Scene

IN_ITS_WAY = 1


@click.command()
@config_option
@click.option("--offline", is_flag=True, help="Ask nobody over the network.")
@click.option("--json", "json_", is_flag=True, help="One JSON document.")
def doctor(path: Path | None, *, offline: bool, json_: bool) -> None:
    """Look at all that the daemon needs, and tell what is in its way, each with its cure. Nothing is changed.

    Providers are greeted without a key, at the cost of no budget, endpoints only connected to. With sudo it sees what
    the service sees. Exit status 0 if nothing is in its way, 1 if something is.

    \b
    Examples:
      sudo notifier doctor
      notifier doctor --config config.toml --offline
    """  # noqa: D301  # \b is click's: keep these lines
    found = _examined(path, offline=offline)
    faults = sum(one.grade == "fault" for one in found)
    (_show_document if json_ else _show)(found, faults)
    if faults:
        sys.exit(IN_ITS_WAY)


def _show_document(found: Sequence["Finding"], faults: int) -> None:
    show_json({"findings": [asdict(one) for one in found], "sound": not faults})


def _show(found: Sequence["Finding"], faults: int) -> None:
    for one in found:
        show_finding(one.grade.value, one.about, one.text, one.cure)
    click.echo(f"in its way: {counted(faults, 'fault')}" if faults else "nothing is in its way", err=True)


def _examined(path: Path | None, *, offline: bool) -> list["Finding"]:
    # Here, because help does not wait for all this.
    import asyncio  # noqa: PLC0415

    from notifier.cli.readiness import of_daemon  # noqa: PLC0415
    from notifier.cli.systemd import wanted_egress  # noqa: PLC0415
    from notifier.config import ConfigError  # noqa: PLC0415
    from notifier.doctor.config import of_config  # noqa: PLC0415
    from notifier.doctor.database import of_database  # noqa: PLC0415
    from notifier.doctor.findings import doubt, fault  # noqa: PLC0415
    from notifier.doctor.network import of_network  # noqa: PLC0415
    from notifier.doctor.scene import scene  # noqa: PLC0415
    from notifier.doctor.unit import of_unit  # noqa: PLC0415
    from notifier.store.database import holder  # noqa: PLC0415

    try:
        here = scene(path, os.environ)
    except ConfigError as error:
        return [fault("config", str(error), "write one: config.example.toml has every key")]
    reading, found = of_config(here)
    found += [*of_unit(here), *of_filter(here, lambda: wanted_egress()[0])]
    if reading is None:
        return [*found, doubt("the rest", "not looked at: it depends on the config", "see to that, and call again")]
    settings = reading.settings
    found += [*of_database(settings.store_path), *of_daemon(settings.socket, holder(settings.store_path))]
    if offline:
        return [*found, doubt("network", "not looked at: --offline", "call again without it")]
    return [*found, *asyncio.run(of_network(settings, time.time, socket.getaddrinfo))]


def of_filter(here: "Scene", wanted: Callable[[], str]) -> Iterator["Finding"]:
    """What is to be said of the kernel's address filter, where the config is the service's; see `of_egress`."""
    from notifier.cli.systemd import EGRESS  # noqa: PLC0415  # as above
    from notifier.doctor.findings import doubt  # noqa: PLC0415
    from notifier.doctor.unit import of_egress  # noqa: PLC0415

    if here.is_service:
        try:
            yield of_egress(here.at(EGRESS), wanted())
        except click.ClickException as error:
            yield doubt("egress", f"not looked at: {error.message}", "see to that, and call again")
