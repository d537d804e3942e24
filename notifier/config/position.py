"""text × key path → line and column, without a second parser.

`tomllib` keeps no positions. The statement that brings a key is the last of the shortest beginning of the file that
holds it; a bisection finds that beginning, so that only a config with something to be said about it pays.
"""

import io
import re
import tomllib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from notifier.config.faults import KeyPath

LAST_LINE = re.compile(r"[\]}]|\"{3}|'{3}")
"""What the last line of a value of several lines has in it."""


class Toml:
    """A TOML text and the places of its keys."""

    def __init__(self, text: str) -> None:
        self._lines = list(io.StringIO(text))  # at "\n" alone, as editors count
        self.document = tomllib.loads(text)

    def position(self, path: KeyPath) -> tuple[int, int]:
        """Line and column, from 1, of the key at `path`, or of the deepest table around it that is there."""
        while not holds(self.document, path):
            path = path[:-1]
        if not path:
            return 1, 1
        before = bisect_left(self._ends, x=True, key=lambda end: holds(self._beginning(end), path)) - 1
        line = self._ends[before]
        return line + 1, _column(self._lines[line], path)

    @cached_property
    def _ends(self) -> list[int]:
        """How many lines the first statement has, the first two, the first three; 0 before them all."""
        return [0, *_ends(self._lines)]

    def _beginning(self, count: int) -> dict[str, Any]:
        return tomllib.loads("".join(self._lines[:count]))


def _ends(lines: Sequence[str]) -> Iterator[int]:
    start = 0
    for end, line in enumerate(lines, 1):
        alone = end == start + 1
        if (alone or LAST_LINE.search(line)) and _is_whole("".join(lines[start:end])):
            yield end
            start = end


def _is_whole(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def holds(document: Any, path: KeyPath) -> bool:
    """Whether there is a value at `path`."""
    try:
        for part in path:
            document = document[part]
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _column(line: str, path: KeyPath) -> int:
    """Where the last part of `path` stands in its line as a key; 1 for a header and for an item of a list."""
    if isinstance(path[-1], int) or line.lstrip().startswith("["):
        return 1
    key = re.escape(path[-1])
    found = re.search(rf"(?<![\w-])(?:{key}|\"{key}\"|'{key}')(?=\s*[=.])", line)
    return found.start() + 1 if found else 1
