"""The reference pages are true: of commands, keys, events and lines of the log each that there is, and as it is."""

import json
import logging
import re
from contextlib import nullcontext, suppress
from typing import get_args

import catalog
import click
import commands
import keys
import lines
import pytest
import telling
from click.testing import CliRunner
from test_documents import DOCUMENTS, FENCE, by_path

from notifier.cli import notifier
from notifier.config import models
from notifier.core.events import EVENT_TYPES
from notifier.core.moments import moment
from notifier.log import Console, JsonLines, message_id
from notifier.server.webhooks import BODIES, BY_SUBJECT

# --- commands


@pytest.mark.parametrize(
    ("name", "command"), commands.whole().items(), ids=lambda one: one if isinstance(one, str) else ""
)
def test_a_command_ends_as_it_is_said(name, command, tmp_path):
    """What can be tried without a daemon: a wrong command line, no daemon, a wrong config."""
    given = ["1" for one in command.params if isinstance(one, click.Argument) and one.required]
    given += {"replay": ["--event", "evt_1"], "drop": ["--delivery", "1"]}.get(name, [])
    (tmp_path / "bad.toml").write_text("nonsense")
    assert ends([*name.split(), "--nonsense"]) == 2
    if commands.asks(command):
        assert ends([*name.split(), *given, "--socket", str(tmp_path / "none")]) == 69
        assert ends([*name.split(), *given, "--config", str(tmp_path / "bad.toml")]) == 78


def ends(arguments):
    """The exit status of the program."""
    return CliRunner().invoke(notifier, arguments).exit_code


def test_what_people_are_told_to_type_is_found_where_it_stands():
    text = '```sh\n.venv/bin/python -m notifier run -c "a b" 2>>x &\neval "$(notifier completion bash)"\n```\n'
    assert list(commands.typed(text)) == [["run", "-c", "a b"], ["completion", "bash"]]
    assert commands.named("`notifier source poll NAME`, `x`, `notifier run`") == ["source poll", "run"]
    assert len(list(commands.typed(commands.DOCUMENT.read_text()))) > 2 * len(commands.whole()) - 10


@pytest.mark.parametrize("path", DOCUMENTS, ids=by_path)
def test_every_command_that_is_shown_is_one_and_takes_what_it_is_given(path):
    known = {*commands.whole(), *notifier.commands, ""}
    text = path.read_text()
    for words in commands.named(text):
        assert {words, *(words.rsplit(" ", less)[0] for less in range(1, words.count(" ") + 1))} & known, words
    for arguments in commands.typed(text):
        parsed(arguments)


def parsed(arguments):
    """Read a command line as the program would, and do nothing; what is left out of a value with … is not looked at."""
    command, rest = notifier, arguments
    while isinstance(command, click.Group):
        _, command, rest = command.resolve_command(click.Context(command), rest)
    with suppress(click.BadParameter) if "…" in "".join(arguments) else nullcontext():
        command.make_context(command.name, rest)


# --- the config


def test_every_table_of_a_config_has_its_own():
    left, found = [models.File], {models.File}
    while left:
        for field in left.pop().model_fields.values():
            inner = {one for one in (field.annotation, *get_args(field.annotation)) if is_table(one)}
            found |= inner
            left += inner
    assert found == set(keys.TABLES.values())


def is_table(kind):
    return isinstance(kind, type) and issubclass(kind, models.Table)


def test_what_the_example_says_beside_a_key_is_what_is_told_of_it():
    told = keys.comments()
    assert told["delivery", "timeout"] == 'of one attempt: "1s" to "60s"'
    assert "; default: notifier.sock in $RUNTIME_DIRECTORY" in told["server", "socket"]
    assert told["sources.list", "more"] == "whether to go on; default: unless a page is empty"
    assert {where for where, _ in told} == keys.TABLES.keys() - {"server.encoding", "sources.auth", "endpoints.basic"}


# --- events


@pytest.mark.parametrize("type_", EVENT_TYPES)
def test_the_body_of_each_type_is_what_its_model_says(type_):
    body = json.loads(telling.told(type_))
    assert body["type"] == type_
    assert (
        BODIES[type_].model_validate(body).model_dump(mode="json", by_alias=True, exclude_unset=True).keys()
        == body.keys()
    )
    assert json.loads(telling.pretty(body)) == body


def test_every_member_of_a_body_is_told():
    told = {path for model in BY_SUBJECT.values() for path in telling.members(model)}
    assert told == telling.FIELDS.keys()
    assert {"upload.stalled", *telling.OTHERS} <= set(EVENT_TYPES)


# --- the log


def test_every_line_of_the_log_is_told_and_every_field_of_it():
    found = lines.found()
    assert len(found) > 30
    assert found.keys() == lines.TOLD.keys()
    assert {name for line in found.values() for name in line.fields} - {lines.OPEN} == lines.MEANT.keys()
    assert found["announced"].levels == {"info", "warning"}
    assert list(found["announced"].fields)[-2:] == ["deliveries", "reason"]


def test_the_line_that_is_shown_is_one_that_is_written():
    """The example of docs/log.md, in its three forms."""
    console, journal, line = FENCE.findall(lines.DOCUMENT.read_text())[:3]
    told = json.loads(line[1])
    held = {name: value for name, value in told.items() if name not in {"at", "level", "logger", "message"}}
    made = logging.makeLogRecord(
        {"name": told["logger"], "msg": told["message"], "levelname": "WARNING", "fields": held}
    )
    made.created = moment(told["at"])
    made.msecs = made.created % 1 * 1000
    assert JsonLines().format(made) + "\n" == line[1]
    assert console[1].partition(" ")[2] == Console(coloured=False).format(made).partition(" ")[2] + "\n"
    assert message_id(told["message"]) in journal[1]
    assert list(held) == [name for name in lines.found()[told["message"]].fields if name in held]


def test_the_journal_s_catalog_has_every_line_with_its_cure():
    found = catalog.entries()
    assert found.keys() == lines.found().keys()
    assert catalog.WRITTEN.count("\n\n") == len(found) - 1
    assert catalog.CATALOG.read_text() == catalog.made(), "make fix"
    assert re.findall("^-- (.+)$", catalog.made(), re.MULTILINE) == [message_id(word) for word in sorted(found)]
    assert [one.subject for one in found.values() if one.subject.endswith(".")] == []
    assert [one.meaning for one in found.values() if not one.meaning.endswith(".")] == []


@pytest.mark.parametrize(("word", "entry"), catalog.entries().items(), ids=catalog.entries())
def test_what_a_catalog_s_entry_names_is_in_its_line_and_what_is_to_be_typed_is_a_command(word, entry):
    named = set(re.findall("@(.+?)@", " ".join(entry)))
    assert named <= {f"NOTIFIER_{name.upper()}" for name in lines.found()[word].always}
    for command in re.findall(r"\bnotifier ([^.,;)]+)", entry.cure):
        parsed(command.split())
