"""The daemon is started as a user would, and stops when it is asked to, or is stopped."""

import signal
import sys
import tomllib

import pytest

from notifier.demo.daemon import PACE, Daemon, EndpointLine, SourceLine, config

SHOW = (sys.executable, "-c", "import os, sys; print(dict(os.environ)); print(open(sys.argv[1]).read(), end='')")


def test_the_config_is_toml_and_names_everything():
    text = config(
        [SourceLine("posts", "upload_post", "http://127.0.0.1:1/api", "KEY", ("a", "b"))],
        [EndpointLine("app", "http://127.0.0.1:2/hooks", "SECRET", ("upload.*", "source.*"))],
        "127.0.0.1:9480",
    )
    read = tomllib.loads(text)
    assert read["server"] == {"listen": "127.0.0.1:9480"}
    assert read["sources"] == [
        {
            "name": "posts",
            "provider": "upload_post",
            "base_url": "http://127.0.0.1:1/api",
            "api_key": {"env": "KEY"},
            "uploads": ["a", "b"],
            "discover": True,
            "budget": "600/m",
            "reserve": 0,
        }
    ]
    assert read["endpoints"] == [
        {
            "name": "app",
            "url": "http://127.0.0.1:2/hooks",
            "secrets": [{"env": "SECRET"}],
            "events": ["upload.*", "source.*"],
        }
    ]
    assert tomllib.loads(config([], [], ""))["server"] == {"listen": ""}


async def test_it_gets_its_config_and_secrets_and_nothing_of_another_notifier(tmp_path, monkeypatch):
    monkeypatch.setenv("NOTIFIER_CONFIG", "/elsewhere")
    monkeypatch.setenv("NOTIFY_SOCKET", "/elsewhere")
    async with Daemon(tmp_path, "# a config", {"DEMO_KEY": "secret"}, SHOW) as daemon:
        assert await daemon.wait() == 0
        assert daemon.ended == 0
    environment, text = daemon.last_words().split("\n", 1)
    assert text == "# a config"
    assert "'DEMO_KEY': 'secret'" in environment
    assert f"'NOTIFIER_DEMO_PACE': '{PACE}'" in environment
    assert "/elsewhere" not in environment


async def test_it_stops_when_it_is_asked_to(tmp_path):
    async with Daemon(tmp_path, "", {}, ("tail", "-f")) as daemon:
        assert daemon.ended is None
        assert await daemon.stop() == -signal.SIGTERM
        assert await daemon.stop() == -signal.SIGTERM


async def test_it_gets_the_signals_that_it_is_sent(tmp_path):
    async with Daemon(tmp_path, "", {}, ("tail", "-f")) as daemon:
        daemon.send_signal(signal.SIGUSR1)
        assert await daemon.wait() == -signal.SIGUSR1


async def test_what_does_not_stop_is_killed(tmp_path):
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a process inherits what is ignored
    try:
        async with Daemon(tmp_path, "", {}, ("tail", "-f")) as daemon:
            assert await daemon.stop(within=0.05) == -signal.SIGKILL
    finally:
        signal.signal(signal.SIGTERM, before)


async def test_leaving_the_context_in_any_way_leaves_nothing_running(tmp_path):
    daemon = Daemon(tmp_path, "", {}, ("tail", "-f"))
    with pytest.raises(KeyError):
        async with daemon:
            raise KeyError
    assert daemon.ended == -signal.SIGTERM
