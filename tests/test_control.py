"""The real daemon, asked over its control socket: what is owed again goes on after a kill in the middle."""

import signal
import sys
import time

import aiohttp
import pytest
from daemons import KEY, SECRETS, Hooks, Systemd, config

from notifier.demo.daemon import Daemon
from notifier.demo.xenonflare import FakeXenonFlare, Media

RUN = (sys.executable, "-m", "notifier", "run", "--log-format", "json", "--config")
COUNT = 30


@pytest.fixture
async def media():
    async with FakeXenonFlare([Media(f"m{n:02}", title="a film") for n in range(COUNT)], time.time, key=KEY) as server:
        yield server


async def asked(tmp_path, method, path, **more):
    """The status and the document that a daemon answers."""
    connector = aiohttp.UnixConnector(str(tmp_path / "notifier.sock"))
    async with (
        aiohttp.ClientSession("http://notifier", connector=connector) as session,
        session.request(method, path, **more) as response,
    ):
        return response.status, await response.json(content_type=None)


async def test_a_kill_in_the_middle_of_a_replay_loses_nothing_of_it(tmp_path, media):
    with Systemd(tmp_path / "notify") as systemd:
        async with Hooks() as hooks:
            text = config(media.base_url, {"app": hooks.url})
            environ = {**SECRETS, **systemd.environ}
            async with Daemon(tmp_path, text, environ, RUN) as daemon:
                await systemd.hears("READY=1")
                await hooks.got(COUNT)
                while (await asked(tmp_path, "GET", "/v1/endpoints/app"))[1]["waiting"]:
                    pass  # each question lets the daemon go on
                before = {body["id"]: body for body in hooks.events}
                status, _ = await asked(tmp_path, "POST", "/v1/replay", json={"endpoint": "app"})
                assert status == 202
                await hooks.got(COUNT + 1)
                daemon.send_signal(signal.SIGKILL)
                await daemon.wait()
            systemd.said.clear()
            killed_after = len(hooks.bodies)
            async with Daemon(tmp_path, text, environ, RUN):
                await systemd.hears("READY=1")
                while True:
                    _, replays = await asked(tmp_path, "GET", "/v1/replays")
                    _, app = await asked(tmp_path, "GET", "/v1/endpoints/app")
                    if replays["items"][0]["done_at"] is not None and not app["waiting"]:
                        break
                assert hooks.headers["notifier-replay"] == "true"
                assert hooks.headers["webhook-id"] in before
    again = [body for body in hooks.events[COUNT:] if body["id"] in before]
    assert {body["id"] for body in again} == set(before)
    assert all(body == before[body["id"]] for body in again)
    assert killed_after < 2 * COUNT
    assert len(again) <= COUNT + 8  # what was on its way at the kill may come twice
    assert not (tmp_path / "notifier.sock").exists()


async def test_a_ping_is_signed_and_its_headers_are_those_of_every_delivery(tmp_path, media):
    with Systemd(tmp_path / "notify") as systemd:
        async with Hooks() as hooks:
            text = config(media.base_url, {"app": hooks.url})
            async with Daemon(tmp_path, text, {**SECRETS, **systemd.environ}, RUN):
                await systemd.hears("READY=1")
                await hooks.got(COUNT)
                names = set(hooks.headers)
                await asked(tmp_path, "POST", "/v1/endpoints/app/pause")
                status, said = await asked(tmp_path, "POST", "/v1/endpoints/app/ping")
                assert (status, said["outcome"], said["status"]) == (200, "delivered", 204)
                assert (hooks.events[-1]["type"], hooks.headers["webhook-id"]) == ("notifier.ping", said["event"])
                assert set(hooks.headers) == names
                hooks.answer = lambda: 410
                status, said = await asked(tmp_path, "POST", "/v1/endpoints/app/ping")
                assert (status, said["outcome"], said["status"]) == (200, "http_410", 410)
                assert (await asked(tmp_path, "GET", "/v1/endpoints/app"))[1]["reason"]["code"] == "person"
