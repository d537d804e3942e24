"""The status page in a real browser, where Chromium, Node.js and playwright-core are there.

Where they are missing the test is skipped, or fails with NOTIFIER_REQUIRE_BROWSER set.
"""

import asyncio
import json
import re
import shutil
import socket
import sys
import time
from pathlib import Path

from daemons import KEY, SECRETS, Hooks, Systemd, config
from foreign import absent, insist

from notifier.demo.daemon import Daemon
from notifier.demo.xenonflare import FakeXenonFlare, Media

HERE = Path(__file__).parent / "node"
RUN = (sys.executable, "-m", "notifier", "run", "--log-format", "json", "--config")
TITLE = "<b>a film</b><img src=x onerror=alert(1)>"
TOKEN = "a-token-of-the-page"


def missing():
    if reason := absent("node", "nodejs") or absent("chromium", "chromium"):
        return reason
    there = all((HERE / "node_modules" / name).is_dir() for name in ("playwright-core", "axe-core"))
    return None if there else "playwright-core or axe-core is not installed: npm ci --prefix tests/node"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


async def test_the_page_shows_all_live_complains_of_nothing_and_is_used_by_keyboard(tmp_path):
    insist(missing(), "NOTIFIER_REQUIRE_BROWSER")
    port = free_port()
    films = [Media("m1", status="processing", title=TITLE)]
    with Systemd(tmp_path / "notify") as systemd:
        async with FakeXenonFlare(films, time.time, key=KEY) as media, Hooks() as hooks:
            server = 'token = { env = "TOKEN" }'
            text = config(media.base_url, {"app": hooks.url}, listen=f"127.0.0.1:{port}", server=server)
            async with Daemon(tmp_path, text, {**SECRETS, "TOKEN": TOKEN, **systemd.environ}, RUN):
                await systemd.hears("READY=1")
                await hooks.got(1)
                found = await looked_at(port, lambda: media.put(Media("m1", status="completed", title=TITLE)))
    assert found["complaints"] == []
    assert found["barriers"] == []
    assert found["latency"] == 1
    assert found["hosts"] == [f"127.0.0.1:{port}"]
    assert "processing" in found["before"][0]
    (upload,) = found["uploads"]
    assert TITLE in upload
    assert found["bold"] == 0  # a title is text
    assert "completed" in upload
    assert "xenonflare" in found["sources"][0]
    assert "app" in found["endpoints"][0]
    assert "upload.completed" in found["events"][0]
    assert (found["width"], found["ground"]) == (400, "rgb(22, 24, 27)")
    assert re.search(r"Z\s+followed", found["story"])
    assert re.search(r"app: delivered \S+Z, 1 attempt\s+\S+Z\s+204 after 0\.\d{3} s", found["story"])
    assert found["open"] is False


async def looked_at(port, change):
    """What the browser has found; `change` is called when it has had its first look."""
    given = {"url": f"http://127.0.0.1:{port}/", "token": TOKEN, "browser": shutil.which("chromium")}
    node = await asyncio.create_subprocess_exec(
        "node", "page.mjs", cwd=HERE, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    node.stdin.write(json.dumps(given).encode())
    node.stdin.write_eof()
    assert await node.stdout.readline() == b"looking\n"
    change()
    said, _ = await node.communicate()
    return json.loads(said)
