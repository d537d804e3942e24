"""secrets in files → those that root can read and the service cannot, which is somebody else."""

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from notifier.config.certificates import FILES
from notifier.config.checks import hidden_texts
from notifier.config.faults import KeyPath, key_of
from notifier.config.models import File
from notifier.config.secrets import Reference

HIDDEN = tuple(map(Path, ("/home", "/root", "/run/user")))
"""What a unit with ProtectHome= sees nothing of."""
CURE = 'put it into /etc/notifier/credentials, and write { credential = "NAME" }'


def kept_from_service(file: File, folder: Path, hidden: Sequence[Path] = HIDDEN) -> list[str]:
    """A sentence for each; `folder` is that of the config. What is not there is none: it is a fault."""
    document = {table: [{"name": one.name} for one in getattr(file, table)] for table in ("sources", "endpoints")}
    return [
        f"{key_of(document, path)}: {what} {why}: {CURE}"
        for path, reference, what in _files(file)
        if (why := _why(folder / reference.name, hidden))
    ]


def _files(file: File) -> Iterator[tuple[KeyPath, Reference, str]]:
    """Each with its key and its name, which is not told where a key could have been put in its place."""
    for path, hidden, _ in hidden_texts(file):
        if isinstance(hidden, Reference) and hidden.kind == "file":
            yield path, hidden, str(hidden)
    for index, endpoint in enumerate(file.endpoints):
        for key in FILES:
            reference = getattr(endpoint, key)
            if reference is not None and reference.kind == "file":
                yield ("endpoints", index, key), reference, "the file"


def _why(path: Path, hidden: Sequence[Path]) -> str:
    there = path.absolute()
    try:
        readable = there.stat().st_mode & stat.S_IROTH
        enterable = all(folder.stat().st_mode & stat.S_IXOTH for folder in there.parents)
    except OSError:
        return ""
    if not readable or not enterable:
        return "is not for everybody to read, and the service is not root"
    unseen = next((one for one in hidden if there.resolve().is_relative_to(one)), None)
    return f"is in {unseen}, of which the service sees nothing" if unseen else ""
