"""argv → command. A command's module is imported when it is called, so that help, version and errors come at once."""

import importlib
import os
import sys
from typing import NoReturn

import click

from notifier import __version__

INTERRUPTED = 130


class Later(click.Command):
    """A command of which only the help in a line is known; `notifier.cli.<name>` holds the whole of it, as `<name>`."""

    def whole(self, name: str) -> click.Command:
        """Import it."""
        command: click.Command = getattr(importlib.import_module(f"{__name__}.{name}"), name)
        return command


class Lazy(click.Group):
    """A group that imports a command when it is called, and none to show its help."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The name, the command and its arguments."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.whole(str(name)) if isinstance(command, Later) else command, rest


@click.group(
    cls=Lazy,
    commands=[
        Later("check", help="Read the config as `run` would, and tell every fault."),
        Later("demo", help="See it all at work, with nothing to set up."),
        Later("run", help="Be the daemon, in the foreground."),
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
    """The program: exit status 0 done, 1 failed, 2 wrong command line, 78 wrong config, 130 interrupted."""
    try:
        code = _exit_code(sys.argv[1:])
        print(end="", flush=True)  # unlike sys.stdout.flush(), also where there is no stdout
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at the very end
        code = 0
    sys.exit(code)


def _exit_code(arguments: list[str]) -> int:
    # Not click's own `main`, which says "Aborted!" with status 1 to a Ctrl-C, and fails at a closed pipe.
    try:
        with notifier.make_context("notifier", arguments) as context:
            _invoke(context)
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
    except (click.ClickException, click.Abort, click.exceptions.Exit, BrokenPipeError):
        raise
    except Exception as error:
        if context.params["debug"] or context.invoked_subcommand == "run":  # a daemon's trace belongs in its log
            raise
        message = f"this is a bug of notifier ({type(error).__name__}): run again with --debug (notifier --debug …)"
        raise click.ClickException(message) from None
