"""What the daemon runs on."""

import asyncio
import sys

import uvloop

from notifier.serving import fast_loop


def test_uvloop_is_used_where_it_is_installed():
    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        assert isinstance(runner.get_loop(), uvloop.Loop)


def test_without_it_the_loop_is_that_of_asyncio(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert fast_loop() is None
