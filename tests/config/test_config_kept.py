"""Files that root can read and the service cannot: each is told with its key, and never a path that may be a key."""

import shutil
import tempfile
from pathlib import Path

import pytest
from configs import APP, ENVIRON, POSTS, WHSEC

from notifier.config import read
from notifier.config.kept import CURE, kept_from_service

PEM = Path(__file__).parent.parent / "webhook" / "certificates" / "good.pem"
FILE = POSTS.replace('{ env = "KEY" }', '{ file = "key" }') + APP.replace('{ env = "WHSEC" }', '{ file = "whsec" }')
TLS = 'client_cert = "client.pem"\n'


@pytest.fixture
def folder():
    """One that everybody can enter, unlike those that pytest makes."""
    made = Path(tempfile.mkdtemp(prefix="notifier-kept-"))
    made.chmod(0o755)
    for name, content in (("key", "k"), ("whsec", WHSEC), ("client.pem", PEM.read_text())):
        (made / name).write_text(content)
        (made / name).chmod(0o644)
    yield made
    shutil.rmtree(made)


def kept(folder, text=FILE + TLS, **more):
    (folder / "config.toml").write_text(text)
    return kept_from_service(read(folder / "config.toml", ENVIRON).file, folder, **more)


def test_what_everybody_can_read_is_nothing_to_talk_about(folder):
    assert kept(folder) == []


def test_what_is_no_file_is_none_of_it(folder):
    (folder / "key").chmod(0o600)
    assert kept(folder, POSTS + APP) == []
    assert kept(folder, POSTS.replace('{ env = "KEY" }', '"in the config"') + APP) == []


def test_what_root_alone_can_read_is_told_with_its_key_and_the_cure(folder):
    for name in ("key", "client.pem"):
        (folder / name).chmod(0o600)
    why = "is not for everybody to read, and the service is not root"
    assert kept(folder) == [
        f"sources.posts.api_key: the file key {why}: {CURE}",
        f"endpoints.app.client_cert: the file {why}: {CURE}",
    ]


def test_a_folder_that_root_alone_can_enter_keeps_all_that_is_in_it(folder):
    folder.chmod(0o700)
    assert len(kept(folder)) == 3


def test_what_the_service_does_not_see_is_told(folder):
    why = f"is in {folder}, of which the service sees nothing"
    assert kept(folder, POSTS.replace('{ env = "KEY" }', '{ file = "key" }') + APP, hidden=[folder]) == [
        f"sources.posts.api_key: the file key {why}: {CURE}"
    ]


def test_what_has_gone_meanwhile_is_told_by_who_reads_it(folder):
    (folder / "config.toml").write_text(FILE)
    file = read(folder / "config.toml", ENVIRON).file
    (folder / "key").unlink()
    assert kept_from_service(file, folder) == []
