"""the config → its faults, what is doubtful, and whether the service gets at its secrets."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from notifier.config import ConfigError, Reading, read
from notifier.config.checks import hidden_texts
from notifier.config.kept import CURE, kept_from_service
from notifier.core.text import counted
from notifier.doctor.findings import Finding, doubt, fault, good
from notifier.doctor.scene import CREDENTIALS, Scene

TMPFILES = "sudo systemd-tmpfiles --create notifier.conf"
WITH_SUDO = "run it with sudo"
CLOSED = re.compile(r"the credential .* cannot be read: Permission denied")
"""Said once, of the folder."""
AGAIN = "mend it, and see with `notifier check`"


def of_config(scene: Scene) -> tuple[Reading | None, list[Finding]]:
    """The config as it is read, None where it has faults; all of them."""
    found = list(_credentials(scene)) if scene.is_service else []
    try:
        reading = read(scene.config, scene.environ)
    except ConfigError as error:
        is_closed = any(one.cure == WITH_SUDO for one in found)
        faults = [one for one in error.faults if not (is_closed and CLOSED.fullmatch(one.message))]
        return None, [*found, *(fault("config", str(one), AGAIN) for one in faults)]
    file = reading.file
    held = f"{counted(len(file.sources), 'source')}, {counted(len(file.endpoints), 'endpoint')}"
    found.append(good("config", f"{scene.config} ({scene.why}): {held}"))
    found += [doubt("config", warning, AGAIN) for warning in reading.settings.warnings]
    return reading, [*found, *_secrets(scene, reading)]


def _credentials(scene: Scene) -> Iterator[Finding]:
    """The folder that the unit hands over: without it the start fails with nothing but 243/CREDENTIALS."""
    folder = scene.at(CREDENTIALS)
    try:
        mode = folder.stat().st_mode
    except OSError as error:
        why = "the service does not start without it, and says only 243/CREDENTIALS"
        yield fault("credentials", f"{folder}: {error.strerror}: {why}", TMPFILES)
        return
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield doubt("credentials", f"{folder} is open to others than root", f"sudo chmod 700 {folder}")
    if not os.access(folder, os.R_OK | os.X_OK, effective_ids=True):
        yield doubt("credentials", f"{folder} is closed to you: what is in it cannot be judged", WITH_SUDO)


def _secrets(scene: Scene, reading: Reading) -> Iterator[Finding]:
    kept = kept_from_service(reading.file, Path(scene.config).absolute().parent) if scene.is_service else []
    for one in kept:
        yield fault("secrets", one.removesuffix(f": {CURE}"), CURE)
    if not kept:
        yield good("secrets", f"{counted(len(list(hidden_texts(reading.file))), 'secret')}, all of them readable")
