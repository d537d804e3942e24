"""Uploads that are registered with the real process, killed and called back."""

import signal
import sys
import time
from contextlib import asynccontextmanager

import aiohttp
import pytest
from daemons import KEY, SECRET, SECRETS, Hooks, Systemd, config

from notifier.demo.daemon import Daemon
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
