"""an endpoint's TLS files → what is wrong with them; they are read by the code that will use them."""

from pathlib import Path
from ssl import SSLError

from notifier.config.faults import Findings, KeyPath, Wrong
from notifier.config.models import EndpointTable
from notifier.webhook.trust import EncryptedKey, context

CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
KEY = b"PRIVATE KEY-----"
LARGEST = 1024 * 1024
"""Bytes of such a file: all authorities of the world need less."""


def check_files(endpoint: EndpointTable, path: KeyPath, folder: Path, findings: Findings) -> None:
    """Whether they can be used as they will be; relative ones are in `folder`."""
    given = {key: getattr(endpoint, key) for key in ("ca_file", "client_cert", "client_key")}
    files = {key: str(folder / name) for key, name in given.items() if name is not None}
    if "client_key" in files and "client_cert" not in files:
        findings.fault((*path, "client_key"), "needs client_cert: a key without a certificate proves nothing")
    has_key = "client_key" if "client_key" in files else "client_cert"
    for key, file in files.items():
        with findings.at((*path, key)):
            content = _content(file)
            if key != "client_key" and CERTIFICATE not in content:
                raise Wrong(f"expected a file in PEM, with a line {CERTIFICATE.decode()}")
            if key == has_key and KEY not in content:
                raise Wrong("expected a private key in PEM, in a file of its own or beside the certificate")
            if key == "ca_file":
                _try(file)
    if "client_cert" in files and not any(findings.at_fault((*path, key)) for key in files):
        with findings.at((*path, has_key)):
            _try(*map(files.get, given))


def _try(*files: str | None) -> None:
    try:
        context(*files)
    except EncryptedKey:
        raise Wrong("the key is encrypted, and nobody can be asked for its password: store it without") from None
    except SSLError as error:
        raise Wrong(_why(error)) from None


def _content(file: str) -> bytes:
    try:
        with Path(file).open("rb") as opened:
            content = opened.read(LARGEST + 1)
    except OSError as error:
        raise Wrong(f"the file cannot be read: {error.strerror}") from None
    if len(content) > LARGEST:
        raise Wrong("expected a file of at most 1 MiB")
    return content


def _why(error: SSLError) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return "the key is not that of the certificate"
    words = (error.reason or "it is broken").replace("_", " ").lower()
    return f"OpenSSL cannot use it: {words}"
