"""files in PEM → a TLS context: whose certificates are believed, and by which one we prove who we are."""

import ssl
from typing import NoReturn

from notifier.core.model import Endpoint


class EncryptedKey(ValueError):
    """A private key wants a password, and there is nobody to be asked for it."""


def context(
    ca_file: str | None = None, client_cert: str | None = None, client_key: str | None = None
) -> ssl.SSLContext:
    """TLS 1.2 or newer, certificate and host name checked.

    Believed are the authorities of `ca_file`, by default those of the system; where the client's key is not given it is
    in the file of its certificate. Raises `OSError`, of which `SSLError` is one, and `EncryptedKey`.
    """
    made = ssl.create_default_context(cafile=ca_file)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_alpn_protocols(["http/1.1"])
    if client_cert is not None:
        made.load_cert_chain(client_cert, client_key, password=_no_password)
    return made


def own_context(endpoint: Endpoint) -> ssl.SSLContext | None:
    """That of the endpoint's own files; None where it has none. Raises as `context` does."""
    files = (endpoint.ca_file, endpoint.client_cert, endpoint.client_key)
    return context(*files) if any(files) else None


def _no_password() -> NoReturn:  # without it OpenSSL asks the terminal, and waits
    raise EncryptedKey
