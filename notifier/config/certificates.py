"""an endpoint's files of TLS → where they are, and what is wrong with them, found by the code that will use them."""

from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from ssl import SSLError

from notifier.config.faults import Findings, KeyPath, Wrong
from notifier.config.models import EndpointTable
from notifier.config.places import Surroundings
from notifier.config.secrets import Reference, place
from notifier.webhook.trust import EncryptedKey, context

FILES = ("ca_file", "client_cert", "client_key")
CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
KEY = b"PRIVATE KEY-----"
LARGEST = 1024 * 1024
"""Bytes of such a file: all authorities of the world need less."""


def files_of(endpoint: EndpointTable, around: Surroundings) -> dict[str, str]:
    """The paths of those that there are, by their keys; raises `Wrong` where systemd hands none over."""
    written = {key: getattr(endpoint, key) for key in FILES}
    return {key: str(place(one, around.environ, around.folder)) for key, one in written.items() if one is not None}


def digest_of(files: Mapping[str, str]) -> str:
    """Tells the contents of such files apart; "" where there are none."""
    whole = sha256()
    for key, path in sorted(files.items()):
        with suppress(OSError):  # it was there just now: whoever uses it will tell
            whole.update(f"{key} {path} ".encode() + Path(path).read_bytes())
    return whole.hexdigest() if files else ""


def check_files(endpoint: EndpointTable, path: KeyPath, around: Surroundings, findings: Findings) -> None:
    """Whether they can be used as they will be."""
    written = {key: one for key in FILES if (one := getattr(endpoint, key)) is not None}
    if "client_key" in written and "client_cert" not in written:
        findings.fault((*path, "client_key"), "needs client_cert: a key without a certificate proves nothing")
    bears_key = "client_key" if "client_key" in written else "client_cert"
    for key, reference in written.items():
        with findings.at((*path, key)):
            content = _content(reference, around)
            if key != "client_key" and CERTIFICATE not in content:
                raise Wrong(f"expected a file in PEM, with a line {CERTIFICATE.decode()}")
            if key == bears_key and KEY not in content:
                raise Wrong("expected a private key in PEM, in a file of its own or beside the certificate")
    if any(findings.at_fault((*path, key)) for key in written):
        return
    client = files_of(endpoint, around)
    ca_file = client.pop("ca_file", None)
    with findings.at((*path, "ca_file")):
        _try(ca_file=ca_file)
    with findings.at((*path, bears_key)):
        _try(**client)


def _try(**files: str | None) -> None:
    if not any(files.values()):
        return
    try:
        context(**files)
    except EncryptedKey:
        raise Wrong("the key is encrypted, and nobody can be asked for its password: store it without") from None
    except SSLError as error:
        raise Wrong(_why(error)) from None


def _content(reference: Reference, around: Surroundings) -> bytes:
    what = "the file" if reference.kind == "file" else str(reference)  # its path may be a key that was put there
    try:
        with place(reference, around.environ, around.folder).open("rb") as opened:
            content = opened.read(LARGEST + 1)
    except OSError as error:
        raise Wrong(f"{what} cannot be read: {error.strerror}") from None
    if len(content) > LARGEST:
        raise Wrong(f"{what} holds more than 1 MiB")
    return content


def _why(error: SSLError) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return "the key is not that of the certificate"
    words = (error.reason or "it is broken").replace("_", " ").lower()
    return f"OpenSSL cannot use it: {words}"
