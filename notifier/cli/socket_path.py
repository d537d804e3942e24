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


TOLD = {
    "": frozenset({"include", "store", "server", "delivery", "sources", "endpoints"}),
    "server": frozenset({"socket", "listen", "token", "notify_urls", "notify_secrets", "encoding"}),
    "store": frozenset({"url", "keep"}),
}
"""The keys at the top of a config, and in the tables that say where its daemon is."""


class Unclear(click.ClickException):
    """A config does not tell where its daemon listens, or keeps its database."""

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
    found, is_named = _found(config, environ, system)
    server, store = _written(found, is_named=is_named) if found else ("", "")
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

    Raises `Unclear` where the config has any fault of form: a sound file is no comfort where it is not the one in use.
    """
    if given is not None:
        return given
    found, _ = _found(config, environ, system)
    _, store = _explained(found) if found else ("", "")
    if store:
        return _beside(found, store)
    places = [Path(state.split(":")[0]) for state in [environ.get("STATE_DIRECTORY")] if state]
    if found in {None, system}:
        places.append(kept)
    places.extend(_of_the_user(environ))
    return min([place / DATABASE for place in places] or [kept / DATABASE], key=lambda path: not os.path.lexists(path))


def _found(config: Path | None, environ: Mapping[str, str], system: Path) -> tuple[Path | None, bool]:
    """The config, and whether somebody named it."""
    named = config or (Path(environ["NOTIFIER_CONFIG"]) if environ.get("NOTIFIER_CONFIG") else None)
    return named or next((path for path in (system, HERE) if path.exists()), None), named is not None


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
        return _explained(path)
    server, store = document.get("server", {}), document.get("store", {})
    if not (_is_known("", document) and _is_known("server", server) and _is_known("store", store)):
        return _explained(path)
    socket, url = server.get("socket", ""), store.get("url", "sqlite:")
    if not isinstance(socket, str) or not isinstance(url, str) or not url.startswith("sqlite:"):
        return _explained(path)
    return socket, _file_of(url)


def _is_known(table: str, keys: Any) -> bool:
    """No key of it is misspelt, which would leave to custom what it says."""
    return isinstance(keys, dict) and keys.keys() <= TOLD[table]


def _explained(path: Path) -> tuple[str, str]:
    """As `_written`, with every fault of its form: only here, for it takes ten times as long."""
    from notifier.config import ConfigError, written  # noqa: PLC0415

    try:
        file = written(path)
    except ConfigError as error:
        raise Unclear(str(error)) from None
    return file.server.socket or "", _file_of(file.store.url or "")


def _file_of(url: str) -> str:
    return url.removeprefix("sqlite:").removeprefix("//")
