"""A wall clock that a test sets under a process which takes it for the real one."""

import mmap
import struct
import time
from pathlib import Path


class Clock:
    """The wall clock, ahead by as many seconds as the double in a file says."""

    def __init__(self):
        self._real = time.time
        self._ahead = bytes(8)

    def __call__(self):
        return self._real() + struct.unpack_from("d", self._ahead)[0]

    def follow(self, path):
        """Go by this file, which may change at any time."""
        with Path(path).open("rb") as file:
            self._ahead = mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ)


CLOCK = Clock()
time.time = CLOCK
