"""`notifier systemd egress`: this machine × the config → the drop-in that has the kernel judge addresses, too."""

import shlex
from collections.abc import Callable, Sequence
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any, TypeVar

import click

from notifier.cli.options import CONFIG_IS_WRONG, config_option
from notifier.config import ConfigError, written
from notifier.config.faults import Wrong
from notifier.config.places import SYSTEM
from notifier.config.reach import reached
from notifier.config.units import network
from notifier.core.egress import METADATA, drop_in, name_servers

RESOLV_CONF = Path("/etc/resolv.conf")
UNLISTED = (
    "the name server %s tells the credentials of this machine, too, and is never listed: install libnss-resolve, which"
    " asks over a UNIX socket, and say --no-dns"
)

Function = TypeVar("Function", bound=Callable[..., Any])


class Faulty(click.ClickException):
    """The config has faults."""

    exit_code = CONFIG_IS_WRONG


def _networks(_context: click.Context, _option: click.Parameter, given: Sequence[str]) -> tuple[str, ...]:
    """An address, or a network in CIDR form."""
    try:
        return tuple(str(network(text if "/" in text else _alone(text))) for text in given)
    except Wrong as error:
        raise click.BadParameter(str(error)) from None


def _alone(text: str) -> str:
    return f"{text}/{128 if ':' in text else 32}"


def egress_options(function: Function) -> Function:
    """Give a command what the drop-in depends on, besides the machine."""
    for option in (
        partial(config_option, otherwise=f"the service's, {SYSTEM}"),
        click.option("--allow", multiple=True, callback=_networks, metavar="CIDR", help="A network more."),
        click.option("--no-dns", is_flag=True, help="Names come over a UNIX socket: libnss-resolve is installed."),
        click.option(
            "--resolv-conf",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help=f"Where the name servers stand; {RESOLV_CONF} by default.",
        ),
    ):
        function = option(function)
    return function


@click.command()
@egress_options
def egress(path: Path | None, allow: Sequence[str], resolv_conf: Path | None, *, no_dns: bool) -> None:
    """Print the drop-in that lets the service send to public addresses alone.

    And to the name servers, to each allow_networks of the config, and to what --allow adds. Exit status 0; 1 if a name
    server must not be listed, 78 if the config is wrong.

    \b
    Examples:
      notifier systemd egress
      notifier systemd egress --no-dns --allow 10.1.2.0/24
    """  # noqa: D301  # \b is click's: keep these lines
    text, unlisted = made(path, allow, resolv_conf, no_dns=no_dns)
    click.echo(text, nl=False)
    if unlisted:
        raise click.ClickException(unlisted)


def made(path: Path | None, allow: Sequence[str], resolv_conf: Path | None, *, no_dns: bool) -> tuple[str, str]:
    """The drop-in, and why a name server is not listed that is needed, or "".

    Raises `click.ClickException` where the config is wrong, or a file cannot be read.
    """
    found = path or (SYSTEM if SYSTEM.exists() else None)
    try:
        networks, unknown = reached(written(found)) if found else ([], [])
    except ConfigError as error:
        raise Faulty(str(error)) from None
    for sentence in unknown if not allow else ():
        click.echo(f"warning: {sentence}", err=True)
    servers = [] if no_dns else _servers(resolv_conf or RESOLV_CONF)
    text = drop_in([*networks, *map(network, allow)], servers, _options(path, allow, resolv_conf, no_dns=no_dns))
    return text, next((UNLISTED % server for server in servers if server in METADATA), "")


def _options(path: Path | None, allow: Sequence[str], resolv_conf: Path | None, *, no_dns: bool) -> str:
    """The command line that makes the same again, wherever it is given."""
    files = [(name, file.absolute()) for name, file in (("--config", path), ("--resolv-conf", resolv_conf)) if file]
    given = [str(part) for pair in (*files, *(("--allow", one) for one in allow)) for part in pair]
    return shlex.join(given + ["--no-dns"] * no_dns)


def _servers(resolv_conf: Path) -> list[IPv4Address | IPv6Address]:
    try:
        return name_servers(resolv_conf.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        words = (
            f"{resolv_conf}: {error.strerror}: name the file with the name servers by --resolv-conf, or say --no-dns"
        )
        raise click.ClickException(words) from None
