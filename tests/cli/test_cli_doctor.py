"""`notifier doctor`: one line for each finding, its cure beneath, exit status 1 where something stops the daemon."""

import asyncio
import json
import os
import socket
import threading
from contextlib import contextmanager
from dataclasses import replace

import click
import pytest
from aiohttp import web
from asking import WELL, served
from configs import ENVIRON
from strangers import stranger

from notifier.cli.doctor import of_filter
from notifier.cli.readiness import of_daemon
from notifier.cli.systemd import EGRESS
from notifier.demo.local import LocalServer
from notifier.doctor.findings import Grade
from notifier.doctor.scene import Scene

KEY, TOKEN, HEADER, WORD, API = "key-of-a-source", "t0ken-in-a-url", "header-of-ours", "pass-word", "token-of-the-api"
WHSEC = "whsec_c2VjcmV0IHRoYXQgc2lnbnMgb3VyIHdlYmhvb2tz"
SECRETS = (KEY, TOKEN, HEADER, WORD, API, WHSEC[6:])
CONFIG = """
[store]
url = "sqlite:notifier.db"
[server]
listen = "127.0.0.1:9480"
token = "{API}"
[delivery]
allow_http = true
allow_networks = ["127.0.0.0/8"]
[[sources]]
name = "media"
provider = "xenonflare"
api_key = "{KEY}"
base_url = "{at}"
[[endpoints]]
name = "app"
url = "{at}/hooks/{TOKEN}?token={TOKEN}"
secrets = ["{WHSEC}"]
headers = {{ x-key = "{HEADER}" }}
basic = {{ user = "u", password = "{WORD}" }}
"""


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A folder of its own, and nothing in the environment that names another config."""
    for name in ("NOTIFIER_CONFIG", "STATE_DIRECTORY", "RUNTIME_DIRECTORY", "CREDENTIALS_DIRECTORY", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def examined(tmp_path, program):
    """Run it on a config at which source and endpoint are `at` a place: exit status, stdout, stderr."""

    def examined(at, *arguments, text=CONFIG):
        config = tmp_path / "config.toml"
        given = {"API": API, "KEY": KEY, "TOKEN": TOKEN, "HEADER": HEADER, "WORD": WORD, "WHSEC": WHSEC}
        config.write_text(text.format(at=at, **given))
        config.chmod(0o600)
        code, out, err = program("doctor", *arguments, "--config", config)
        assert not [secret for secret in SECRETS if secret in out + err]
        return code, out, err

    return examined


def grades(out):
    return [(line.split()[1], line[9:].partition(": ")[0]) for line in out.splitlines() if line[0] != " "]


class Somewhere(LocalServer):
    """A provider and a receiver at one place; remembers what came."""

    def __init__(self):
        super().__init__()
        self.came = []
        self.app.router.add_route("*", "/{tail:.*}", self._answer)

    async def _answer(self, request):
        self.came.append(request.method)
        return web.Response(status=401)


async def test_where_nothing_stops_it_all_is_told_and_nothing_sent_but_a_greeting(examined, tmp_path):
    async with Somewhere() as somewhere, served(tmp_path):
        code, out, err = await asyncio.to_thread(examined, somewhere.origin)
    assert (code, err) == (0, "nothing is in its way\n")
    assert {grade for grade, _ in grades(out)} == {"good", "doubt"}
    assert [about for _, about in grades(out) if about != "config"] == [
        "secrets", "database", "disk", "daemon", "source media", "endpoint app", "clock",
    ]  # fmt: skip
    assert f"process {os.getpid()} has it open" in out
    assert somewhere.came == ["HEAD"]


def test_what_stops_it_is_told_with_a_mark_a_word_and_a_cure(examined):
    code, out, err = examined("http://127.0.0.1:9999")
    assert (code, err) == (1, "in its way: 2 faults\n")
    lines = out.splitlines()
    assert "✗ fault  source media: 127.0.0.1: no answer: connection refused" in lines
    assert "✗ fault  endpoint app: 127.0.0.1 cannot be connected to: Connection refused" in lines
    for line, next_ in zip(lines, [*lines[1:], ""], strict=True):
        if line[0] in "✗!":
            assert next_.startswith("         cure: ")


def test_it_is_one_document_for_programs(examined):
    code, out, err = examined("http://127.0.0.1:9999", "--json")
    found = json.loads(out)
    assert (code, err, found["sound"]) == (1, "", False)
    assert [one["about"] for one in found["findings"] if one["grade"] == "fault"] == ["source media", "endpoint app"]
    assert all(one.keys() == {"grade", "about", "text", "cure"} for one in found["findings"])


def test_offline_nobody_is_asked(examined):
    code, out, err = examined("http://127.0.0.1:9999", "--offline")
    assert (code, err) == (0, "nothing is in its way\n")
    assert grades(out)[-1] == ("doubt", "network")


def test_every_fault_of_the_config_is_told_and_what_depends_on_it_left_out(examined):
    code, out, err = examined("http://127.0.0.1:9999", text=CONFIG + "kep = 1\n[stoer]\n")
    assert (code, err) == (1, "in its way: 2 faults\n")
    assert grades(out) == [("fault", "config"), ("fault", "config"), ("doubt", "the rest")]


def test_without_a_config_it_says_where_one_is_looked_for(program):
    code, out, err = program("doctor")
    assert (code, err) == (1, "in its way: 1 fault\n")
    assert out.startswith("✗ fault  config: no config: there is neither /etc/notifier/config.toml nor ./config.toml")


# --- the daemon


@contextmanager
def answering(path, content):
    """Somebody who answers one call so, or never where it is None."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def answer():
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(content)

        thread = threading.Thread(target=answer, daemon=True)
        if content is not None:
            thread.start()
        yield
        if content is not None:
            thread.join()


def told(path, pid=None, **more):
    return [(one.grade.value, one.text) for one in of_daemon(path, pid, **more)]


async def test_a_daemon_that_is_ready_is_good(tmp_path):
    async with served(tmp_path):
        path = tmp_path / "notifier.sock"
        assert await asyncio.to_thread(told, path) == [("good", f"it is ready, and listens at {path}")]
        assert await asyncio.to_thread(told, path, 7) == [("good", f"it is ready, process 7, and listens at {path}")]


async def test_one_that_is_not_ready_says_why(tmp_path):
    async with served(tmp_path, checks={**WELL, "sender": "no pass within 30 s", "database": "does not answer"}):
        assert await asyncio.to_thread(told, tmp_path / "notifier.sock") == [
            ("fault", "it is not ready: sender: no pass within 30 s"),
            ("fault", "it is not ready: database: does not answer"),
        ]


def test_one_that_does_not_run_is_a_doubt_unless_a_process_has_the_database(tmp_path):
    path = tmp_path / "s"
    assert told(path) == [("doubt", f"it does not run: nobody listens at {path}")]
    assert told(path, 7) == [("fault", f"process 7, which has the database open, does not listen at {path}")]


def test_one_that_hangs_is_told(tmp_path):
    with answering(tmp_path / "s", None):
        assert told(tmp_path / "s", patience=0.05) == [("fault", f"it has not answered at {tmp_path / 's'} for 0.05 s")]


@pytest.mark.parametrize(
    "content", [b"", b"HELO\r\n", b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n"]
)
def test_a_stranger_at_the_socket_is_told(tmp_path, content):
    with answering(tmp_path / "s", content):
        assert told(tmp_path / "s") == [("fault", f"what answers at {tmp_path / 's'} is not notifier")]


def test_one_that_fails_and_does_not_say_why_is_not_ready(tmp_path):
    with answering(tmp_path / "s", b"HTTP/1.1 500 Oops\r\nServer: notifier\r\nContent-Length: 0\r\n\r\n"):
        assert told(tmp_path / "s") == [("fault", "it is not ready: it does not say why")]


def test_a_socket_that_is_not_for_everybody_is_told(tmp_path):
    with answering(tmp_path / "s", None), stranger({tmp_path / "s": 0o400}):
        assert told(tmp_path / "s") == [("doubt", f"you may not use {tmp_path / 's'}")]


def test_the_kernels_filter_of_the_service_is_held_to_what_it_would_be_now(tmp_path):
    wanted = "[Service]\nIPAddressDeny=any\nIPAddressAllow=9.9.9.0/24\n"
    path = tmp_path / EGRESS
    path.parent.mkdir(parents=True)
    path.write_text(wanted.replace("9.9.9.0/24", "9.9.8.0/24"))
    service = Scene(tmp_path / "config.toml", "it is the machine's", {}, is_service=True, root=tmp_path)
    (found,) = of_filter(service, lambda: wanted)
    assert (found.grade, "keeps the daemon from 9.9.9.0/24" in found.text) == (Grade.FAULT, True)
    assert list(of_filter(replace(service, is_service=False), lambda: wanted)) == []

    def faulty():
        raise click.ClickException("config.toml:1:1: it is none")

    (found,) = of_filter(service, faulty)
    assert (found.grade, found.text) == (Grade.DOUBT, "not looked at: config.toml:1:1: it is none")
