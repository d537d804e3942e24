"""Where the config is read: the file, what is around it, and where that puts the database."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from notifier.config.faults import ConfigError, Fault, Wrong
from notifier.providers.base import Provider

SYSTEM = Path("/etc/notifier/config.toml")
HERE = Path("config.toml")
SOCKET = "notifier.sock"
"""The file of the control socket, where its folder alone is known."""
LONGEST_SOCKET = 107
"""Bytes of a socket's path: `sun_path` of unix(7) has 108, the last of them 0."""
STORE = 'expected "sqlite:///absolute/path.db" or "sqlite:relative/path.db"'
STORE_SPELLED = (
    r"sqlite:(?:(?://)?(/[^\x00-\x1f\x7f?#/](?:[^\x00-\x1f\x7f?#]*[^\x00-\x1f\x7f?#/])?)"
    r"|([^\x00-\x1f\x7f?#/:](?:[^\x00-\x1f\x7f?#]*[^\x00-\x1f\x7f?#/])?))"
)
"""As the units are spelled: an absolute path, or a relative one, that names no folder and has nothing behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a config means depends on where it is read."""

    environ: Mapping[str, str]
    folder: Path
    """Of the config file."""
    providers: Mapping[str, Provider]
    now: float
    """When it is read."""


def config_path(given: Path | None, environ: Mapping[str, str], system: Path = SYSTEM, here: Path = HERE) -> Path:
    """The file that `--config` or $NOTIFIER_CONFIG names, else the first there is; `ConfigError` where none is."""
    if given is not None:
        return given
    if environ.get("NOTIFIER_CONFIG"):
        return Path(environ["NOTIFIER_CONFIG"])
    for path in (system, here):
        if os.path.lexists(path):  # one that cannot be read is told of, not passed over
            return path
    message = f"no config: there is neither {system} nor ./{here}; name one with --config or $NOTIFIER_CONFIG"
    raise ConfigError(Fault("", 0, 0, "", message))


def database(url: str) -> Path:
    """The file that `store.url` names, perhaps a relative one."""
    found = re.fullmatch(STORE_SPELLED, url)
    if not found:
        raise Wrong(STORE)
    return Path(found[1] or found[2])


def store_path(url: str | None, around: Surroundings) -> Path:
    """The database: relative to the config's folder, or by default where systemd or the user keeps state."""
    environ = around.environ
    if url is not None:
        return Path(os.path.abspath(around.folder / database(url)))  # noqa: PTH100  # resolve() would follow links
    if environ.get("STATE_DIRECTORY"):
        return Path(environ["STATE_DIRECTORY"].split(":")[0]) / "notifier.db"
    for variable, below in (("XDG_STATE_HOME", "."), ("HOME", ".local/state")):
        base = Path(environ.get(variable, ""))
        if base.is_absolute():  # the XDG specification: a relative one is to be ignored
            return base / below / "notifier" / "notifier.db"
    raise Wrong("set store.url: there is no $STATE_DIRECTORY, $XDG_STATE_HOME or $HOME to keep the database in")


def socket_path(written: str | None, store: Path, around: Surroundings) -> Path:
    """The control socket: relative to the config's folder, or by default where systemd wants it, else beside `store`.

    Raises `Wrong` where no socket can have such a path.
    """
    runtime = around.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    path = Path(runtime or store.parent) / SOCKET
    if written is not None:
        path = Path(os.path.abspath(around.folder / written))  # noqa: PTH100  # resolve() would follow links
    if len(os.fsencode(path)) > LONGEST_SOCKET:  # what the config says may be a secret in the wrong place
        place = f"{path}, where it would be by default," if written is None else "it, from the root on,"
        raise Wrong(f"set a shorter one: {place} has more than {LONGEST_SOCKET} bytes")
    return path
