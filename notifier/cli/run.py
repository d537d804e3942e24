"""`notifier run`: be the daemon."""

import asyncio
import errno
import faulthandler
import gc
import logging
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from notifier import log as logs
from notifier.cli.options import CONFIG_IS_WRONG, config_option, reading_or_exit
from notifier.config import Reading, Settings, read
from notifier.server.sockets import CannotListen
from notifier.serving import fast_loop, serve
from notifier.store import NewerDatabaseError, OtherProviderError, StoreError
from notifier.systemd import Notify, passed

log = logging.getLogger(__name__)

FAILED = 1
PACE = "NOTIFIER_DEMO_PACE"
"""The environment variable by which `notifier demo` has the daemon's cadences run so many times faster."""


@click.command()
@config_option
@click.option(
    "--log-format",
    type=click.Choice([form.value for form in logs.Form]),
    help="console on a terminal, journal under systemd, json anywhere else, unless it is said here.",
)
def run(path: Path | None, log_format: str | None) -> None:
    """Be the daemon, in the foreground: poll, announce, deliver, until SIGTERM or Ctrl-C.

    Logs go to stderr. Exit status 0 after a stop, 1 after a failure, 78 if the config is wrong.

    \b
    Examples:
      notifier run --config config.toml
      notifier run --config config.toml --log-format json 2>>notifier.log
    """  # noqa: D301  # \b is click's: keep these lines
    faulthandler.enable()
    gc.disable()  # until `serve` has wired all: nearly all that a start makes is kept
    path, reading = reading_or_exit(path)
    sockets = _passed_or_exit(reading.settings)
    logs.setup(form=logs.Form(log_format) if log_format else None)
    sys.exit(_code(path, reading, sockets))


def _passed_or_exit(settings: Settings) -> list[socket.socket]:
    """The sockets that systemd hands over, which anybody on this machine may connect to; else why not, and exit 78."""
    try:
        sockets = passed()
    except ValueError as error:
        reason = str(error)
    else:
        if not sockets or settings.token is not None:
            return sockets
        reason = "server.token: missing, and whoever asks over the socket that systemd opened has to know it"
    click.echo(reason, err=True)
    sys.exit(CONFIG_IS_WRONG)


def _code(path: Path, reading: Reading, sockets: Sequence[socket.socket]) -> int:
    def again(running: Settings) -> Reading:
        return read(path, os.environ, running=running)

    try:
        with asyncio.Runner(loop_factory=fast_loop()) as runner:
            runner.run(serve(reading, again, Notify(), float(os.environ.get(PACE, "1")), sockets))
    except Exception as error:  # noqa: BLE001  # whatever ends a daemon is told by its log
        return ended(error)
    return 0


def ended(error: Exception) -> int:
    """Tell what ended the daemon, each where several came together, and answer the exit code.

    It is a sentence where the machine is to blame, a trace where we are.
    """
    if isinstance(error, ExceptionGroup):
        return max(ended(one) for one in error.exceptions)
    lack = _lack(error)
    trace = error if lack is None else None
    log.critical("ended", exc_info=trace, extra={"fields": {"reason": lack or str(error) or type(error).__name__}})
    return CONFIG_IS_WRONG if isinstance(error, NewerDatabaseError | OtherProviderError) else FAILED


def _lack(error: Exception) -> str | None:
    """What the machine lacks, and what would cure it; None where it is not to blame."""
    match error:
        case StoreError() | CannotListen():
            return str(error)
        case MemoryError() | OSError(errno=errno.ENOMEM):
            return "no memory is left: free some, or raise its limit of it"
        case RuntimeError(args=("can't start new thread",)):
            return "no thread can be started: raise its limit of tasks, or of memory"
    return None
