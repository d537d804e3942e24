"""The real process: it starts, serves, stops, is killed, and says why it ends."""

import asyncio
import json
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import asynccontextmanager, closing, nullcontext

import aiohttp
import pytest
from aiohttp import web
from daemons import KEY, SECRET, SECRETS, Hooks, Systemd, config
from prometheus_client.parser import text_string_to_metric_families

from notifier import __version__
from notifier.app import HEARTBEAT, JUMP, LONGEST_PASS, POLLER, SENDER, App, Clocks, awake_or_not
from notifier.demo.daemon import Daemon
from notifier.demo.xenonflare import FakeXenonFlare, Media
from notifier.hands import HANDS, Hands
from notifier.store.database import migrations
from notifier.systemd import Notify

RUN = (sys.executable, "-m", "notifier", "run", "--log-format", "json", "--config")


@pytest.fixture
async def media():
    async with FakeXenonFlare([Media("one", title="a film")], time.time, key=KEY) as server:
        yield server


@pytest.fixture
async def hooks():
    async with Hooks() as server:
        yield server


@pytest.fixture
def systemd(tmp_path):
    with Systemd(tmp_path / "notify") as socket:
        yield socket


@asynccontextmanager
async def running(tmp_path, text, systemd, **environ):
    """The daemon, once it has said that it is ready."""
    systemd.said.clear()
    async with Daemon(tmp_path, text, {**SECRETS, **systemd.environ, **environ}, RUN) as daemon:
        await systemd.hears("READY=1")
        yield daemon


def logged(tmp_path):
    lines = (tmp_path / "daemon.log").read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


# --- a whole life


async def test_it_is_ready_works_and_stops(tmp_path, media, hooks, systemd):
    text = config(media.base_url, {"app": hooks.url})
    async with running(tmp_path, text, systemd) as daemon:
        assert systemd.said[0] == "READY=1\nSTATUS=0 uploads followed, 0 deliveries waiting"
        await hooks.got(1)
        media.put(Media("one", status="completed", title="a film", parts={"youtube": "published"}))
        await hooks.got(2)
        assert await daemon.stop() == 0
    assert "STOPPING=1" in systemd.heard()
    assert [event["type"] for event in hooks.events] == ["upload.queued", "upload.completed"]
    stopping = [line["message"] for line in logged(tmp_path)].index("stopping")
    assert stopping > 4  # the last result may be written before or after
    lines = [line for line in logged(tmp_path) if line["message"] != "stopping"]
    assert [line["message"] for line in lines] == [
        "config warning", "started", "announced", "attempted", "announced", "attempted", "stopped",
    ]  # fmt: skip
    told = {key: lines[5][key] for key in ("event", "type", "source", "upload", "endpoint", "outcome", "status")}
    assert told == {
        "event": hooks.events[1]["id"],
        "type": "upload.completed",
        "source": "media",
        "upload": "one",
        "endpoint": "app",
        "outcome": "delivered",
        "status": 204,
    }


async def test_secrets_are_neither_logged_nor_stored(tmp_path, media, hooks, systemd):
    hooks.answer = lambda: 500
    text = config(media.base_url, {"app": hooks.url})
    async with running(tmp_path, text, systemd) as daemon:
        await hooks.came.wait()
        await daemon.stop()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b"attempted" in kept
    for secret in (KEY, SECRET, SECRET.removeprefix("whsec_")):
        assert secret.encode() not in kept


async def test_it_answers_for_its_health(tmp_path, media, hooks, systemd, unused_tcp_port):
    listen = f"127.0.0.1:{unused_tcp_port}"
    async with (
        running(tmp_path, config(media.base_url, {"app": hooks.url}, listen=listen), systemd),
        aiohttp.ClientSession(f"http://{listen}") as session,
    ):
        await hooks.got(1)
        for path in ("/healthz", "/readyz?verbose"):
            async with session.get(path) as response:
                assert response.status == 200, await response.text()


async def test_it_tells_its_metrics_to_who_knows_the_token(tmp_path, media, hooks, systemd, unused_tcp_port):
    listen, token = f"127.0.0.1:{unused_tcp_port}", "a-token-that-nobody-may-see"
    text = config(media.base_url, {"app": hooks.url}, listen=listen, server='token = { env = "TOKEN" }')
    async with (
        running(tmp_path, text, systemd, TOKEN=token),
        aiohttp.ClientSession(f"http://{listen}") as session,
    ):
        await hooks.got(1)
        async with session.get("/metrics") as response:
            assert response.status == 401
        headers, now = {"Authorization": f"Bearer {token}"}, time.time()
        async with (
            session.get("/v1/stream", headers=headers),
            session.get("/metrics", headers=headers) as response,
        ):
            assert response.status == 200
            families = {family.name: family for family in text_string_to_metric_families(await response.text())}
    assert [one.labels for one in families["notifier_deliveries_waiting"].samples] == [{"endpoint": "app"}]
    assert families["notifier_build_info"].samples[0].labels["version"] == __version__
    requests = {one.labels["code"]: one.value for one in families["notifier_provider_requests"].samples}
    assert requests.pop("2xx") > 0
    assert set(requests.values()) == {0}
    assert families["notifier_stream_readers"].samples[0].value == 1
    passes = {one.labels["loop"]: one.value for one in families["notifier_loop_last_pass_timestamp_seconds"].samples}
    assert passes.keys() == {POLLER, SENDER}
    assert all(now - HEARTBEAT - 5 < at < now + 5 for at in passes.values())
    assert families["notifier_log_dropped"].samples[0].value == 0
    assert families["notifier_config_last_reload_successful"].samples[0].value == 1
    assert now - 60 < families["notifier_config_last_reload_success_timestamp_seconds"].samples[0].value < now
    assert families["process_resident_memory_bytes"].samples[0].value > 1e6
    assert token not in (tmp_path / "daemon.log").read_text()


async def test_it_answers_as_encoding_com_does_who_has_the_key(tmp_path, media, hooks, systemd, unused_tcp_port):
    listen, key = f"127.0.0.1:{unused_tcp_port}", "a-key-that-nobody-may-see"
    server = 'encoding = { user_id = "1", user_key = { env = "TOKEN" } }'
    async with (
        running(tmp_path, config(media.base_url, {"app": hooks.url}, listen=listen, server=server), systemd, TOKEN=key),
        aiohttp.ClientSession(f"http://{listen}") as session,
    ):
        await hooks.got(1)
        for given, told in ((key, "media"), (key[:-1], "errors")):
            query = {"userid": "1", "userkey": given, "action": "getmedialist"}
            async with session.post("/encoding", data={"json": json.dumps({"query": query})}) as response:
                assert (response.status, list((await response.json())["response"])) == (200, [told])
    assert key[:-1] not in (tmp_path / "daemon.log").read_text()


async def test_signs_of_life_are_given_while_both_loops_make_progress(tmp_path, media, hooks, systemd):
    text = config(media.base_url, {"app": hooks.url})
    async with running(tmp_path, text, systemd, WATCHDOG_USEC="400000"):
        await systemd.hears("WATCHDOG=1")


async def test_a_hangup_does_not_end_it(tmp_path, media, hooks, systemd):
    async with running(tmp_path, config(media.base_url, {"app": hooks.url}), systemd) as daemon:
        await hooks.got(1)
        daemon.send_signal(signal.SIGHUP)
        media.put(Media("one", status="processing"))
        await hooks.got(2)
        assert await daemon.stop() == 0
    assert [line["changes"] for line in logged(tmp_path) if line["message"] == "reloaded"] == ["none"]


async def test_a_hangup_has_a_refused_credential_tried_again(tmp_path, media, hooks, systemd):
    media._key = "a key to come"
    async with running(tmp_path, config(media.base_url, {"app": hooks.url}), systemd) as daemon:
        await hooks.got(1)
        assert len(media.requests) == 1
        media._key = KEY
        daemon.send_signal(signal.SIGHUP)
        await hooks.got(3)
        assert await daemon.stop() == 0
    assert [event["type"] for event in hooks.events[:2]] == ["source.failing", "source.recovered"]


def put(tmp_path, text):
    """Another config in the place of the one that runs."""
    (tmp_path / "config.toml").write_text(text)


async def reload(tmp_path, *arguments):
    """`notifier reload`: its exit status, and what it says on stdout and stderr."""
    command = (sys.executable, "-m", "notifier", "reload", "--socket", str(tmp_path / "notifier.sock"), *arguments)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    told, said = await process.communicate()
    return process.returncode, told.decode(), said.decode()


async def test_a_reload_takes_another_endpoint_in_and_the_old_one_out(tmp_path, media, hooks, systemd):
    hooks.hold = asyncio.Event()
    async with Hooks() as others, running(tmp_path, config(media.base_url, {"app": hooks.url}), systemd) as daemon:
        await hooks.got(1)
        media.put(Media("one", status="processing"))
        connector = aiohttp.UnixConnector(str(tmp_path / "notifier.sock"))
        async with aiohttp.ClientSession("http://notifier", connector=connector) as session:
            waiting = 0
            while waiting < 2:  # each question lets the daemon go on
                async with session.get("/v1/endpoints/app") as response:
                    waiting = (await response.json())["waiting"]
        put(tmp_path, config(media.base_url, {"crm": others.url}))
        code, told, said = await reload(tmp_path)
        assert (code, told) == (0, "- endpoint app\n+ endpoint crm\n")
        waits = "warning: endpoint app is no longer in the config: 2 deliveries waiting for it. Put it back, "
        waits += "with drain = true to have only these sent, or give them up: "
        assert waits + "notifier drop --endpoint app\n" in said
        hooks.hold.set()
        media.put(Media("one", status="completed", title="a film", parts={"youtube": "published"}))
        await others.got(1)
        assert others.events[0]["type"] == "upload.completed"
        put(tmp_path, config(media.base_url, {"app": hooks.url, "crm": others.url}))
        daemon.send_signal(signal.SIGHUP)
        await hooks.got(2)
        assert await daemon.stop() == 0
    assert [event["type"] for event in hooks.events] == ["upload.queued", "upload.processing"]
    assert [line["changes"] for line in logged(tmp_path) if line["message"] == "reloaded"] == [
        "- endpoint app; + endpoint crm", "+ endpoint app",
    ]  # fmt: skip


async def test_a_reload_warns_of_a_replay_to_an_endpoint_that_it_takes_out(tmp_path, media, hooks, systemd):
    async with Hooks() as others, running(tmp_path, config(media.base_url, {"app": hooks.url}), systemd):
        await hooks.got(1)
        connector = aiohttp.UnixConnector(str(tmp_path / "notifier.sock"))
        async with aiohttp.ClientSession("http://notifier", connector=connector) as session:
            for path, body in (("/v1/endpoints/app/pause", None), ("/v1/replay", {"endpoint": "app"})):
                async with session.post(path, json=body) as response:
                    assert response.ok
        put(tmp_path, config(media.base_url, {"crm": others.url}))
        code, told, said = await reload(tmp_path)
        assert (code, told) == (0, "- endpoint app\n+ endpoint crm\n")
        assert (
            "warning: endpoint app is no longer in the config: replay 1 to it is not done, and goes on if it " in said
        )


async def test_a_source_that_would_be_one_at_another_provider_is_refused(tmp_path, media, hooks, systemd):
    text = config(media.base_url, {"app": hooks.url})
    refusal = "sources.media.provider: media is a source at xenonflare: give the one at schedpilot another name"
    async with running(tmp_path, text, systemd) as daemon:
        await hooks.got(1)
        put(tmp_path, text.replace('"xenonflare"', '"schedpilot"'))
        assert await reload(tmp_path) == (78, "", f"{refusal}\n")
        media.put(Media("one", status="processing"))
        await hooks.got(2)
        assert await daemon.stop() == 0
    async with Daemon(tmp_path, text.replace('"xenonflare"', '"schedpilot"'), SECRETS, RUN) as daemon:
        assert await daemon.wait() == 78
    assert logged(tmp_path)[-1]["reason"] == refusal


async def test_a_source_that_showed_nothing_yet_gets_another_provider_by_a_restart_alone(tmp_path, hooks, systemd):
    # A look may be under way, and what it shows would be asked for at the other one.
    text = config("http://127.0.0.1:9/api", {"app": hooks.url})
    async with running(tmp_path, text, systemd) as daemon:
        put(tmp_path, text.replace('"xenonflare"', '"schedpilot"'))
        code, told, said = await reload(tmp_path)
        assert (code, told) == (78, "")
        assert "media is a source at xenonflare: give the one at schedpilot another name" in said
        assert await daemon.stop() == 0
        await systemd.hears("STOPPING=1")
    async with running(tmp_path, text.replace('"xenonflare"', '"schedpilot"'), systemd) as daemon:
        assert await daemon.stop() == 0


async def test_a_reload_of_a_faulty_config_tells_every_fault_and_changes_nothing(tmp_path, media, hooks, systemd):
    text = config(media.base_url, {"app": hooks.url})
    async with running(tmp_path, text, systemd) as daemon:
        await hooks.got(1)
        put(tmp_path, text.replace('timeout = "20s"', 'timeout = "20"').replace('"xenonflare"', '"xenonflair"'))
        code, told, said = await reload(tmp_path)
        assert (code, told) == (78, "")
        first, second, last = said.splitlines()
        assert first.startswith(f"{tmp_path}/config.toml:9:1: delivery.timeout: expected")
        assert second.endswith('did you mean "xenonflare"?')
        assert last == "the config has faults, and the old one stays in force: mend them, and reload again"
        code, told, _ = await reload(tmp_path, "--json")
        assert (code, [fault["line"] for fault in json.loads(told)["faults"]]) == (78, [9, 14])
        systemd.said.clear()
        daemon.send_signal(signal.SIGHUP)
        await systemd.hears("READY=1")
        media.put(Media("one", status="processing"))
        await hooks.got(2)
        put(tmp_path, text)
        code, told, said = await reload(tmp_path)
        assert (code, told, said.splitlines()[-1]) == (0, "", "nothing changed")
        verdict = json.loads((await reload(tmp_path, "--json"))[1])
        assert (verdict["verdict"], verdict["changes"], len(verdict["warnings"])) == ("applied", [], 1)
        assert await daemon.stop() == 0
    assert len([line for line in logged(tmp_path) if line["message"] == "config refused"]) == 6
    assert (await reload(tmp_path))[0] == 69


async def test_another_token_shuts_out_who_has_the_old_one_also_from_the_stream(
    tmp_path, media, hooks, systemd, unused_tcp_port
):
    listen, server = f"127.0.0.1:{unused_tcp_port}", 'token = { file = "token" }\n'
    (tmp_path / "token").write_text("the-old-one")
    old, new = ({"Authorization": f"Bearer {word}"} for word in ("the-old-one", "the-new-one"))
    text = config(media.base_url, {"app": hooks.url}, listen=listen, server=server)
    encoding = server + 'encoding = { user_id = "1", user_key = { file = "token" } }'
    async with running(tmp_path, text, systemd), aiohttp.ClientSession(f"http://{listen}") as session:
        async with session.post("/encoding", data={"xml": "<query/>"}) as response:
            assert response.status == 404
        async with session.get("/v1/stream", headers=old) as stream:
            await stream.content.readline()
            (tmp_path / "token").write_text("the-new-one")
            put(tmp_path, config(media.base_url, {"app": hooks.url}, listen=listen, server=encoding))
            async with session.post("/-/reload", headers=old) as response:
                assert (await response.json())["changes"] == ["server: token changed, encoding changed"]
            while await stream.content.readline():
                pass  # until its end
        for headers, status in ((old, 401), (new, 200)):
            async with session.get("/v1/endpoints", headers=headers) as response:
                assert response.status == status
        async with session.post("/encoding", data={"xml": "<query/>"}) as response:
            assert response.status == 200


# --- stopping


async def test_a_request_in_flight_at_a_stop_is_answered_and_not_repeated(tmp_path, media, hooks, systemd):
    hooks.hold = asyncio.Event()
    text = config(media.base_url, {"app": hooks.url}, events="upload.*")  # where time is short, a look may fail once
    async with running(tmp_path, text, systemd) as daemon:
        await hooks.got(1)
        stopped = asyncio.create_task(daemon.stop())
        await systemd.hears("STOPPING=1")
        hooks.hold.set()
        assert await stopped == 0
    assert [line["in_flight"] for line in logged(tmp_path) if line["message"] == "stopping"] == [1]
    async with running(tmp_path, text, systemd) as daemon:
        media.put(Media("one", status="processing"))
        await hooks.got(2)
        await daemon.stop()
    assert [event["type"] for event in hooks.events] == ["upload.queued", "upload.processing"]


async def test_a_request_that_outlasts_the_stop_is_repeated_as_it_was(tmp_path, media, hooks, systemd):
    hooks.hold = asyncio.Event()
    text = config(media.base_url, {"app": hooks.url}, timeout="1s")
    async with running(tmp_path, text, systemd) as daemon:
        await hooks.got(1)
        assert await daemon.stop() == 0
    hooks.hold = None
    async with running(tmp_path, text, systemd) as daemon:
        await hooks.got(2)
        await daemon.stop()
    assert hooks.bodies[0] == hooks.bodies[1]


async def test_an_answer_that_is_under_way_at_a_stop_is_waited_for_and_announced(tmp_path, media, hooks, systemd):
    asked, told = asyncio.Event(), asyncio.Event()

    async def slow(request):
        asked.set()
        await told.wait()
        rows = [{"id": "one", "title": "a film", "status": "pending", "platforms": []}]
        pagination = {"total": 1, "page": 1, "limit": 100, "pages": 1}
        return web.json_response({"success": True, "data": {"videos": rows, "pagination": pagination}})

    media.faults.append(slow)
    text = config(media.base_url, {"app": hooks.url}, more='kinds = ["videos"]')
    async with running(tmp_path, text, systemd) as daemon:
        await asked.wait()
        stopped = asyncio.create_task(daemon.stop())
        await systemd.hears("STOPPING=1")
        told.set()
        assert await stopped == 0
    assert [line["type"] for line in logged(tmp_path) if line["message"] == "announced"] == ["upload.queued"]
    assert rows(tmp_path, "SELECT type FROM events") == [("upload.queued",)]


async def test_a_second_signal_ends_it_at_once_and_what_was_owed_stays_owed(tmp_path, media, hooks, systemd):
    hooks.hold = asyncio.Event()
    text = config(media.base_url, {"app": hooks.url})
    async with running(tmp_path, text, systemd) as daemon:
        await hooks.got(1)
        daemon.send_signal(signal.SIGTERM)
        await systemd.hears("STOPPING=1")
        daemon.send_signal(signal.SIGTERM)
        assert await daemon.wait() == -signal.SIGTERM
    hooks.hold = None
    async with running(tmp_path, text, systemd) as daemon:
        await hooks.got(2)
        await daemon.stop()
    assert hooks.bodies[0] == hooks.bodies[1]


# --- chance, and a clock that was wrong


def rows(tmp_path, sql):
    with closing(sqlite3.connect(tmp_path / "notifier.db")) as db:
        return db.execute(sql).fetchall()


async def test_what_is_owed_again_is_sent_as_it_was_and_flagged(tmp_path, media, hooks, systemd):
    text = config(media.base_url, {"app": hooks.url})
    async with running(tmp_path, text, systemd) as daemon:
        await hooks.got(1)
        assert "notifier-replay" not in hooks.headers
        await daemon.stop()
    with closing(sqlite3.connect(tmp_path / "notifier.db")) as db, db:
        db.execute(
            """INSERT INTO replays (endpoint, phases, latest, up_to, rate, created_at)
                VALUES (1, '["delivered"]', 0, 1, 10, ?)""",
            (time.time(),),
        )
    async with running(tmp_path, text, systemd) as daemon:
        await hooks.got(2)
        assert hooks.headers["notifier-replay"] == "true"
        await daemon.stop()
    assert hooks.bodies[0] == hooks.bodies[1]
    assert [line["deliveries"] for line in logged(tmp_path) if line["message"] == "replayed"] == [1]


async def test_retries_are_spread_by_a_fifth_either_way(tmp_path, media, hooks, systemd):
    hooks.answer = lambda: 500
    for number in range(8):
        media.put(Media(f"m{number}"))
    text = config(media.base_url, {"app": hooks.url}).replace('"1s"', '"1000s"')
    async with running(tmp_path, text, systemd) as daemon:
        while len(hooks.asked) < 9:
            hooks.came.clear()
            await hooks.came.wait()
        await daemon.stop()
    sql = "SELECT due_at - started_at - duration FROM deliveries JOIN attempts ON delivery = id"
    delays = [delay for (delay,) in rows(tmp_path, sql)]
    assert len(delays) == 9
    assert all(799.9 < delay < 1200.1 for delay in delays)
    assert max(delays) - min(delays) > 1


async def test_sources_that_were_told_to_wait_do_not_all_come_back_at_once(tmp_path, media, hooks, systemd):
    async def busy(_request):
        return web.Response(status=503, headers={"Retry-After": "1000"})

    names = [f"media{number}" for number in range(8)]
    media.faults.extend([busy] * 100)
    head, endpoints = config(media.base_url, {"app": hooks.url}).split("[[sources]]")
    source, endpoints = endpoints.split("[[endpoints]]")
    sources = [f"[[sources]]{source}".replace('"media"', f'"{name}"') for name in names]
    text = "\n".join([head, *sources, f"[[endpoints]]{endpoints}"])
    async with running(tmp_path, text, systemd) as daemon:
        await hooks.got(8)
        await daemon.stop()
    waits = [wait for (wait,) in rows(tmp_path, "SELECT hold_until - failing_since FROM sources")]
    assert len(waits) == 8
    assert all(1000 <= wait <= 1001 for wait in waits)
    assert max(waits) - min(waits) > 0.001


async def test_two_sources_with_one_key_share_a_budget_that_a_restart_remembers(tmp_path, media, hooks, systemd):
    head, rest = config(media.base_url, {"app": hooks.url}).split("[[sources]]")
    source, endpoints = rest.split("[[endpoints]]")
    again = source.replace('"media"', '"again"')
    text = f"{head}[[sources]]{source}[[sources]]{again}[[endpoints]]{endpoints}"
    async with running(tmp_path, text, systemd) as daemon:
        await hooks.got(2)
        await daemon.stop()
    ((name, state),) = rows(tmp_path, "SELECT name, state FROM budgets")
    assert name == "media"
    assert KEY not in state


async def test_what_a_clock_that_was_ahead_put_off_goes_at_the_next_start(tmp_path, media, hooks, systemd):
    hooks.answer = lambda: 500
    text = config(media.base_url, {"app": hooks.url})
    async with running(tmp_path, text, systemd) as daemon:
        await hooks.came.wait()
        await daemon.stop()
    with closing(sqlite3.connect(tmp_path / "notifier.db")) as db:
        db.execute("UPDATE deliveries SET due_at = due_at + 1e8")
        db.commit()
    hooks.answer = lambda: 204
    async with running(tmp_path, text, systemd) as daemon:
        await hooks.got(1)
        await daemon.stop()
    assert "rescheduled" in [line["message"] for line in logged(tmp_path)]


# --- why it does not start


def run(tmp_path, text):
    path = tmp_path / "config.toml"
    path.write_text(text)
    command = [sys.executable, "-m", "notifier", "run", "--config", str(path)]
    return subprocess.run(command, env={**os.environ, **SECRETS}, capture_output=True, text=True, check=False)


def test_a_wrong_config_ends_it_with_78_and_every_fault(tmp_path):
    ended = run(tmp_path, '[store]\nkeeep = "1d"\n[delivery]\nmax_in_flight = 0\n')
    assert ended.returncode == 78
    assert 'config.toml:2:1: store.keeep: unknown key; did you mean "keep"?' in ended.stderr
    assert "config.toml:4:1: delivery.max_in_flight: expected a whole number" in ended.stderr


def test_a_newer_database_ends_it_with_78_and_stays_as_it_is(tmp_path):
    text = config("http://127.0.0.1:9/api", {})
    with sqlite3.connect(tmp_path / "notifier.db") as db:
        db.execute("PRAGMA application_id = 0x6E6F7469")
        db.execute("PRAGMA user_version = 999")
    db.close()
    ended = run(tmp_path, text)
    assert ended.returncode == 78
    assert "its schema is 999" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_store_that_cannot_be_opened_ends_it_with_1_and_the_cure(tmp_path):
    (tmp_path / "notifier.db").mkdir()
    ended = run(tmp_path, config("http://127.0.0.1:9/api", {}))
    assert ended.returncode == 1
    assert "the daemon's user must be able to write it" in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_a_second_daemon_on_one_database_ends_with_1_and_names_the_first(tmp_path, media, hooks, systemd):
    text = config(media.base_url, {"app": hooks.url})
    async with running(tmp_path, text, systemd):
        second = await asyncio.to_thread(run, tmp_path, text)
    assert second.returncode == 1
    assert "another notifier (pid " in second.stderr


async def test_a_database_that_another_program_holds_ends_it_with_1_and_loses_nothing(tmp_path, media, hooks, systemd):
    text = config(media.base_url, {"app": hooks.url})
    async with running(tmp_path, text, systemd) as daemon:
        await hooks.got(1)
        with sqlite3.connect(tmp_path / "notifier.db", isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            media.put(Media("one", status="processing"))
            assert await daemon.wait() == 1
        other.close()
    assert "another program holds it: end that one" in logged(tmp_path)[-1]["reason"]
    async with running(tmp_path, text, systemd) as daemon:
        while hooks.events[-1]["type"] != "upload.processing":
            await hooks.got(len(hooks.bodies) + 1)
        assert await daemon.stop() == 0
    first, *repeats, last = hooks.bodies
    assert last != first
    assert repeats in ([], [first])  # the first one's result may not have been written


async def test_a_port_that_is_taken_ends_it_with_1(tmp_path, hooks):
    listen = hooks.origin.removeprefix("http://")
    ended = await asyncio.to_thread(run, tmp_path, config("http://127.0.0.1:9/api", {}, listen=listen))
    assert ended.returncode == 1
    assert f"server.listen: {listen}: " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_bug_ends_it_with_1_and_its_trace(tmp_path):
    # A database whose schema lies about what it holds: no one but a bug makes that.
    text = config("http://127.0.0.1:9/api", {})
    with sqlite3.connect(tmp_path / "notifier.db") as db:
        db.execute("PRAGMA application_id = 0x6E6F7469")
        db.execute(f"PRAGMA user_version = {len(migrations())}")
        db.execute("CREATE TABLE sources (name TEXT UNIQUE, provider TEXT)")
        db.execute("CREATE TABLE endpoints (name TEXT UNIQUE)")
    db.close()
    ended = run(tmp_path, text)
    assert ended.returncode == 1
    assert "no such table: main.listings" in ended.stderr


# --- the loops, from inside


class Idle:
    """A poller with one source and a sender, both with nothing to do for years."""

    def __init__(self):
        self.watched = {"media": None}
        self.hands = Hands()
        self.wake = asyncio.Event()
        self.in_flight = 0
        self.polls = 0
        self.sent = asyncio.Event()
        self.believed = []
        self.stopped = []

    async def poll(self, name):
        self.polls += 1
        return 2e9

    async def send_due(self):
        self.sent.set()
        return 2e9

    async def believe_no_later(self, *jump):
        self.believed.append((self.polls, *jump))

    async def stop(self, within):
        self.stopped.append(within)

    async def until(self, done):
        """Let the send loop turn until it is so."""
        while not done():
            self.sent.clear()
            await self.sent.wait()


class Hanging(Idle):
    """The same, but that a pass over the source does not end before it is let go."""

    def __init__(self):
        super().__init__()
        self.let_go = asyncio.Event()

    async def poll(self, name):
        self.polls += 1
        await self.let_go.wait()
        return 2e9


async def status():
    return "fine"


BRISK = Notify({"WATCHDOG_USEC": "6000"})
"""A heartbeat of a millisecond."""


class Time:
    """Three clocks that go by hand; `set` changes the one on the wall alone, in sleep one of them stands still."""

    def __init__(self):
        self.wall, self.gone, self.slept = 1e9, 0.0, 0.0
        self.clocks = Clocks(lambda: self.wall, lambda: self.gone, lambda: self.gone + self.slept)

    def set(self, by):
        self.wall += by

    def passes(self, seconds):
        self.wall += seconds
        self.gone += seconds

    def sleeps(self, seconds):
        self.wall += seconds
        self.slept += seconds


@asynccontextmanager
async def turning(loops, notify=BRISK, time=None, **more):
    """An app whose loops turn, stopped at the end."""
    time = time or Time()
    app = App(loops, loops, status, notify, clocks=time.clocks, **more)
    running = asyncio.create_task(app.run(lambda: 0.01))
    try:
        yield app
    finally:
        app.stop()
        await running
        app.close()


async def test_a_pass_that_hangs_is_no_progress():
    loops, time = Hanging(), Time()
    async with turning(loops, time=time) as app:
        await loops.until(lambda: loops.polls)
        time.passes(LONGEST_PASS - 1)
        await loops.until(lambda: app.marks.late(1.0) == [])
        time.passes(11)
        # Another pass that begins, and so a loop that turns, is no progress either.
        loops.watched["another"] = None
        app.ring("another")
        await loops.until(lambda: loops.polls == 2)
        await loops.until(lambda: app.marks.late(1.0) == [POLLER])


async def test_no_more_passes_are_at_work_than_there_are_hands_and_whoever_waits_for_an_answer_has_none():
    class Crowded(Hanging):
        """So many sources that not all have a hand; their passes work until they are let go, or wait for answers."""

        def __init__(self, *, waits):
            super().__init__()
            self.watched = {f"source-{number}": None for number in range(HANDS + 10)}
            self.waits = waits

        async def poll(self, name):
            with self.hands.let_go() if self.waits else nullcontext():
                return await super().poll(name)

    loops = Crowded(waits=False)
    async with turning(loops):
        await loops.until(lambda: loops.polls)
        await loops.until(lambda: loops.polls == HANDS)
        for _ in range(100):
            await asyncio.sleep(0)
        assert loops.polls == HANDS
        loops.let_go.set()
        await loops.until(lambda: loops.polls == HANDS + 10)
    loops = Crowded(waits=True)
    async with turning(loops):
        await loops.until(lambda: loops.polls == HANDS + 10)


@pytest.mark.parametrize(("asked", "heartbeat"), [("0", HEARTBEAT), ("3000000", 0.5), ("3000000000", HEARTBEAT)])
async def test_an_idle_loop_turns_six_times_in_the_watchdogs_time(asked, heartbeat):
    loops = Idle()
    app = App(loops, loops, status, Notify({"WATCHDOG_USEC": asked}))
    assert app._heartbeat == heartbeat
    app.close()


# --- a bug, and a stop


class Failing(Idle):
    async def poll(self, name):
        raise LookupError("a bug")


async def test_what_escapes_a_pass_ends_everything_but_what_has_ended_is_recorded():
    loops = Failing()
    app = App(loops, loops, status, Notify({}))
    with pytest.raises(ExceptionGroup) as ended:
        await app.run(lambda: 30)
    assert ended.group_contains(LookupError, match="a bug")
    assert loops.stopped == [0.0]  # and nothing is waited for
    app.close()


async def test_what_goes_wrong_at_the_end_of_a_bug_is_told_beside_it():
    class Twice(Failing):
        async def stop(self, within):
            raise OSError("the disk")

    loops = Twice()
    app = App(loops, loops, status, Notify({}))
    with pytest.raises(ExceptionGroup) as ended:
        await app.run(lambda: 30)
    assert [type(error) for error in ended.value.exceptions] == [LookupError, OSError]
    app.close()


async def test_attempts_and_passes_share_one_deadline_of_a_stop():
    class Waiting(Hanging):
        """A sender that stops as soon as it is asked to, beside a pass that ends after that."""

        async def stop(self, within):
            await super().stop(within)
            self.let_go.set()

    loops = Waiting()
    app = App(loops, loops, status, BRISK)
    running = asyncio.create_task(app.run(lambda: 3600))
    await loops.until(lambda: loops.polls)
    app.stop()
    await running
    assert loops.stopped == [3600]
    app.close()


async def test_a_source_that_a_reload_takes_out_as_its_pass_begins_ends_nothing():
    class Leaving(Idle):
        async def poll(self, name):
            raise KeyError(name)

    loops = Leaving()
    app = App(loops, loops, status, BRISK, clocks=Time().clocks)
    running = asyncio.create_task(app.run(lambda: 0.01))
    async with app._judging:  # as when another pass finds that the clock was set
        while not app._passes:  # noqa: ASYNC110  # no event tells
            await asyncio.sleep(0)
        loops.watched.clear()
    await loops.until(lambda: not app._passes)
    app.stop()
    await running
    app.close()


async def test_no_pass_begins_after_a_stop():
    loops = Idle()
    async with turning(loops) as app:
        await loops.until(lambda: loops.polls)
        app._rung.put_nowait("media")
    assert loops.polls == 1


# --- what is done beside the loops


class Busy:
    """A chore that is due again at once, and counts its steps."""

    def __init__(self, pause=0.0):
        self.wake = asyncio.Event()
        self.pause = pause
        self.steps = 0
        self.stepped = asyncio.Event()

    async def step(self, now):
        self.steps += 1
        self.stepped.set()
        return now + self.pause

    def doubt_the_clock(self, now):
        self.doubted = now

    async def until(self, steps):
        while self.steps < steps:
            self.stepped.clear()
            await self.stepped.wait()


async def test_chores_are_seen_to_step_by_step_beside_one_another_and_the_loops():
    loops, one, other = Idle(), Busy(), Busy()
    async with turning(loops, chores=[one, other]):
        await one.until(5)
        await other.until(5)
        await loops.until(lambda: loops.polls)


async def test_a_chore_that_is_woken_has_its_step_at_once():
    chore = Busy(pause=1e9)
    async with turning(Idle(), chores=[chore]):
        await chore.until(1)
        chore.wake.set()
        await chore.until(2)
        assert chore.steps == 2


async def test_what_escapes_a_chore_ends_everything():
    class Buggy(Busy):
        async def step(self, now):
            raise LookupError("a bug")

    loops = Idle()
    app = App(loops, loops, status, Notify({}), chores=[Buggy()])
    with pytest.raises(ExceptionGroup) as ended:
        await app.run(lambda: 30)
    assert ended.group_contains(LookupError, match="a bug")
    app.close()


async def test_a_stop_does_not_wait_for_a_chore():
    class Endless(Busy):
        async def step(self, now):
            await super().step(now)
            await asyncio.Event().wait()

    loops, chore = Idle(), Endless()
    app = App(loops, loops, status, BRISK, chores=[chore])
    running = asyncio.create_task(app.run(lambda: 3600))
    await chore.until(1)
    app.stop()
    await running
    app.close()


# --- the clock is set


@pytest.mark.parametrize("by", [-1e8, -JUMP - 0.1, JUMP + 0.1, 1e8])
async def test_when_the_clock_is_set_all_is_judged_anew_and_every_bell_rung(caplog, by):
    loops, time = Idle(), Time()
    async with turning(loops, time=time):
        await loops.until(lambda: loops.polls)
        time.set(by)
        await loops.until(lambda: loops.polls == 2)
        assert loops.believed == [(1, pytest.approx(by))] * 2  # poller and sender, before anybody was rung for
    told = [one for one in caplog.records if one.message == "the clock jumped"]
    assert [(one.levelno, one.fields) for one in told] == [(logging.WARNING, {"seconds": round(by, 1)})]


async def test_nothing_is_sent_by_a_clock_of_which_nobody_knows_yet_that_it_was_set():
    loops, time, chore = Idle(), Time(), Busy(pause=1e9)
    async with turning(loops, Notify({}), time, chores=[chore]):  # the next heartbeat is seconds away
        await loops.until(lambda: loops.polls)
        time.set(1e6)
        loops.sent.clear()
        loops.wake.set()
        await loops.sent.wait()
        assert loops.believed == [(1, pytest.approx(1e6))] * 2
        assert chore.doubted == time.wall


async def test_a_machine_that_slept_judges_all_anew_but_its_clock_was_right_all_the_time(caplog):
    loops, time = Idle(), Time()
    async with turning(loops, time=time):
        await loops.until(lambda: loops.polls)
        time.sleeps(3600)
        await loops.until(lambda: loops.polls == 2)
        assert loops.believed == [(1, 0.0)] * 2
    assert "the clock jumped" in [one.message for one in caplog.records]


def test_the_clock_that_goes_on_in_sleep_is_never_behind_the_one_that_does_not():
    before = time.monotonic()
    assert awake_or_not() >= before


async def test_a_clock_that_is_put_right_little_by_little_is_believed(caplog):
    loops, time = Idle(), Time()
    async with turning(loops, time=time):
        for by in (JUMP, -JUMP, 1.0, 100.0):
            turns = iter(range(20))
            await loops.until(lambda turns=turns: next(turns) == 19)
            time.passes(60)
            time.set(by)
        await loops.until(lambda: loops.polls == 2)
    assert [one.fields["seconds"] for one in caplog.records if one.message == "the clock jumped"] == [100.0]


async def test_a_pass_during_which_the_clock_is_set_is_followed_by_another_and_never_joined_by_one():
    loops, time = Hanging(), Time()
    async with turning(loops, time=time) as app:
        await loops.until(lambda: loops.polls)
        time.set(-1e8)
        await loops.until(lambda: app._rung_meanwhile)
        assert loops.polls == 1
        loops.let_go.set()
        await loops.until(lambda: loops.polls == 2)
        await loops.until(lambda: not app._passes)
        assert loops.polls == 2


# --- what systemd is told


async def test_the_status_is_told_when_it_changes(systemd):
    counts = iter(range(1000))
    told = []

    async def changing():
        told.append(f"{next(counts) // 2} uploads")
        return told[-1]

    loops = Idle()
    app = App(loops, loops, changing, Notify(systemd.environ), status_every=0.001)
    running = asyncio.create_task(app.run(lambda: 0.01))
    await systemd.hears("STATUS=3 uploads")
    app.stop()
    await running
    app.close()
    statuses = [said for said in systemd.heard() if said.startswith("STATUS=")]
    assert len(statuses) == len(set(statuses))
