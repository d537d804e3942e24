"""a config and the files that it includes → one document, and where in which file each key of it stands."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from glob import glob, has_magic
from pathlib import Path
from typing import Any

from notifier.config.faults import ConfigError, Fault, KeyPath, key_of
from notifier.config.position import Toml
from notifier.config.syntax import toml_of

READABLE_FOR_OTHERS = 0o044
LARGEST = 1024 * 1024
"""Bytes of a file: enough for thousands of sources, and no device can fill the memory."""
MOST = 1000
"""Files that a config may include."""
BYTE_ORDER_MARK = "\ufeff"
"""Some editors begin a UTF-8 text with it."""
TABLES = ("sources", "endpoints")
"""What an included file may hold."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One of the files; of each list of tables, which place of the whole its first one has."""

    file: str
    toml: Toml
    is_readable: bool
    """Other users of the machine can read it."""
    first: dict[str, int] = field(default_factory=dict)


class Whole:
    """The files as one."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        main, *others = self._pieces = pieces
        self.document: dict[str, Any] = dict(main.toml.document)
        self.faults = [fault for piece in others for fault in _foreign(piece)]
        """What stands in an included file though it may stand in the config alone."""
        self.is_readable = any(piece.is_readable for piece in pieces)
        for piece in others:
            for table in TABLES:
                before, more = self.document.get(table, []), piece.toml.document.get(table)
                if isinstance(before, list) and isinstance(more, list) and more:
                    piece.first[table] = len(before)
                    self.document[table] = [*before, *more]

    def fault(self, path: KeyPath, message: str, suggestion: str) -> tuple[tuple[int, ...], Fault]:
        """What is wrong at `path`, with its place, and by what it goes among others."""
        number, piece, inner = self._place(path)
        line, column = piece.toml.position(inner)
        order = (number, line, column, *(part for part in inner if isinstance(part, int)))
        return order, Fault(piece.file, line, column, key_of(self.document, path), message, suggestion)

    def _place(self, path: KeyPath) -> tuple[int, Piece, KeyPath]:
        """In which of the files that is, and where there."""
        match path:
            case (str(table), int(index), *rest):
                for number, piece in reversed(list(enumerate(self._pieces))):
                    if index >= piece.first.get(table, index + 1):
                        return number, piece, (table, index - piece.first[table], *rest)
        return 0, self._pieces[0], path


def whole(path: Path) -> Whole:
    """The config at `path` with all that it includes; raises `ConfigError` where a file of it is none."""
    main = _piece(path)
    others: list[Piece] = []
    faults: list[Fault] = []
    for one in _included(path, main, faults):
        try:
            others.append(_piece(one))
        except ConfigError as error:
            faults += error.faults
    if faults:
        raise ConfigError(*faults)
    return Whole([main, *others])


def _piece(path: Path) -> Piece:
    text, readable = _text(path)
    return Piece(str(path), toml_of(text, str(path)), readable)


def _included(path: Path, main: Piece, faults: list[Fault]) -> Iterator[Path]:
    """Each file once, those of a pattern in the order of their names, and never the config itself."""
    patterns = main.toml.document.get("include")
    known = {path.resolve()}
    for number, pattern in enumerate(patterns if isinstance(patterns, list) else ()):
        if not isinstance(pattern, str) or not pattern or not pattern.isprintable():  # `parse` tells of it
            continue
        found = sorted(glob(os.path.join(path.parent, pattern)))  # noqa: PTH118, PTH207  # pathlib's knows no absolute one
        if not found and not has_magic(pattern):
            line, column = main.toml.position(("include", number))
            faults.append(Fault(main.file, line, column, f"include.{number + 1}", "there is no such file"))
        for one in map(Path, found):
            if one.resolve() not in known:
                known.add(one.resolve())
                yield one
        if len(known) > MOST:
            line, column = main.toml.position(("include", number))
            words = f"expected at most {MOST} files in all"
            raise ConfigError(Fault(main.file, line, column, f"include.{number + 1}", words))


def _foreign(piece: Piece) -> Iterator[Fault]:
    """What may stand in the config alone: of two files with [delivery] nobody would know which one counts."""
    for key, value in piece.toml.document.items():
        if key not in TABLES or not isinstance(value, list):
            line, column = piece.toml.position((key,))
            words = "expected [[sources]] and [[endpoints]] alone: all else stands in the config that includes this"
            yield Fault(piece.file, line, column, key_of({}, (key,)), words)


def _text(path: Path) -> tuple[str, bool]:
    """The text of the file, and whether other users of the machine can read it."""
    try:
        with path.open("rb") as file:
            readable = bool(os.fstat(file.fileno()).st_mode & READABLE_FOR_OTHERS)
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ConfigError(
                Fault(str(path), 0, 0, "", f"the config is too long: expected at most {LARGEST >> 20} MiB")
            )
        return content.decode().removeprefix(BYTE_ORDER_MARK), readable
    except OSError as error:
        fault = Fault(str(path), 0, 0, "", f"the config cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        *lines, rest = content[: error.start].decode().split("\n")
        fault = Fault(str(path), len(lines) + 1, len(rest) + 1, "", "expected UTF-8 text")
    raise ConfigError(fault)
