"""What several commands share: the option that names the config, and what happens where it is wrong."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from notifier.config import Reading

CONFIG_IS_WRONG = 78
"""EX_CONFIG of sysexits.h."""

Function = TypeVar("Function", bound=Callable[..., Any])


def config_option(
    function: Function, otherwise: str = "$NOTIFIER_CONFIG, /etc/notifier/config.toml or ./config.toml"
) -> Function:
    """Give a command `-c`/`--config`, as its argument `path`; `otherwise` is what counts without it."""
    return click.option(
        "-c",
        "--config",
        "path",
        type=click.Path(path_type=Path, readable=False),
        metavar="FILE",
        help=f"The config; else {otherwise}.",
    )(function)


def reading_or_exit(path: Path | None) -> tuple[Path, "Reading"]:
    """The file that the option, the environment or custom names, and what it says; else every fault, and exit 78."""
    # Here, because a command that only asks the daemon names a config too, and is not to wait for all this.
    from notifier.config import ConfigError, read  # noqa: PLC0415
    from notifier.config.places import config_path  # noqa: PLC0415

    try:
        path = config_path(path, os.environ)
        return path, read(path, os.environ)
    except ConfigError as error:
        click.echo(str(error), err=True)
        sys.exit(CONFIG_IS_WRONG)
