"""Which socket a command speaks to: that of the daemon which has the same config."""

import os
import socket
from pathlib import Path

import click
import pytest

from notifier.cli.socket_path import SYSTEM, TOLD, socket_path
from notifier.config import load
from notifier.config import places as config_places
from notifier.config.models import File, ServerTable, StoreTable


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to be in, with places of its own for the system's config and its running daemon."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(place, environ=None, given=None, config=None):
    """The socket, as text."""
    path = socket_path(given, config, environ or {}, system=place / "etc.toml", running=place / "run")
    return str(path).replace(str(place), "PLACE")


def write(path, text=""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_the_option_says_it(place):
    write(place / "config.toml", "this is no config")
    assert found(place, given=Path("s.sock"), config=Path("nowhere.toml")) == "s.sock"


@pytest.mark.parametrize(
    "text",
    [
        "",
        '[server]\nsocket = "s.sock"\n',
        '[server]\nsocket = "/run/other/s.sock"\n',
        '[server]\nsocket = "../s.sock"\n[store]\nurl = "sqlite:a/n.db"\n',
        '[store]\nurl = "sqlite:n.db"\n',
        '[store]\nurl = "sqlite:a/n.db"\n',
        '[store]\nurl = "sqlite:///var/lib/other/n.db"\n',
        '\ufeff[store]\nurl = "sqlite:n.db"\n',
    ],
)
@pytest.mark.parametrize(
    "environ",
    [
        {"HOME": "/home/somebody"},
        {"HOME": "/home/somebody", "XDG_STATE_HOME": "/state"},
        {"HOME": "/home/somebody", "XDG_STATE_HOME": "relative"},
        {"HOME": "/home/somebody", "RUNTIME_DIRECTORY": "/run/a:/run/b"},
    ],
)
def test_a_command_asks_where_a_daemon_with_its_config_answers(place, text, environ):
    path = write(place / "some" / "config.toml", text)
    assert socket_path(None, path, environ) == load(path, environ).socket
    assert socket_path(None, None, {**environ, "NOTIFIER_CONFIG": str(path)}) == load(path, environ).socket
    assert socket_path(None, Path("some/config.toml"), environ) == load(path, environ).socket


def test_the_places_are_those_of_the_config():
    assert SYSTEM == config_places.SYSTEM


def test_the_system_s_daemon_is_found_by_its_config_or_without_any(place):
    write(place / "run" / "notifier.sock")
    home = {"HOME": str(place)}
    assert found(place, home) == "PLACE/run/notifier.sock"
    write(place / "etc.toml", '[store]\nurl = "sqlite:n.db"\n')
    assert found(place, home) == "PLACE/run/notifier.sock"
    assert found(place, home, config=place / "etc.toml") == "PLACE/run/notifier.sock"


def test_another_config_never_leads_to_the_system_s_daemon(place):
    write(place / "run" / "notifier.sock")
    write(place / "config.toml", '[store]\nurl = "sqlite:n.db"\n')
    assert found(place) == "PLACE/notifier.sock"
    assert found(place, config=Path("config.toml")) == "PLACE/notifier.sock"


def test_without_a_config_it_is_the_system_s_daemon_or_the_user_s(place):
    assert found(place) == "PLACE/run/notifier.sock"
    state = {"XDG_STATE_HOME": str(place)}
    assert found(place, state) == "PLACE/run/notifier.sock"
    write(place / "notifier" / "notifier.sock")
    assert found(place, state) == "PLACE/notifier/notifier.sock"
    write(place / "run" / "notifier.sock")
    assert found(place, state) == "PLACE/run/notifier.sock"


def test_a_socket_that_a_killed_daemon_left_hides_none_at_which_another_listens(place):
    write(place / "etc.toml", '[store]\nurl = "sqlite:n.db"\n')
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(place / "notifier.sock"))
    assert found(place) == "PLACE/notifier.sock"
    (place / "run").mkdir()
    with socket.socket(socket.AF_UNIX) as here:
        here.bind(str(place / "run" / "notifier.sock"))
        here.listen(0)
        assert found(place) == "PLACE/run/notifier.sock"
        assert found(place) == "PLACE/run/notifier.sock"  # though to look left no place for one more


def test_a_config_here_counts_where_the_system_has_none(place):
    write(place / "config.toml", '[server]\nsocket = "here.sock"\n')
    assert found(place) == "PLACE/here.sock"
    write(place / "etc.toml", '[server]\nsocket = "/run/there.sock"\n')
    assert found(place) == "/run/there.sock"


def test_where_nothing_is_known_it_is_where_systemd_would_have_it(place):
    path = write(place / "config.toml")
    assert found(place, config=path) == "PLACE/run/notifier.sock"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[", "1:2: this is not TOML: "),
        ("x = 1\nx = 2", "2:6: this is not TOML: this key or table is there already"),
        ("x = " + "[" * 10_000, " this is not TOML: nested too deep"),
        ("server = 1", "1:1: server: expected a table"),
        ("[server]\nsocket = 1", "2:1: server.socket: expected a string"),
        ("[store]\nurl = []", '2:1: store.url: expected "sqlite:///absolute/path.db"'),
        ('[store]\nurl = "postgres:there"', '2:1: store.url: expected "sqlite:///absolute/path.db"'),
        ('[stroe]\nurl = "sqlite:n.db"', '1:1: stroe: unknown key; did you mean "store"?'),
        ('[server]\nsokcet = "s.sock"', '2:1: server.sokcet: unknown key; did you mean "socket"?'),
    ],
)
def test_a_config_that_does_not_say_which_daemon_is_wrong_and_no_other_daemon_is_asked(place, text, fault):
    write(place / "run" / "notifier.sock")
    path = write(place / "config.toml", text)
    with pytest.raises(click.ClickException) as raised:
        found(place, config=path)
    assert raised.value.exit_code == 78
    assert raised.value.message.startswith(f"{path}:{fault}")


def test_a_fault_elsewhere_in_a_config_that_is_being_edited_does_not_hide_the_daemon(place):
    path = write(place / "config.toml", '[server]\nsocket = "s.sock"\n[[endpoints]]\nurl = 1\n')
    assert found(place, config=path) == "PLACE/s.sock"


def test_the_keys_that_are_known_are_those_of_the_config():
    tables = {"": File, "server": ServerTable, "store": StoreTable}
    assert {name: table.model_fields.keys() for name, table in tables.items()} == TOLD


def test_a_config_that_is_named_and_cannot_be_read_is_wrong(place):
    with pytest.raises(click.ClickException, match="the config cannot be read: No such file or directory") as raised:
        found(place, config=Path("nowhere.toml"))
    assert raised.value.exit_code == 78


def test_a_config_of_the_system_that_is_not_for_everybody_is_no_hindrance(place):
    os.mkdir(place / "etc.toml")  # noqa: PTH102  # a folder cannot be read by root either
    assert found(place) == "PLACE/run/notifier.sock"
