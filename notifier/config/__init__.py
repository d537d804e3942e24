"""TOML → Settings, once and strict; every fault with its line.

    files ──whole──► document ──parse──► File ──resolve, check──► secrets, faults ──meaning──► Settings

`parse` looks at the document alone; what depends on the machine comes after it. All add to the same list of faults.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from notifier.config.advice import advise
from notifier.config.checks import check, check_lasting, resolve
from notifier.config.faults import ConfigError, Fault, Finding
from notifier.config.including import Whole, whole
from notifier.config.models import File
from notifier.config.parsing import parse
from notifier.config.places import Surroundings
from notifier.config.settings import Settings, meaning
from notifier.providers import PROVIDERS
from notifier.providers.base import Provider

__all__ = ["ConfigError", "Fault", "File", "Reading", "Settings", "load", "read", "written"]


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
    text = whole(path)
    file, findings = parse(text.document)
    around = Surroundings(environ=environ, folder=path.absolute().parent, providers=providers, now=clock())
    check(file, around, text.document, findings)
    secrets = resolve(file, around, findings)
    if running is not None:
        check_lasting(file, around, running, findings)
    if text.faults or findings.faults:
        raise ConfigError(*text.faults, *_placed(findings.faults, text))
    advise(file, findings, around.now, readable=text.is_readable)
    warnings = tuple(map(str, _placed(findings.warnings, text)))
    return Reading(file, meaning(file, secrets, around, warnings))


def written(path: Path) -> File:
    """The config as it is written, for whoever cannot read its secrets; faults of its form are a `ConfigError`."""
    text = whole(path)
    file, findings = parse(text.document)
    if text.faults or findings.faults:
        raise ConfigError(*text.faults, *_placed(findings.faults, text))
    return file


def _placed(found: list[Finding], whole: Whole) -> list[Fault]:
    """The findings with their lines, in the order of the files, and of the list where it is in one line."""
    placed = [whole.fault(one.path, one.message, one.suggestion) for one in found]
    return [fault for _, fault in sorted(placed, key=itemgetter(0))]
