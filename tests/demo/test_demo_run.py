"""The whole demo, as a stranger starts it."""

import asyncio
import io
import json
import os
import signal
import socket
import sys

import pytest

from notifier.demo import conclude, run
from notifier.demo.ledger import Ledger
from notifier.demo.report import Report
from notifier.demo.view import Lines

NOTIFIER = (sys.executable, "-m", "notifier", "demo")


@pytest.fixture
async def started(tmp_path):
    """Start the demo, with `tmp_path` for its temporary files."""
    processes = []

    async def started(*arguments):
        process = await asyncio.create_subprocess_exec(
            *NOTIFIER,
            *arguments,
            env={**os.environ, "TMPDIR": str(tmp_path)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        processes.append(process)
        return process

    yield started
    for process in processes:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def test_everything_that_changed_arrives_and_nothing_is_left(started, tmp_path):
    process = await started("--seconds", "6", "--json")
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    told = json.loads(out)
    assert (told["ok"], told["wrong"]) == (True, [])
    assert told["webhooks"]["owed"] > 20
    assert told["webhooks"]["retried"] > 0
    assert told["webhooks"]["duplicates"] == 0
    assert told["overruns"] == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_an_interruption_leaves_nothing_running_and_nothing_lying_about(started, tmp_path, number):
    process = await started()
    await process.stdout.readline()
    process.send_signal(number)
    process.send_signal(number)
    _, err = await process.communicate()
    assert (process.returncode, err.decode()) == (128 + number, "")
    assert list(tmp_path.iterdir()) == []


async def test_a_daemon_that_ends_too_early_has_the_last_word(started, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = await started("--port", str(taken.getsockname()[1]))
        _, err = await process.communicate()
    assert process.returncode == 1
    assert "the daemon ended with" in err.decode()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("exit_", "code"), [(0, 0), (1, 1)])
@pytest.mark.parametrize("as_json", [False, True])
def test_only_a_good_report_is_an_exit_of_0_and_a_bad_one_shows_the_daemon_s_log(exit_, code, as_json):
    report = Report(1.0, Ledger({}).verdict(), {"posts": 3}, 0, exit_, "its last line")
    shown, out, err = io.StringIO(), io.StringIO(), io.StringIO()
    assert conclude(report, Lines(shown, lambda: 0.0), out, err, as_json=as_json) == code
    assert report.headline in shown.getvalue()
    assert ("its last line" in err.getvalue()) is bool(code)
    assert (json.loads(out.getvalue() or "{}").get("ok") is (not code)) is as_json


class FirstLine(io.StringIO):
    """Tells when something is written."""

    def __init__(self):
        super().__init__()
        self.written = asyncio.Event()

    def write(self, text):
        self.written.set()
        return super().write(text)


async def test_a_second_interruption_does_not_cut_the_cleaning_short():
    out = FirstLine()
    task = asyncio.create_task(run(20.0, None, out, io.StringIO(), as_json=False))
    await out.written.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
    assert await task == 128 + signal.SIGTERM


async def test_a_cancelled_demo_is_cancelled():
    out = FirstLine()
    task = asyncio.create_task(run(20.0, None, out, io.StringIO(), as_json=False))
    await out.written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
