"""The real daemon, asked whatever its description allows and what it does not, by a program that has read only that."""

import asyncio
import sys
import time
from pathlib import Path

import pytest
from daemons import KEY, SECRETS, Hooks, Systemd, config
from longer import LONGER

from notifier.demo.daemon import Daemon
from notifier.demo.xenonflare import FakeXenonFlare, Media

RUN = (sys.executable, "-m", "notifier", "run", "--log-format", "json", "--config")
DOCUMENT = Path(__file__).parents[1] / "docs" / "openapi.json"
TOKEN = "a-token-for-whoever-asks"
SERVER = 'token = { env = "TOKEN" }\nnotify_urls = ["https://app.example.com/*"]\n'
EXAMPLES = 15 * LONGER
"""Of each call, and as many of what goes on from an answer to the next call."""
SEED = ("--seed", "1") if LONGER == 1 else ()
"""What is asked in each `make check`; a long run thinks of something else each time, and tells its seed if it fails."""
LEFT_OUT = (
    *("--exclude-path", "/v1/stream"),  # it has no end
    # What holds between two members, and which words are a type of event, no schema says.
    *("--exclude-checks", "positive_data_acceptance"),
)


@pytest.mark.uncounted
async def test_no_call_that_a_schema_can_think_of_is_answered_otherwise_than_described(tmp_path, unused_tcp_port):
    films = [Media(f"m{number}", status="processing", title="a film") for number in range(5)]
    with Systemd(tmp_path / "notify") as systemd:
        async with FakeXenonFlare(films, time.time, key=KEY) as media, Hooks() as hooks:
            listen = f"127.0.0.1:{unused_tcp_port}"
            text = config(media.base_url, {"app": hooks.url}, listen=listen, server=SERVER)
            async with Daemon(tmp_path, text, {**SECRETS, "TOKEN": TOKEN, **systemd.environ}, RUN) as daemon:
                await systemd.hears("READY=1")
                await hooks.got(len(films))
                code, told = await asked(tmp_path, f"http://{listen}")
                assert await daemon.stop() == 0
    assert code == 0, told
    log = (tmp_path / "daemon.log").read_text()
    assert '"bug"' not in log
    assert TOKEN not in log


async def asked(place, url):
    """The exit status, and what was found."""
    command = (sys.executable, "-m", "schemathesis.cli", "run", DOCUMENT, "--url", url, *SEED, "--no-color")
    more = ("--max-examples", str(EXAMPLES), "-H", f"Authorization: Bearer {TOKEN}", *LEFT_OUT)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, *more, cwd=place, stdout=pipe, stderr=asyncio.subprocess.STDOUT
    )
    told, _ = await process.communicate()
    return process.returncode, told.decode()
