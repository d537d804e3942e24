"""what is asked for × environment × machine → the config that counts, and what its daemon would have around it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from notifier.config.places import HERE, SYSTEM, config_path

ROOT = Path("/")
STATE, RUNTIME, CREDENTIALS = "var/lib/notifier", "run/notifier", "etc/notifier/credentials"
GIVEN = {"STATE_DIRECTORY": STATE, "RUNTIME_DIRECTORY": RUNTIME, "CREDENTIALS_DIRECTORY": CREDENTIALS}
"""What systemd hands to the service, by the unit."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Where the daemon lives."""

    config: Path
    why: str
    """This config counts, and no other."""
    environ: Mapping[str, str]
    """As the daemon has it, as far as that is known from here."""
    is_service: bool
    root: Path = ROOT
    """Of the machine."""

    def at(self, place: str) -> Path:
        """A place of the machine, `etc/notifier`."""
        return self.root / place


def scene(given: Path | None, environ: Mapping[str, str], root: Path = ROOT, here: Path = HERE) -> Scene:
    """Raises `ConfigError` where there is no config."""
    system = root / SYSTEM.relative_to("/")
    path = config_path(given, environ, system, here)
    is_service = path.absolute() == system.absolute()
    passed_over = [str(one) for one in (system, here) if one != path and os.path.lexists(one)]
    others = f"; {' and '.join(passed_over)} is passed over" if passed_over else ""
    around = {name: str(root / place) for name, place in GIVEN.items()} if is_service else {}
    return Scene(path, _why(given, environ, is_service=is_service) + others, {**around, **environ}, is_service, root)


def _why(given: Path | None, environ: Mapping[str, str], *, is_service: bool) -> str:
    if given is not None:
        return "--config names it"
    if environ.get("NOTIFIER_CONFIG"):
        return "$NOTIFIER_CONFIG names it"
    return "it is the machine's" if is_service else "it is in this folder, and the machine has none"
