"""The log beside a database that nobody has open → how many commits in it can be read no more.

SQLite reads the log up to the first frame whose checksum is wrong, and takes what follows for the rest of a commit that
was cut off. Mostly it is: after a power loss one commit lies there half written, and nobody was told that it was done.
Where more lie behind the break it is damage, unless the power was lost while nothing new was found: such commits do not
wait for the disk, and it may have had a later one first.
Source: the SQLite documentation, "Database File Format", section 4, "The Write-Ahead Log".
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

HEADER, FRAME = struct.Struct(">8I"), struct.Struct(">6I")
ORDERS = {0x377F0682: "<", 0x377F0683: ">"}
"""The magic numbers, and the byte order in which the words of a log are summed up."""
WORD = 0xFFFFFFFF
PAGES = frozenset(1 << bits for bits in range(9, 17))
CUT_OFF = 1
"""Commits that wait for the disk, and that a power loss can leave half written."""


class _Frame(NamedTuple):
    is_commit: bool
    is_right: bool


def lost_commits(log: Path) -> int:
    """How many commits lie behind a break of the log, where they are more than the last one; raises `OSError`."""
    is_whole, behind = True, 0
    with log.open("rb") as file:
        for frame in _frames(file):
            is_whole = is_whole and frame.is_right
            behind += frame.is_commit and not is_whole
    return behind if behind > CUT_OFF else 0


def _frames(file: BinaryIO) -> Iterator[_Frame]:
    """Those that were written since the log was last begun anew; behind them may be older ones."""
    head = file.read(HEADER.size)
    if len(head) < HEADER.size:
        return
    magic, _, size, _, salt, other, *told = HEADER.unpack(head)
    order = ORDERS.get(magic, "<")
    size = size if size in PAGES else 4096
    total = _summed(order, head[:24], (0, 0))
    is_right = list(total) == told
    while len(frame := file.read(FRAME.size + size)) == FRAME.size + size:
        _, after, one, another, *told = FRAME.unpack_from(frame)
        if (one, another) != (salt, other):
            return
        total = _summed(order, frame[FRAME.size :], _summed(order, frame[:8], total))
        is_right = is_right and list(total) == told
        yield _Frame(after > 0, is_right)


def _summed(order: str, content: bytes, total: tuple[int, int]) -> tuple[int, int]:
    first, second = total
    for one, another in struct.iter_unpack(f"{order}II", content):
        first = (first + one + second) & WORD
        second = (second + another + first) & WORD
    return first, second
