"""the database → is it there, sound, and writable, who has it open, and is there place for it?"""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from notifier.doctor.findings import Finding, doubt, fault, good
from notifier.store.database import LARGEST_LOG, holder
from notifier.store.examination import examine, log_of

ABOUT = "database"
LITTLE, HARDLY_ANY = 256 << 20, 32 << 20
"""Free bytes of its disk."""
LONG = 4 * LARGEST_LOG
"""Bytes of a log that is not being written back."""


def of_database(path: Path) -> list[Finding]:
    """All there is to say of the database at `path`, be it that it is still to be made."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return list(_to_be_made(path))
    except OSError as error:
        return [doubt(ABOUT, f"{path} cannot be looked at: {error.strerror}", "run it with sudo")]
    found = examine(path, thoroughly=False)
    flaws = [fault(ABOUT, f"{flaw.where}: {flaw.what}", flaw.cure) for flaw in found.flaws]
    pid = holder(path)
    whose = "nobody has it open" if pid is None else f"process {pid} has it open"
    if not flaws:
        flaws = [good(ABOUT, f"{path}: schema {found.schema}, {found.bytes:,} bytes, {whose}")]
    return [*flaws, *_rights(path), *_log(found.log_bytes), of_place(path.parent, _free(path.parent), found.bytes)]


def _to_be_made(path: Path) -> Iterator[Finding]:
    folder = next(one for one in path.parents if os.path.lexists(one))
    if _is_writable(folder):
        yield good(ABOUT, f"{path} is not there yet: the daemon makes it")
    else:
        yield doubt(ABOUT, f"{path} is not there yet, and you may not write {folder}", "see that the daemon may")
    yield of_place(folder, _free(folder), 0)


def _is_writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=True)


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def of_place(folder: Path, free: int, size: int) -> Finding:
    """Whether so many free bytes are enough for a database of so many."""
    text = f"{free >> 20:,} MiB free for {folder}"
    if free < HARDLY_ANY:
        return fault("disk", f"{text}: soon nothing can be announced", "free some space, or set store.keep lower")
    if free < max(LITTLE, size):
        return doubt(
            "disk", f"{text}: too little for a backup, or for long", "free some space, or set store.keep lower"
        )
    return good("disk", text)


def _log(size: int) -> Iterator[Finding]:
    if size > LONG:
        text = f"its log has {size >> 20:,} MiB and is not written back"
        yield doubt(ABOUT, text, "end what reads the database for so long, or restart the daemon")


def _rights(path: Path) -> Iterator[Finding]:
    """The files beside each other are of one owner, whose folder it is, and for nobody else."""
    owner = path.parent.stat().st_uid
    files = {one: one.stat() for one in (path, log_of(path)) if os.path.exists(one)}  # noqa: PTH110  # it raises nothing
    strange = [str(file) for file, found in files.items() if found.st_uid != owner]
    if strange:
        text = f"{' and '.join(strange)} is not of the owner of {path.parent}: the daemon may not write it"
        yield fault(ABOUT, text, f"sudo chown --reference={path.parent} {' '.join(strange)}")
    if path in files and files[path].st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield doubt(ABOUT, f"{path} can be read by others than its owner", f"chmod 600 {path}")
    if not _is_writable(path.parent):
        yield doubt(ABOUT, f"you may not write {path.parent}", "see that the daemon may, or run it with sudo")
