"""/proc/self → what the process uses, under the names that Prometheus has for it.

By hand, because prometheus_client also asks for what lies outside, and tells nothing at all where a confined unit
(`ProcSubset=pid`) does not see that. See proc(5).
"""

import os
import resource
from pathlib import Path

MEASURES = {
    "process_cpu_seconds_total": "CPU time that was used",
    "process_resident_memory_bytes": "Memory that is held",
    "process_virtual_memory_bytes": "Address space that is reserved",
    "process_start_time_seconds": "When it was started",
    "process_open_fds": "File descriptors that are open",
    "process_max_fds": "File descriptors that may be",
}
PROC = Path("/proc/self")


class Process:
    """This process. When it was started is worked out once: what moved by a hair at each look would seem a restart."""

    def __init__(self, now: float, up: float, proc: Path = PROC) -> None:
        """`up` are the seconds since the machine was started, those that it slept among them."""
        self._booted_at = now - up
        self._proc = proc

    def used(self) -> dict[str, float]:
        """Each of `MEASURES`; nothing where there is no /proc."""
        try:
            stat = (self._proc / "stat").read_text()
            opened = sum(1 for _ in (self._proc / "fd").iterdir())
        except OSError:
            return {}
        told = stat.rpartition(")")[2].split()  # from the third field on: the second, a name, may hold anything
        user, system, begun = (int(told[field - 3]) / os.sysconf("SC_CLK_TCK") for field in (14, 15, 22))
        virtual, resident = int(told[23 - 3]), int(told[24 - 3]) * resource.getpagesize()
        most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        values = (user + system, resident, virtual, self._booted_at + begun, opened, most)
        return dict(zip(MEASURES, values, strict=True))
