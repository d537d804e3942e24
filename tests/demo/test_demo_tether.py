"""What is tied to the demo ends with it."""

import asyncio
import os
import signal

from notifier.demo.daemon import TETHERED
from notifier.demo.tether import heed


async def test_it_is_the_program(tmp_path):
    (tmp_path / "config.toml").write_text("[stoer]")
    process = await asyncio.create_subprocess_exec(
        *TETHERED, str(tmp_path / "config.toml"), stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    told = await process.stderr.read()
    assert b'config.toml:1:1: stoer: unknown key; did you mean "store"?' in told
    assert await process.wait() == 78


def test_the_end_of_its_stdin_asks_it_to_stop():
    reading, writing = os.pipe()
    asked = []
    before = signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    try:
        os.write(writing, b"a word is nothing")
        os.close(writing)
        heed(reading)
    finally:
        signal.signal(signal.SIGTERM, before)
        os.close(reading)
    assert asked == [signal.SIGTERM]
