"""The real daemon, started as a user would: a config file, secrets in the environment, a process."""

import asyncio
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

RUN = (sys.executable, "-m", "notifier", "run", "--config")
TETHERED = (sys.executable, "-m", "notifier.demo.tether", "run", "--log-format", "console", "--config")
"""It stops when its stdin ends, and logs for people."""
PACE = 15
"""The daemon's cadences are made for hours; for a demo it keeps them this many times faster."""
STOP_WITHIN = 10.0
NOT_INHERITED = frozenset(
    {"NOTIFIER_CONFIG", "NOTIFY_SOCKET", "STATE_DIRECTORY", "RUNTIME_DIRECTORY", "CREDENTIALS_DIRECTORY"}
)
"""What would tie it to another notifier on this machine."""


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A source for the config; its key is in the environment variable `key_env`."""

    name: str
    provider: str
    base_url: str
    key_env: str
    uploads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EndpointLine:
    """An endpoint for the config; its secret is in the environment variable `secret_env`.

    Without one it is called as Encoding.com called.
    """

    name: str
    url: str
    secret_env: str
    events: tuple[str, ...]


def config(sources: Iterable[SourceLine], endpoints: Iterable[EndpointLine], listen: str) -> str:
    """The daemon's TOML. `listen` is an address for its own server, or ""."""
    head = f"""\
[store]
url = "sqlite:demo.db"

[server]
listen = "{listen}"

[delivery]
schedule = ["0s", "1s", "1s", "1s", "1s", "2s", "2s", "3s", "5s", "5s", "10s"]
allow_http = true
allow_networks = ["127.0.0.0/8"]
"""
    return "\n".join([head, *map(_source, sources), *map(_endpoint, endpoints)])


def _source(source: SourceLine) -> str:
    return f"""\
[[sources]]
name = "{source.name}"
provider = "{source.provider}"
base_url = "{source.base_url}"
api_key = {{ env = "{source.key_env}" }}
uploads = {_list(source.uploads)}
discover = true
budget = "600/m"
reserve = 0
"""


def _endpoint(endpoint: EndpointLine) -> str:
    signed = f'secrets = [{{ env = "{endpoint.secret_env}" }}]'
    return f"""\
[[endpoints]]
name = "{endpoint.name}"
url = "{endpoint.url}"
{signed if endpoint.secret_env else 'format = "encoding_com"'}
events = {_list(endpoint.events)}
"""


def _list(words: Iterable[str]) -> str:
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"


class Daemon:
    """`notifier run`, between entering and leaving this context."""

    def __init__(
        self, folder: Path, config_text: str, secrets: Mapping[str, str], command: Sequence[str] = RUN
    ) -> None:
        """Everything it writes is in `folder`; `secrets` are environment variables; `command` takes a config file.

        Its stdin ends when this process does, by whatever cause.
        """
        self._folder = folder
        self._config = config_text
        self._secrets = secrets
        self._command = command
        self._process: asyncio.subprocess.Process

    async def __aenter__(self) -> Self:
        path = self._folder / "config.toml"
        path.write_text(self._config, encoding="utf-8")
        inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        with (self._folder / "daemon.log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                str(path),
                env=inherited | dict(self._secrets) | {"NOTIFIER_DEMO_PACE": str(PACE)},
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C is for the demo, which then stops the daemon
            )
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        await self.stop()

    @property
    def ended(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal to its process."""
        self._process.send_signal(number)

    async def wait(self) -> int:
        """Until it has ended by itself; answers its exit code."""
        return await self._process.wait()

    async def stop(self, within: float = STOP_WITHIN) -> int:
        """Ask it to stop, and see to it when it has not after so many seconds. Answers its exit code."""
        if self.ended is None:
            self._process.terminate()
        try:
            return await asyncio.wait_for(self.wait(), within)
        except TimeoutError:
            self._process.kill()
            return await self.wait()

    def last_words(self, lines: int = 12) -> str:
        """The end of its log."""
        text = (self._folder / "daemon.log").read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])
