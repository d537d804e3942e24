"""When an upload is asked for by itself, where no expectation says so."""

from dataclasses import replace
from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from things import CADENCE, DAY, HOUR, NOW, moments, seen, upload

from notifier.core.diff import NOT_FOUND, STALLABLE
from notifier.core.lives import LONGEST
from notifier.core.model import DORMANT, SETTLED, LookKind, Status, Target, TargetStatus
from notifier.core.rhythm import (
    LONGEST_SLEEP,
    Cadence,
    Listing,
    back_off,
    born_at,
    faster,
    is_watched,
    look_for_missing,
    moved_at,
    next_look,
)
from notifier.providers import PROVIDERS

S = Status
ages = st.floats(0, 60 * DAY)
DYING = replace(CADENCE, dies_after=HOUR)
PATIENT = 30 * DAY
"""An upload is never called stalled."""


def wait(status, age, cadence=CADENCE, stalled_after=PATIENT, **more):
    """Seconds until the next look at an upload that got its status `age` seconds ago."""
    last = seen(status, **more)
    one = upload(last, followed_at=NOW - age, changed_at=NOW - age)
    at = next_look(one, last, cadence, stalled_after, NOW)
    return None if at is None else at - NOW


@given(st.sampled_from(Status), ages, moments, moments, st.booleans(), st.booleans(), st.floats(60, 30 * DAY))
def test_the_next_look_is_never_now_or_in_the_past(status, age, scheduled_at, updated_at, changed, stalled, patience):
    last = seen(status, scheduled_at=scheduled_at, updated_at=updated_at)
    one = upload(last, followed_at=NOW - age, changed_at=NOW - age if changed else None, stalled=stalled)
    at = next_look(one, last, DYING, patience, NOW)
    assert at is None or NOW < at <= NOW + LONGEST_SLEEP
    assert at is not None or status in SETTLED


# --- open


@pytest.mark.parametrize("status", sorted(set(Status) - SETTLED - DORMANT))
@pytest.mark.parametrize(
    ("age", "next_in"),
    [
        (0, 7200),
        (600, 6600),
        (7199, 1),
        (7200, 900),
        (DAY - 1, 900),
        (DAY, HOUR),
        (7 * DAY, 21600),
        (99 * DAY, 21600),
    ],
)
def test_an_open_upload_is_asked_for_when_it_gets_stuck_and_ever_more_slowly_from_then_on(status, age, next_in):
    assert wait(status, age, stalled_after=inf) == next_in


def test_the_last_rhythm_of_what_is_stuck_goes_on_where_it_has_an_end():
    assert wait(S.QUEUED, DAY, Cadence(stuck=((100, 5), (200, 6), (300, 7)))) == 7


def test_its_age_counts_from_what_happened_last():
    old = upload(seen(S.QUEUED), followed_at=NOW - DAY, changed_at=NOW - HOUR, stalled=True)
    assert next_look(old, seen(S.QUEUED), CADENCE, 60, NOW) == NOW + HOUR
    never = replace(old, changed_at=None)
    assert next_look(never, seen(S.QUEUED), CADENCE, 60, NOW) == NOW + HOUR == NOW + wait(S.QUEUED, DAY)


@given(ages)
def test_a_clock_that_was_put_back_hurries_nothing(ahead):
    one = upload(seen(), followed_at=NOW + ahead, changed_at=NOW + ahead, stalled=True)
    assert next_look(one, seen(), CADENCE, 60, NOW) == NOW + 7200


@pytest.mark.parametrize(("age", "stalled_after", "next_in"), [(60, 600, 541), (7300, 7400, 101), (DAY, DAY + 9, 10)])
def test_an_upload_is_looked_at_when_it_will_have_stalled(age, stalled_after, next_in):
    assert wait(S.PROCESSING, age, stalled_after=stalled_after) == next_in


@pytest.mark.parametrize("status", sorted(set(Status) - SETTLED - DORMANT - STALLABLE))
def test_only_what_should_move_is_looked_at_for_having_stalled(status):
    assert wait(status, 60, stalled_after=600) == 7140


def test_what_has_stalled_or_ought_to_have_is_not_looked_at_for_it_again():
    assert [wait(S.PROCESSING, age, stalled_after=600) for age in (600, 601, 700)] == [1, 6599, 6500]
    one = upload(seen(), changed_at=NOW - 60, stalled=True)
    assert next_look(one, seen(), CADENCE, 600, NOW) == NOW + 7140


def test_it_stalls_when_its_last_change_is_long_ago_and_not_when_its_first_sight_is():
    one = upload(seen(), followed_at=NOW - 500, changed_at=NOW - 60)
    assert next_look(one, seen(), CADENCE, 600, NOW) == NOW + 541


@pytest.mark.parametrize(
    ("age", "updated", "next_in"),
    [(60, 600, 3005), (60, None, 3545), (3605, 3605, 300), (5000, 5000, 300), (7100, 7100, 100), (7200, 7200, 900)],
)
def test_an_upload_is_looked_at_when_its_provider_will_have_given_it_up(age, updated, next_in):
    updated_at = None if updated is None else NOW - updated
    assert wait(S.PROCESSING, age, DYING, updated_at=updated_at) == next_in


def test_what_is_stuck_is_not_looked_at_every_five_minutes_for_ever_where_its_provider_does_not_give_it_up():
    assert [wait(S.PROCESSING, age, DYING, updated_at=NOW - age) for age in (HOUR * 3, DAY * 2)] == [900, HOUR]


def test_what_is_to_run_later_is_not_given_up_for_having_rested_until_then():
    assert wait(S.SCHEDULED, 2 * DAY, DYING, updated_at=NOW - 2 * DAY, scheduled_at=NOW + DAY) == LONGEST_SLEEP


@pytest.mark.parametrize(
    ("ahead", "next_in"), [(60, 7260), (14400, 21600), (DAY, 21600), (-60, 7140), (-DAY, 900), (None, 900)]
)
def test_what_is_to_run_later_is_asked_for_a_few_times_a_day_all_the_same(ahead, next_in):
    assert wait(S.SCHEDULED, DAY - 1, scheduled_at=None if ahead is None else NOW + ahead) == next_in


# --- waiting for a person


@pytest.mark.parametrize("status", sorted(DORMANT))
@pytest.mark.parametrize(("age", "every"), [(0, 900), (900, 900), (1800, 1800), (DAY, 21600)])
def test_what_waits_for_a_person_is_looked_at_more_and_more_slowly(status, age, every):
    assert wait(status, age) == every
    assert next_look(upload(followed_at=NOW - age), seen(status), CADENCE, PATIENT, NOW) == NOW + every
    waits = upload(followed_at=NOW - 9 * DAY, changed_at=NOW - age)
    assert next_look(waits, seen(status), CADENCE, PATIENT, NOW) == NOW + every


@given(st.sampled_from(sorted(DORMANT)), ages, ages)
def test_the_longer_it_waits_the_rarer_the_looks(status, one, other):
    assert wait(status, min(one, other)) <= wait(status, max(one, other))


# --- settled


@pytest.mark.parametrize(("age", "every"), [(0, 360), (359, 360), (360, HOUR), (DAY - 1, HOUR), (DAY, None)])
def test_a_settled_upload_is_looked_at_for_a_while(age, every):
    assert wait(S.COMPLETED, age) == every


def test_a_settled_upload_that_moves_is_looked_at_for_another_while():
    assert wait(S.FAILED, 5 * DAY, updated_at=NOW - 60) == 360
    assert wait(S.FAILED, 60, updated_at=NOW - 5 * DAY) == 360


@pytest.mark.parametrize(("ahead", "every"), [(60, 360), (300, 360), (301, None), (400 * DAY, None)])
def test_a_date_far_ahead_keeps_no_settled_upload_young(ahead, every):
    assert wait(S.FAILED, 5 * DAY, updated_at=NOW + ahead) == every


def test_a_settled_upload_without_any_date_is_let_be():
    assert next_look(upload(), seen(S.COMPLETED), CADENCE, PATIENT, NOW) is None


ONE_BY_ONE = Cadence(settled=CADENCE.settled)
DONE, LINKED = Target("x", TargetStatus.COMPLETED), Target("x", TargetStatus.COMPLETED, url="https://example.com/")


@pytest.mark.parametrize(
    ("status", "targets", "every"),
    [
        (S.FAILED, (), 360),
        (S.PARTIAL, (LINKED,), 360),
        (S.COMPLETED, (), None),
        (S.COMPLETED, (LINKED,), None),
        (S.COMPLETED, (LINKED, DONE), 360),
        (S.COMPLETED, (Target("x", TargetStatus.SKIPPED),), None),
        (S.CANCELLED, (), None),
        (S.GONE, (), 360),
    ],
)
def test_where_a_look_shows_one_upload_it_goes_to_what_may_move_once_more(status, targets, every):
    assert wait(status, 60, ONE_BY_ONE, targets=targets) == every
    assert wait(status, 60, targets=targets) == 360


def test_what_a_row_told_only_half_of_is_looked_at_once_more_though_it_has_settled():
    assert wait(S.COMPLETED, 60, ONE_BY_ONE, complete=False) == 360


# --- what is watched


@pytest.mark.parametrize("status", Status)
def test_what_may_settle_at_any_moment_is_watched(status):
    assert is_watched(upload(seen(status)), CADENCE, NOW) is (status not in SETTLED | DORMANT)


@pytest.mark.parametrize(("age", "watched"), [(7199, True), (7200, False)])
def test_what_is_stuck_is_watched_no_longer(age, watched):
    assert is_watched(upload(seen(), followed_at=NOW - age), CADENCE, NOW) is watched
    assert is_watched(upload(seen(), followed_at=NOW - DAY, changed_at=NOW - age), CADENCE, NOW) is watched


def test_what_is_to_run_later_is_watched_until_it_is_stuck_after_that():
    assert is_watched(upload(seen(S.SCHEDULED, scheduled_at=NOW + DAY), followed_at=NOW - DAY), CADENCE, NOW)
    assert not is_watched(upload(seen(S.SCHEDULED, scheduled_at=NOW - DAY), followed_at=NOW - 2 * DAY), CADENCE, NOW)


@pytest.mark.parametrize(
    ("registered", "misses", "snapshot", "watched"),
    [
        (True, 0, None, True),
        (False, 0, None, False),
        (True, 1, None, False),
        (True, 1, seen(), False),
        (False, 1, seen(), False),
        (False, 0, seen(S.UNKNOWN), True),
        (False, 0, seen(S.UNKNOWN, reason=NOT_FOUND), False),
    ],
)
def test_what_its_provider_does_not_know_is_not_watched(registered, misses, snapshot, watched):
    assert is_watched(upload(snapshot, registered=registered, misses=misses), CADENCE, NOW) is watched


# --- ages


def test_an_upload_is_as_old_as_its_provider_says():
    one = upload(seen(created_at=NOW - 900), followed_at=NOW - 600)
    assert (born_at(one, NOW), moved_at(one, NOW)) == (NOW - 900, NOW - 600)
    assert born_at(upload(seen(), followed_at=NOW - 600), NOW) == NOW - 600
    assert born_at(upload(followed_at=NOW - 600), NOW) == NOW - 600
    assert born_at(replace(one, snapshot=seen(created_at=NOW - 600.5)), NOW) == NOW - 600.5


def test_what_changes_at_this_very_moment_has_moved():
    assert moved_at(upload(seen(), followed_at=NOW - 60, changed_at=NOW), NOW) == NOW


def test_what_was_to_run_later_begins_then():
    one = upload(seen(S.SCHEDULED, created_at=NOW - DAY, scheduled_at=NOW + HOUR))
    assert (born_at(one, NOW), moved_at(one, NOW)) == (NOW + HOUR, NOW + HOUR)
    running = replace(one, snapshot=seen(created_at=NOW - DAY, scheduled_at=NOW - 60), changed_at=NOW - 50)
    assert (born_at(running, NOW), moved_at(running, NOW)) == (NOW - 60, NOW - 50)


def test_what_moves_again_after_long_begins_anew():
    one = upload(seen(created_at=NOW - DAY), followed_at=NOW - DAY, changed_at=NOW - 60)
    assert born_at(one, NOW) == NOW - 60
    for age, born in ((LONGEST - 1, NOW - 59 - LONGEST), (LONGEST, NOW - 60)):
        assert born_at(replace(one, snapshot=seen(created_at=NOW - 60 - age)), NOW) == born


@pytest.mark.parametrize("created", [NOW + 600, NOW + DAY])
def test_a_clock_that_is_ahead_makes_no_upload_unborn(created):
    """It would be let be until then."""
    assert born_at(upload(seen(created_at=created), followed_at=NOW - 5), NOW) == NOW - 5
    assert born_at(upload(seen(), followed_at=NOW + 600), NOW) == NOW
    early = upload(seen(scheduled_at=NOW + 600), followed_at=NOW - DAY, changed_at=NOW - 5)
    assert born_at(early, NOW) == NOW - 5


# --- one that the provider does not know


def test_what_is_missing_is_looked_for_soon_and_then_ever_more_slowly():
    assert [look_for_missing(n, NOW, CADENCE, NOW) - NOW for n in range(1, 9)] == [5, 10, 20, 40, 80, 160, 300, 300]
    assert look_for_missing(1000, NOW, CADENCE, NOW) == NOW + 300
    ages_ = (7199, 7200, DAY, 8 * DAY)
    assert [look_for_missing(9, NOW - age, CADENCE, NOW) - NOW for age in ages_] == [300, 900, HOUR, 21600]


# --- rests after failures


@pytest.mark.parametrize(("failures", "bound"), [(1, 2), (2, 4), (3, 8), (8, 256), (9, 300), (5000, 300)])
def test_a_rest_after_failures_is_drawn_below_a_bound_that_doubles(failures, bound):
    assert [back_off(failures, draw) for draw in (0.0, 0.5, 1.0)] == [0, bound / 2, bound]


# --- lists


def test_a_part_of_a_collection_is_remembered_by_itself():
    assert Listing(LookKind.LIST, "videos", 30, 300).name == "videos"
    assert Listing(LookKind.LIST, "videos", 30, 300, word="failed").name == "videos:failed"


# --- demonstrations


def test_a_faster_rhythm_is_the_same_rhythm():
    quick = faster(Cadence(settled=((DAY, HOUR),), settled_all=True, dies_after=HOUR, grace_looks=2), 10)
    stuck = ((8640, 90), (60480, 360), (inf, 2160))
    assert quick == Cadence(((8640, 360),), True, 360, 720, stuck, grace=60, grace_looks=2)


@pytest.mark.parametrize("name", sorted(PROVIDERS))
def test_intervals_never_shrink_with_age_in_the_cadences_we_have(name):
    cadence = PROVIDERS[name].cadence
    for steps in (cadence.stuck, cadence.settled):
        assert all(older < old and every <= slower for (older, every), (old, slower) in pairwise(steps))
    assert cadence.stuck[-1][0] == inf
