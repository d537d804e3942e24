"""Uploads that are registered with the real process, killed and called back."""

import asyncio
import signal
import sys
import time
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from daemons import KEY, SECRET, SECRETS, Hooks, Systemd, config

from notifier.demo.daemon import Daemon
from notifier.demo.local import LocalServer
from notifier.demo.xenonflare import FakeXenonFlare, Media

RUN = (sys.executable, "-m", "notifier", "run", "--log-format", "json", "--config")
TOKEN = "a-token-of-the-receiver"


@pytest.fixture
async def media():
    async with FakeXenonFlare([], time.time, key=KEY) as server:
        yield server


@pytest.fixture
async def called():
    async with Hooks() as server:
        yield server


@asynccontextmanager
async def running(tmp_path, media, called):
    """The daemon, and one who asks it over its control socket."""
    server = f'notify_urls = ["{called.origin}/*"]\nnotify_secrets = [{{ env = "SECRET" }}]'
    text = config(media.base_url, {}, server=server, more="discover = false")
    with Systemd(tmp_path / "notify") as systemd:
        async with Daemon(tmp_path, text, {**SECRETS, **systemd.environ}, RUN) as daemon:
            await systemd.hears("READY=1")
            connector = aiohttp.UnixConnector(str(tmp_path / "notifier.sock"))
            async with aiohttp.ClientSession("http://notifier", connector=connector) as session:
                yield daemon, session
    (tmp_path / "notify").unlink()


async def register(session, called, **more):
    asked = {"source": "media", "id": "clip", "kind": "video", **more}
    async with session.post("/v1/uploads", json=asked) as response:
        return response.status, await response.json()


async def looked_at(session, since):
    """Until the upload was asked for, and denied; answers it as it is then."""
    while True:
        async with session.get("/v1/uploads/media/clip") as response:
            told = await response.json()
        if told["next_look_at"] != since:
            return told


async def test_what_is_registered_before_the_provider_knows_it_is_called_back_for_each_status(tmp_path, media, called):
    async with running(tmp_path, media, called) as (daemon, session):
        callback = {"notify_url": f"{called.url}?token={TOKEN}", "notify_format": "standard"}
        status, told = await register(session, called, labels={"order": "A-17"}, **callback)
        assert (status, told["status"], told["notify_url"]) == (201, None, called.url)
        assert (await looked_at(session, told["next_look_at"]))["status"] is None
        for word, parts, count in (("processing", {}, 1), ("completed", {"youtube": "published"}, 2)):
            media.put(Media("clip", status=word, title="a film", parts=parts))
            assert (await register(session, called))[0] == 200
            await called.got(count)
        assert [one["type"] for one in called.events] == ["upload.processing", "upload.completed"]
        assert [one["data"]["first_seen"] for one in called.events] == [True, False]
        assert called.events[0]["data"]["upload"]["labels"] == {"order": "A-17"}
        await daemon.stop()
    assert TOKEN not in (tmp_path / "daemon.log").read_text()


async def test_a_kill_after_a_registration_was_answered_forgets_nothing_of_it(tmp_path, media, called):
    async with running(tmp_path, media, called) as (daemon, session):
        status, _ = await register(session, called, notify_url=called.url, notify_format="standard")
        daemon.send_signal(signal.SIGKILL)
        await daemon.wait()
    assert status == 201
    media.put(Media("clip", status="completed", title="a film"))
    async with running(tmp_path, media, called):
        await called.got(1)
    assert called.events[0]["type"] == "upload.completed"
    assert called.headers["webhook-id"] == called.events[0]["id"]
    assert SECRET not in (tmp_path / "daemon.log").read_text()


class OldReceiver(LocalServer):
    """One that was written for Encoding.com: it takes the one field of a form."""

    def __init__(self):
        super().__init__()
        self.calls = []
        self.headers = []
        self.came = asyncio.Event()
        self.app.router.add_post("/cb", self._receive)

    async def _receive(self, request):
        self.headers.append(set(request.headers))
        self.calls.append((request.query_string, dict(await request.post())))
        self.came.set()
        return web.Response()


async def test_an_old_receiver_is_called_back_in_encoding_com_s_manner_where_no_format_is_named(tmp_path, media):
    async with OldReceiver() as old, running(tmp_path, media, old) as (daemon, session):
        status, told = await register(session, old, notify_url=f"{old.origin}/cb?job=7&token={TOKEN}")
        assert (status, told["notify_format"]) == (201, "encoding_com")
        media.put(Media("clip", status="processing", title="a film"))
        while (await register(session, old))[1]["status"] != "processing":
            pass  # each registration has it looked at
        media.put(Media("clip", status="completed", title="a film", parts={"youtube": "published"}))
        await register(session, old)
        await old.came.wait()
        ((query, form),) = old.calls
        assert query == f"job=7&token={TOKEN}"
        assert list(form) == ["xml"]
        assert f"<mediaid>{told['media_id']}</mediaid>" in form["xml"]
        assert "<status>Finished</status>" in form["xml"]
        assert not {name for name in old.headers[0] if name.lower().startswith(("webhook-", "notifier-"))}
        await daemon.stop()
    assert TOKEN not in (tmp_path / "daemon.log").read_text()
