"""a secret as the config has it → the secret itself."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from notifier.config.faults import Wrong
from notifier.config.units import moment
from notifier.config.words import nearest
from notifier.core.secret import Secret
from notifier.core.signing import parse_secret

EXPECTED = 'expected a string, { env = "NAME" }, { file = "PATH" } or { credential = "NAME" }'
EXPECTED_FILE = 'expected the path of a file, or { credential = "NAME" }'
EXPECTED_TO_END = (
    'expected not_after beside { env = "NAME" }, { file = "PATH" }, { credential = "NAME" } or { value = "SECRET" }'
)
KINDS = {"env": "the environment variable", "file": "the file", "credential": "the credential"}
LARGEST = 64 * 1024
"""Bytes of a secret."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a secret is kept: `kind` is one of KINDS."""

    kind: str
    name: str
    not_after: float | None = None
    """As of the secret that is kept there."""

    @property
    def written(self) -> str | dict[str, str]:
        """As a config has it; a file is named by its path alone where nothing but a file can stand."""
        return self.name if self.kind == "file" else {self.kind: self.name}

    def __str__(self) -> str:
        return f"{KINDS[self.kind]} {self.name}"


def read(value: object) -> Secret | Reference:
    """What stands in the config: the secret, or a reference to it."""
    if isinstance(value, str):
        return Secret(value)
    return _reference(value, EXPECTED)


def read_for_signing(value: object) -> Secret | Reference:
    """As `read`; such a secret may also end: `{ env = "NAME", not_after = 2026-12-01T00:00:00Z }`."""
    if not isinstance(value, dict) or (len(value) == 1 and not {"not_after", "value"} & value.keys()):
        return read(value)
    if "not_after" not in value:
        raise Wrong(EXPECTED_TO_END)
    rest = dict(value)
    not_after = moment(rest.pop("not_after"))
    if rest.keys() == {"value"} and isinstance(rest["value"], str):
        return Secret(rest["value"], not_after)
    return replace(_reference(rest, EXPECTED_TO_END), not_after=not_after)


def read_file(value: object) -> Reference:
    """What stands in the config for a file that is used as a file: its path, or the credential that it is."""
    if isinstance(value, dict) and value.keys() != {"credential"}:
        raise Wrong(EXPECTED_FILE)
    return _reference({"file": value} if isinstance(value, str) else value, EXPECTED_FILE)


def _reference(value: object, expected: str) -> Reference:
    if not isinstance(value, dict) or len(value) != 1:
        raise Wrong(expected)
    [(kind, name)] = value.items()
    if kind not in KINDS:
        raise Wrong(expected, nearest(kind, KINDS))
    if not isinstance(name, str) or not name or not name.isprintable():
        raise Wrong(expected)
    if kind == "credential" and "/" in name:
        raise Wrong('expected the name of a credential, without "/"')
    return Reference(kind, name)


def resolve(secret: Secret | Reference, environ: Mapping[str, str], folder: Path) -> Secret:
    """The secret itself, without the one newline that editors leave behind it; a file is relative to `folder`.

    Raises `Wrong`, which names the reference and never the content.
    """
    if isinstance(secret, Secret):
        what, value = "the secret", secret.reveal()
    else:
        what, value = str(secret), _fetched(secret, environ, folder)
    value = value.removesuffix("\n").removesuffix("\r")
    if not value:
        raise Wrong(f"{what} is empty")
    if len(value.encode(errors="surrogateescape")) > LARGEST:
        raise Wrong(f"{what} holds more than 64 KiB")
    return Secret(value, secret.not_after)


def _fetched(reference: Reference, environ: Mapping[str, str], folder: Path) -> str:
    if reference.kind == "env":
        if reference.name not in environ:
            raise Wrong(f"{reference} is not set")
        return environ[reference.name]
    return _content(reference, place(reference, environ, folder))


def place(reference: Reference, environ: Mapping[str, str], folder: Path) -> Path:
    """Where a `file` or a `credential` is to be found; a file is relative to `folder`. Raises `Wrong`."""
    if reference.kind == "file":
        return folder / reference.name
    if not environ.get("CREDENTIALS_DIRECTORY"):
        raise Wrong(f"{reference} is not there: systemd hands over no credentials ($CREDENTIALS_DIRECTORY is not set)")
    credentials = Path(environ["CREDENTIALS_DIRECTORY"])
    # systemd puts the files of a folder, `LoadCredential=notifier:/folder`, under names that begin with the folder's.
    plain = credentials / reference.name
    is_there = os.path.exists(plain)  # noqa: PTH110  # Path.exists raises where the folder is closed to us
    return plain if is_there else credentials / f"notifier_{reference.name}"


def _content(reference: Reference, path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 3).decode()  # a longest secret, its newline, and one byte too many
    except OSError as error:
        raise Wrong(f"{reference} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Wrong(f"{reference} holds no UTF-8 text") from None


# --- what a secret must be to serve its purpose


def fit_for_header(secret: Secret) -> None:
    """Raises `Wrong` where an API key or a token cannot be sent in a header."""
    value = secret.reveal()
    if not value.isascii() or not value.isprintable():
        raise Wrong("the secret holds characters that no header can carry")


def fit_for_bearer(secret: Secret) -> None:
    """Raises `Wrong` where a token cannot be the one of a header `authorization`."""
    fit_for_header(secret)
    if " " in secret.reveal():
        raise Wrong('a token has no blanks; the word "Bearer" goes before it by itself')


def fit_for_basic(secret: Secret) -> None:
    """Raises `Wrong` where a password cannot go out as one."""
    if not secret.reveal().isprintable():
        raise Wrong("a password has no line breaks and no other control characters")


def fit_for_signing(secret: Secret) -> None:
    """Raises `Wrong` where a secret cannot sign webhooks."""
    try:
        parse_secret(secret.reveal())
    except ValueError as error:
        raise Wrong(str(error)) from None
