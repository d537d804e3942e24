"""What the store raises: each names the file, or what was asked for, and the cure."""

import sqlite3
from pathlib import Path


class StoreError(Exception):
    """The database cannot be used; the message says which file, why, and what would cure it."""


class NewerDatabaseError(StoreError):
    """The file was written by a newer program; nothing was changed."""


class OtherProviderError(StoreError):
    """A source of the config has the name of one at another provider."""

    def __init__(self, source: str, before: str, now: str) -> None:
        """What to do is the same, whichever they are."""
        super().__init__(
            f"sources.{source}.provider: {source} is a source at {before}: give the one at {now} another name"
        )


class UnknownNameError(LookupError):
    """Nothing has this name or id; the message says what there is instead."""


class told:  # noqa: N801  # reads as a word: with told(path)
    """Turn what the driver raises into a `StoreError` that names the file and the cure."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, sqlite3.Error) and not isinstance(
            error, sqlite3.IntegrityError | sqlite3.ProgrammingError
        ):
            raise StoreError(f"{self.path}: {error}: {_cure(error)}") from error


RIGHTS = "the daemon's user must be able to write it and its folder"
_CURES = {
    sqlite3.SQLITE_FULL: "free some space on its disk; nothing was lost",
    sqlite3.SQLITE_READONLY: RIGHTS,
    sqlite3.SQLITE_CANTOPEN: RIGHTS,
    sqlite3.SQLITE_BUSY: "another program holds it: end that one",
    sqlite3.SQLITE_CORRUPT: "move it away and restore a backup",
    sqlite3.SQLITE_NOTADB: "move it away and restore a backup",
}


def _cure(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # the primary code, without its details
    return _CURES.get(code, "see the disk and its log")
