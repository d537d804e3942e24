"""The control socket: a path → a socket that is bound there, for its owner and group, and nobody else's."""

import errno
import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MODE = 0o660


class CannotListen(OSError):
    """The path of `server.socket`, or the address of `server.listen`, cannot be had; the message says why."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A socket, and the file that it is."""

    socket: socket.socket
    path: Path
    inode: tuple[int, int]

    def remove(self) -> None:
        """Take the file away, unless another has come in its place."""
        if _inode(self.path) == self.inode:
            self.path.unlink(missing_ok=True)


def bind(path: Path) -> Bound:
    """Bound and listened at, whoever connects waiting to be served; raises `CannotListen`.

    What a daemon has left behind that was killed is replaced; never one at which another listens, nor any other file.
    Listened at already here: another daemon that starts meanwhile would take it for left behind.
    """
    here = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _alone_in(path.parent):
            _clear(path)
            here.bind(os.fspath(path))
            path.chmod(MODE)  # before anybody can connect, and whatever the umask took away
            here.listen()
    except OSError as error:
        here.close()
        why = error if isinstance(error, CannotListen) else _why(error)
        raise CannotListen(f"server.socket: {path}: {why}") from None
    return Bound(here, path, _inode(path))


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Let no other daemon bind a socket in the folder meanwhile: two would find the same one left behind."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _clear(path: Path) -> None:
    try:
        is_socket = stat.S_ISSOCK(path.lstat().st_mode)
    except FileNotFoundError:
        return
    if not is_socket:
        raise CannotListen("there is a file that is no socket: move it away, or choose another path")
    if _answers(path):
        raise CannotListen("another daemon listens there: end that one, or choose another path")
    path.unlink(missing_ok=True)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.setblocking(False)  # at a socket of this machine it is known at once
        try:
            caller.connect(os.fspath(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except BlockingIOError:  # it has no place left for one more
            pass
        return True


def _inode(path: Path) -> tuple[int, int]:
    """What the file is, whatever it is called; (0, 0) where there is none."""
    try:
        found = path.lstat()
    except OSError:
        return 0, 0
    return found.st_dev, found.st_ino


def _why(error: OSError) -> str:
    cure = {
        errno.ENOENT: "make its folder, or choose another path",
        errno.EACCES: "the daemon's user must be able to write its folder",
    }.get(error.errno or 0, "")
    words = error.strerror or str(error)
    return f"{words}: {cure}" if cure else words
