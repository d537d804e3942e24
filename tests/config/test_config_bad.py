"""Every fault that a config can have, one a file; the first line says what is said of it."""

import re
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest
from configs import ANY_PROVIDER, ENVIRON
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from notifier import __version__
from notifier.config import ConfigError, load
from notifier.config.including import LARGEST
from notifier.providers import PROVIDERS

BAD = sorted((Path(__file__).parent / "bad").glob("*.toml"))
CERTIFICATES = Path(__file__).parents[1] / "webhook" / "certificates"
FOREIGN = re.compile(
    r"\b(str|int|float|bool|dict|tuple|None\w*|True|False|object|instance|pydantic|valid\w*|input|Input|type\w*)\b"
    r"|Error|Exception|\w+_type\b|[<>]|\\[nx]"
)
"""What only Python or a library would say."""


@pytest.fixture
def machine(tmp_path):
    """A folder with everything that can be wrong with the files of secrets."""
    (tmp_path / "empty").write_bytes(b"\n")
    (tmp_path / "latin-1").write_bytes("schön".encode("latin-1"))
    (tmp_path / "long").write_bytes(b"x" * (64 * 1024 + 1))
    pems(tmp_path)
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "notifier_empty").touch()
    return tmp_path, {**ENVIRON, "CREDENTIALS_DIRECTORY": str(credentials)}


def pems(folder):
    """Certificates and keys, right and wrong ones."""
    for name in ("ca.pem", "good.pem", "other.pem"):
        shutil.copy(CERTIFICATES / name, folder)
    (folder / "broken.pem").write_text("-----BEGIN CERTIFICATE-----\nGEHEIM\n-----END CERTIFICATE-----\n")
    (folder / "broken-key.pem").write_text("-----BEGIN PRIVATE KEY-----\nGEHEIM\n-----END PRIVATE KEY-----\n")
    key = load_pem_private_key((folder / "good.pem").read_bytes(), None)
    for name, form in (
        ("encrypted.pem", PrivateFormat.PKCS8),
        ("encrypted-traditional.pem", PrivateFormat.TraditionalOpenSSL),
    ):
        encrypted = key.private_bytes(Encoding.PEM, form, BestAvailableEncryption(b"password"))
        (folder / name).write_bytes(encrypted)


def expected(content: bytes) -> str:
    """`{providers}` and `{any provider}` stand for the names that there are."""
    first, _, _ = content.partition(b"\n")
    said = first.decode("utf-8-sig").rstrip("\r").removeprefix("# expect: ").replace("{version}", __version__)
    return said.replace("{providers}", ", ".join(PROVIDERS)).replace("{any provider}", ANY_PROVIDER)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_fault_is_told_with_file_line_key_and_what_was_expected(path, machine):
    folder, environ = machine
    content = path.read_bytes()
    copy = folder / path.name
    copy.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(copy, environ)
    assert str(caught.value).replace(f"{folder}/", "") == expected(content)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_no_message_speaks_python(path):
    said = expected(path.read_bytes()).partition(".toml")[2].partition(": ")[2]
    assert said
    if "header-name-with-line-break" not in path.stem:  # the key is theirs, and it is escaped
        assert not FOREIGN.search(said)


def test_every_bad_config_begins_with_what_is_said_of_it():
    assert len(BAD) > 200
    assert all(path.read_bytes().removeprefix(b"\xef\xbb\xbf").startswith(b"# expect: ") for path in BAD)


def test_a_missing_config_is_told(tmp_path):
    path = tmp_path / "nowhere.toml"
    with pytest.raises(ConfigError, match="the config cannot be read: No such file or directory") as caught:
        load(path, ENVIRON)
    assert [asdict(fault) for fault in caught.value.faults] == [
        {
            "file": str(path),
            "line": 0,
            "column": 0,
            "key": "",
            "message": "the config cannot be read: No such file or directory",
            "suggestion": "",
        }
    ]


def test_an_unreadable_config_is_told(tmp_path):
    with pytest.raises(ConfigError, match="the config cannot be read: Is a directory"):
        load(tmp_path, ENVIRON)


def test_a_config_without_end_is_refused_and_not_read():
    with pytest.raises(ConfigError, match=r"^/dev/zero: the config is too long: expected at most 1 MiB$"):
        load(Path("/dev/zero"), ENVIRON)


def test_a_config_may_have_a_mebibyte(tmp_path):
    path = tmp_path / "config.toml"
    path.write_bytes(b"#" * LARGEST)
    load(path, ENVIRON)
    path.write_bytes(b"#" * (LARGEST + 1))
    with pytest.raises(ConfigError, match="too long"):
        load(path, ENVIRON)
