"""text → what it is recognised by later, and what nobody can read it from or guess it by."""

import hashlib


def digest(text: str, salt: str) -> str:
    """As a password is kept: slow to make, 4 MiB and some hundredths of a second, and of another `salt` another one."""
    try:
        made = hashlib.scrypt(text.encode(), salt=salt.encode(), n=2**12, r=8, p=1, dklen=16)
    except ValueError as error:  # so OpenSSL tells that it has no memory; all else is as it wants it
        raise MemoryError from error
    return f"{made.hex()} {salt}"


def is_of(known: str, text: str) -> bool:
    """Whether a digest was made of this text."""
    _, salt = known.split(" ", 1)
    return digest(text, salt) == known
