"""docs/how-to: the configs that are shown are configs, and what is to be typed does what it is said to do."""

import asyncio
import json
import re
import textwrap
from pathlib import Path

import commands
import pytest
from asking import NOTHING, TOKEN, announced, dead, telling
from configs import WHSEC
from tables import OWN, RECEIVERS
from test_documents import DOCUMENTS, by_path
from test_languages import LANGUAGES

from notifier.config import load
from notifier.core.model import Status

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"
SHOWN = "evt_f69db2261d052eccda838dace9984827"
"""The event of the documents."""
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def blocks(path, language):
    """What stands in its fenced blocks of a language, moved to the left."""
    return [textwrap.dedent(text) for _, spelled, text in BLOCK.findall(path.read_text()) if spelled == language]


CONFIGS = [(path, number) for path in DOCUMENTS for number in range(len(blocks(path, "toml")))]


def test_there_are_configs_in_the_documents():
    assert len(CONFIGS) > 10


@pytest.mark.parametrize(("path", "number"), CONFIGS, ids=lambda one: by_path(one) if isinstance(one, Path) else None)
def test_every_config_that_is_shown_is_one(path, number, tmp_path):
    text = blocks(path, "toml")[number].replace("/etc/notifier/", "")
    (tmp_path / "config.toml").write_text(text)
    for name in re.findall(r'(?:file|credential) = "([^"]+)"', text):
        (tmp_path / name).write_text(WHSEC)
    names = re.findall(r'env = "(\w+)"', text)
    environ = {**dict.fromkeys(names, WHSEC), "CREDENTIALS_DIRECTORY": str(tmp_path), "STATE_DIRECTORY": str(tmp_path)}
    load(tmp_path / "config.toml", environ)


# --- what is to be typed


async def typed(path, asks, instead=NOTHING):
    """Type all that asks the daemon, but what goes on for ever, with another word for some; what each shows."""
    for arguments in commands.typed(path.read_text()):
        if commands.asks(command_of(arguments)) and "--follow" not in arguments:
            code, out, err = await asks(*(instead.get(word, word) for word in arguments))
            assert code == 0, (arguments, err)
            yield arguments, out + err


def command_of(arguments):
    whole = commands.whole()
    return whole.get(arguments[0]) or whole[" ".join(arguments[:2])]


async def test_what_is_dead_or_lost_is_sent_again(asks, tmp_path):
    async with telling(tmp_path) as (w, _, _):
        await announced(w, "u1", "u2")
        [first, *_] = w.receivers.events("app")
        w.receivers.down.add("app")
        await announced(w, "u1", status=Status.COMPLETED)
        await dead(w)
        w.receivers.down.clear()
        said = {}
        async for arguments, shown in typed(HOW_TO / "replay.md", asks, {SHOWN: first["id"]}):
            said[" ".join(arguments)] = shown
            await w.replays.step(w.clock.now)
            await w.settle()
        assert said["replay --endpoint app --phase dead --dry-run"] == "1 delivery would be owed again\n"
        assert said["replay --endpoint app --phase dead --yes"].startswith("replay 1 owes 1 delivery again")
        assert "u1" in said["events --source posts"]
        came = [event["id"] for event in w.receivers.events("app")]
        assert came.count(first["id"]) >= 2
        assert len(said) == 11


async def test_what_a_program_uploads_is_followed_from_a_shell_by_the_api_and_from_a_program(asks, tmp_path, capsys):
    page = HOW_TO / "follow-uploads.md"
    asked = json.loads(re.search(r"--json '(.+?)'", page.read_text(), re.DOTALL)[1])
    async with telling(tmp_path) as (_, local, remote):
        watched, ended = [shown async for _, shown in typed(page, asks)]
        assert "7b2c2f5e-1234" in watched
        assert ended == "7b2c2f5e-1234 is followed no more; what is owed of it stays owed\n"
        assert (await local.post("/v1/uploads", **asked)).status == 201
        origin = str(remote.session._base_url).rstrip("/")
        [program] = blocks(page, "python")
        await asyncio.to_thread(exec, program, {"NOTIFIER": origin, "TOKEN": TOKEN})
        number = (await local.get("/v1/uploads/posts/7b2c2f5e-1234")).body["media_id"]
        assert capsys.readouterr().out == f"{number} None\n"


async def test_the_database_is_copied_where_it_is_said(asks, tmp_path):
    async with telling(tmp_path):
        copy = str(tmp_path / "monday.db")
        [(_, shown)] = [
            one async for one in typed(HOW_TO / "move-the-database.md", asks, {"/var/lib/notifier/monday.db": copy})
        ]
    assert shown.startswith(copy)
    assert (tmp_path / "monday.db").stat().st_size > 0


def test_the_receivers_that_are_shown_are_those_that_are_tried():
    shown = {path.split("/")[1]: path for path in RECEIVERS}
    assert shown.keys() == LANGUAGES.keys()
    for language, path in shown.items():
        assert path.endswith("/" + LANGUAGES[language][2][-1])
        assert f"generated: file {path} -->" in (HOW_TO / "verify.md").read_text()
    assert f"generated: file {OWN} -->" in (HOW_TO / "add-a-provider.md").read_text()
