"""the unit and its systemd → does it start, how much is it exposed, and does the kernel's filter fit the machine?"""

import os
import re
import stat
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from notifier.config.kept import HIDDEN
from notifier.core.text import counted
from notifier.doctor.findings import Finding, doubt, fault, good
from notifier.doctor.scene import Scene

UNIT = "etc/systemd/system/notifier.service"
OLDEST, TRIED, RELOADS = 247, 252, 253
"""Versions of systemd: the first that will do, the first that was tried, the first with Type=notify-reload."""
SHIPPED = 1.1
"""The exposure of the unit as it is shipped."""
PATIENCE = 5.0
"""Seconds for a program of systemd."""
RELOAD = "sudo systemctl daemon-reload && sudo systemctl restart notifier"
ELSEWHERE = "install the program in /opt/notifier, as docs/systemd.md says"
Run = Callable[[Sequence[str]], str]
"""A command → what it prints; "" where it is not there, or fails."""


def run(command: Sequence[str]) -> str:
    """Run a program of this machine."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)  # noqa: S603  # ours
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


def of_unit(scene: Scene, run: Run = run) -> list[Finding]:
    """All there is to say of the unit; nothing where there is none, and the config is not the machine's."""
    unit = scene.at(UNIT)
    if not unit.exists():
        cure = "install it, as docs/systemd.md says; or name the config of the daemon that you mean with --config"
        return [doubt("unit", f"there is no {unit}", cure)] if scene.is_service else []
    try:
        drop_ins = sorted(unit.with_name(f"{unit.name}.d").glob("*.conf"))
        text = "\n".join(one.read_text(encoding="utf-8", errors="replace") for one in (unit, *drop_ins))
    except OSError as error:
        return [doubt("unit", f"{error.filename} cannot be read: {error.strerror}", "run it with sudo")]
    found = [*_program(scene, text), *_version(run(["systemctl", "--version"]), text)]
    return [*found, *_exposure(run(["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)])),
            *_loaded(run(["systemctl", "show", unit.name, "--property=NeedDaemonReload"]))]  # fmt: skip


# --- does it start?


def _program(scene: Scene, text: str) -> Iterator[Finding]:
    for written in re.findall(r"^ExecStart=[-@:+!|]*(/\S+)", text, re.MULTILINE)[-1:]:
        program = scene.at(written.lstrip("/"))
        if why := _unstartable(program, Path(written)):
            yield fault("unit", f"{program}, which it starts, {why}: it ends with 203/EXEC", ELSEWHERE)
        else:
            yield good("unit", f"it starts {program}")


def _unstartable(program: Path, written: Path) -> str:
    """Why the service cannot start it, which is a user without rights of its own; "" where it can."""
    for folder in reversed(program.parents[: len(written.parents) - 1]):
        if os.path.exists(folder) and not folder.stat().st_mode & stat.S_IXOTH:  # noqa: PTH110  # it raises nothing
            return f"is in {folder}, which not everybody can enter"
    if not program.exists():
        return "is not there"
    places = [place for place in (written, *_interpreters(program)) for one in HIDDEN if one in place.parents]
    return f"lies in a home folder, or its Python: {places[0]}, which the service does not see" if places else ""


def _interpreters(program: Path) -> Iterator[Path]:
    """The Python of a script, and the one behind that of a virtual environment."""
    found = None
    with suppress(OSError), program.open("rb") as file:
        found = re.match(rb"#!\s*(/\S+)", file.read(300))
    if found:
        yield Path(found[1].decode(errors="replace"))
        yield Path(found[1].decode(errors="replace")).resolve()


# --- the traps of some versions


def _version(said: str, text: str) -> Iterator[Finding]:
    found = re.match(r"systemd (\d+)", said)
    if not found:
        return
    version = int(found[1])
    if version < OLDEST:
        yield fault("systemd", f"it is {version}: credentials came with {OLDEST}", "use a newer system")
    elif version < TRIED:
        yield doubt(
            "systemd",
            f"it is {version}, and the unit was tried from {TRIED} on",
            "see the journal for lines it does not know",
        )
    else:
        yield good("systemd", f"it is {version}")
    if re.search(r"^Type=notify-reload", text, re.MULTILINE):
        if version < RELOADS:
            yield fault("unit", f"Type=notify-reload came with systemd {RELOADS}", "write Type=notify")
        else:
            why = "`systemctl reload` succeeds also where the daemon refuses the config"
            yield doubt("unit", f"with Type=notify-reload {why}", "write Type=notify")
    if re.search(r"^SocketBindDeny=", text, re.MULTILINE) and "-BPF_FRAMEWORK" in said:
        why = "this systemd is built without BPF_FRAMEWORK"
        yield doubt(
            "systemd",
            f"SocketBindDeny= has no effect: {why}",
            "none is needed: the daemon opens no port but that of server.listen",
        )


# --- how much it is exposed


def _exposure(said: str) -> Iterator[Finding]:
    found = re.search(r"exposure level for \S+: ([0-9.]+)", said)
    if not found:
        return
    if float(found[1]) > SHIPPED:
        text = f"its exposure is {found[1]}, that of the unit as it is shipped {SHIPPED}"
        yield doubt("unit", text, "see what a drop-in has loosened: systemctl cat notifier")
    else:
        yield good("unit", f"its exposure is {found[1]}")


def _loaded(said: str) -> Iterator[Finding]:
    if said.strip() == "NeedDaemonReload=yes":
        yield doubt("unit", "its files have changed since systemd read them", RELOAD)


# --- what the kernel lets it send to


def of_egress(drop_in: Path, wanted: str) -> Finding:
    """The address filter that is there beside the one that would be `wanted` now, both as drop-ins."""
    make = f"notifier systemd egress | sudo tee {drop_in}, then {RELOAD}"
    try:
        there = _networks(drop_in.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        return doubt("egress", f"the kernel filters no addresses: {drop_in}: {error.strerror}", make)
    lacks, more = _networks(wanted) - there, there - _networks(wanted)
    if lacks:
        return fault("egress", f"{drop_in} keeps the daemon from {_some(lacks)}: a time-out is all that it sees", make)
    if more:
        return doubt("egress", f"{drop_in} lets the daemon send to {_some(more)}, which nothing needs any more", make)
    return good("egress", f"{drop_in} is as it would be made now")


def _networks(text: str) -> set[str]:
    lines = re.findall(r"^IPAddressAllow=(.*)$", text, re.MULTILINE)
    return {word for line in lines for word in line.split()}


def _some(networks: set[str]) -> str:
    first, *others = sorted(networks)
    return f"{first} and {counted(len(others), 'other')}" if others else first
