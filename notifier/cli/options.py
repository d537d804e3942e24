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


class Number(click.IntRange):
    """A whole number from 1 on; what is none is told to be no `words`."""

    def __init__(self, words: str) -> None:
        """`the number of a delivery`."""
        super().__init__(1)
        self._words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            raise click.BadParameter(f"{value!r} is not {self._words}", ctx, param) from None


class Named(click.ParamType[str]):
    """What an upload, a source or an endpoint is called: anything but a blank."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The name, as it was given."""
        if not str(value).strip():
            self.fail(f"a name is missing: {value!r} is none", param, ctx)
        return value


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
