"""What the process uses, as far as /proc tells."""

import os
import time
from pathlib import Path

import pytest

from notifier.server.process import MEASURES, Process

STAT = "4711 (a (name) of) it) S 1 2 3 4 5 6 7 8 9 10 150 50 13 14 15 16 17 18 6000 123456789 321 22 23\n"
"""Of proc(5); 150 and 50 ticks of CPU time, begun at tick 6000."""


@pytest.fixture
def proc(tmp_path):
    (tmp_path / "stat").write_text(STAT)
    for number in range(3):
        (tmp_path / "fd").mkdir(exist_ok=True)
        (tmp_path / "fd" / str(number)).touch()
    return tmp_path


def test_it_is_read_as_proc_has_it(proc):
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    told = Process(now=1_800_000_000.0, up=1000.0, proc=proc).used()
    assert told.pop("process_max_fds") >= 3
    assert told == {
        "process_cpu_seconds_total": 200 / ticks,
        "process_resident_memory_bytes": 321 * page,
        "process_virtual_memory_bytes": 123456789,
        "process_start_time_seconds": 1_799_999_000.0 + 6000 / ticks,
        "process_open_fds": 3,
    }


@pytest.mark.parametrize("lacks", ["stat", "fd"])
def test_where_there_is_no_proc_nothing_is_told(proc, lacks):
    (proc / lacks).rename(proc / "elsewhere")
    assert Process(0.0, 0.0, proc).used() == {}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="there is no /proc here")
def test_of_this_process_it_tells_what_can_be():
    now = time.time()
    process = Process(now, time.clock_gettime(time.CLOCK_BOOTTIME))
    told = process.used()
    assert told.keys() == MEASURES.keys()
    assert now - 86400 < told["process_start_time_seconds"] < now
    assert told["process_virtual_memory_bytes"] > told["process_resident_memory_bytes"] > 1e6
    assert told["process_max_fds"] > told["process_open_fds"] > 2
    assert told["process_cpu_seconds_total"] > 0
    assert process.used()["process_start_time_seconds"] == told["process_start_time_seconds"]
