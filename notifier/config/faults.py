"""What is wrong with a config: found at a key, told with file and line."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

KeyPath = tuple[str | int, ...]
"""Where a value is in the document: `("sources", 0, "budget")`; items are counted from 0."""


class Wrong(ValueError):
    """A value is not what it should be. The message says what was expected, and never shows the value."""

    def __init__(self, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to say about a key, before anybody knows its line."""

    path: KeyPath
    message: str
    suggestion: str = ""


class Findings:
    """All that is found in one config, in the order in which it is found."""

    def __init__(self) -> None:
        self.faults: list[Finding] = []
        self.warnings: list[Finding] = []
        self._at_fault: set[KeyPath] = set()
        self._around: set[KeyPath] = set()

    def fault(self, path: KeyPath, message: str, suggestion: str = "") -> None:
        """Note a fault, unless its key, one above or one below has a fault already: then it follows from that one."""
        if path in self._around or self.at_fault(path):
            return
        self.faults.append(Finding(path, message, suggestion))
        self._at_fault.add(path)
        self._around.update(path[:end] for end in range(len(path)))

    def warn(self, path: KeyPath, message: str, suggestion: str = "") -> None:
        """Note what works, but perhaps not as it was meant."""
        self.warnings.append(Finding(path, message, suggestion))

    @contextmanager
    def at(self, path: KeyPath) -> Iterator[None]:
        """Note it at `path` where the block raises `Wrong`."""
        try:
            yield
        except Wrong as wrong:
            self.fault(path, str(wrong), wrong.suggestion)

    def at_fault(self, path: KeyPath) -> bool:
        """Whether the value at `path` is a stand-in: it, or a table around it, is at fault."""
        return any(path[:end] in self._at_fault for end in range(len(path) + 1))


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to be mended, as it is shown: `config.toml:4:1: sources.posts.budgett: unknown key; did you mean …`.

    `line` and `column` count from 1; they are 0, and `key` is "", where the fault is not in the text of the file.
    """

    file: str
    line: int
    column: int
    key: str
    message: str
    suggestion: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        said = f'{self.message}; did you mean "{self.suggestion}"?' if self.suggestion else self.message
        return ": ".join(part for part in (place, self.key, said) if part)


class ConfigError(Exception):
    """The config cannot be used; `faults` holds every reason, in the order of the file."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(*faults)
        self.faults = faults

    def __str__(self) -> str:
        return "\n".join(map(str, self.faults))


NAME = re.compile(r"[a-z0-9_-]+")
"""What a source or an endpoint may be called."""


def key_of(document: object, path: KeyPath) -> str:
    """The path for people: `sources.posts.budget`; what has no name goes by its number, from 1."""
    parts = []
    for part in path:
        document = _inside(document, part)
        parts.append(_numbered(document, part) if isinstance(part, int) else _bare(part))
    return ".".join(parts)


def _inside(document: object, part: str | int) -> object:
    if isinstance(part, int):
        return document[part] if isinstance(document, list) else None
    return document.get(part) if isinstance(document, dict) else None


def _numbered(item: object, index: int) -> str:
    name = item.get("name") if isinstance(item, dict) else None
    return name if isinstance(name, str) and NAME.fullmatch(name) else str(index + 1)


def _bare(key: str) -> str:
    """A key as TOML would have it: quoted unless it is plain, escaped where a terminal could stumble over it."""
    plain = re.fullmatch(r"[A-Za-z0-9_-]+", key)
    return key if plain else json.dumps(key, ensure_ascii=not key.isprintable())
