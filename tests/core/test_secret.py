"""A secret is seen by nobody who does not ask for it by name."""

import copy
import json
import pickle

import pytest
from things import NOW, receiver

from notifier.core.secret import Secret

HIDDEN = Secret("open sesame")


def test_it_is_revealed_by_name():
    assert HIDDEN.reveal() == "open sesame"


@pytest.mark.parametrize("shown", [repr(HIDDEN), str(HIDDEN), f"{HIDDEN}", f"{HIDDEN!r:>3}", f"{HIDDEN} {HIDDEN!r}"])
def test_it_prints_as_nothing(shown):
    assert shown.replace("***", "").strip() == ""


def test_it_does_not_show_through_what_holds_it():
    endpoint = receiver()
    assert "whsec_x" not in repr(endpoint)
    assert "***" in repr(endpoint)


@pytest.mark.parametrize("write", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps])
def test_it_is_not_written_anywhere(write):
    with pytest.raises(TypeError) as raised:
        write(HIDDEN)
    assert "sesame" not in str(raised.value)


def test_it_has_nowhere_else_to_look():
    assert not hasattr(HIDDEN, "__dict__")


def test_it_may_end_and_is_still_good_at_its_last_moment():
    assert not Secret("a").has_ended(NOW)
    assert [Secret("a", NOW).has_ended(NOW + late) for late in (-1, 0, 0.001)] == [False, False, True]
    assert Secret("a", NOW) == Secret("a", NOW) != Secret("a")


def test_equal_secrets_are_equal():
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert {Secret("a"), Secret("a"), Secret("b")} == {Secret("b"), Secret("a")}


def test_what_differs_is_told_apart_in_a_set_of_many_without_comparing_all():
    assert len({hash(Secret(value, end)) for value in "ab" for end in (None, 1.0)}) == 4


def test_who_tries_to_write_it_is_told_that_it_is_not_done():
    with pytest.raises(TypeError, match="a secret is not written anywhere"):
        pickle.dumps(Secret("hush"))
