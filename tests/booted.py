"""A machine of its own for the tests of the service: a container with this machine's /usr, booted by a real systemd.

Its network has nobody but itself in it; nothing of this machine is changed. See systemd-nspawn(1). Where it cannot be
had its tests are skipped, or fail with NOTIFIER_REQUIRE_SYSTEMD set.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import pytest
from foreign import absent

ROOT = Path(__file__).parent.parent
BOOT = ROOT / "tests" / "systemd" / "boot.sh"
NEEDED = {"systemd-nspawn": "systemd-container", "nsenter": "util-linux", "ip": "iproute2"}
CGROUPS = "umount --recursive /sys/fs/cgroup || umount --lazy /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup"
JOURNAL = "var/log/journal"
NUMBERS = count(1)
"""Machines of this process, each with a name of its own."""
LONG = 60.0
"""Seconds after which what was waited for does not come any more, however busy the machine is."""


def missing():
    """Why no such machine can be had here; None where it can."""
    if os.geteuid() != 0:
        return "only root can boot a container"
    for program, package in NEEDED.items():
        if reason := absent(program, package):
            return reason
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", CGROUPS]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        return "no mounts of our own are permitted here"
    return None


def logged_at(entry):
    """When it was sent to the journal, by the clock of this machine, which is that of the other one, too."""
    return int(entry.get("_SOURCE_REALTIME_TIMESTAMP") or entry["__REALTIME_TIMESTAMP"]) / 1e6


class Journal:
    """All that the machine logs, as it comes."""

    def __init__(self, folder):
        self.entries = []
        self._come = threading.Condition()
        command = ["journalctl", f"--directory={folder}", "--follow", "--lines=all", "--output=json"]
        self._follower = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self._reader = threading.Thread(target=self._read)

    def __enter__(self):
        self._reader.start()
        return self

    def __exit__(self, *_):
        self._follower.terminate()
        self._reader.join()
        self._follower.stdout.close()
        self._follower.wait()

    def _read(self):
        for line in self._follower.stdout:
            with self._come:
                self.entries.append(json.loads(line))
                self._come.notify_all()

    def until(self, wanted, since, within=LONG):
        """The first entry, logged at the moment `since` or later, of which `wanted` is true."""

        def found():
            return next((entry for entry in self.entries if logged_at(entry) >= since and wanted(entry)), None)

        with self._come:
            if not self._come.wait_for(found, within):
                later = [str(entry["MESSAGE"]) for entry in self.entries if logged_at(entry) >= since]
                pytest.fail("\n".join(["it never came:", *later]))
            return found()


class Machine:
    """The booted container."""

    def __init__(self, tree, leader, journal):
        self.tree = tree
        self.leader = leader
        self._enter = ["nsenter", "--target", str(leader), "--all", "--wd", "--"]
        self.journal = journal

    def popen(self, *command, **more):
        """A process in there, as root."""
        environ = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "SYSTEMD_PAGER": ""}
        return subprocess.Popen([*self._enter, *map(str, command)], env=environ, text=True, **more)

    def run(self, *command, given=None):
        """What came of a command in there."""
        piped = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        with self.popen(*command, **piped) as process:
            told = process.communicate(given, timeout=LONG)
        return subprocess.CompletedProcess(command, process.returncode, *told)

    def said(self, *command, given=None):
        """What a command printed that succeeded."""
        ran = self.run(*command, given=given)
        assert ran.returncode == 0, f"{command}: {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout

    def write(self, path, text, mode=0o644):
        """Have a file in there."""
        file = Path(f"/proc/{self.leader}/root{path}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode)
        file.write_text(text)


@contextmanager
def booted(folder):
    """A machine, with the tree in the folder; it is gone afterwards."""
    tree = folder / "tree"
    _plant(tree)
    name = f"notifier{os.getpid()}-{next(NUMBERS)}"
    with ExitStack() as opened:
        opened.callback(shutil.rmtree, tree)  # the mounts in it are in another namespace
        ready = opened.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        ready.settimeout(LONG)
        ready.bind(str(folder / "ready"))
        command = ["unshare", "--mount", "--propagation", "private", "sh", BOOT, tree, name, *_bound()]
        environ = {**os.environ, "NOTIFY_SOCKET": str(folder / "ready")}
        with (folder / "console").open("w") as console:
            container = subprocess.Popen(
                command, env=environ, stdin=subprocess.PIPE, stdout=console, stderr=subprocess.STDOUT
            )
        opened.enter_context(container)  # its end waits for the container's, which comes with that of its stdin
        leader = _leader(ready, container, folder / "console")
        ready.close()  # nobody hears it any more, and whoever tells more of what nobody hears would wait for ever
        yield Machine(tree, leader, opened.enter_context(Journal(tree / JOURNAL)))


def _plant(tree):
    """What a system has beside /usr before its first start, and no more."""
    for name in ("etc", "usr", "opt", "srv", JOURNAL):
        (tree / name).mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (tree / name).symlink_to(f"usr/{name}")
    shutil.copy("/usr/lib/os-release", tree / "etc/os-release")
    (tree / "etc/machine-id").write_text("8f3c5a6d2b7e4910a1c4d7e2f5b80963\n")  # else it is its first boot, and asks
    (tree / "etc/hosts").write_text("127.0.0.1 localhost\n")
    (tree / "etc/nsswitch.conf").write_text("passwd: files systemd\ngroup: files systemd\nhosts: files\n")


def _leader(ready, container, console):
    """The number of its PID 1 out here, once it has booted."""
    leader = None
    while True:
        try:
            said = ready.recv(4096).decode()
        except TimeoutError:
            pytest.fail(f"it did not boot, status {container.poll()}:\n{console.read_text()[-3000:]}")
        for line in said.splitlines():
            word, _, value = line.partition("=")
            if word == "X_NSPAWN_LEADER_PID":
                leader = int(value)
            if word == "READY":
                return leader


# --- the program in it

PYTHON = Path("/opt/python")
DEPENDENCIES = "/opt/dependencies"


def _interpreter():
    """The interpreter that runs these tests, as it is in there: in no home folder, which the service does not see."""
    found = Path(sys.executable).resolve()
    base = Path(sys.base_prefix)
    return found if base == Path("/usr") else PYTHON / found.relative_to(base)


def _bound():
    """What is bound into the container: the interpreter, and what `pip` has installed here."""
    packages = next(path for path in map(Path, sys.path) if path.name in {"site-packages", "dist-packages"})
    bound = [f"--bind-ro={packages}:{DEPENDENCIES}"]
    return bound if Path(sys.base_prefix) == Path("/usr") else [*bound, f"--bind-ro={sys.base_prefix}:{PYTHON}"]


def install(machine, folder):
    """Install the program in /opt/notifier, from a wheel, with the dependencies that these tests have."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    shutil.copy(wheel, machine.tree / "srv")
    machine.write("/etc/ld.so.conf", f"{PYTHON}/lib\n")  # where its own library is, if it has one
    machine.said("ldconfig")
    machine.said(_interpreter(), "-m", "venv", "--without-pip", "/opt/notifier")
    (packages,) = (machine.tree / "opt/notifier/lib").glob("python3.*/site-packages")
    (packages / "dependencies.pth").write_text(f"{DEPENDENCIES}\n")
    pip = ("/opt/notifier/bin/python", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps")
    machine.said(*pip, "--ignore-installed", "--root-user-action=ignore", f"/srv/{wheel.name}")
