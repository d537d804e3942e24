"""TOML → Settings, once and strict; every fault with its line.

    text ──parse──► File ──resolve, check──► secrets, faults ──meaning──► Settings

`parse` looks at the text alone; what depends on the machine comes after it. All steps add to the same list of faults.
"""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from notifier.config.advice import advise
from notifier.config.checks import check, check_lasting, resolve
from notifier.config.faults import ConfigError, Fault, Finding, key_of
from notifier.config.models import File
from notifier.config.parsing import parse
from notifier.config.places import Surroundings
from notifier.config.position import Toml
from notifier.config.settings import Settings, meaning
from notifier.providers import PROVIDERS
from notifier.providers.base import Provider

__all__ = ["ConfigError", "Fault", "Reading", "Settings", "load", "read"]

READABLE_FOR_OTHERS = 0o044
LARGEST = 1024 * 1024
"""Bytes of a config: enough for thousands of sources, and no device can fill the memory."""
BYTE_ORDER_MARK = "\ufeff"
"""Some editors begin a UTF-8 text with it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A config without faults: as it is written, and what it means."""

    file: File
    settings: Settings


def load(
    path: Path,
    environ: Mapping[str, str],
    providers: Mapping[str, Provider] = PROVIDERS,
    clock: Callable[[], float] = time.time,
) -> Settings:
    """What the config at `path` means; raises `ConfigError` with every fault in it."""
    return read(path, environ, providers, clock).settings


def read(
    path: Path,
    environ: Mapping[str, str],
    providers: Mapping[str, Provider] = PROVIDERS,
    clock: Callable[[], float] = time.time,
    running: Settings | None = None,
) -> Reading:
    """As `load`, with the config as it is written; it is also faulty where a daemon `running` cannot take it over."""
    text, readable = _text(path)
    file, toml, findings = parse(text, str(path))
    around = Surroundings(environ=environ, folder=path.absolute().parent, providers=providers, now=clock())
    check(file, around, toml.document, findings)
    secrets = resolve(file, around, findings)
    if running is not None:
        check_lasting(file, around, running, findings)
    if findings.faults:
        raise ConfigError(*_placed(findings.faults, toml, str(path)))
    advise(file, findings, around.now, readable=readable)
    warnings = tuple(map(str, _placed(findings.warnings, toml, str(path))))
    return Reading(file, meaning(file, secrets, around, warnings))


def _text(path: Path) -> tuple[str, bool]:
    """The text of the file, and whether other users of the machine can read it."""
    try:
        with path.open("rb") as file:
            readable = bool(os.fstat(file.fileno()).st_mode & READABLE_FOR_OTHERS)
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ConfigError(
                Fault(str(path), 0, 0, "", f"the config is too long: expected at most {LARGEST >> 20} MiB")
            )
        return content.decode().removeprefix(BYTE_ORDER_MARK), readable
    except OSError as error:
        fault = Fault(str(path), 0, 0, "", f"the config cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        *lines, rest = content[: error.start].decode().split("\n")
        fault = Fault(str(path), len(lines) + 1, len(rest) + 1, "", "expected UTF-8 text")
    raise ConfigError(fault)


def _placed(found: list[Finding], toml: Toml, file: str) -> list[Fault]:
    """The findings with their lines, in the order of the file, and of the list where it is in one line."""
    placed = [(toml.position(one.path), [part for part in one.path if isinstance(part, int)], one) for one in found]
    return [
        Fault(file, *position, key_of(toml.document, one.path), one.message, one.suggestion)
        for position, _, one in sorted(placed, key=itemgetter(0, 1))
    ]
