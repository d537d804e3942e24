"""What is kept of a page that said nothing new."""

import pytest
from things import seen, upload

from notifier.core.model import LookKind
from notifier.heard import FEW, heard
from notifier.store import Compared

PAGE = (seen(id="a"), seen(id="b"))


def page():
    return heard(PAGE, LookKind.LIST, None)


def test_the_very_same_page_is_the_very_same_and_another_one_has_the_rows_that_it_shares_with_it():
    before = page()
    assert heard(PAGE, LookKind.LIST, before) is before
    after = heard((seen(id="new"), PAGE[0]), LookKind.LIST, before)
    assert after.rows[1] is before.rows[0]


@pytest.mark.parametrize(
    ("fresh", "lacking", "is_kept"),
    [(set(), None, True), (set(), 0, True), (set(), FEW, True), (set(), FEW + 1, False), ({1}, 0, False)],
)
def test_what_a_page_came_to_is_kept_where_nothing_was_new_and_little_lacking(fresh, lacking, is_kept):
    one, found = page(), Compared(fresh, {}, None if lacking is None else [upload()] * lacking)
    one.remember(found, 7)
    assert (one.mark, one.before(alone=False)) == (7, found if is_kept else None)


def test_what_was_not_asked_about_a_page_is_not_known_once_it_is_alone():
    one = page()
    one.remember(Compared(set(), {}, None), 7)
    assert one.before(alone=False) is not None
    assert one.before(alone=True) is None
