"""What a secret text is recognised by."""

import hashlib

import pytest

from notifier.core.digest import digest, is_of

TOKEN = "https://hooks.example.com/services/T0/B0/tok-en"


def test_a_text_is_recognised_and_no_other_is():
    known = digest(TOKEN, "app 1")
    assert is_of(known, TOKEN)
    assert not is_of(known, TOKEN + "/")


def test_the_digest_holds_nothing_of_the_text_and_differs_by_its_salt():
    one, other = digest(TOKEN, "app 1"), digest(TOKEN, "app 2")
    assert one.split()[0] != other.split()[0]
    assert not any(part in one for part in ("example", "T0", "tok-en"))


def test_what_was_kept_before_is_recognised_for_ever():
    assert digest(TOKEN, "app 1") == "520d9e96c00d28e32f20040f28231dbe app 1"


def test_where_there_is_no_memory_it_says_so(monkeypatch):
    def lacks(*_, **__):
        raise ValueError("[digital envelope routines] malloc failure")

    monkeypatch.setattr(hashlib, "scrypt", lacks)
    with pytest.raises(MemoryError):
        digest("text", "salt")
