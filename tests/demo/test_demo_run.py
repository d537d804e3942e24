"""The whole demo, as a stranger starts it."""

import asyncio
import io
import json
import os
import signal
import socket
import sys
import tempfile
from itertools import count

import pytest

from notifier.core.model import Status
from notifier.demo import conclude, run
from notifier.demo.acts import three_acts
from notifier.demo.ledger import Ledger, Receipt
from notifier.demo.report import Report
from notifier.demo.stage import Stage
from notifier.demo.timeline import script
from notifier.demo.view import Lines

NOTIFIER = (sys.executable, "-m", "notifier", "demo")


@pytest.fixture
async def started(tmp_path):
    """Start the demo, with `tmp_path` for its temporary files."""
    processes = []

    async def started(*arguments, stdout=asyncio.subprocess.PIPE):
        process = await asyncio.create_subprocess_exec(
            *NOTIFIER,
            *arguments,
            env={**os.environ, "TMPDIR": str(tmp_path)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=stdout,
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
    await begun(process)
    process.send_signal(number)
    process.send_signal(number)
    _, err = await process.communicate()
    assert (process.returncode, err.decode()) == (128 + number, "")
    assert list(tmp_path.iterdir()) == []


async def begun(process):
    """Until everything was looked at once, and things begin to change."""
    async for line in process.stdout:
        if b"everything was looked at once" in line:
            return


async def test_a_daemon_that_ends_too_early_has_the_last_word(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    out, err = io.StringIO(), io.StringIO()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert await run(20.0, port, out, err, as_json=False) == 1
    ended, last_words = err.getvalue().split("\n", 1)
    assert ended == "the daemon ended with 1; its last words:"
    assert f'critical ended reason="server.listen: 127.0.0.1:{port}: Address already in use"\n' in last_words
    assert list(tmp_path.iterdir()) == []


async def test_a_reader_that_has_seen_enough_ends_it_without_a_word(started, tmp_path):
    # A receiver that could not tell of its webhook answered 500 once, and wrote a trace for each.
    reading, writing = os.pipe()
    process = await started(stdout=writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as reader:
        assert reader.readline().startswith(b"posts, media")
    _, err = await process.communicate()
    assert (process.returncode, err.decode()) == (128 + signal.SIGPIPE, "")
    assert list(tmp_path.iterdir()) == []


async def test_a_demo_that_is_killed_takes_its_daemon_with_it(started, unused_tcp_port):
    process = await started("--port", str(unused_tcp_port))
    await begun(process)
    reader, writer = await asyncio.open_connection("127.0.0.1", unused_tcp_port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n")
    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    process.kill()
    async with asyncio.timeout(30):  # less than the server waits for another request
        await reader.read()
    writer.close()
    await process.communicate()


@pytest.mark.parametrize(("exit_", "code"), [(0, 0), (1, 1)])
@pytest.mark.parametrize("as_json", [False, True])
def test_only_a_good_report_is_an_exit_of_0_and_a_bad_one_shows_the_daemon_s_log(exit_, code, as_json):
    ledger = Ledger({"app": ("upload.*",)})
    ledger.became(("posts", "1"), Status.COMPLETED, 1.0)
    ledger.showed(("posts", "1"), 1.5)
    ledger.received(Receipt(2.0, "app", True, None, "evt_1", "upload.completed", ("posts", "1"), 1))
    report = Report(1.0, ledger.verdict(), {"posts": 3}, 0, exit_, "its last line")
    shown, out, err = io.StringIO(), io.StringIO(), io.StringIO()
    assert conclude(report, Lines(shown, lambda: 0.0), out, err, as_json=as_json) == code
    assert report.headline in shown.getvalue()
    assert ("its last line" in err.getvalue()) is bool(code)
    if as_json:
        assert json.loads(out.getvalue())["ok"] is (not code)
    else:
        assert ("docs/tutorial.md" in out.getvalue()) is (not code)  # what to do next, where all is well


class Begun(io.StringIO):
    """Tells when things begin to change."""

    def __init__(self):
        super().__init__()
        self.written = asyncio.Event()

    def write(self, text):
        if "everything was looked at once" in text:
            self.written.set()
        return super().write(text)


async def test_a_second_interruption_does_not_cut_the_cleaning_short():
    out = Begun()
    task = asyncio.create_task(run(20.0, None, out, io.StringIO(), as_json=False))
    await out.written.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
    assert await task == 128 + signal.SIGTERM


async def test_a_cancelled_demo_is_cancelled():
    out = Begun()
    task = asyncio.create_task(run(20.0, None, out, io.StringIO(), as_json=False))
    await out.written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class Idle:
    """A daemon that runs, and does nothing."""

    ended = None


async def test_a_clock_that_jumps_leaves_no_change_out():
    # The time for them was over then before anything had changed, and that ended as good.
    clock = count(1_800_000_000.0, 1000.0).__next__
    view = Lines(io.StringIO(), clock)
    stage = Stage(script(6.0), clock, view)
    await three_acts(6.0, stage, Idle(), view, clock)
    assert stage.ledger.verdict().changes == 25
