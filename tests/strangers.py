"""Somebody who may not: a superuser, whom nothing stops, is somebody else meanwhile; others lose their own rights."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def stranger(to: Mapping[Path, int]) -> Iterator[None]:
    """Be one to whom these files and folders have these modes, and who can come near them."""
    superuser = os.geteuid() == 0
    for folder in {above for path in to for above in path.parents} if superuser else ():
        folder.chmod(folder.stat().st_mode | 0o111)  # those that pytest makes are its own
    before = {path: path.stat().st_mode for path in to}
    for path, mode in to.items():
        path.chmod(mode)
    if superuser:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if superuser:
            os.seteuid(0)
        for path, mode in before.items():
            path.chmod(mode)
