"""`notifier db check`: one line where the database is sound; else what, where and the cure, and exit status 1."""

import asyncio
import json
from pathlib import Path

import pytest
from asking import served

from notifier.cli.socket_path import Unclear, database_path
from notifier.store import Store
from notifier.store.examination import RESTORE


@pytest.fixture
def path(tmp_path):
    """A database that a daemon has left behind."""

    async def made():
        await (await Store.open(tmp_path / "notifier.db")).close()

    asyncio.run(made())
    return tmp_path / "notifier.db"


@pytest.fixture
def damaged(path):
    with path.open("r+b") as file:
        file.seek(2 * 4096)
        file.write(b"\xa5" * 4096)
    return path


def test_a_sound_database_is_one_line(program, path):
    size = path.stat().st_size
    told = f"✓ good   {path}: sound: schema 2, {size:,} bytes\n"
    assert program("db", "check", path) == (0, told, "")


def test_a_damaged_one_is_told_with_the_place_and_the_cure(program, damaged):
    code, out, err = program("db", "check", damaged)
    assert (code, err) == (1, f"{damaged}: 1 flaw\n")
    first, cure = out.splitlines()
    assert first.startswith("✗ fault  table sources: damaged: ")
    assert cure == f"         cure: {RESTORE}"


def test_it_is_one_document_for_programs(program, damaged):
    code, out, err = program("db", "check", damaged, "--json")
    found = json.loads(out)
    assert (code, err) == (1, "")
    assert found.keys() == {"path", "bytes", "log_bytes", "schema", "flaws", "sound"}
    assert (found["path"], found["sound"], found["schema"]) == (str(damaged), False, 2)
    assert found["flaws"][0].keys() == {"what", "where", "cure"}
    assert found["flaws"][0]["where"] == "table sources"


async def test_the_database_of_a_daemon_that_runs_is_looked_at_and_the_log_counted(program, tmp_path):
    async with served(tmp_path):
        (database,) = tmp_path.rglob("notifier.db")
        code, out, err = await asyncio.to_thread(program, "db", "check", database)
    assert (code, err) == (0, "")
    assert out.startswith(f"✓ good   {database}: sound: schema 2, ")
    assert out.endswith(" more in its log\n")


def test_without_a_file_it_is_that_of_the_config(program, path, tmp_path):
    (tmp_path / "config.toml").write_text('[store]\nurl = "sqlite:notifier.db"\n')
    code, out, _ = program("db", "check", "--config", tmp_path / "config.toml")
    assert (code, out.split(": ")[0]) == (0, f"✓ good   {path}")


# --- which one


def found(tmp_path, environ=None, config=None):
    return database_path(None, config, environ or {}, system=tmp_path / "system.toml", kept=tmp_path / "kept")


def test_the_one_that_is_named_is_meant_whatever_else_there_is(tmp_path):
    assert database_path(Path("here.db"), None, {"STATE_DIRECTORY": "/state"}) == Path("here.db")


def test_a_relative_one_is_beside_the_config(tmp_path):
    (tmp_path / "config.toml").write_text('[store]\nurl = "sqlite:data/n.db"\n')
    environ = {"NOTIFIER_CONFIG": str(tmp_path / "config.toml"), "STATE_DIRECTORY": "/state"}
    assert found(tmp_path, environ) == tmp_path / "data/n.db"


def test_a_config_that_says_nothing_leaves_it_to_custom(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert found(tmp_path) == tmp_path / "kept/notifier.db"
    assert found(tmp_path, {"STATE_DIRECTORY": f"{tmp_path}:/more"}) == tmp_path / "notifier.db"
    environ = {"HOME": str(tmp_path)}
    there = tmp_path / ".local/state/notifier/notifier.db"
    there.parent.mkdir(parents=True)
    there.touch()
    assert found(tmp_path, environ) == there
    (tmp_path / "own.toml").touch()
    assert found(tmp_path, {}, tmp_path / "own.toml") == tmp_path / "kept/notifier.db"
    assert found(tmp_path, environ, tmp_path / "own.toml") == there


def test_a_config_that_cannot_be_read_does_not_tell(tmp_path):
    with pytest.raises(Unclear, match="cannot be read"):
        found(tmp_path, {}, tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[stroe]\nurl = "sqlite:n.db"\n', '1:1: stroe: unknown key; did you mean "store"?'),
        ('[[sources]]\nname = "posts"\n', "1:1: sources.posts.provider: missing, and it has no default"),
    ],
)
def test_with_a_faulty_config_no_other_database_is_looked_at(program, path, monkeypatch, text, fault):
    monkeypatch.setenv("STATE_DIRECTORY", str(path.parent))
    config = path.with_name("config.toml")
    config.write_text(text)
    assert program("db", "check", "--config", config) == (78, "", f"Error: {config}:{fault}\n")
    assert program("db", "check", path, "--config", config)[0] == 0
