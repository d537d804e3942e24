"""Sweeps through a list, one after the other: which is believed, and what ends before its end."""

from dataclasses import replace
from math import inf

import pytest
from things import HOUR, NOW, seen

from notifier.core.model import Answer, ListingState, LookKind, Upload
from notifier.core.rhythm import Listing
from notifier.core.sweep import GIVE_UP_AFTER, Barrier, Sweep
from notifier.core.sweeps import DOUBTS, LONGEST_BAR, SHORTEST_BAR, Doubt, Sweeps

VIDEOS = Listing(LookKind.LIST, "videos", active=30, idle=300)
READ = ListingState("videos", page=1, due_at=NOW, baseline_at=NOW - 1000, swept_at=NOW - 1000)


# --- doubt


def clears(known, absent, rows, *moments):
    doubt = Doubt()
    return [doubt.clears(known, absent, rows, NOW + moment) for moment in moments]


@pytest.mark.parametrize(
    ("known", "absent", "rows", "believed"),
    [
        (0, 0, 0, True),
        (0, 0, 9, True),
        (5, 0, 5, True),
        (9, 8, 1, True),
        (10, 5, 5, True),
        (10, 6, 4, False),
        (1000, 500, 500, True),
        (1000, 501, 900, False),
        (1000, 1000, 0, False),
        (1, 1, 0, False),
        (1, 1, 20, True),
        (9, 9, 20, True),
    ],
)
def test_a_list_is_doubted_that_shows_nothing_or_less_than_half(known, absent, rows, believed):
    assert clears(known, absent, rows, 0) == [believed]


def test_what_is_doubted_is_believed_after_three_sweeps_and_an_hour():
    assert clears(10, 10, 0, 0, HOUR) == [False, False]
    assert clears(10, 10, 0, 0, 60, 120, HOUR - 1) == [False] * 4
    assert clears(10, 10, 0, 0, 60, HOUR, HOUR + 60) == [False, False, True, True]
    assert DOUBTS == 3


def test_a_list_that_shows_its_rows_again_was_wrong():
    doubt = Doubt()
    assert not doubt.clears(10, 10, 0, NOW)
    assert not doubt.clears(10, 9, 1, NOW + 60)
    assert doubt.clears(10, 1, 9, NOW + 120)
    again = [doubt.clears(10, 10, 0, NOW + HOUR + more) for more in (0, 1, 2, HOUR)]
    assert again == [False, False, False, True]


# --- a page that cannot be had


def given_up(page):
    return replace(READ, page=page, failures=GIVE_UP_AFTER - 1)


def test_a_page_that_is_given_up_is_a_barrier_for_ever_longer():
    sweeps, lasts = Sweeps(), []
    for _ in range(9):
        again_at = sweeps.failed(given_up(3), NOW, every=300.0)
        barrier = sweeps.barriers["videos"]
        lasts.append(barrier.lasts)
        assert barrier == Barrier(3, NOW + lasts[-1], lasts[-1])
        assert again_at == NOW + lasts[-1] + 300
    assert lasts == [SHORTEST_BAR * 2**times for times in range(7)] + [LONGEST_BAR] * 2


def test_a_page_that_is_asked_for_again_is_none():
    sweeps = Sweeps()
    assert sweeps.failed(replace(READ, page=3, failures=GIVE_UP_AFTER - 2), NOW, every=300.0) == NOW
    assert sweeps.failed(given_up(1), NOW, every=300.0) == NOW
    assert sweeps.barriers == {}


def test_a_first_page_that_fails_leaves_a_barrier_where_it_is():
    sweeps = Sweeps()
    sweeps.failed(given_up(3), NOW, every=300.0)
    assert sweeps.failed(replace(READ, failures=7), NOW + 5, every=300.0) == NOW + 5
    assert sweeps.barriers == {"videos": Barrier(3, NOW + SHORTEST_BAR, SHORTEST_BAR)}


def test_a_barrier_is_over_at_its_moment_and_remembered_until_it_is_passed():
    sweeps = Sweeps()
    sweeps.failed(given_up(3), NOW, every=300.0)
    until = NOW + SHORTEST_BAR
    assert sweeps.barrier("videos", until - 1) == Barrier(3, until, SHORTEST_BAR)
    assert sweeps.barrier("videos", until) is None
    assert sweeps.barrier("images", NOW) is None
    sweeps.answered(replace(READ, page=2), Answer((seen(),), more=True), until)
    assert sweeps.barriers
    sweeps.answered(replace(READ, page=3), Answer((seen(),), more=True), until)
    assert not sweeps.barriers


def test_a_list_that_ends_before_its_barrier_has_none():
    sweeps = Sweeps()
    sweeps.failed(given_up(3), NOW, every=300.0)
    sweeps.answered(replace(READ, page=1), Answer(), NOW)
    assert not sweeps.barriers


def test_a_page_of_which_nothing_could_be_read_is_a_barrier_at_once_but_the_first_is_not():
    sweeps = Sweeps()
    sweeps.answered(replace(READ, page=2), Answer(skipped=("row 1: broken",), more=True), NOW)
    assert sweeps.barriers == {"videos": Barrier(2, NOW + SHORTEST_BAR, SHORTEST_BAR)}
    sweeps.answered(READ, Answer(skipped=("row 1: broken",), more=True), NOW)
    assert sweeps.barriers == {"videos": Barrier(2, NOW + SHORTEST_BAR, SHORTEST_BAR)}
    sweeps.answered(replace(READ, page=2), Answer((seen(),), skipped=("row 1: broken",), more=True), NOW)
    assert not sweeps.barriers


def test_what_a_person_wants_is_read_from_page_1_whatever_was_written_meanwhile_and_past_every_barrier():
    sweeps = Sweeps()
    sweeps.failed(given_up(3), NOW, every=300.0)
    sweeps.read_anew(["videos", "images"])
    assert not sweeps.barriers
    assert sweeps.wanted(READ, NOW + 5) == replace(READ, due_at=NOW + 5, swept_at=None)
    further = replace(READ, page=3, cursor="c3", due_at=NOW + 9)
    assert sweeps.wanted(further, NOW + 5) == replace(READ, due_at=NOW + 5, swept_at=None)
    first = replace(further, baseline_at=None)
    assert sweeps.wanted(first, NOW + 5) == replace(first, due_at=NOW + 5, swept_at=None)
    sweeps.anew.discard("videos")
    assert sweeps.wanted(READ, NOW + 5) == READ
    assert sweeps.wanted(None, NOW + 5) is None


def test_a_page_that_is_answered_where_there_is_no_barrier_makes_none():
    sweeps = Sweeps()
    for more in (True, False):
        sweeps.answered(replace(READ, page=2), Answer((seen(),), more=more), NOW)
    assert sweeps.barriers == {}


def test_another_page_that_fails_once_leaves_a_barrier_where_it_is():
    sweeps = Sweeps()
    sweeps.failed(given_up(3), NOW, 0)
    sweeps.failed(replace(READ, page=2), NOW + 1, 0)
    assert sweeps.barriers == {"videos": Barrier(3, NOW + SHORTEST_BAR, SHORTEST_BAR)}


def test_a_barrier_lasts_for_half_a_minute_at_first_and_an_hour_at_most():
    assert (SHORTEST_BAR, LONGEST_BAR) == (30, HOUR)


# --- whether a complete sweep is believed


@pytest.mark.parametrize(("through", "rest"), [(1000, 1000), (6 * HOUR, 6 * HOUR), (7 * HOUR, 6 * HOUR)])
def test_all_that_was_ever_listed_is_compared_again_when_its_list_is_next_read_through_or_after_six_hours(
    through, rest
):
    sweeps, listing = Sweeps(), replace(VIDEOS, through=through)
    assert sweeps.shows(listing, 20, 0, 20, NOW, whole=True)
    assert sweeps.compares_at == {"videos": NOW + rest}


def test_what_is_open_is_compared_at_every_sweep():
    sweeps = Sweeps()
    assert sweeps.shows(VIDEOS, 20, 0, 20, NOW, whole=False)
    assert sweeps.compares_at == {}


def test_a_list_that_is_doubted_is_compared_again_so_soon_that_an_hour_of_doubt_is_enough():
    sweeps = Sweeps()
    moments = [NOW + time * HOUR / DOUBTS for time in range(DOUBTS + 1)]
    assert [sweeps.shows(VIDEOS, 20, 20, 0, now, whole=True) for now in moments] == [False, False, False, True]
    doubted = Sweeps()
    assert not doubted.shows(VIDEOS, 20, 20, 0, NOW, whole=True)
    assert doubted.compares_at == {"videos": NOW + HOUR / DOUBTS}


@pytest.mark.parametrize("other", [(replace(VIDEOS, collection="images"), True), (VIDEOS, False)])
def test_each_list_is_doubted_for_itself_and_so_is_all_of_it_and_what_is_open(other):
    sweeps, (listing, whole) = Sweeps(), other
    for time in range(DOUBTS):
        sweeps.shows(VIDEOS, 20, 20, 0, NOW + time * HOUR, whole=True)
    assert sweeps.shows(VIDEOS, 20, 20, 0, NOW + 3 * HOUR, whole=True)
    assert not sweeps.shows(listing, 20, 20, 0, NOW + 3 * HOUR, whole=whole)


@pytest.mark.parametrize(("rows", "believed"), [(0, False), (9, False), (10, True), (20, True)])
def test_a_list_is_doubted_by_what_it_showed_before_however_little_is_known_to_be_open(rows, believed):
    sweeps = Sweeps()
    assert sweeps.shows(VIDEOS, 0, 0, 20, NOW, whole=True)
    assert sweeps.shows(VIDEOS, 1, 1, rows, NOW + 60, whole=False) is believed
    assert sweeps.shows(VIDEOS, 0, 0, rows, NOW + 120, whole=False) is believed


def test_a_list_of_which_nothing_is_known_is_believed_to_be_empty():
    assert Sweeps().shows(VIDEOS, 0, 0, 0, NOW, whole=False)


def test_a_list_that_ought_to_show_more_is_doubted_by_every_sweep_until_it_is_believed():
    sweeps = Sweeps()
    assert not sweeps.shows(VIDEOS, 20, 18, 2, NOW, whole=True)
    moments = [NOW + more for more in (60, 120, 60 + HOUR, 120 + HOUR)]
    assert [sweeps.shows(VIDEOS, 0, 0, 2, now, whole=False) for now in moments] == [False, False, True, True]
    assert sweeps.shows(VIDEOS, 1, 1, 1, NOW + 2 * HOUR, whole=False)


# --- how far back a feed is read


def shown(*moments):
    """A sweep through a feed whose rows are of these moments."""
    return Sweep(NOW, newest=max(moments, default=None), oldest=min(moments, default=inf))


def test_a_feed_is_read_for_ever_back_but_up_to_a_page_that_could_not_be_had():
    sweeps = Sweeps()
    assert sweeps.ended("history", shown(10, 20)) == -inf
    assert sweeps.ended("history", shown()) == -inf
    assert sweeps.newest == {"history": 20}
    sweeps.barriers["history"] = Barrier(3, NOW, SHORTEST_BAR)
    assert sweeps.ended("history", shown(20, 30)) == 20
    assert sweeps.ended("history", shown()) == inf
    assert sweeps.newest == {"history": 20}
    assert sweeps.ended("history", shown(19, 40)) == -inf
    assert sweeps.newest == {"history": 40}


def test_where_nothing_of_a_feed_was_read_before_it_is_read_back_to_its_oldest_row():
    sweeps = Sweeps(barriers={"history": Barrier(3, NOW, SHORTEST_BAR)})
    assert sweeps.ended("history", shown(10, 20)) == 10
    assert sweeps.newest == {}


# --- what may stand in any of several lists


def test_a_round_is_over_once_each_list_had_a_sweep_since_the_one_before():
    sweeps, names = Sweeps(), ["videos", "images"]
    sweeps_of = [("videos", NOW), ("videos", NOW + 1), ("images", NOW + 2), ("videos", NOW + 3), ("images", NOW + 4)]
    rounds = [sweeps.rounded(Sweep(at), name, names) for name, at in sweeps_of]
    assert [one and one.began_at for one in rounds] == [None, None, NOW + 1, None, NOW + 3]


def test_a_list_that_is_doubted_since_its_last_sweep_has_no_part_in_a_round_before_the_next():
    sweeps, names = Sweeps(), ["videos", "images"]
    assert sweeps.rounded(Sweep(NOW), "videos", names) is None
    assert not sweeps.shows(VIDEOS, 20, 20, 0, NOW + 1, whole=False)
    assert sweeps.rounded(Sweep(NOW + 2), "images", names) is None
    assert sweeps.rounded(Sweep(NOW + 3), "videos", names).began_at == NOW + 2


def test_a_list_that_is_believed_keeps_its_part_in_a_round():
    sweeps, names = Sweeps(), ["videos", "images"]
    assert sweeps.rounded(Sweep(NOW), "videos", names) is None
    assert sweeps.shows(VIDEOS, 20, 0, 20, NOW + 1, whole=False)
    assert sweeps.rounded(Sweep(NOW + 2), "images", names).began_at == NOW


@pytest.mark.parametrize(
    ("id_", "followed_at", "lacks"),
    [("3", NOW, True), ("3", NOW + 1, False), ("1", NOW, False), ("2", NOW, False)],
)
def test_a_round_lacks_what_was_followed_before_it_and_none_of_its_lists_has_shown(id_, followed_at, lacks):
    sweeps = Sweeps()
    sweeps.rounded(Sweep(NOW, ids={"1"}), "videos", ["videos", "images"])
    around = sweeps.rounded(Sweep(NOW + 5, ids={"2"}), "images", ["videos", "images"])
    assert around.lacks(Upload(7, "posts", "", id_, followed_at)) is lacks
