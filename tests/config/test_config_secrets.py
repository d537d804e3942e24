"""Secrets, wherever they are kept."""

from pathlib import Path

import pytest
from configs import ENVIRON, WHSEC
from strangers import stranger

from notifier.config.faults import Wrong
from notifier.config.secrets import LARGEST, Reference, fit_for_header, fit_for_signing, read, resolve
from notifier.core.secret import Secret

NOWHERE = Path("/nowhere")


def test_a_string_is_the_secret_itself():
    assert resolve(read("s3cret"), {}, NOWHERE) == Secret("s3cret")


def test_the_environment_keeps_a_secret():
    assert resolve(read({"env": "KEY"}), {"KEY": "s3cret"}, NOWHERE) == Secret("s3cret")


@pytest.mark.parametrize(
    ("content", "secret"),
    [(b"s3cret", "s3cret"), (b"s3cret\n", "s3cret"), (b"s3cret\r\n", "s3cret"), (b"s3cret\n\n", "s3cret\n")],
)
def test_a_file_beside_the_config_keeps_a_secret_and_one_newline(tmp_path, content, secret):
    (tmp_path / "key").write_bytes(content)
    assert resolve(read({"file": "key"}), {}, tmp_path) == Secret(secret)
    assert resolve(read({"file": str(tmp_path / "key")}), {}, NOWHERE) == Secret(secret)


def test_a_secret_may_be_as_large_as_that_and_its_newline(tmp_path):
    (tmp_path / "key").write_bytes(b"x" * LARGEST + b"\r\n")
    assert resolve(read({"file": "key"}), {}, tmp_path) == Secret("x" * LARGEST)
    for more in (b"y\r\n", b"\r\ny"):
        (tmp_path / "key").write_bytes(b"x" * LARGEST + more)
        with pytest.raises(Wrong, match="the file key holds more than 64 KiB"):
            resolve(read({"file": "key"}), {}, tmp_path)


def test_a_secret_in_the_config_is_bounded_too():
    with pytest.raises(Wrong, match="the secret holds more than 64 KiB"):
        resolve(read("ö" * (LARGEST // 2 + 1)), {}, NOWHERE)


def test_a_variable_that_is_no_text_is_a_fault_of_its_own_and_no_crash():
    secret = resolve(read({"env": "KEY"}), {"KEY": "\udcff"}, NOWHERE)
    with pytest.raises(Wrong, match="no header can carry"):
        fit_for_header(secret)
    with pytest.raises(Wrong, match="expected whsec_"):
        fit_for_signing(secret)


def test_systemd_keeps_a_secret(tmp_path):
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    (tmp_path / "notifier_key").write_text("from a folder")
    assert resolve(read({"credential": "key"}), environ, NOWHERE) == Secret("from a folder")
    (tmp_path / "key").write_text("by its own name")
    assert resolve(read({"credential": "key"}), environ, NOWHERE) == Secret("by its own name")


@pytest.mark.parametrize("environ", [{}, {"CREDENTIALS_DIRECTORY": ""}])
def test_without_systemd_there_are_no_credentials(environ):
    with pytest.raises(Wrong, match=r"^the credential key is not there: systemd hands over no credentials"):
        resolve(read({"credential": "key"}), environ, NOWHERE)


def test_a_folder_of_credentials_that_is_closed_is_told(tmp_path):
    """Who was not root once ended in a trace: `Path.exists` raises where a folder cannot be entered."""
    (tmp_path / "key").write_text("s3cret")
    told = r"^the credential key cannot be read: Permission denied$"
    with stranger({tmp_path: 0}), pytest.raises(Wrong, match=told):
        resolve(read({"credential": "key"}), {"CREDENTIALS_DIRECTORY": str(tmp_path)}, NOWHERE)


def test_a_reference_names_itself_and_no_content():
    assert str(Reference("env", "KEY")) == "the environment variable KEY"
    assert str(Reference("file", "key")) == "the file key"
    assert str(Reference("credential", "key")) == "the credential key"


def test_a_secret_that_serves_its_purpose_is_accepted():
    fit_for_header(Secret("a key with ~!@#$ in it"))
    fit_for_signing(Secret(ENVIRON["WHSEC"]))


def test_a_fault_of_a_secret_has_no_cause_that_would_show_it():
    with pytest.raises(Wrong) as caught:
        fit_for_signing(Secret(WHSEC[:-1]))
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
