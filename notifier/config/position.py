"""text × key path → line and column, without a second parser.

`tomllib` keeps no positions. But it can read each statement of a text by itself, and says which keys that statement
brings; under which table they are, the headers before it tell. Only a config with something to be said about it pays.
"""

import io
import re
import tomllib
from collections.abc import Iterator, Sequence
from typing import Any

from notifier.config.faults import KeyPath

DEEPEST = 64
"""Tables and lists within one another that a statement may have: no config needs more than a handful."""
LAST_LINE = re.compile(r"(?:[\]}]|\"{3}|'{3})\s*(?:#.*)?$")
"""How the last line of a value of several lines ends."""


class TooDeep(ValueError):
    """A TOML text that is nested too deep, in the statement that begins at `line`, from 1."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class Toml:
    """A TOML text and the places of its keys."""

    def __init__(self, text: str) -> None:
        """Raises a ValueError, or a RecursionError, where the text is no TOML that can be dealt with."""
        self._lines = list(io.StringIO(text))  # at "\n" alone, as editors count
        self._places: dict[KeyPath, int] = {}
        self._to_come = self._keys()
        self.document = tomllib.loads(text)
        if _is_deeper(self.document, DEEPEST):
            for line, statement in _statements(self._lines):
                if _is_deeper(statement, DEEPEST):
                    raise TooDeep(line + 1)

    def position(self, path: KeyPath) -> tuple[int, int]:
        """Line and column, from 1, of the key at `path`, or of the deepest table around it that is there."""
        while path and path not in self._places:
            if (found := next(self._to_come, None)) is None:
                path = path[:-1]
            else:
                self._places.setdefault(*found)
        if not path:
            return 1, 1
        line = self._places[path]
        return line + 1, _column(self._lines[line], path)

    def _keys(self) -> Iterator[tuple[KeyPath, int]]:
        """Each key, and the first line of the statement that brings it, from 0; those of tables more than once."""
        table: KeyPath = ()
        lengths: dict[KeyPath, int] = {}
        for line, statement in _statements(self._lines):
            if self._lines[line].lstrip().startswith("["):
                table = _table(statement, lengths)
                yield from ((table[:end], line) for end in range(1, len(table) + 1))
            else:
                yield from (((*table, *path), line) for path in _paths(statement))


def _table(header: dict[str, Any], lengths: dict[KeyPath, int]) -> KeyPath:
    """The table that a header opens, `lengths` being how many tables each list of them has so far."""
    table: KeyPath = ()
    held: Any = header
    while held:  # {"a": {"b": {}}} for [a.b], {"a": {"b": [{}]}} for [[a.b]]
        [(key, held)] = held.items()
        table = (*table, key)
        if isinstance(held, list):
            lengths[table] = lengths.get(table, 0) + 1
            held = None
        if table in lengths:
            table = (*table, lengths[table] - 1)
    return table


def _paths(statement: dict[str, Any]) -> Iterator[KeyPath]:
    """The path of every value in a statement, those around it before it."""
    left: list[tuple[KeyPath, Any]] = [((), statement)]
    while left:
        path, value = left.pop()
        if path:
            yield path
        left += [((*path, key), inner) for key, inner in _inside(value)]


def _inside(value: Any) -> list[tuple[str | int, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def _is_deeper(document: Any, most: int) -> bool:
    """Whether more than so many tables and lists are within one another; found without recursion."""
    layer = [document]
    for _ in range(most + 1):
        layer = [inner for value in layer for _, inner in _inside(value) if isinstance(inner, dict | list)]
        if not layer:
            return False
    return True


def _statements(lines: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each statement: its first line, from 0, and what it says by itself."""
    start = 0
    for end, line in enumerate(lines, 1):
        alone = end == start + 1
        if alone or LAST_LINE.search(line):
            statement = _read("".join(lines[start:end]))
            if statement is not None:
                yield start, statement
                start = end


def _read(text: str) -> dict[str, Any] | None:
    """What a piece of TOML says; None where it is not whole."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _column(line: str, path: KeyPath) -> int:
    """Where the last part of `path` stands in its line as a key; 1 for a header and for an item of a list."""
    if isinstance(path[-1], int) or line.lstrip().startswith("["):
        return 1
    key = re.escape(path[-1])
    found = re.search(rf"(?<![\w-])(?:{key}|\"{key}\"|'{key}')(?=\s*[=.])", line)
    return found.start() + 1 if found else 1
