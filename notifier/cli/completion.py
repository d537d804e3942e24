"""`notifier completion`: what a shell has to read to complete our commands and options."""

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from notifier.cli import COMPLETE

SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command()
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what a shell has to read, when it starts say, to complete commands and options.

    \b
    Examples:
      eval "$(notifier completion bash)"
      notifier completion fish >~/.config/fish/completions/notifier.fish
    """  # noqa: D301  # \b is click's: keep these lines
    click.echo(SHELLS[shell](context.find_root().command, {}, "notifier", COMPLETE).source())
