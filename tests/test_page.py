"""The status page in a real browser, where Chromium, Node.js and playwright-core are there.

Where they are missing the tests are skipped, or fail with NOTIFIER_REQUIRE_BROWSER set.
"""

import asyncio
import json
import re
import shutil
import socket
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import pairwise
from pathlib import Path

import aiohttp
import pytest
from daemons import KEY, SECRETS, Hooks, Systemd, config
from foreign import absent, insist

from notifier.demo.daemon import Daemon
from notifier.demo.xenonflare import FakeXenonFlare, Media
from notifier.server.stream import MOST_READERS

HERE = Path(__file__).parent / "node"
RUN = (sys.executable, "-m", "notifier", "run", "--log-format", "json", "--config")
TITLE = "<b>a film</b><img src=x onerror=alert(1)>"
ID = "<img src=x onerror=alert(2)>"
TOKEN = "a-token-of-the-page"
EVERY = 5000
"""Milliseconds between two of its looks."""
SHOWN = 50
"""Uploads that the page shows, and events."""


def missing():
    if reason := absent("node", "nodejs") or absent("chromium", "chromium"):
        return reason
    there = all((HERE / "node_modules" / name).is_dir() for name in ("playwright-core", "axe-core"))
    return None if there else "playwright-core or axe-core is not installed: npm ci --prefix tests/node"


@pytest.fixture(autouse=True)
def _browser():
    insist(missing(), "NOTIFIER_REQUIRE_BROWSER")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


class Rig:
    """The real daemon between fakes, and what a program asks it."""

    def __init__(self, port, media, hooks, session):
        self.port, self.media, self.hooks, self.session = port, media, hooks, session

    async def ask(self, method, path, **more):
        async with self.session.request(method, path, **more) as response:
            assert response.status < 300, await response.text()

    async def move(self, id_, *statuses):
        """Its status changes to one after the other, and each change is seen and told."""
        for status in statuses:
            told = len(self.hooks.bodies)
            self.media.put(Media(id_, status=status))
            await self.ask("POST", "/v1/sources/media/poll")
            await self.hooks.got(told + 1)

    @asynccontextmanager
    async def browser(self, story):
        """A browser that goes through one of the stories of page.mjs."""
        node = await asyncio.create_subprocess_exec(
            "node", "page.mjs", cwd=HERE, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        one = Browser(node)
        url = f"http://127.0.0.1:{self.port}/"
        one.tell(json.dumps({"url": url, "token": TOKEN, "browser": shutil.which("chromium"), "story": story}))
        try:
            yield one
        finally:
            node.stdin.close()
            await node.wait()


class Browser:
    """What it says, and what it is told."""

    def __init__(self, node):
        self._node = node

    async def says(self, words):
        assert (await self._node.stdout.readline()).decode() == f"{words}\n"

    def tell(self, words="go on"):
        self._node.stdin.write(f"{words}\n".encode())

    async def found(self):
        """All that it has found, in the end."""
        found = json.loads((await self._node.stdout.read()).decode())
        assert found["errors"] == []
        assert found["barriers"] == []
        return found


@asynccontextmanager
async def rig(tmp_path, *films, more=""):
    port = free_port()
    async with AsyncExitStack() as stack:
        systemd = stack.enter_context(Systemd(tmp_path / "notify"))
        media = await stack.enter_async_context(FakeXenonFlare(films, time.time, key=KEY))
        hooks = await stack.enter_async_context(Hooks())
        server = 'token = { env = "TOKEN" }'
        text = config(media.base_url, {"app": hooks.url}, listen=f"127.0.0.1:{port}", server=server, more=more)
        await stack.enter_async_context(Daemon(tmp_path, text, {**SECRETS, "TOKEN": TOKEN, **systemd.environ}, RUN))
        await systemd.hears("READY=1")
        headers = {"Authorization": f"Bearer {TOKEN}"}
        session = await stack.enter_async_context(aiohttp.ClientSession(f"http://127.0.0.1:{port}", headers=headers))
        await hooks.got(len(films))
        yield Rig(port, media, hooks, session)


async def test_the_page_shows_all_live_complains_of_nothing_and_is_used_by_keyboard(tmp_path):
    async with rig(tmp_path, Media(ID, status="processing", title=TITLE)) as one, one.browser("whole") as browser:
        await browser.says("looking")
        one.media.put(Media(ID, status="completed", title=TITLE))
        browser.tell()
        await browser.says("reading")
        one.media.put(Media(ID, status="failed", title=TITLE))
        browser.tell()
        found = await browser.found()
    assert found["complaints"] == []
    assert found["latency"] == 1
    assert found["hosts"] == [f"127.0.0.1:{one.port}"]
    assert "processing" in found["before"][0]
    (upload,) = found["uploads"]
    assert ID in upload
    assert TITLE in upload
    assert ID in found["events"][0]
    assert (found["marks"], found["marksOfStory"]) == (0, 0)  # an id and a title are text
    assert "completed" in upload
    assert "xenonflare" in found["sources"][0]
    assert "app" in found["endpoints"][0]
    assert "upload.completed" in found["events"][0]
    assert (found["width"], found["ground"]) == (400, "rgb(22, 24, 27)")
    assert found["height"] >= 24  # for a finger
    assert f"{TITLE}: completed" in found["story"]
    assert re.search(r"ago followed\n", found["story"])
    assert re.search(r"app: delivered (\d+ s ago|now), 1 attempt\s+\S.*: 204 after 0\.\d{3} s", found["story"])
    assert all(re.fullmatch(r"20\d\d-\S+T\S+Z", exact) and exact == title for exact, title in found["moments"])
    assert (found["open"], found["focused"]) == (False, ID)


async def test_an_id_that_comes_or_goes_while_the_page_is_open_does_so_on_it(tmp_path):
    films = [Media("m1", status="processing"), Media("m2", status="processing")]
    async with rig(tmp_path, *films) as one, one.browser("stale") as browser:
        await browser.says("looking")
        await one.ask("DELETE", "/v1/uploads/media/m1")
        await one.ask("POST", "/v1/uploads", json={"source": "media", "id": "brand-new"})
        await one.move("m2", "pending")
        browser.tell()
        await browser.says("looking")
        await one.move("m2", *["processing", "pending"] * 10, "completed")
        browser.tell()
        found = await browser.found()
    assert "no upload 'm1' is followed at 'media'" in found["said"]
    first, second = found["uploads"]
    assert re.search("brand-new.*not seen yet", first, re.DOTALL)
    id_, _, status, _, _ = second.splitlines()  # also when it is looked at next
    assert (id_, status) == ("m2", "queued")
    assert "completed" in found["after"][1]  # what was announced is taken back by no look
    assert "upload.completed" in found["after"][2]
    assert found["focused"] == "m2"


async def test_a_stream_that_is_refused_and_a_look_that_fails_are_told_and_got_over(tmp_path):
    async with rig(tmp_path, Media("m1", status="processing")) as one, one.browser("refused") as browser:
        await browser.says("502")
        async with AsyncExitStack() as readers:
            for _ in range(MOST_READERS):
                await readers.enter_async_context(one.session.get("/v1/stream"))
            browser.tell()
            await browser.says("503")
        browser.tell()
        await browser.says("live")
        one.media.put(Media("m1", status="completed"))
        browser.tell()
        found = await browser.found()
    assert "m1" in found["uploads"][0]
    assert found["said"] == "50 follow already: try again when one has gone; looked at every 5 s until then"
    assert "500" in found["failing"]
    assert found["live"].endswith("live")
    assert all("Failed to load resource" in words for words in found["complaints"])


async def test_where_there_is_more_than_the_page_shows_it_says_so_and_what_is_open_comes_first(tmp_path):
    films = [Media(f"v-{n}", status="completed") for n in range(60)]
    olds = [Media(f"old-{n}", status="processing") for n in range(2)]
    async with rig(tmp_path, *films, *olds, more='uploads = ["old-0", "old-1"]') as one:
        await one.move("old-1", *["pending", "processing"] * 11)
        async with one.browser("many") as browser:
            await browser.says("looking")
            await one.move("old-0", *["pending", "processing"] * 10, "pending")
            browser.tell()
            found = await browser.found()
    ids = [row.splitlines()[0] for row in found["uploads"]]
    assert (len(ids), ids[:3]) == (SHOWN, ["old-1", "old-0", "v-0"])
    assert len(found["events"]) == SHOWN
    assert found["more"] == [
        "50 are shown, what has not settled first; there are more: notifier uploads --limit 1000",
        "50 are shown, the newest first; there are more: notifier events --limit 1000",
    ]
    assert "followed" in found["story"][0]
    assert ["upload.processing" in told for told in found["story"][1:]] == [False, True] * 10
    asked = Counter(path for path, _ in found["asked"])
    looks = [at for path, at in found["asked"] if path == "/v1/sources"]
    assert 0 < 2 * (len(looks) - 1) <= asked["/v1/uploads"] <= 2 * len(looks)  # the last may have only just begun
    assert min(later - sooner for sooner, later in pairwise(looks)) > EVERY - 100
    assert found["moreOfStory"] == "The last 20 of 23 events; there are more: notifier upload SOURCE ID"


async def test_the_page_promises_no_attempt_to_a_paused_endpoint_and_says_that_it_is(tmp_path):
    async with rig(tmp_path, Media("m1", status="processing")) as one:
        one.hooks.answer = lambda: 503
        one.hooks.came.clear()
        one.media.put(Media("m1", status="completed"))
        await one.ask("POST", "/v1/sources/media/poll")
        await one.hooks.came.wait()
        await one.ask("POST", "/v1/endpoints/app/pause")
        async with one.browser("owed") as browser:
            await browser.says("seen")
            one.hooks.answer = lambda: 204
            await one.ask("POST", "/v1/endpoints/app/resume")
            browser.tell()
            found = await browser.found()
    (row,) = found["deliveries"]
    assert re.search(r"app\s+waiting\s+1\s+127\.0\.0\.1 answers 503[^;]*; its endpoint is paused$", row)
    assert "app: waiting, its endpoint is paused, 1 attempt" in found["story"]


async def test_what_is_undelivered_is_shown_with_its_attempts_and_what_they_met(tmp_path):
    async with rig(tmp_path, Media("m1", status="processing")) as one, one.browser("owed") as browser:
        one.hooks.answer = lambda: 503
        one.media.put(Media("m1", status="completed"))
        await one.ask("POST", "/v1/sources/media/poll")
        await browser.says("seen")
        one.hooks.answer = lambda: 204
        await one.ask("POST", "/v1/endpoints/app/resume")
        await one.hooks.got(2)
        browser.tell()
        found = await browser.found()
    (row,) = found["deliveries"]
    assert re.search(r"upload\.completed\s+m1\s+app\s+waiting\s+\d\s.*127\.0\.0\.1 answers 503", row, re.DOTALL)
    assert "app: waiting" in found["story"]
    assert found["complaints"] == []
