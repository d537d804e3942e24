"""What the tests of the service share: one booted machine, with the program in it and a world outside."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from booted import Machine, booted, install, missing
from foreign import insist

from notifier.cli.control import Connection

HERE = Path(__file__).parent
UNIT = "notifier.service"
NOTIFIER = "/opt/notifier/bin/notifier"
DROP_IN = "/run/systemd/system/notifier.service.d/50-test.conf"
PUBLIC, PUBLIC_V6 = "192.31.196.10", "2a00:1::5"
LAN = "10.9.9.9"
OTHERS = ("169.254.169.254", "198.51.100.10", "100.64.0.9", "fd00::9")
"""Hosts that are not public: metadata of a cloud, documentation, shared, unique local."""
PORT = 8000
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
CREDENTIALS = {"app": SECRET, "key": "a-key-that-nobody-may-see", "token": "a-token-that-nobody-may-see"}
CONFIG = f"""\
[server]
token = {{ credential = "token" }}

[delivery]
schedule = ["0s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s", "1s"]
allow_http = true
timeout = "20s"

[[sources]]
name = "jobs"
provider = "http_json"
base_url = "http://{PUBLIC}:{PORT}"
auth = {{ header = "Authorization", value = "Bearer {{secret}}", secret = {{ credential = "key" }} }}
list = {{ url = "/jobs", items = "jobs" }}
fields = {{ id = "id", status = "state" }}
statuses = {{ running = "processing", done = "completed" }}
budget = "600/m"
baseline = "announce"

[[endpoints]]
name = "app"
url = "http://{PUBLIC}:{PORT}/app"
secrets = [{{ credential = "app" }}]
events = ["*"]
"""


@dataclass
class Service:
    """The service on a machine."""

    machine: Machine
    config = CONFIG
    jobs = 0

    def systemctl(self, *words):
        """The exit status."""
        return self.machine.run("systemctl", *words).returncode

    def show(self, name, unit=UNIT):
        """A property of the unit."""
        return self.machine.said("systemctl", "show", "--value", f"--property={name}", unit).strip()

    @property
    def pid(self):
        """Of its main process."""
        return int(self.show("MainPID"))

    def ask(self, method, path):
        """The status and the text that the daemon answers at its control socket."""
        there = Path(f"/proc/{self.machine.leader}/root/run/notifier/notifier.sock")
        connection = Connection(there, 10.0)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def is_up(self):
        """Whether it works, by its own word and by systemd's."""
        return self.show("ActiveState") == "active" and self.ask("GET", "/readyz")[0] == 200

    def configure(self, text=CONFIG):
        """Have this config."""
        self.machine.write("/etc/notifier/config.toml", text)

    def drop_in(self, *lines):
        """Have these settings until the next test, for a service that is started now."""
        self.machine.write(DROP_IN, "\n".join(["[Service]", *lines, ""]))
        self.restart()

    def restart(self):
        """Anew, with the units as they are."""
        self.machine.said("systemctl", "daemon-reload")
        self.systemctl("reset-failed", UNIT)
        self.machine.said("systemctl", "restart", UNIT)

    def kill(self, signal, pid=None):
        """Send its main process a signal."""
        self.machine.said("kill", f"-{signal}", pid or self.pid)

    def happens(self, words, since, within=60.0, unit=UNIT):
        """Until the journal has it of the service, from the service or from systemd; answers the entry."""

        def is_it(entry):
            return unit in {entry.get("_SYSTEMD_UNIT"), entry.get("UNIT")} and words in str(entry["MESSAGE"])

        return self.machine.journal.until(is_it, since, within)

    def new_job(self):
        """Have the provider list one more, which nobody has seen; answers its id."""
        self.jobs += 1
        self.tell_jobs()
        return f"job-{self.jobs}"

    def tell_jobs(self):
        """Have the provider list them."""
        jobs = [{"id": f"job-{number + 1}", "state": "done"} for number in range(self.jobs)]
        self.machine.write("/srv/jobs.json", json.dumps({"jobs": jobs}))


@pytest.fixture(scope="session")
def may_boot():
    insist(missing(), "NOTIFIER_REQUIRE_SYSTEMD")


@pytest.fixture(scope="session")
def machine(may_boot, tmp_path_factory):
    """A machine with the program in /opt/notifier, its service installed and not started, and the world outside."""
    folder = tmp_path_factory.mktemp("machine")
    with booted(folder) as machine:
        for host in (PUBLIC, LAN, *OTHERS, PUBLIC_V6):
            machine.said("ip", "address", "add", f"{host}/{128 if ':' in host else 32}", "dev", "lo")
        install(machine, folder)
        for script in ("outside.py", "knocking.py", "reaching.py", "hooks/sitecustomize.py"):
            machine.write(f"/srv/{script}", (HERE / script).read_text())
        machine.write("/srv/jobs.json", '{"jobs": []}')
        outside = ("/opt/notifier/bin/python", "/srv/outside.py", "/srv", PORT)
        machine.said("systemd-run", "--quiet", "--unit=outside", *outside)
        machine.said(NOTIFIER, "systemd", "install", "--no-dns")
        machine.said("systemd-tmpfiles", "--create", "notifier.conf")
        for name, text in CREDENTIALS.items():
            machine.write(f"/etc/notifier/credentials/{name}", text, 0o600)
        yield machine


@pytest.fixture(scope="session")
def the_service(machine):
    return Service(machine)


@pytest.fixture
def service(the_service):
    """The service as it was installed, up and well."""
    service, machine = the_service, the_service.machine
    changed = machine.run("rm", DROP_IN).returncode == 0
    service.configure()
    is_as_it_was = service.show("ActiveState") == "active" and service.show("NRestarts") == "0"
    if changed or not is_as_it_was or service.systemctl("reload", UNIT):
        service.restart()
    yield service
    service.systemctl("stop", "notifier-http.socket")
