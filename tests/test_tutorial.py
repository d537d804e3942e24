"""docs/tutorial.md is walked, against a fake Upload-Post: what people type works, and shows what they read."""

import asyncio
import os
import re
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from foreign import absent, insist

from notifier.demo import report
from notifier.demo.daemon import NOT_INHERITED, PACE
from notifier.demo.upload_post import FakeUploadPost, Post

VERDICTS = Path(report.__file__).read_text()
TEXT = (Path(__file__).parent.parent / "docs" / "tutorial.md").read_text()
STEP = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
KEY, OUT = "up-key", {"platform": "x", "success": True, "message": "Posted", "post_url": "https://x.example/1"}
SAME = "7b2c2f5e-1234-4a6f-9f1d-a1b2c3d4e5f6"
PATIENCE = 30
"""Seconds until what should be shown is missed."""
DONE = "-- that was all --"


class Terminal:
    """A shell in a folder: what is typed into it, and what it shows."""

    def __init__(self, folder, **environ):
        self._folder = folder
        self._environ = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED} | environ
        self._seen = ""

    async def __aenter__(self):
        pipes = {
            "stdin": asyncio.subprocess.PIPE,
            "stdout": asyncio.subprocess.PIPE,
            "stderr": asyncio.subprocess.STDOUT,
        }
        self._shell = await asyncio.create_subprocess_exec(
            "bash", cwd=self._folder, env=self._environ, start_new_session=True, **pipes
        )
        self.type("shopt -s expand_aliases; trap : INT\n")
        return self

    async def __aexit__(self, *_):
        with suppress(ProcessLookupError):
            os.killpg(self._shell.pid, signal.SIGTERM)
            os.killpg(self._shell.pid, signal.SIGKILL)
        await self._shell.communicate()

    def type(self, text):
        self._shell.stdin.write(text.encode())

    def interrupt(self):
        """Ctrl-C, for whatever runs in it."""
        os.killpg(self._shell.pid, signal.SIGINT)

    async def shows(self, text):
        """Until it has shown these lines, after those that were waited for before; times and widths do not count."""
        for line in filter(None, map(plain, text.splitlines())):
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    while line not in self._seen and (came := await self._shell.stdout.readline()):
                        self._seen = plain(came.decode())
            assert line in self._seen
            self._seen = ""

    async def done(self, text):
        """Type it, and wait for its end."""
        self.type(f"{text}\necho '{DONE}' $?\n")
        await self.shows(f"{DONE} 0")


def plain(text):
    moments = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z|\d+ (s|min) ago|now\b", "·", text)
    return " ".join(moments.split())


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture
async def fake():
    async with FakeUploadPost([Post(SAME, "in_progress", (), total=1)], time.time, key=KEY) as server:
        yield server


@pytest.fixture
def steps(fake):
    """Its blocks in their order, with a key, free ports, and the fake in the place of the provider."""
    text = TEXT.replace("YOUR-API-KEY", KEY)
    text = text.replace(" run --config", " run --log-format console --config")  # as on a terminal, which this is not
    text = text.replace("notifier listen\n", "notifier listen --port 9481\n")  # which is its default
    for port in ("9480", "9481"):
        text = text.replace(port, str(free_port()))
    text = text.replace('provider = "upload_post"\n', f'provider = "upload_post"\nbase_url = "{fake.base_url}"\n')
    return iter(STEP.findall(text))


@pytest.fixture
def folder(tmp_path):
    """With the `.venv` of this Python in it."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


async def test_the_tutorial_can_be_walked_from_its_first_line_to_its_last(steps, fake, folder):
    insist(absent("bash", "bash") or absent("curl", "curl"), "NOTIFIER_REQUIRE_LANGUAGES")

    def step(language):
        found, text = next(steps)
        assert found == language, text
        return text

    async with (
        Terminal(folder) as first,
        Terminal(folder) as second,
        Terminal(folder, NOTIFIER_DEMO_PACE=str(PACE)) as third,
    ):
        assert step("sh") == "make demo\n"
        assert step("text").splitlines()[-1] in VERDICTS
        await first.done(step("sh"))
        (folder / "first" / "config.toml").write_text(config := step("toml"))
        first.type(step("sh"))
        await first.shows(step("text"))
        second.type(step("sh"))
        await second.shows(step("text"))
        third.type(step("sh"))
        await third.shows(step("text"))
        first.type(step("sh"))
        await first.shows(step("text"))
        await second.shows(step("text"))
        fake.put(Post(SAME, "completed", (OUT,)))
        await second.shows(step("text"))
        first.type(step("sh"))
        await first.shows(step("text"))
        await opened(config, (folder / "first" / "api-token").read_text().strip())
        (folder / "first" / "receiver.py").write_text(step("python"))
        second.interrupt()
        second.type(step("sh"))
        await listening(config)
        await first.done(step("sh"))
        await second.shows(step("text"))
        first.type(step("sh"))
        await first.shows(step("text"))
    assert list(steps) == []


async def opened(config, token):
    """The page, as a browser opens it."""
    url = "http://" + re.search(r'listen = "(.+)"', config)[1]
    headers = {"Authorization": aiohttp.encode_basic_auth("", token)}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as page:
        assert page.status == 200
        assert "<title>" in await page.text()


async def listening(config):
    """Until the receiver of the config takes connections again."""
    port = int(re.search(r"127\.0\.0\.1:(\d+)/", config)[1])
    while True:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0)
