import asyncio
import os
import signal
from pathlib import Path

import pytest
from coverage import Coverage
from hypothesis import settings
from longer import LONGER

# Modules that have asserts and no tests say what was wrong only if they are rewritten, too.
pytest.register_assert_rewrite("killing", "faulty", "verdict")

# What a busy machine takes for an example says nothing.
settings.register_profile("calm", deadline=None, max_examples=100 * LONGER)
settings.load_profile("calm")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """Ctrl-C is heeded by whatever is started, wherever the tests themselves run.

    Where several run beside each other, the folder of each has a short name: a socket's path holds 107 bytes.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # so a shell starts what is to run in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)  # and so would all that the tests start
    if hasattr(config, "workerinput"):
        given = Path(config.option.basetemp)
        config.option.basetemp = str(given.with_name(given.name.removeprefix("popen-gw")))


def pytest_xdist_auto_num_workers(config):
    """One more than there are processors: a quarter of the time tests wait for a process, a clock or the disk."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """What does the same very often is not counted by coverage, which would take most of its time."""
    counting = Coverage.current() if item.get_closest_marker("uncounted") else None
    if counting is None:
        return (yield)
    told = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE")}  # to what it starts
    for name in told:
        del os.environ[name]
    counting.stop()
    try:
        return (yield)
    finally:
        counting.start()
        os.environ.update(told)


@pytest.fixture
async def standstill(monkeypatch):
    """Have the process stand still for so many seconds, as its loop sees it."""
    loop, real, gone = asyncio.get_running_loop(), asyncio.get_running_loop().time, [0.0]
    monkeypatch.setattr(loop, "time", lambda: real() + sum(gone))
    return gone.append
