"""What a list shows, page by page, whether it shows all, and how far it is read."""

from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from things import NOW, seen

from notifier.core.model import Answer, ListingState, LookKind
from notifier.core.rhythm import Listing
from notifier.core.sweep import (
    GIVE_UP_AFTER,
    LONGEST,
    MAX_PAGES,
    MOST_GUARDED,
    Barrier,
    Interest,
    Sweep,
    is_heard,
    is_old,
    put_off,
    read_on,
    state_of,
)

VIDEOS = Listing(LookKind.LIST, "videos", active=30, idle=300)
READ = ListingState("videos", page=1, due_at=NOW, baseline_at=NOW - 1000, swept_at=NOW - 1000)


def page(*ids, more=True, total=None, skipped=(), alias=None):
    return Answer(tuple(seen(id=id_, alias=alias) for id_ in ids), more=more, total=total, skipped=skipped)


def swept(*pages, began_at=NOW):
    """A sweep of these pages, and its last answer."""
    sweep = Sweep(began_at)
    for number, answer in enumerate(pages, 1):
        sweep.take(answer, number, NOW)
    return sweep, pages[-1]


def is_complete(*pages, **more):
    sweep, last = swept(*pages, **more)
    return sweep.is_complete(last)


# --- complete


def test_a_sweep_is_complete_at_the_end_that_the_provider_names():
    assert is_complete(page("a"), page("b", more=False))
    assert not is_complete(page("a"), page("b"))
    assert is_complete(page(more=False))


@pytest.mark.parametrize(("alias", "spoken_of"), [(None, {"a", "b"}), ("", {"a", "b"}), ("c", {"a", "b", "c"})])
def test_a_sweep_speaks_of_rows_by_all_their_ids(alias, spoken_of):
    sweep, _ = swept(page("a"), page("b", alias=alias))
    assert sweep.spoken_of == spoken_of


def test_a_broken_row_leaves_a_sweep_in_doubt_for_good():
    assert not is_complete(page("a", skipped=("row 2: broken",)), page("b", more=False))


@pytest.mark.parametrize(("seconds", "complete"), [(LONGEST, True), (LONGEST + 1, False)])
def test_a_sweep_that_took_long_is_no_picture_of_one_moment(seconds, complete):
    assert is_complete(page("a"), page("b", more=False), began_at=NOW - seconds) is complete


@pytest.mark.parametrize(("total", "complete"), [(2, True), (1, True), (3, False), (None, True)])
def test_a_sweep_that_shows_fewer_than_the_provider_counts_is_not_complete(total, complete):
    assert is_complete(page("a", total=total), page("a", "b", more=False, total=total)) is complete


def test_of_the_totals_told_the_smallest_counts():
    assert is_complete(page("a", total=1), page("b", more=False, total=9))
    assert is_complete(page("a", total=9), page("a", total=1), page(more=False))


def test_a_list_that_was_empty_for_a_moment_is_counted_so():
    """The smallest total is 0: no other takes its place."""
    assert is_complete(page(total=0), page("a", total=5), page(more=False, total=5))


def test_the_newest_and_the_oldest_moment_are_those_of_any_row_on_any_page():
    rows = [Answer((seen(updated_at=one), seen(updated_at=other)), more=True) for one, other in ((5, 7), (6, None))]
    sweep, _ = swept(page("a"), *rows)
    assert (sweep.newest, sweep.oldest) == (7, 5)
    assert swept(page("a"))[0].oldest == inf


def test_rows_that_moved_down_are_counted_once():
    assert not is_complete(page("a", "b", total=3), page("b", more=False, total=3))


# --- the total guard


def test_a_list_that_shrank_since_the_page_before_is_read_again_from_there():
    sweep = Sweep(NOW)
    assert not sweep.take(page("a", "b", total=5), 1, NOW)
    assert not sweep.take(page("c", "d", total=5), 2, NOW)
    assert sweep.take(page("f", more=False, total=4), 3, NOW)
    assert not sweep.take(page("d", "e", total=4), 2, NOW)
    last = page("f", more=False, total=4)
    assert not sweep.take(last, 3, NOW)
    assert sweep.is_complete(last)
    assert sweep.ids == set("abcdef")


def test_a_list_that_tells_no_total_is_never_read_again():
    sweep = Sweep(NOW)
    assert not any(sweep.take(page("a"), number, NOW) for number in range(1, 9))
    assert not sweep.take(page("a", total=3), 9, NOW)
    assert not sweep.take(page("a"), 10, NOW)
    assert sweep.take(page("a", total=2), 11, NOW)


def test_a_list_that_grows_is_not_read_again():
    sweep = Sweep(NOW)
    assert not any(sweep.take(page("a", total=number), number, NOW) for number in range(1, 9))


def test_before_the_first_page_there_is_none():
    sweep = Sweep(NOW)
    sweep.take(page("a", total=5), 1, NOW)
    last = page("a", more=False, total=1)
    assert not sweep.take(last, 1, NOW)
    assert not sweep.is_complete(last)


def test_a_list_that_never_stops_shrinking_has_an_end_and_is_not_complete():
    sweep, guards = Sweep(NOW), 0
    for total in range(100, 0, -1):
        last = page(str(total), more=False, total=total)
        again = sweep.take(last, 7, NOW)
        guards += again
        assert guards == MOST_GUARDED or sweep.is_complete(last) is (len(sweep.ids) >= total)
    assert guards == MOST_GUARDED
    assert len(sweep.ids) > 1
    assert not sweep.is_complete(last)


@st.composite
def shifting_lists(draw):
    """A list of rows, and what is deleted from it after each page that is read."""
    rows = [f"r{number}" for number in range(draw(st.integers(1, 30)))]
    return rows, draw(st.lists(st.none() | st.integers(0, 29), max_size=40))


@given(shifting_lists(), st.integers(1, 5))
def test_with_one_row_at_most_deleted_between_pages_a_complete_sweep_has_seen_all_that_stayed(world, size):
    """What rises by a place from the next page to this one is found by reading this one again."""
    rows, deletions = world
    left, number, sweep, guards = list(rows), 1, Sweep(NOW), iter(deletions)
    for _ in range(200):
        shown = left[(number - 1) * size : number * size]
        answer = page(*shown, more=number * size < len(left), total=len(left))
        again = sweep.take(answer, number, NOW)
        if not again and not answer.more:
            break
        number += -1 if again else 1
        gone = None if again else next(guards, None)
        if gone is not None and gone < len(left):
            del left[gone]
    if sweep.is_complete(answer):
        assert set(left) <= sweep.ids


# --- how far it is read


def on(progress, *, more=True, news=True, active=True, now=NOW, listing=VIDEOS, cursor=None, **how):
    answer = Answer(more=more, cursor=cursor)
    return read_on(progress, listing, answer, Interest(news=news, active=active, **how), now)


def test_a_list_that_was_never_read_is_at_its_first_page():
    assert state_of({}, VIDEOS) == ListingState("videos")
    assert state_of({"videos": READ}, VIDEOS) == READ


def test_a_first_sweep_goes_to_the_end_and_only_then_there_is_a_baseline():
    fresh = ListingState("videos")
    second = on(fresh, news=False)
    assert second == ListingState("videos", page=2, due_at=NOW, baseline_at=None, baseline_pages=1)
    read = ListingState("videos", 1, NOW + 31, NOW + 1, NOW + 1, baseline_pages=2)
    assert on(second, more=False, now=NOW + 1) == read


def test_a_page_that_was_read_once_is_part_of_the_baseline_before_the_first_sweep_has_come_to_the_end():
    fresh = ListingState("videos")
    assert is_old(fresh, seen())
    assert [is_old(replace(fresh, page=page, baseline_pages=2), seen()) for page in (1, 2, 3)] == [False, False, True]
    assert on(replace(fresh, baseline_pages=2)).baseline_pages == 2
    assert on(replace(fresh, page=3, baseline_pages=2)).baseline_pages == 3
    assert not is_old(replace(READ, page=9), seen())


@pytest.mark.parametrize(
    ("page", "created", "updated", "old"),
    [
        (MAX_PAGES, -1001, None, True),
        (MAX_PAGES, None, -1001, True),
        (MAX_PAGES, -1001, -1000, False),
        (MAX_PAGES, -1000, None, False),
        (MAX_PAGES, None, None, False),
        (MAX_PAGES + 1, -1001, None, True),
        (MAX_PAGES - 1, -1001, None, False),
    ],
)
def test_a_row_that_moves_up_to_the_last_page_that_is_read_is_as_old_as_it_says(page, created, updated, old):
    moments = {"created_at": created, "updated_at": updated}
    row = seen(**{name: NOW + moment for name, moment in moments.items() if moment is not None})
    assert is_old(replace(READ, page=page), row) is old


def test_what_is_read_while_nothing_is_discovered_is_no_baseline():
    fresh = ListingState("videos")
    assert on(fresh, discovers=False) == replace(fresh, page=2, due_at=NOW)
    assert on(fresh, discovers=False, more=False) == replace(fresh, due_at=NOW + 30, swept_at=NOW)
    assert on(READ, discovers=False, more=False).baseline_at == READ.baseline_at


def test_a_later_sweep_goes_on_while_there_is_news():
    assert on(READ) == replace(READ, page=2)
    assert on(READ, news=False) == replace(READ, due_at=NOW + 30)
    assert on(READ, more=False) == replace(READ, due_at=NOW + 30, swept_at=NOW)


def test_where_the_order_is_no_promise_a_sweep_goes_through_from_time_to_time():
    every = replace(VIDEOS, through=2000)
    assert on(READ, news=False, listing=every).page == 1
    assert on(replace(READ, swept_at=NOW - 2000), news=False, listing=every).page == 2


@pytest.mark.parametrize("late", [["baseline_at"], ["swept_at"], ["baseline_at", "swept_at"]])
def test_a_clock_that_was_put_back_during_a_look_makes_no_sweep_late(late):
    ahead = replace(READ, **dict.fromkeys(late, NOW + 2000))
    assert on(ahead, news=False) == replace(READ, due_at=NOW + 30, **dict.fromkeys(late, NOW))
    assert on(ListingState("videos", swept_at=NOW + 1), news=False).baseline_at is None


def test_where_a_source_is_not_read_for_its_own_sake_no_sweep_goes_through():
    unread = ListingState("videos", due_at=NOW + 30, baseline_pages=1)
    assert on(ListingState("videos"), news=False, sweeps=False) == unread
    assert on(ListingState("videos"), sweeps=False).page == 2


@pytest.mark.parametrize("sweeps", [True, False])
def test_what_is_to_be_found_again_is_looked_for_to_the_end(sweeps):
    assert on(READ, news=False, lost=True, sweeps=sweeps) == replace(READ, page=2)
    assert on(READ, news=False, lost=True, sweeps=sweeps, more=False) == replace(READ, due_at=NOW + 30, swept_at=NOW)


def test_a_list_that_shrank_is_read_again_from_the_page_before():
    third = replace(READ, page=3, due_at=NOW - 5)
    assert on(third, again=True) == replace(READ, page=2)
    assert on(third, again=True, more=False) == replace(READ, page=2)


def test_what_moved_up_to_a_page_that_is_read_again_is_part_of_the_baseline():
    again = on(replace(ListingState("videos", 3), baseline_pages=2), again=True)
    assert again == ListingState("videos", 2, NOW, baseline_pages=1)
    assert is_old(again, seen())
    assert on(replace(ListingState("videos", 2), baseline_pages=9), again=True).baseline_pages == 0


def test_a_page_that_is_known_by_a_cursor_has_none_before_it():
    assert on(replace(READ, page=3, cursor="abc"), again=True, cursor="def") == replace(READ, page=4, cursor="def")


def test_a_further_page_is_asked_for_where_the_answer_before_said():
    second = on(READ, cursor="abc")
    assert second == replace(READ, page=2, cursor="abc", due_at=NOW)
    assert on(second, news=False, cursor="abc").cursor is None


def test_nothing_open_is_read_at_the_idle_rhythm():
    assert on(READ, more=False, active=False).due_at == NOW + 300


def test_a_sweep_has_an_end_even_where_the_provider_knows_none():
    assert on(ListingState("videos", MAX_PAGES - 1)).page == MAX_PAGES
    read = ListingState("videos", 1, NOW + 30, NOW, NOW, baseline_pages=MAX_PAGES)
    assert on(ListingState("videos", MAX_PAGES)) == read


def test_a_page_of_which_nothing_could_be_read_makes_no_baseline_and_the_sweep_begins_anew():
    second = ListingState("videos", page=2)
    broken, dull = {"skipped": ("row 1: broken",)}, Interest(news=False, active=False)
    unread = read_on(second, VIDEOS, Answer(**broken), dull, NOW)
    assert unread == ListingState("videos", page=1, due_at=NOW + 300, baseline_at=None)
    later = read_on(replace(READ, page=2, cursor="abc"), VIDEOS, Answer(**broken), dull, NOW)
    assert later == replace(READ, page=1, due_at=NOW + 300, swept_at=None)
    read = read_on(second, VIDEOS, Answer((seen(),), **broken), dull, NOW)
    assert read == ListingState("videos", 1, NOW + 300, baseline_at=NOW, swept_at=NOW, baseline_pages=2)


def test_a_first_page_of_which_nothing_could_be_read_counts_as_one_that_failed_until_one_tells_something():
    broken, dull = ("row 1: broken",), Interest(news=False, active=False)
    progress = READ
    for failures in range(1, GIVE_UP_AFTER + 1):
        progress = read_on(progress, VIDEOS, Answer(skipped=broken), dull, NOW)
        assert progress == replace(READ, due_at=NOW + 300, swept_at=None, failures=failures)
    assert read_on(progress, VIDEOS, Answer((seen(),), skipped=broken), dull, NOW).failures == 0


@pytest.mark.parametrize(
    ("progress", "heard"),
    [(None, True), (READ, True), (replace(READ, page=2), False), (replace(READ, failures=1), False)],
)
def test_a_list_has_told_all_once_it_is_at_its_first_page_again_and_that_told_something(progress, heard):
    assert is_heard(progress) is heard


def test_a_page_that_cannot_be_had_is_asked_for_again_and_in_the_end_from_the_beginning():
    progress = replace(READ, page=3, cursor="abc")
    for failures in range(1, GIVE_UP_AFTER):
        progress = put_off(progress, NOW + 5)
        assert progress == replace(READ, page=3, cursor="abc", due_at=NOW + 5, failures=failures)
    assert put_off(progress, NOW + 9) == replace(READ, page=1, due_at=NOW + 9, swept_at=None)
    assert put_off(None, NOW + 5) is None


def test_a_sweep_given_up_for_an_outage_later_goes_through_to_what_it_had_not_read():
    progress = replace(READ, page=2)
    for _ in range(GIVE_UP_AFTER):
        progress = put_off(progress, NOW)
    second = on(progress, news=False)
    assert second.page == 2
    assert on(second, news=False, more=False) == replace(READ, due_at=NOW + 30, swept_at=NOW)


def test_a_good_answer_forgets_the_failures_before_it():
    assert on(replace(READ, failures=2), news=False).failures == 0


def test_the_first_page_is_asked_for_again_however_often_it_fails():
    progress = READ
    for _ in range(GIVE_UP_AFTER + 1):
        progress = put_off(progress, NOW)
    assert progress == replace(READ, failures=GIVE_UP_AFTER + 1)


def test_nothing_is_read_past_a_barrier_and_up_to_it_for_news_alone():
    third = Barrier(3, NOW + 60, 60)
    unread = replace(READ, swept_at=None)
    assert on(unread, news=True, barrier=third).page == 2
    assert on(replace(unread, page=2), news=True, barrier=third) == replace(unread, due_at=NOW + 30)
    assert on(unread, news=False, barrier=third) == replace(unread, due_at=NOW + 30)
    assert on(unread, news=False, lost=True, barrier=third).page == 1
    assert on(unread, news=False).page == 2
