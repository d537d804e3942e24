"""docs/systemd.md: its commands, one after the other, on a machine that has nothing but the program."""

import re
from pathlib import Path

import pytest
from booted import booted, install

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "systemd.md"
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
HERE = "/srv/home"
CONFIG = """\
[server]
token = { credential = "api-token" }

[[sources]]
name = "posts"
provider = "upload_post"
api_key = { credential = "upload-post" }
base_url = "http://127.0.0.1:8000"

[[endpoints]]
name = "app"
url = "https://app.example.com/hooks"
secrets = [{ credential = "app-webhook" }]
"""
FILES = {
    "config.toml": CONFIG,
    "upload-post": "a-key",
    "api-token": "a-token",
    "app-webhook": "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
}


@pytest.fixture
def bare(may_boot, tmp_path):
    """A machine with the program, the files that somebody has made for it, and one other user."""
    with booted(tmp_path) as machine:
        install(machine, tmp_path)
        for name, text in FILES.items():
            machine.write(f"{HERE}/{name}", text)
        machine.write("/etc/resolv.conf", "nameserver 127.0.0.53\n")
        machine.said("useradd", "--user-group", "alice")
        yield machine


def test_the_commands_of_the_page_do_what_they_should(bare):
    def run(command):
        return bare.said("sh", "-euc", f"cd {HERE}; export HOME=/root; {command}")

    assert len(BLOCKS) > 10
    for block in BLOCKS:
        if "pip install" not in block:
            run(re.sub(r"\bsudo ", "", block))
    assert "notifier has started" in run("journalctl --unit=notifier --catalog")
    assert run("systemctl is-active notifier") == "active\n"
    assert run("/opt/notifier/bin/notifier endpoints --json") == run(
        "setpriv --reuid=alice --regid=alice --init-groups /opt/notifier/bin/notifier endpoints --json"
    )
    assert run("ls /run/credentials/notifier.service").split() == [
        "app-webhook",
        "notifier_api-token",
        "notifier_upload-post",
    ]
    for name in ("notifier.db", "before.db"):
        assert name in run("ls /var/lib/notifier/")
    assert "moved.db" not in run("ls /var/lib/notifier/")
