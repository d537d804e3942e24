"""argv → command. A command's module is imported when it is called, so that help, version and errors come at once."""

import errno
import gc
import importlib
import io
import os
import signal
import sys
from contextlib import suppress
from typing import NoReturn

import click

from notifier import __version__

FAILED = 1
INTERRUPTED = 128 + signal.SIGINT
UNREAD = 128 + signal.SIGPIPE
"""What a shell says of a program that the end of its pipe has ended, as `head` ends others."""
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""Why something cannot be written, with nobody here to blame."""
COMPLETE = "_NOTIFIER_COMPLETE"
"""The environment variable by which a shell asks how a command line may go on."""
SHARED = {"event": "events", "endpoint": "endpoints", "source": "sources"}
"""The modules of those commands that have none of their own."""


BEHIND = {
    **dict.fromkeys(("-c", "--config"), "run --config FILE"),
    "--socket": "uploads --socket PATH",
    "--json": "uploads --json",
}
"""Options that people may write before the command, because other programs have them there."""


class Later(click.Command):
    """A command of which only the help in a line is known; its module, `notifier.cli.<name>`, has it as `<name>`."""

    def whole(self, name: str) -> click.Command:
        """Import it."""
        gc.disable()
        try:
            command: click.Command = getattr(importlib.import_module(f"{__name__}.{SHARED.get(name, name)}"), name)
        finally:
            gc.freeze()  # what is imported is there for good: it need never be looked through
            gc.enable()
        return command


class Lazy(click.Group):
    """A group that imports a command when it is called, and none to show its help."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """What stands before the command; what belongs behind it is told to."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if error.option_name not in BEHIND:
                raise
            words = f"{error.option_name} comes after the command, as in: notifier {BEHIND[error.option_name]}"
            raise click.UsageError(words, ctx) from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The name, the command and its arguments."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.whole(str(name)) if isinstance(command, Later) else command, rest


@click.group(
    cls=Lazy,
    commands=[
        Later("backup", help="Copy the live database to a file."),
        Later("check", help="Read the config as `run` would, and tell every fault."),
        Later("completion", help="Print what a shell needs to complete commands."),
        Later("db", help="Look for damage in the database, or in a backup."),
        Later("deliveries", help="List what is owed, delivered, dead, or given up."),
        Later("demo", help="See it all at work, with nothing to set up."),
        Later("doctor", help="Tell what is in the daemon's way, and the cure."),
        Later("drop", help="Give up what is owed."),
        Later("endpoint", help="Ping, pause or resume a receiver."),
        Later("endpoints", help="Show how each receiver fares."),
        Later("event", help="Show an event, and what became of it."),
        Later("events", help="List what was announced."),
        Later("explain", help="Tell who gets an event, why not where not, and what is sent."),
        Later("listen", help="Be a receiver on this machine, and say what is wrong."),
        Later("reload", help="Have the daemon read its config again."),
        Later("replay", help="Owe again what is over."),
        Later("replays", help="List what is being owed again."),
        Later("run", help="Be the daemon, in the foreground."),
        Later("schema", help="Print the JSON Schema of the config, or of the webhooks."),
        Later("secret", help="Make the secrets that webhooks are signed with."),
        Later("source", help="Look at a source now."),
        Later("sources", help="Show how each source fares."),
        Later("systemd", help="Put the service on this machine, and say what it may send to."),
        Later("unwatch", help="Follow uploads no more."),
        Later("upload", help="Show one upload and its history."),
        Later("uploads", help="Show what is followed."),
        Later("verify", help="Check one captured request, and say why it fails."),
        Later("watch", help="Follow uploads by their names."),
    ],
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="notifier")
@click.option("--debug", is_flag=True, help="Show the trace of an internal error.")
def notifier(*, debug: bool) -> None:  # `_invoke` looks at it
    """Follow uploads at media APIs, and tell every change by signed webhook.

    \b
    Examples:
      notifier demo
      notifier check --config config.toml
    """  # noqa: D301  # \b is click's: keep these lines


def main() -> NoReturn:
    """The program.

    Exit status 0 done, 1 failed, 2 wrong command line, 69 no daemon, 78 wrong config, 130 interrupted, 141 unread.
    """
    _open_what_is_closed()
    _spell_what_has_no_letter()
    try:
        code = _exit_code(sys.argv[1:])
        sys.stdout.flush()
    except OSError as error:
        code = _unwritten(error)
    _spare_the_last_flush()
    sys.exit(code)


def _open_what_is_closed() -> None:
    """Let a stream that was closed (`2>&-`) go nowhere: else the next file opened, say the database, has its number."""
    number = 0
    while number <= 2:  # noqa: PLR2004  # stdin, stdout, stderr
        number = os.open(os.devnull, os.O_RDWR)
    os.close(number)
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # as long as the process
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # as above


def _spell_what_has_no_letter() -> None:
    """Where the locale knows no `→`, write it as an escape: it is no reason to fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _unwritten(error: OSError) -> int:
    """Somebody has seen enough, which is nothing to talk about; or there is no place left, which is."""
    if isinstance(error, BrokenPipeError):
        return UNREAD
    if error.errno not in FULL:
        raise error
    with suppress(OSError):  # it may be stderr that is full
        click.echo(f"Error: cannot write: {error.strerror}", err=True)
    return FAILED


def _spare_the_last_flush() -> None:
    """What could not be written goes nowhere: Python tries it once more at the very end, and complains."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _completed(asked: str) -> int:
    from click.shell_completion import shell_complete  # noqa: PLC0415  # nothing else waits for it

    try:
        return shell_complete(notifier, {}, "notifier", COMPLETE, asked)
    except KeyError:  # it says nothing of the command line: no shell asks so
        return FAILED


def _exit_code(arguments: list[str]) -> int:
    # Not click's own `main`, which says "Aborted!" with status 1 to a Ctrl-C, and fails at a closed pipe.
    if asked := os.environ.get(COMPLETE):
        return _completed(asked)
    try:
        with notifier.make_context("notifier", arguments) as context:
            _invoke(context)
    except SystemExit as exit_:
        return int(exit_.code or 0)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    return 0


def _invoke(context: click.Context) -> None:
    try:
        notifier.invoke(context)
    except (click.ClickException, click.Abort, click.exceptions.Exit):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in {errno.EPIPE, *FULL}:
            raise
        if context.params["debug"] or context.invoked_subcommand == "run":  # a daemon's trace belongs in its log
            raise
        message = f"this is a bug of notifier ({type(error).__name__}): run again with --debug (notifier --debug …)"
        raise click.ClickException(message) from None
