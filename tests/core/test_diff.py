"""What is news, and what is not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from things import HOUR, NOW, observations, seen, upload

from notifier.core.diff import (
    NOT_FOUND,
    Vanishing,
    absent,
    completes,
    deserves_a_look,
    diff,
    fingerprint,
    is_old_news,
    latest,
    merged,
    noticed_after,
    reduced,
    repeats,
    tells_all,
)
from notifier.core.model import (
    MOST_TARGETS,
    SETTLED,
    ChangeReason,
    FieldChange,
    LookKind,
    Reason,
    Status,
    Target,
    TargetStatus,
)

S, T = Status, TargetStatus
NEVER = float("inf")


def change(known, now, **more):
    return diff(upload(known, **more), now, NOW, stalled_after=7200)


# --- properties


@given(observations)
def test_the_same_again_is_no_change(one):
    assert diff(upload(one), one, NOW, NEVER) is None


@given(observations, observations)
def test_what_was_announced_is_no_change_when_it_is_seen_again(known, now):
    told = diff(upload(known), now, NOW, NEVER)
    snapshot = told.seen if told else merged(known, now)
    assert diff(upload(snapshot), now, NOW, NEVER) is None


@given(observations, observations)
def test_merging_twice_is_merging_once(known, now):
    once = merged(known, now)
    assert merged(once, now) == once
    assert merged(once, once) == once
    assert merged(None, now) == now


@given(observations, observations)
def test_a_change_tells_exactly_what_differs(known, now):
    told = diff(upload(known), now, NOW, NEVER)
    fields = {one.field: one for one in told.fields} if told else {}
    assert all(one.before != one.after for one in fields.values())
    assert ("status" in fields) == (known.status != now.status)
    assert ("reason" in fields) == (known.reason != now.reason)
    if told:
        assert (told.reason is ChangeReason.STATUS) == ("status" in fields)
        assert told.reopened == (known.status in SETTLED and now.status not in SETTLED)


# --- what is left of one that rests for long


@given(observations, observations)
def test_of_what_was_reduced_a_status_is_news_and_nothing_else(known, now):
    told = diff(upload(reduced(known)), now, NOW, NEVER)
    fields = () if told is None else told.fields
    moved = known.status != now.status
    assert fields == ((FieldChange("status", known.status, now.status),) if moved else ())
    assert told is None or (told.reason, told.seen.reduced) == (ChangeReason.STATUS, False)


@given(observations, observations)
def test_what_was_reduced_stays_so_until_its_status_moves(known, now):
    once = merged(reduced(known), now)
    assert once.reduced == (known.status == now.status)
    assert once == reduced(once) or not once.reduced
    assert merged(once, now) == once


@given(observations)
def test_reducing_twice_is_reducing_once_and_keeps_what_tells_old_news_from_new(known):
    left = reduced(known)
    assert reduced(left) == left
    for name in ("kind", "id", "status", "raw_status", "scheduled_at", "created_at", "updated_at", "complete"):
        assert getattr(left, name) == getattr(known, name)
    assert (left.title, left.url, left.reason, left.targets) == (None, None, None, ())
    assert not reduced(replace(known, complete=False)).complete


@pytest.mark.parametrize("raw", [None, "done"])
def test_what_was_gone_for_long_and_is_back_is_news(raw):
    gone = absent(upload(seen(S.COMPLETED)), NOW, Vanishing()).seen
    told = change(reduced(gone), seen(S.COMPLETED, raw))
    assert (told.reason, told.fields) == (ChangeReason.STATUS, (FieldChange("status", S.GONE, S.COMPLETED),))


def test_what_rests_for_long_and_then_vanishes_is_gone_and_says_nothing_of_what_was_forgotten():
    told = absent(upload(reduced(seen(S.FAILED, reason=Reason("code", "text")))), NOW, Vanishing())
    assert told.fields == (FieldChange("status", S.FAILED, S.GONE),)


# --- status


def test_a_first_sight_has_no_changes_and_no_past():
    now = seen(S.COMPLETED)
    told = change(None, now)
    assert (told.reason, told.fields, told.seen, told.reopened) == (ChangeReason.FIRST_SEEN, (), now, False)
    assert told.observed_at == NOW


def test_a_status_comes_first_among_the_changes():
    x = Target("x", T.PROCESSING)
    told = change(
        seen(S.PROCESSING, targets=(x,)),
        seen(S.COMPLETED, url="https://x.example/1", targets=(replace(x, status=T.COMPLETED),)),
    )
    assert told.reason is ChangeReason.STATUS
    assert told.fields == (
        FieldChange("status", S.PROCESSING, S.COMPLETED),
        FieldChange("url", None, "https://x.example/1"),
        FieldChange("targets.x.status", T.PROCESSING, T.COMPLETED),
    )


@pytest.mark.parametrize("before", Status)
@pytest.mark.parametrize("after", Status)
def test_reopened_is_what_was_settled_and_no_longer_is(before, after):
    told = change(seen(before), seen(after))
    if before is after:
        assert told is None
    else:
        assert told.reopened == (before in SETTLED and after not in SETTLED)


def test_another_word_within_one_status_is_no_news():
    assert change(seen(S.PROCESSING, "processing"), seen(S.PROCESSING, "in_progress")) is None


def test_a_reason_is_cleared_when_a_status_leaves_failed():
    told = change(seen(S.FAILED, reason=Reason("e", "t")), seen(S.PROCESSING))
    assert told.seen.reason is None
    assert FieldChange("reason", Reason("e", "t"), None) in told.fields


def test_a_target_s_reason_is_cleared_when_it_leaves_failed():
    x = Target("x", T.FAILED, reason=Reason("e", "t"))
    told = change(seen(S.PARTIAL, targets=(x,)), seen(S.PARTIAL, targets=(Target("x", T.RETRYING),)))
    assert told.reason is ChangeReason.DETAIL
    assert told.fields == (
        FieldChange("targets.x.status", T.FAILED, T.RETRYING),
        FieldChange("targets.x.reason", Reason("e", "t"), None),
    )


# --- details


@pytest.mark.parametrize(
    ("field", "value"),
    [("url", "https://x.example/"), ("scheduled_at", NOW + HOUR), ("reason", Reason("error", "no"))],
)
def test_details_that_matter_are_news(field, value):
    told = change(seen(S.COMPLETED), seen(S.COMPLETED, **{field: value}))
    assert (told.reason, told.fields) == (ChangeReason.DETAIL, (FieldChange(field, None, value),))


@pytest.mark.parametrize("field", ["title", "progress", "created_at", "updated_at", "ref", "alias"])
def test_other_details_are_not(field):
    assert change(seen(S.COMPLETED), seen(S.COMPLETED, **{field: 1})) is None


def test_a_target_seen_first_is_told_with_what_it_has():
    told = change(seen(), seen(targets=(Target("x", T.QUEUED, "pending", external_id="17"),)))
    assert told.fields == (
        FieldChange("targets.x.status", None, T.QUEUED),
        FieldChange("targets.x.external_id", None, "17"),
    )


def test_where_a_target_is_to_be_seen_is_news():
    x = Target("x", T.COMPLETED)
    told = change(seen(targets=(x,)), seen(targets=(replace(x, url="https://x.example/1"),)))
    assert told.fields == (FieldChange("targets.x.url", None, "https://x.example/1"),)


def test_what_is_not_spoken_of_is_not_changed():
    times = {"started_at": 5.0, "finished_at": 9.0, "task": 31}
    x = Target("x", T.COMPLETED, "published", external_id="17", url="https://x.example/17", **times)
    more = {"scheduled_at": NOW, "created_at": 1.0, "progress": 100.0, "title": "t", "ref": "r", "alias": "a", **times}
    known = seen(url="https://a.example/", targets=(x,), **more)
    assert merged(known, seen()) == known
    assert change(known, seen()) is None
    assert change(known, seen(targets=(Target("x", T.COMPLETED),))) is None
    assert merged(known, seen(targets=(Target("x", T.COMPLETED),))) == known


def test_targets_keep_the_order_of_their_first_sight():
    a, b, c = (Target(name, T.QUEUED) for name in "abc")
    assert merged(seen(targets=(b, a)), seen(targets=(c, a, b))).targets == (b, a, c)


def test_moments_that_were_stated_once_are_kept():
    x = Target("x", T.PROCESSING, started_at=5.0, finished_at=9.0)
    known = seen(started_at=5.0, finished_at=9.0, created_at=1.0, targets=(x,))
    now = merged(known, seen(finished_at=8.0, targets=(Target("x", T.PROCESSING, finished_at=8.0),)))
    assert (now.created_at, now.started_at, now.finished_at) == (1.0, 5.0, 8.0)
    assert (now.targets[0].started_at, now.targets[0].finished_at) == (5.0, 8.0)


def test_a_target_that_is_not_spoken_of_stays_unless_all_were_named():
    both = seen(targets=(Target("x", T.PROCESSING), Target("y", T.PROCESSING)))
    only_y = seen(targets=(Target("y", T.COMPLETED),))
    assert [target.name for target in merged(both, only_y).targets] == ["x", "y"]
    assert [target.name for target in merged(both, replace(only_y, every_target=True)).targets] == ["y"]


def test_no_answers_make_a_snapshot_grow_without_end():
    """Those go that are not spoken of any more, the latest first."""
    old, new = (tuple(Target(f"{name}{n}", T.QUEUED) for n in range(40)) for name in ("old", "new"))
    names = [target.name for target in merged(seen(targets=old), seen(targets=new)).targets]
    assert names == [f"old{n}" for n in range(MOST_TARGETS - 40)] + [f"new{n}" for n in range(40)]
    many = tuple(Target(f"many{n}", T.QUEUED) for n in range(MOST_TARGETS + 9))
    assert merged(seen(targets=old), seen(targets=many)).targets == many
    full = many[:MOST_TARGETS]
    assert merged(seen(targets=full), seen(targets=full[:30])).targets == full


def test_a_word_that_a_list_does_not_repeat_stands_as_long_as_the_status_does():
    known = seen(S.SCHEDULED, "pending")
    assert merged(known, seen(S.SCHEDULED, None)).raw_status == "pending"
    assert merged(known, seen(S.COMPLETED, None)).raw_status is None


def test_the_later_moment_counts_where_there_is_any():
    assert (latest(1.0, 2.0), latest(2.0, 1.0), latest(None, 1.0), latest(1.0, None)) == (2.0, 2.0, 1.0, 1.0)
    assert (latest(None, None), latest(0.0, None)) == (None, 0.0)
    assert merged(seen(updated_at=2.0), seen(updated_at=1.0)).updated_at == 2.0


# --- a snapshot that was taken from too little


def test_the_first_whole_look_at_what_a_baseline_saw_in_part_is_silent():
    row = seen(S.FAILED, "failed", complete=False)
    assert change(row, seen(S.PARTIAL, "failed", targets=(Target("x", T.COMPLETED),))) is None


def test_another_word_than_the_baseline_saw_is_news_and_its_details_are_not():
    row = seen(S.PROCESSING, complete=False)
    told = change(row, seen(S.COMPLETED, url="https://x.example/", targets=(Target("x", T.COMPLETED),)))
    assert told.fields == (FieldChange("status", "processing", "completed"),)
    assert told.seen.complete


def test_another_word_for_the_same_status_is_no_news_there_either():
    assert change(seen(S.PROCESSING, "processing", complete=False), seen(S.PROCESSING, "in_progress")) is None


def test_a_guess_from_wordless_rows_does_not_make_the_first_word_news():
    """A history's rows on two pages: what the baseline took for completed is told to be partial."""
    assert change(seen(S.COMPLETED, None, complete=False), seen(S.PARTIAL, "completed")) is None


def test_a_row_without_a_word_is_no_news_to_one_with_a_word():
    assert change(seen(S.FAILED, "failed", complete=False), seen(S.COMPLETED, None)) is None


def test_newer_wordless_rows_are_news_to_older_ones():
    told = change(seen(S.FAILED, None, complete=False), seen(S.COMPLETED, None))
    assert told.fields == (FieldChange("status", "failed", "completed"),)


A, B = Target("a", T.COMPLETED, "posted"), Target("b", T.FAILED, "failed")


@pytest.mark.parametrize(
    ("known", "now", "whole"),
    [
        (seen(targets=(A,), complete=False), seen(targets=(A, B)), True),
        (seen(targets=(A,), complete=False), seen(targets=(replace(A, raw_status="out"), B)), True),
        (seen(targets=(A,), complete=False), seen(targets=(replace(A, status=T.FAILED), B)), False),
        (seen(targets=(A, B), complete=False), seen(targets=(A,)), False),
        (seen(targets=(A,), complete=False), seen(targets=(A, B), complete=False), False),
        (seen(targets=(A,)), seen(targets=(A, B)), False),
        (seen(complete=False), seen(targets=(A,)), False),
        (None, seen(targets=(A,)), False),
    ],
)
def test_what_was_taken_in_part_is_completed_where_all_that_was_told_stands(known, now, whole):
    assert completes(known, now) is whole


# --- stalled


@pytest.mark.parametrize("status", Status)
def test_only_what_should_move_can_stall(status):
    told = change(seen(status), seen(status), changed_at=NOW - 7200)
    if status in {S.QUEUED, S.PROCESSING}:
        assert (told.reason, told.fields, told.reopened) == (ChangeReason.STALLED, (), False)
    else:
        assert told is None


def test_it_stalls_when_its_time_is_over_and_not_before():
    assert change(seen(), seen(), changed_at=NOW - 7199.9) is None
    assert change(seen(), seen(), changed_at=NOW - 7200).reason is ChangeReason.STALLED


def test_one_that_never_changed_rests_since_it_is_followed():
    assert change(seen(), seen(), followed_at=NOW - 7199.9) is None
    assert change(seen(), seen(), followed_at=NOW - 7200).reason is ChangeReason.STALLED


def test_it_stalls_once():
    assert change(seen(), seen(), changed_at=NOW - 99999, stalled=True) is None


def test_a_change_is_told_as_what_it_is_however_late():
    assert change(seen(S.QUEUED), seen(S.PROCESSING), changed_at=NOW - 99999).reason is ChangeReason.STATUS


# --- lists that say less than the truth


@pytest.mark.parametrize("kind", LookKind)
def test_nothing_is_old_news_of_what_was_never_seen(kind):
    assert not is_old_news(upload(), seen(), kind)


@pytest.mark.parametrize(("row", "old"), [(None, True), (9.0, True), (10.0, True), (10.5, False)])
def test_a_feed_s_row_speaks_once(row, old):
    known = upload(seen(S.COMPLETED, updated_at=10.0))
    assert is_old_news(known, seen(S.FAILED, updated_at=row), LookKind.FEED) is old


def test_a_feed_s_row_speaks_where_no_moment_is_known_yet():
    assert not is_old_news(upload(seen()), seen(S.FAILED, updated_at=1.0), LookKind.FEED)
    assert is_old_news(upload(seen()), seen(S.FAILED), LookKind.FEED)


@pytest.mark.parametrize(("ahead", "old"), [(54000, True), (54001, False)])
def test_a_moment_far_ahead_makes_no_row_old(ahead, old):
    """One that is ahead by a zone does: else what was retried would fail over and over."""
    known = upload(seen(updated_at=NOW + ahead))
    assert is_old_news(known, seen(S.FAILED, updated_at=NOW), LookKind.FEED, NOW) is old


@pytest.mark.parametrize("status", Status)
def test_a_schedule_speaks_of_nothing_that_has_begun(status):
    old = status not in {S.SCHEDULED, S.UNKNOWN}
    assert is_old_news(upload(seen(status)), seen(S.SCHEDULED), LookKind.SCHEDULE) is old


@pytest.mark.parametrize(("status", "at", "planned", "old"), [
    (S.QUEUED, NOW, NOW + 1, False), (S.QUEUED, NOW, NOW, True), (S.QUEUED, NOW, None, True),
    (S.QUEUED, NOW - 9, NOW - 5, True), (S.PROCESSING, NOW, NOW + 1, True),
])  # fmt: skip
def test_a_schedule_speaks_of_what_was_put_off_when_its_time_had_come(status, at, planned, old):
    known = upload(seen(status, scheduled_at=NOW - 5))
    assert is_old_news(known, seen(S.SCHEDULED, scheduled_at=planned), LookKind.SCHEDULE, at) is old


def test_a_schedule_speaks_of_nothing_that_waits_without_a_time():
    assert is_old_news(upload(seen(S.QUEUED)), seen(S.SCHEDULED, scheduled_at=NOW + 1), LookKind.SCHEDULE, NOW)


@pytest.mark.parametrize(
    ("kind", "whole"),
    [
        (LookKind.GET, True),
        (LookKind.LIST, True),
        (LookKind.BATCH, True),
        (LookKind.FEED, False),
        (LookKind.SCHEDULE, False),
    ],
)
def test_neither_a_feed_nor_a_schedule_tells_all_and_half_a_row_never_does(kind, whole):
    assert tells_all(seen(), kind) is whole
    assert not tells_all(seen(complete=False), kind)


@pytest.mark.parametrize("kind", [LookKind.GET, LookKind.BATCH])
def test_a_look_at_the_upload_itself_is_never_old(kind):
    assert not is_old_news(upload(seen(updated_at=10.0)), seen(updated_at=1.0), kind)


@pytest.mark.parametrize(
    ("known", "row", "old"), [(10.0, 9.0, True), (10.0, 10.0, False), (10.0, None, False), (None, 9.0, False)]
)
def test_a_list_that_lags_behind_a_look_at_the_upload_itself_is_old(known, row, old):
    known_upload = upload(seen(S.COMPLETED, updated_at=known))
    assert is_old_news(known_upload, seen(S.PROCESSING, updated_at=row), LookKind.LIST) is old


@pytest.mark.parametrize(
    ("known", "row", "deserved"),
    [
        (seen(S.PROCESSING, updated_at=5.0), seen(S.PROCESSING, updated_at=5.0), False),
        (seen(S.PROCESSING, updated_at=5.0), seen(S.PROCESSING, updated_at=6.0), True),
        (seen(S.PROCESSING, updated_at=5.0), seen(S.PROCESSING, None, updated_at=None), False),
        (seen(S.PROCESSING), seen(S.PROCESSING, updated_at=1.0), True),
        (seen(S.PROCESSING), seen(S.COMPLETED), True),
        (seen(S.PROCESSING), seen(S.COMPLETED, None), False),
    ],
)
def test_a_hint_is_a_later_moment_or_another_word(known, row, deserved):
    assert deserves_a_look(upload(known), replace(row, complete=False)) is deserved


def parts(*words):
    """A target for each word, by its letter: "a+" is out, "b-" failed."""
    status = {"+": TargetStatus.COMPLETED, "-": TargetStatus.FAILED}
    return tuple(Target(word[0], status[word[1]], word[1]) for word in words)


@pytest.mark.parametrize(
    ("known", "row", "repeated"),
    [
        (seen(S.PARTIAL, "+", targets=parts("a+", "b-")), seen(S.FAILED, "-", targets=parts("b-")), True),
        (seen(S.PARTIAL, "+", targets=parts("a+", "b-")), seen(S.COMPLETED, "+", targets=parts("b+")), False),
        (seen(S.PARTIAL, "+", targets=parts("a+", "b-")), seen(S.COMPLETED, "+", targets=parts("a+", "b+")), False),
        (seen(S.COMPLETED, "+", targets=parts("a+")), seen(S.COMPLETED, "+", targets=parts("c+")), False),
        (seen(S.COMPLETED, "+", targets=parts("a+")), seen(S.COMPLETED, "+"), False),
        (None, seen(S.FAILED, "-", targets=parts("b-")), False),
        (reduced(seen(S.PARTIAL, "+")), seen(S.FAILED, "-", targets=parts("b-")), True),
        (reduced(seen(S.PARTIAL, "+")), seen(S.SCHEDULED, "s", targets=parts("b-")), False),
    ],
)
def test_half_a_row_says_no_more_where_each_of_its_targets_is_known_so(known, row, repeated):
    assert repeats(known, replace(row, complete=False)) is repeated
    assert not repeats(known, row)


def test_what_was_never_seen_deserves_a_look_until_it_is_denied():
    row = seen(complete=False)
    assert deserves_a_look(upload(), row)
    assert not deserves_a_look(upload(misses=1, missing_since=NOW), row)


# --- what was heard before


ANOTHER = {
    "status": S.QUEUED,
    "raw_status": "another",
    "reason": Reason("error", "x"),
    "title": "x",
    "url": "https://example.com/",
    "scheduled_at": NOW,
    "updated_at": NOW,
    "targets": (Target("x", T.QUEUED),),
    "complete": False,
}


@pytest.mark.parametrize("name", ANOTHER)
def test_a_row_that_tells_another_thing_was_not_heard_before(name):
    assert fingerprint(replace(seen(), **{name: ANOTHER[name]}), LookKind.LIST) != fingerprint(seen(), LookKind.LIST)


def test_the_same_row_was_heard_before_in_a_look_of_the_same_kind():
    row = fingerprint(seen(), LookKind.LIST)
    assert row == fingerprint(seen(), LookKind.LIST) == fingerprint(seen(progress=5.0, time_left=9.0), LookKind.LIST)
    assert row != fingerprint(seen(), LookKind.BATCH)


@given(observations, st.sampled_from(LookKind))
def test_what_was_heard_is_remembered_as_a_number_that_a_database_holds(one, kind):
    assert -(2**63) <= fingerprint(one, kind) < 2**63


@given(observations, observations)
def test_what_makes_a_difference_is_never_taken_for_heard_before(known, now):
    if fingerprint(known, LookKind.LIST) == fingerprint(now, LookKind.LIST):
        assert diff(upload(known), now, NOW, NEVER) is None


# --- absence


@pytest.mark.parametrize("status", [one for one in Status if one is not S.SCHEDULED])
def test_confirmed_absence_is_gone(status):
    x = Target("x", T.PROCESSING)
    known = seen(status, targets=(x,), title="t", complete=False)
    told = absent(upload(known), NOW, Vanishing(scheduled=S.CANCELLED))
    assert (told.seen.status, told.seen.reason, told.seen.raw_status) == (S.GONE, NOT_FOUND, None)
    assert (told.seen.targets, told.seen.title) == ((x,), "t")
    assert told.seen.complete
    assert told.fields[-1] == FieldChange("reason", None, NOT_FOUND)
    assert not told.reopened


@pytest.mark.parametrize(("means", "reason"), [(S.CANCELLED, None), (S.GONE, NOT_FOUND)])
def test_a_scheduled_upload_that_vanishes_is_what_the_provider_means_by_it(means, reason):
    told = absent(upload(seen(S.SCHEDULED)), NOW, Vanishing(scheduled=means))
    assert (told.reason, told.seen.status, told.seen.reason) == (ChangeReason.STATUS, means, reason)


def test_what_was_never_seen_is_unknown_and_told_once():
    told = absent(upload(kind=""), NOW, Vanishing())
    assert (told.reason, told.fields, told.reopened) == (ChangeReason.FIRST_SEEN, (), False)
    assert (told.seen.status, told.seen.reason, told.seen.kind, told.seen.id) == (S.UNKNOWN, NOT_FOUND, "", "u1")
    assert absent(upload(told.seen, kind=""), NOW, Vanishing()) is None


def test_an_upload_of_an_unknown_word_can_be_gone():
    assert absent(upload(seen(S.UNKNOWN, "paused")), NOW, Vanishing()).seen.status is S.GONE


def test_what_is_found_again_after_it_was_gone_is_news_with_the_word_it_had():
    gone = absent(upload(seen(S.PROCESSING, complete=False)), NOW, Vanishing()).seen
    told = change(gone, seen(S.PROCESSING))
    assert (told.seen.status, told.seen.reason, told.reopened) == (S.PROCESSING, None, True)


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("keeps", [True, False])
def test_when_absence_says_nothing(status, keeps):
    for_ever = {S.GONE, S.CANCELLED} if keeps else SETTLED
    assert Vanishing(keeps_settled=keeps).says_nothing(seen(status)) is (status in for_ever)


# --- how late a change is seen


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {"updated_at": NOW - 5}, 5),
        ({"updated_at": NOW - 9}, {"updated_at": NOW - 5}, 5),
        ({"updated_at": NOW - 9}, {"updated_at": NOW - 1, "finished_at": NOW - 5}, 5),
        ({"finished_at": NOW - 9}, {"updated_at": NOW - 5, "finished_at": NOW - 9}, 5),
        ({"updated_at": NOW - 9}, {"updated_at": NOW - 9}, None),
        ({"updated_at": NOW - 9}, {}, None),
    ],
)
def test_a_change_is_seen_so_long_after_the_moment_that_the_provider_states_anew(before, after, expected):
    told = change(seen(**before), seen(S.COMPLETED, **after))
    assert noticed_after(told, 0.0) == expected
    assert noticed_after(told, 3.0) == (
        expected and expected + 3
    )  # by a clock that is ahead it seems to have come later


def test_how_late_is_not_known_of_what_is_new_and_of_what_is_gone():
    assert noticed_after(change(None, seen(updated_at=NOW - 5)), 0.0) is None
    assert noticed_after(absent(upload(seen(updated_at=NOW - 5)), NOW, Vanishing()), 0.0) is None
