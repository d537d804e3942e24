"""what is asked for × config × environment → the control socket that a command speaks to, or the database it reads."""

import os
import socket
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from notifier.cli.options import CONFIG_IS_WRONG

SYSTEM = Path("/etc/notifier/config.toml")
HERE = Path("config.toml")
RUNNING = Path("/run/notifier")
"""Where systemd lets the system's daemon have its socket."""
KEPT = Path("/var/lib/notifier")
"""Where it has its database."""
SOCKET = "notifier.sock"
DATABASE = "notifier.db"


class Unclear(click.ClickException):
    """A config does not tell where its daemon listens."""

    exit_code = CONFIG_IS_WRONG


def socket_path(
    given: Path | None, config: Path | None, environ: Mapping[str, str], system: Path = SYSTEM, running: Path = RUNNING
) -> Path:
    """Where the daemon listens that has this config: the first place where somebody does, else the likeliest.

    Told by `given`, by the config's `server.socket`, or by custom: beside its database, or where systemd has it. Raises
    `Unclear`.
    """
    if given is not None:
        return given
    found, server, store = _told(config, environ, system)
    if server:
        return _beside(found, server)
    places = [Path(runtime.split(":")[0]) for runtime in [environ.get("RUNTIME_DIRECTORY")] if runtime]
    if store:
        places.append(_beside(found, store).parent)
    if found in {None, system}:
        places.append(running)
    if not store:
        places.extend(_of_the_user(environ))
    return min([place / SOCKET for place in places] or [running / SOCKET], key=_doubt)


def database_path(
    given: Path | None, config: Path | None, environ: Mapping[str, str], system: Path = SYSTEM, kept: Path = KEPT
) -> Path:
    """The database: told by `given`, by the config's `store.url`, or by custom: the first there is, else the likeliest.

    Raises `Unclear`.
    """
    if given is not None:
        return given
    found, _, store = _told(config, environ, system)
    if store:
        return _beside(found, store)
    places = [Path(state.split(":")[0]) for state in [environ.get("STATE_DIRECTORY")] if state]
    if found in {None, system}:
        places.append(kept)
    places.extend(_of_the_user(environ))
    return min([place / DATABASE for place in places] or [kept / DATABASE], key=lambda path: not os.path.lexists(path))


def _told(config: Path | None, environ: Mapping[str, str], system: Path) -> tuple[Path | None, str, str]:
    """The config, and what it has of `server.socket` and of the path in `store.url`."""
    named = config or (Path(environ["NOTIFIER_CONFIG"]) if environ.get("NOTIFIER_CONFIG") else None)
    found = named or next((path for path in (system, HERE) if path.exists()), None)
    return found, *(_written(found, is_named=named is not None) if found else ("", ""))


def _doubt(path: Path) -> int:
    """0 where somebody listens, 1 where a killed daemon left its socket, 2 where there is none for us."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.setblocking(False)
        try:
            caller.connect(os.fspath(path))
        except BlockingIOError:  # it has no place left for one more
            return 0
        except ConnectionRefusedError:
            return 1
        except OSError:
            return 2
    return 0


def _beside(config: Path | None, written: str) -> Path:
    """A path as the daemon reads it."""
    folder = (config or Path()).absolute().parent
    return Path(os.path.abspath(folder / written))  # noqa: PTH100  # resolve() would follow links


def _of_the_user(environ: Mapping[str, str]) -> list[Path]:
    """Where the database is by default."""
    folders = (Path(environ.get("XDG_STATE_HOME", "")), Path(environ.get("HOME", "")) / ".local/state")
    return [folder / "notifier" for folder in folders if folder.is_absolute()][:1]


def _written(path: Path, *, is_named: bool) -> tuple[str, str]:
    """`server.socket` and the path in `store.url`; "" where they are left to custom."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        if is_named:
            raise Unclear(f"{path}: the config cannot be read: {error.strerror}") from None
        return "", ""
    except (ValueError, RecursionError):
        document = {"server": None}
    server, store = _text(document, "server", "socket"), _text(document, "store", "url")
    if server is None or store is None:
        raise Unclear(f"{path} is wrong, which `notifier check` explains; --socket names the control socket without it")
    return server, store.removeprefix("sqlite:").removeprefix("//")


def _text(document: Mapping[str, Any], table: str, key: str) -> str | None:
    """What stands there, "" where nothing does; None where it is no text."""
    keys = document.get(table, {})
    value = keys.get(key, "") if isinstance(keys, dict) else None
    return value if isinstance(value, str) else None
