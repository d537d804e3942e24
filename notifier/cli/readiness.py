"""the control socket of a daemon → does it run, does it answer, is it ready?"""

import http.client
from collections.abc import Iterator
from contextlib import closing
from http import HTTPStatus
from pathlib import Path

from notifier.cli.control import Connection, is_ours
from notifier.doctor.findings import Finding, doubt, fault, good

ABOUT = "daemon"
PATIENCE = 5.0
"""Seconds until it has answered."""
START = "sudo systemctl start notifier; without systemd: notifier run"
SEE_LOG = "see its log: journalctl -u notifier; then sudo systemctl restart notifier"
LARGEST = 64 * 1024


def of_daemon(path: Path, pid: int | None, patience: float = PATIENCE) -> list[Finding]:
    """What comes of asking it whether it is ready; `pid` is of the process that has the database open."""
    whose = f"process {pid}, which has the database open," if pid else "it"
    try:
        with closing(Connection(path, patience)) as connection:
            connection.request("GET", "/readyz?verbose")
            answer = connection.getresponse()
            lines = answer.read(LARGEST).decode(errors="replace").splitlines()
    except (FileNotFoundError, ConnectionRefusedError):
        if pid is None:
            return [doubt(ABOUT, f"it does not run: nobody listens at {path}", START)]
        return [fault(ABOUT, f"{whose} does not listen at {path}", f"{SEE_LOG}; or name the config that it has")]
    except PermissionError:
        return [doubt(ABOUT, f"you may not use {path}", "run it with sudo, or join the group of that socket")]
    except TimeoutError:
        return [fault(ABOUT, f"{whose} has not answered at {path} for {patience:g} s", SEE_LOG)]
    except (OSError, http.client.HTTPException):
        return [_stranger(path)]
    return list(_told(path, answer, lines, pid)) if is_ours(answer) else [_stranger(path)]


def _stranger(path: Path) -> Finding:
    return fault(ABOUT, f"what answers at {path} is not notifier", "end it, or name another server.socket")


def _told(path: Path, answer: http.client.HTTPResponse, lines: list[str], pid: int | None) -> Iterator[Finding]:
    if answer.status == HTTPStatus.OK:
        yield good(ABOUT, f"it is ready{'' if pid is None else f', process {pid}'}, and listens at {path}")
        return
    faults = [line.removeprefix("[-] ") for line in lines if line.startswith("[-]")]
    yield from (fault(ABOUT, f"it is not ready: {one}", SEE_LOG) for one in faults or ["it does not say why"])
