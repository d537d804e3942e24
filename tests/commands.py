"""the commands as click has them → docs/cli.md; and what a document has people type, as click reads it."""

import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from notifier.cli import Later, notifier

DOCUMENT = Path(__file__).parent.parent / "docs" / "cli.md"
ENDS = {
    0: "done",
    1: "failed, or no: not verified, not delivered, not there, not to be written",
    2: "the command line is wrong",
    69: "the daemon does not answer",
    78: "the config is wrong",
    130: "ended by Ctrl-C",
    141: "nobody reads any more what it prints: `| head`",
}
"""Every exit status; 2, 130 and 141 may be any command's."""
OF_ITS_OWN = {"run": (0, 1, 78), "check": (0, 78), "listen": (0, 1, 130)}
ASKING, ALONE = (0, 1, 69, 78), (0, 1)
"""Of the commands that ask the daemon, and of the rest."""
PROGRAM = re.compile(r"(?:^|(?<=[\s(]))(?:\S*/bin/)?(?:python -m )?notifier (?=[a-z-])")
"""However it is called."""
SHELL = re.compile(r"^( *)```sh\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"\s\d?>.*")
"""Where its output goes."""
WORD = re.compile(r"`notifier ((?:[a-z]+ ?)+)[^`]*`")


def whole() -> dict[str, click.Command]:
    """Every command that does something, by its name: `endpoint ping`."""
    return dict(_inside(notifier, ()))


def _inside(group: click.Group, above: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
    for name, known in group.commands.items():
        command = known.whole(name) if isinstance(known, Later) else known
        if isinstance(command, click.Group):
            yield from _inside(command, (*above, name))
        else:
            yield " ".join((*above, name)), command


def asks(command: click.Command) -> bool:
    """Whether it is the daemon that answers."""
    return any("--socket" in one.opts for one in command.params)


# --- the document


def ends() -> Iterator[tuple[str, str]]:
    """A row for each exit status."""
    return ((str(status), _cell(meant)) for status, meant in ENDS.items())


def sections() -> str:
    """A section for each command."""
    return "\n".join(_section(name, command) for name, command in whole().items())


def _section(name: str, command: click.Command) -> str:
    context = click.Context(command, **notifier.context_settings)  # click keeps what it makes of them for good
    usage = " ".join(["notifier", name, *command.collect_usage_pieces(context)])
    told, _, examples = inspect.cleandoc(command.help).partition("\b\nExamples:\n")
    parts = [" ".join(part.split()) for part in told.strip().split("\n\n")]
    shown = "".join(f"{line.strip()}\n" for line in examples.splitlines())
    records = [one.get_help_record(context) for one in command.params if isinstance(one, click.Option)]
    rows = "".join(f"| `{_cell(spelled)}` | {_cell(meant)} |\n" for spelled, meant in records)
    options = f"| option | |\n| --- | --- |\n{rows}" if rows else ""
    statuses = OF_ITS_OWN.get(name, ASKING if asks(command) else ALONE)
    ends_ = f"Exit status {', '.join(map(str, statuses))}.\n"
    return "\n".join(
        [f"### {name}\n", f"```text\n{usage}\n```\n", *(f"{part}\n" for part in parts), f"```sh\n{shown}```\n"]
        + [one for one in (options, ends_) if one]
    )


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


# --- what people are told to type


def typed(text: str) -> Iterator[list[str]]:
    """The arguments of every command line in the shell blocks of a document."""
    for _, block in SHELL.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            for found in PROGRAM.finditer(line):
                yield list(_words(line[found.end() :]))


def _words(text: str) -> Iterator[str]:
    """As a shell would part them, up to where the command ends."""
    lexer = shlex.shlex(FILE.sub("", text), posix=True, punctuation_chars=True)
    lexer.commenters = "#"
    lexer.wordchars += ",:@…{}[]%+"
    for word in lexer:
        if set(word) <= set("();<>|&"):
            return
        yield word


def named(text: str) -> list[str]:
    """The commands that are named in the prose."""
    return [found.strip() for found in WORD.findall(text)]
