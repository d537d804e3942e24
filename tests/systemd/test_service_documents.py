"""docs/systemd.md: its commands, one after the other, on a machine that has nothing but the program."""

import re
from pathlib import Path

import pytest
from booted import booted, install

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "systemd.md"
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
HERE = "/srv/home"
[CONFIG] = re.findall(r"^```toml\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
HERE_ALONE = 'base_url = "http://127.0.0.1:8000"\n'
"""Nobody answers there, and no name has to be found first."""


@pytest.fixture
def bare(may_boot, tmp_path):
    """A machine with the program, the config of the page, and one other user."""
    with booted(tmp_path) as machine:
        install(machine, tmp_path)
        machine.write(f"{HERE}/config.toml", CONFIG.replace("\n[[endpoints]]", f"{HERE_ALONE}\n[[endpoints]]"))
        machine.write("/etc/resolv.conf", "nameserver 127.0.0.53\n")
        machine.said("useradd", "--user-group", "alice")
        yield machine


def test_the_commands_of_the_page_do_what_they_should(bare):
    def run(command):
        return bare.said("sh", "-euc", f"cd {HERE}; export HOME=/root PATH=/usr/local/bin:$PATH; {command}")

    assert len(BLOCKS) > 10
    for block in BLOCKS:
        if "pip install" not in block:
            run(re.sub(r"\bsudo ", "", block))
    assert "IPAddressAllow=127.0.0.1/32" in run("cat /etc/systemd/system/notifier.service.d/10-egress.conf")
    assert "notifier has started" in run("journalctl --unit=notifier --catalog")
    assert run("systemctl is-active notifier") == "active\n"
    assert run("notifier endpoints --json") == run(
        "setpriv --reuid=alice --regid=alice --init-groups notifier endpoints --json"
    )
    assert run("ls /run/credentials/notifier.service").split() == [
        "app-webhook",
        "notifier_api-token",
        "notifier_upload-post",
    ]
    for name in ("notifier.db", "before.db"):
        assert name in run("ls /var/lib/notifier/")
    assert "moved.db" not in run("ls /var/lib/notifier/")
