"""How much of the time anything is open."""

import pytest
from things import HOUR, NOW

from notifier.core.busy import LONGEST, UNHURRIED, Busy


def share(*noted):
    busy = Busy()
    for at, is_open in noted:
        busy.note(NOW + at, is_open=is_open)
    return busy.share


def test_before_anything_is_known_it_is_half_of_the_time():
    assert share() == share((0, True)) == share((0, True), (0, True)) == 0.5


@pytest.mark.parametrize(("is_open", "late"), [(True, 0.75), (False, 0.25)])
def test_what_was_noted_last_counts_until_the_next_time(is_open, late):
    assert share((0, is_open), (UNHURRIED, not is_open)) == late


def test_it_is_averaged_over_ever_more_time_up_to_a_longest():
    noted = [(count * LONGEST, False) for count in range(4)]
    assert share(*noted) == 0.0
    assert share(*noted, (3 * LONGEST, True), (3.5 * LONGEST, False)) == 0.5
    assert share((0, True), (2 * LONGEST, False)) == 1.0


def test_a_clock_that_is_put_back_counts_for_nothing():
    assert share((HOUR, True), (0, True)) == 0.5
