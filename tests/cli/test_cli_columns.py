"""A table in the width of a terminal: what does not fit is left out or goes on below, and nothing is cut."""

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.cli.columns import NARROWEST, NONE, SENTENCE, fitting, lines

ID = "7b2c2f5e-1234-4a6f-9f1d-a1b2c3d4e5f6"
TABLE = {"id": [ID, "b"], "state": ["paused", "ok"], "url": [NONE, NONE], "why": ["it was asked to, by a person", NONE]}
WORDS = st.text("ab \u2013", min_size=1, max_size=30).map(str.strip).filter(bool)


def plain(*given):
    return [click.unstyle(line) for line in lines(*given)]


def test_what_has_place_is_there():
    assert fitting(TABLE, ("state",), 200) == TABLE
    assert plain(TABLE, 200)[1:] == [
        f"{ID}  paused  {NONE}    it was asked to, by a person",
        f"{'b':36}  ok      {NONE}    {NONE}",
    ]


def test_what_holds_nothing_is_left_out_first_then_what_others_can_do_without():
    assert list(fitting(TABLE, ("state",), 73)) == ["id", "state", "why"]
    assert list(fitting(TABLE, ("state",), 65)) == ["id", "why"]
    assert list(fitting(TABLE, ("state", "why"), 65)) == ["id", "why"]
    assert list(fitting(TABLE, ("why", "state"), 65)) == ["id", "state", "url"]


def test_a_sentence_goes_on_below_and_an_id_is_never_cut():
    shown = plain(fitting(TABLE, ("state",), 65), 65)
    assert shown == [f"{'ID':36}  WHY", f"{ID}  it was asked to, by a", f"{'':36}  person", f"{'b':36}  {NONE}"]
    assert plain({"id": [ID]}, 10) == ["ID", ID]


def test_without_a_width_every_sentence_is_in_its_line():
    assert len(plain({"id": ["a"], "why": ["word " * 100]})) == 2


@pytest.mark.parametrize("word", ["ok", "open", "dead", "dropped"])
def test_words_of_state_have_colours(word):
    assert list(lines({"state": [word]}))[1] != word


@given(
    st.dictionaries(
        st.sampled_from(["id", "name", "url", SENTENCE]), st.lists(WORDS, min_size=2, max_size=2), min_size=1
    ),
    st.integers(10, 120),
)
def test_no_line_is_longer_than_the_terminal_where_all_that_is_left_fits(columns, width):
    columns = dict(sorted(columns.items(), key=lambda column: column[0] == SENTENCE))
    shown = fitting(columns, [one for one in ("url", "name") if one in columns], width)
    assert set(columns) - {"url", "name"} - {one for one, cells in columns.items() if {*cells} == {NONE}} <= set(shown)
    least = {
        one: min(max(map(len, (one, *cells))), NARROWEST if one == SENTENCE else 999) for one, cells in shown.items()
    }
    if sum(least.values()) + 2 * (len(least) - 1) <= width:
        assert max(map(len, plain(shown, width))) <= width
