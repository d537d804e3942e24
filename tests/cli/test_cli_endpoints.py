"""`notifier endpoints`: how each receiver fares, as the daemon tells it."""

import asyncio
import json
import subprocess
import sys

import pytest
from asking import served
from world import endpoint

from notifier.cli.endpoints import _why

HEAVY = ("aiohttp", "asyncio", "pydantic", "rich", "apscheduler", "aiosqlite", "cryptography")
NOW = 1_800_000_000.0
SOON = "2027-01-15T08:00:30.000Z"
GONE_BY = "2027-01-15T07:59:30.000Z"
DOWN = "127.0.0.1 cannot be connected to: Connection refused"


async def test_endpoints_are_a_line_each(asks, tmp_path):
    async with served(tmp_path, endpoint("app"), endpoint("crm")):
        code, out, err = await asks("endpoints")
    assert (code, err) == (0, "")
    heading, *lines = out.splitlines()
    assert heading.split("  ")[0] == "NAME"
    assert [line.split() for line in lines] == [[name, "ok", "0", "–", "0", "0", "–", "–"] for name in ("app", "crm")]


async def test_they_are_one_document_for_programs(asks, tmp_path):
    async with served(tmp_path, endpoint("app"), endpoint("crm")) as (_, caller, _):
        code, out, err = await asks("endpoints", "--json")
        assert (code, err) == (0, "")
        assert json.loads(out) == (await caller.get("/v1/endpoints")).body


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"reason": None, "next_at": SOON}, None),
        ({"reason": {"code": "person", "text": "somebody paused it"}}, "somebody paused it"),
        ({"reason": {"code": "failing", "text": DOWN}, "next_at": SOON}, f"{DOWN}; next in 30 s"),
        ({"reason": {"code": "failing", "text": DOWN}, "next_at": GONE_BY}, f"{DOWN}; next now"),
    ],
)
def test_why_nothing_goes_is_told_in_the_words_of_the_daemon_with_when_something_does(given, told):
    assert _why({"next_at": None, **given}, NOW) == told


async def test_a_command_imports_nothing_heavy_where_a_pipe_reads_it(tmp_path):
    code = (
        "import sys; from notifier.cli import main\n"
        "try: main()\n"
        f"except SystemExit: print(*(name for name in {HEAVY} if name in sys.modules), file=sys.stderr)"
    )
    async with served(tmp_path):
        command = [sys.executable, "-c", code, "endpoints", "--socket", tmp_path / "notifier.sock"]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("NAME ")
    assert done.stderr == "\n"
