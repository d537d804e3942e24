"""`notifier systemd`: the service, put on this machine."""

import grp
import re
import shlex
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

import notifier
from notifier.cli.egress import egress, egress_options, made
from notifier.config.kept import HIDDEN
from notifier.core.egress import options

ROOT = Path("/")
UNITS = "etc/systemd/system"
CONFIG = "etc/notifier/config.toml"
EGRESS = f"{UNITS}/notifier.service.d/10-egress.conf"
DROP_IN = f"{UNITS}/notifier.service.d/20-operators.conf"
OPERATORS = "notifier-ops"
"""The group that has it."""
PROGRAM = "/opt/notifier/bin/notifier"
"""As the unit has it."""
UNSEEN = (*HIDDEN, Path("/tmp"), Path("/var/tmp"))  # noqa: S108  # none is used here
"""What the service does not see, by ProtectHome= and PrivateTmp=."""
NEXT = (
    "systemd-tmpfiles --create notifier.conf",
    "journalctl --update-catalog",
    "notifier check",
    "systemctl daemon-reload",
    "systemctl enable notifier",
    "systemctl restart notifier",
)


@click.group()
def systemd() -> None:
    """Put the service on this machine, and say what it may send to.

    \b
    Examples:
      sudo /opt/notifier/bin/notifier systemd install
      notifier systemd egress --no-dns
    """  # noqa: D301  # \b is click's: keep these lines


systemd.add_command(egress)


@systemd.command()
@egress_options
@click.option("--dry-run", is_flag=True, help="Only say what would be written.")
def install(path: Path | None, allow: Sequence[str], resolv_conf: Path | None, *, no_dns: bool, dry_run: bool) -> None:
    """Write the unit, its socket, its folders and its drop-ins for this machine, and tell the next commands.

    The drop-in for egress is made with the options given here, else with those of the one that is there. A file that
    differs is kept as FILE.old. Exit status 0; 1 if nothing, or not all, could be written; 78 if the config is wrong.

    \b
    Examples:
      sudo /opt/notifier/bin/notifier systemd install --dry-run
      sudo /opt/notifier/bin/notifier systemd install
    """  # noqa: D301  # as above
    program = _program()
    text, unlisted = wanted_egress(path, allow, resolv_conf, no_dns=no_dns)
    if unlisted:
        raise click.ClickException(unlisted)
    for place, wanted in [*_files(program), (EGRESS, text)]:
        click.echo(f"{ROOT / place}  {_put(ROOT / place, wanted, dry_run=dry_run)}")
    if not _is_group(OPERATORS):
        click.echo(f"{ROOT / DROP_IN}  left out, for there is no group {OPERATORS}")
    if path is None and not (ROOT / CONFIG).exists():
        click.echo(f"{ROOT / CONFIG}  is not there yet: install again after it, for what it allows")
    click.echo("next:")
    for command in NEXT:
        click.echo(f"  {command}")


def _program() -> Path:
    """The program as the unit is to start it; raises `click.ClickException` where the service could not."""
    program = Path(sys.prefix, "bin", "notifier")
    interpreter = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    for place in (program, interpreter):
        if reason := unreachable(place):
            words = f"the service could not start {place}: {reason}. Install the program in /opt/notifier"
            raise click.ClickException(words)
    return program


def unreachable(place: Path, hidden: Sequence[Path] = UNSEEN) -> str:
    """Why a user that exists only while the service runs cannot start what is there, or ""."""
    if not re.fullmatch(r"[\w./+-]+", str(place), re.ASCII):
        return "its path has characters that mean something else in a unit"
    for folder in hidden:
        if place.is_relative_to(folder):
            return f"it sees nothing of {folder}"
    closed = [folder for folder in place.parents if not folder.stat().st_mode & stat.S_IXOTH]
    return f"not every user can enter {closed[0]}" if closed else ""


def wanted_egress(
    path: Path | None = None, allow: Sequence[str] = (), resolv_conf: Path | None = None, *, no_dns: bool = False
) -> tuple[str, str]:
    """As `made`, by the options given, else by those of the drop-in that is there."""
    there = _read(ROOT / EGRESS)
    if not (path or allow or resolv_conf or no_dns) and (before := options(there)):
        given = egress.make_context("egress", shlex.split(before)).params
        return made(**given)
    return made(path, allow, resolv_conf, no_dns=no_dns)


def _files(program: Path) -> Iterator[tuple[str, str]]:
    """Where each file goes, and what is in it."""
    inside = Path(notifier.__file__).parent / "units"
    shipped = inside if inside.exists() else inside.parent.parent / "systemd"  # in a wheel; in the tree
    unit = (shipped / "notifier.service").read_text(encoding="utf-8")
    yield f"{UNITS}/notifier.service", unit.replace(PROGRAM, str(program))
    yield f"{UNITS}/notifier-http.socket", (shipped / "notifier-http.socket").read_text(encoding="utf-8")
    yield "usr/lib/tmpfiles.d/notifier.conf", (shipped / "notifier.tmpfiles.conf").read_text(encoding="utf-8")
    yield "usr/lib/systemd/catalog/notifier.catalog", (shipped / "notifier.catalog").read_text(encoding="utf-8")
    if _is_group(OPERATORS):
        yield DROP_IN, (shipped / "20-operators.conf").read_text(encoding="utf-8")


def _is_group(name: str) -> bool:
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True


def _read(path: Path) -> str:
    """What is there; "" where nothing is. Raises `click.ClickException`."""
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from None


def _put(path: Path, wanted: str, *, dry_run: bool) -> str:
    """Have it so, and say what was done; raises `click.ClickException`."""
    there = _read(path)
    if there == wanted:
        return "as it was"
    done = "replaced, the old one beside it" if there else "written"
    if dry_run:
        return f"would be {done}"
    new = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(wanted, encoding="utf-8")
        new.chmod(0o644)  # whatever the umask took away
        if there:
            path.replace(path.with_name(f"{path.name}.old"))
        new.replace(path)
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}: only root may write there (sudo)") from None
    return done
