"""A copy of the database while the daemon goes on: all that is committed when it begins, and nothing half done."""

import asyncio
import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from notifier.store.owing import Owing

COPY = "VACUUM INTO ?"
LEFT = "unless another copy is being made to there, one was cut off: delete this file"


class CannotCopyError(Exception):
    """The copy cannot be made; the message says why, and what would cure it."""


class Copying(Owing):
    """The part of the store that copies itself."""

    async def backup(self, to: Path) -> int:
        """Copy the database to a file that is not there yet, for its owner alone; answers its bytes.

        Nobody waits for it, but the log beside the database grows meanwhile. Raises `CannotCopyError`, and then nothing
        is left of it.
        """
        return await asyncio.to_thread(_copied, self.database.path, to)


def _copied(path: Path, to: Path) -> int:
    part = to.with_name(f".{to.name}.part")
    made = False
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        made = True
        with closing(sqlite3.connect(f"file:{quote(os.fspath(path))}?mode=ro", uri=True)) as connection:
            connection.execute(COPY, (os.fspath(part),))
        _flush(part)
        os.link(part, to)  # which replaces nothing
        _flush(to.parent)
        return to.stat().st_size
    except OSError as error:
        if isinstance(error, FileExistsError) and not made:
            raise CannotCopyError(f"{part}: {error.strerror}: {LEFT}") from error
        raise CannotCopyError(f"{to}: {error.strerror}: {_cure(error)}") from error
    except sqlite3.Error as error:
        raise CannotCopyError(f"{to}: {error}: free some space on its disk, or choose another") from error
    finally:
        if made:
            with suppress(OSError):
                part.unlink()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cure(error: OSError) -> str:
    if isinstance(error, FileExistsError):
        return "name a file that is not there yet"
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "make its folder first"
    return "name a place that the daemon may write; under systemd that is /var/lib/notifier"
