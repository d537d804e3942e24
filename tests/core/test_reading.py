"""What becomes of an upload, answer by answer."""

from dataclasses import replace

import pytest
from things import CADENCE, DAY, HOUR, NOW, RULES, seen, upload

from notifier.core.diff import NOT_FOUND, Vanishing
from notifier.core.model import ChangeReason, LookKind, Status, Target, TargetStatus
from notifier.core.reading import Reading, Rules, denied, missed, sighted, spoken_of, unannounced, unspoken

S = Status
GET, LIST, FEED, SCHEDULE = LookKind.GET, LookKind.LIST, LookKind.FEED, LookKind.SCHEDULE
EXPIRING = Rules(CADENCE, Vanishing(scheduled=S.CANCELLED, keeps_settled=False), stalled_after=7200)


def follow(one, answers, rules=RULES):
    """The upload after all these answers, each (seconds later, what was seen or None, kind), and what was told."""
    now, told = NOW, []
    for later, what, kind in answers:
        now += later
        reading = denied(one, now, rules) if what is None else sighted(one, what, kind, now, rules)
        one = reading.upload
        if reading.change is not None:
            told.append(reading.change)
    return one, told


def statuses(told):
    return [change.seen.status for change in told]


# --- told


def test_what_is_told_becomes_the_snapshot_and_counts():
    reading = sighted(
        upload(seen(S.QUEUED), sequence=4, misses=1, missing_since=NOW), seen(S.PROCESSING), GET, NOW, RULES
    )
    assert reading.change.reason is ChangeReason.STATUS
    told = reading.upload
    assert (told.sequence, told.snapshot, told.changed_at, told.due_at) == (5, seen(S.PROCESSING), NOW, NOW + 7200)
    assert (told.misses, told.missing_since, told.stalled) == (0, None, False)


def test_a_first_sight_gives_the_upload_its_kind_and_its_way_to_be_asked():
    reading = sighted(upload(kind=""), seen(kind="video", ref="job_id"), GET, NOW, RULES)
    assert (reading.upload.kind, reading.upload.ref) == ("video", "job_id")
    later = sighted(reading.upload, seen(kind="video"), GET, NOW, RULES)
    assert later.upload.ref == "job_id"
    for taken in (
        sighted(upload(ref="job_id"), seen(), GET, NOW, RULES),
        unannounced(upload(ref="job_id"), seen(), NOW, RULES),
    ):
        assert taken.upload.ref == "job_id"


def test_once_a_change_is_told_every_row_is_news_until_it_was_heard():
    heard = upload(seen(S.QUEUED), fingerprint=5, batch_fingerprint=6)
    told = sighted(heard, seen(S.PROCESSING), GET, NOW, RULES).upload
    assert (told.fingerprint, told.batch_fingerprint) == (None, None)


def test_what_nothing_is_said_of_is_sought_by_how_long_it_is_missing_and_not_by_how_long_it_is_followed():
    lost = upload(followed_at=NOW - DAY, misses=3, missing_since=NOW - 60)
    assert unspoken(lost, NOW, RULES).upload.due_at == NOW + 20
    assert unspoken(replace(lost, misses=0), NOW, RULES).upload.due_at == NOW + 10


def test_nothing_told_leaves_no_trace_but_what_was_not_compared():
    one = upload(seen(title="a"), sequence=4, changed_at=NOW - 5, misses=2, missing_since=NOW - 5)
    reading = sighted(one, seen(S.PROCESSING, "in_progress", progress=50.0), GET, NOW, RULES)
    assert reading.change is None
    assert reading.upload == replace(
        one, misses=0, missing_since=None, due_at=NOW - 5 + 7200,
        snapshot=seen(S.PROCESSING, "in_progress", title="a", progress=50.0),
    )  # fmt: skip


def test_an_upload_stalls_once_per_stay_and_a_change_begins_another():
    looks = [(600, seen(), GET)] * 40
    one, told = follow(upload(seen(), changed_at=NOW), looks)
    assert [change.reason for change in told] == [ChangeReason.STALLED]
    assert (one.stalled, one.changed_at, one.sequence) == (True, NOW, 1)
    x = seen(targets=(Target("x", TargetStatus.COMPLETED),))
    one, told = follow(one, [(600, x, GET)] * 40)
    assert [change.reason for change in told] == [ChangeReason.DETAIL, ChangeReason.STALLED]


# --- a silent baseline


def test_a_baseline_takes_the_snapshot_and_says_nothing():
    reading = unannounced(upload(kind=""), seen(ref="request_id"), NOW, RULES)
    assert reading.change is None
    assert (reading.upload.snapshot, reading.upload.kind, reading.upload.ref) == (
        seen(ref="request_id"),
        "post",
        "request_id",
    )
    assert (reading.upload.sequence, reading.upload.changed_at) == (0, None)
    assert reading.upload.due_at == NOW + HOUR  # two after it is followed, that is when it is stuck


def test_what_a_baseline_saw_in_part_is_looked_at_now_unless_it_is_over():
    assert unannounced(upload(), seen(complete=False), NOW, RULES).upload.due_at == NOW
    fresh, old = (seen(S.COMPLETED, None, complete=False, updated_at=NOW - ago) for ago in (HOUR, 2 * DAY))
    assert unannounced(upload(), fresh, NOW, RULES).upload.due_at == NOW
    assert unannounced(upload(), old, NOW, RULES).upload.due_at is None


def test_a_baseline_of_rows_in_part_tells_nothing_when_they_are_looked_at():
    row = seen(S.COMPLETED, None, complete=False, updated_at=NOW - HOUR)
    one = unannounced(upload(), row, NOW, RULES).upload
    whole = seen(S.PARTIAL, "completed", updated_at=NOW - HOUR + 2, targets=(Target("x", TargetStatus.FAILED),))
    one, told = follow(one, [(1, whole, GET)])
    assert told == []
    assert one.snapshot.status is S.PARTIAL
    _, told = follow(one, [(1, replace(whole, status=S.PROCESSING), GET)])
    assert statuses(told) == [S.PROCESSING]


# --- what is due by itself


@pytest.mark.parametrize(
    ("rules", "next_in"),
    [
        (RULES, 7200),
        (replace(RULES, stalled_after=600), 601),
        (replace(RULES, cadence=replace(CADENCE, dies_after=HOUR)), HOUR + 5),
        (replace(RULES, cadence=replace(CADENCE, stuck_after=60)), 60),
    ],
)
def test_what_is_watched_is_due_by_itself_only_when_it_will_have_stalled_or_died_or_got_stuck(rules, next_in):
    reading = sighted(upload(seen(S.QUEUED)), seen(), GET, NOW, rules)
    assert reading.upload.due_at == NOW + next_in


# --- hints


def test_a_hint_asks_for_one_look_and_changes_nothing():
    one = upload(seen(updated_at=5.0), due_at=NOW + 900)
    row = seen(S.COMPLETED, None, complete=False, updated_at=9.0)
    hinted = sighted(one, row, FEED, NOW, RULES)
    assert hinted == Reading(replace(one, due_at=NOW, snapshot=seen(updated_at=9.0)))
    assert sighted(hinted.upload, row, FEED, NOW + 30, RULES) == Reading(hinted.upload)


def test_half_an_answer_about_an_upload_that_was_asked_for_asks_for_the_other_half():
    one = upload(seen(updated_at=5.0), due_at=NOW + 900)
    half = seen(complete=False, updated_at=5.0)
    assert sighted(one, half, LookKind.BATCH, NOW, RULES) == Reading(replace(one, due_at=NOW))


def test_a_row_without_news_is_no_hint():
    one = upload(seen(updated_at=5.0), due_at=NOW + 900)
    assert sighted(one, seen(complete=False, updated_at=5.0), LIST, NOW, RULES) == Reading(one)


def test_a_hint_of_what_was_never_seen_asks_for_a_look():
    assert sighted(upload(), seen(complete=False), FEED, NOW, RULES) == Reading(upload(due_at=NOW))


def test_a_row_that_the_provider_denies_does_not_hurry_us_again_and_again():
    one, told = follow(upload(), [(0, seen(complete=False), FEED), (1, None, GET)])
    for _ in range(5):
        again = sighted(one, seen(complete=False), FEED, NOW + 30, RULES).upload
        assert again == one
    assert told == []


def test_a_hint_about_a_settled_upload_is_followed_past_a_stale_verdict():
    """A retry: the row is new, the verdict still the old one for some minutes. Its fresh one must not be missed."""
    failed = seen(S.FAILED, updated_at=NOW - 3 * DAY)
    one = upload(failed, changed_at=NOW - 3 * DAY)
    one, told = follow(one, [(0, seen(S.COMPLETED, None, complete=False, updated_at=NOW), FEED), (1, failed, GET)])
    assert told == []
    assert one.due_at == NOW + 1 + 360
    _, told = follow(one, [(361, seen(S.COMPLETED), GET)])
    assert statuses(told) == [S.COMPLETED]


# --- a retry, while old verdicts are still served


def test_a_stale_verdict_after_a_retry_makes_no_event_flap():
    failed = seen(S.FAILED, updated_at=NOW - 900)
    row = seen(S.FAILED, None, updated_at=NOW - 900)
    processing = seen(S.PROCESSING, updated_at=NOW + 200)
    looks = [
        (60, failed, GET), (1, row, FEED), (60, failed, GET),  # retried, and the verdict served is still the old one
        (200, processing, GET), (1, row, FEED), (10, processing, GET), (1, row, FEED),
        (30, seen(S.COMPLETED, None, updated_at=NOW + 300), FEED), (1, row, FEED),
    ]  # fmt: skip
    one, told = follow(upload(failed, changed_at=NOW - 900), looks)
    assert statuses(told) == [S.PROCESSING, S.COMPLETED]
    assert [change.reopened for change in told] == [True, False]
    assert one.due_at >= NOW + 363 + 300


# --- schedules


def test_a_schedule_tells_a_moved_time_and_not_that_a_job_waits_which_runs():
    later = seen(S.SCHEDULED, None, scheduled_at=NOW + 2 * HOUR)
    _, told = follow(upload(seen(S.SCHEDULED, "pending", scheduled_at=NOW + HOUR)), [(0, later, SCHEDULE)])
    assert [(change.reason, change.seen.raw_status) for change in told] == [(ChangeReason.DETAIL, "pending")]
    running = upload(seen(S.PROCESSING))
    assert sighted(running, later, SCHEDULE, NOW, RULES) == Reading(running)


# --- unspoken of


def test_what_an_answer_does_not_speak_of_is_asked_again_in_its_turn():
    one = upload(seen())
    assert unspoken(one, NOW, RULES) == Reading(replace(one, due_at=NOW + HOUR))
    settled = upload(seen(S.FAILED), changed_at=NOW - HOUR)
    assert unspoken(settled, NOW, RULES) == Reading(replace(settled, due_at=NOW + HOUR))


@pytest.mark.parametrize(
    ("age", "every"),
    [(-9, 10), (0, 10), (120, 12), (HOUR / 2, 180), (HOUR, 300), (2 * HOUR, 900), (DAY, HOUR), (8 * DAY, 21600)],
)
def test_an_upload_of_which_nothing_is_ever_said_is_asked_for_ever_more_slowly(age, every):
    one = upload(followed_at=NOW - age, registered=True)
    assert unspoken(one, NOW, RULES) == Reading(replace(one, due_at=NOW + every))


@pytest.mark.parametrize(("misses", "every"), [(1, 10), (3, 20), (9, 300)])
def test_silence_about_an_upload_that_was_denied_does_not_put_off_its_confirmation(misses, every):
    one = upload(seen(), misses=misses, missing_since=NOW - 60)
    assert unspoken(one, NOW, RULES) == Reading(replace(one, due_at=NOW + every))


# --- absence


def test_absence_is_not_news():
    one, told = follow(upload(seen()), [(0, None, GET), (599, None, GET), (0, None, GET), (0, None, GET)])
    assert told == []
    assert (one.misses, one.missing_since, one.snapshot) == (4, NOW, seen())


@pytest.mark.parametrize(
    ("denials", "gone"),
    [([0, 700], False), ([0, 300, 299], False), ([0, 300, 300], True), ([0, 10, 10, 580], True), ([0, 9999, 1], True)],
)
def test_gone_takes_ten_minutes_and_three_looks(denials, gone):
    _, told = follow(upload(seen()), [(later, None, GET) for later in denials])
    assert statuses(told) == ([S.GONE] if gone else [])


def test_a_sighting_sets_absence_back():
    one, told = follow(upload(seen()), [(0, None, GET), (590, None, GET), (1, seen(), GET), (10, None, GET)])
    assert (told, one.misses, one.missing_since) == ([], 1, NOW + 601)


def test_what_a_list_shows_in_part_is_not_gone():
    row = seen(complete=False)
    denied_and_listed = [(0, None, GET), (200, None, GET), (50, row, LIST)] * 20
    one, told = follow(upload(seen()), denied_and_listed)
    assert (told, one.misses) == ([], 0)


def test_what_a_schedule_shows_is_not_cancelled():
    job = seen(S.SCHEDULED, None, scheduled_at=NOW + DAY)
    one, told = follow(upload(job), [(0, None, GET), (200, None, GET), (50, job, SCHEDULE)] * 20, EXPIRING)
    assert (told, one.misses) == ([], 0)


def test_a_feed_s_old_rows_do_not_show_that_it_is_there():
    old = seen(complete=False, updated_at=NOW - DAY)
    denials = [(0, None, GET), (300, None, GET), (1, old, FEED), (299, None, GET)]
    _, told = follow(upload(seen(updated_at=NOW - DAY)), denials)
    assert statuses(told) == [S.GONE]
    newer = replace(old, updated_at=NOW - 1)
    _, told = follow(upload(seen(updated_at=NOW - DAY)), [*denials[:2], (1, newer, FEED), denials[3]])
    assert statuses(told) == [S.GONE]


def test_gone_is_looked_at_like_anything_settled_and_then_no_more():
    one, told = follow(upload(seen(), sequence=2), [(0, None, GET), (300, None, GET), (300, None, GET)])
    at = NOW + 600
    assert (one.snapshot.status, one.sequence, one.changed_at, one.misses) == (S.GONE, 3, at, 0)
    assert one.due_at == at + 360
    looks = 0
    while one.due_at is not None:
        one, more = follow(one, [(one.due_at - NOW, None, GET)])
        told, looks = told + more, looks + 1
    assert (statuses(told), looks) == ([S.GONE], 25)


def test_gone_and_found_again_is_reopened():
    one, _ = follow(upload(seen()), [(0, None, GET), (300, None, GET), (300, None, GET)])
    _, told = follow(one, [(HOUR, seen(), GET)])
    assert [(change.seen.status, change.reopened) for change in told] == [(S.PROCESSING, True)]


def test_a_registered_upload_that_nobody_knows_is_unknown_after_its_grace_and_looked_for_ever_more_slowly():
    one, told = follow(upload(registered=True, kind=""), [(0, None, GET), (300, None, GET), (299, None, GET)])
    assert told == []
    one, told = follow(one, [(600, None, GET)])
    assert [(change.reason, change.seen.status) for change in told] == [(ChangeReason.FIRST_SEEN, S.UNKNOWN)]
    assert (one.sequence, one.misses, one.missing_since, one.due_at) == (1, 4, NOW, NOW + 600 + 40)
    gaps = []
    for _ in range(250):
        before = one.due_at
        one, more = follow(one, [(before - NOW, None, GET)])
        gaps.append(one.due_at - before)
        told += more
    assert (len(told), gaps, gaps[0], gaps[-1]) == (1, sorted(gaps), 80, 3600)
    assert one.missing_since + 7 * DAY > one.due_at > one.missing_since + 6 * DAY


def test_a_row_of_a_list_that_the_provider_never_confirms_rests_unsaid_after_the_grace_however_long_it_is_listed():
    one = upload()
    for later in (0, 10, 580):
        reading = denied(one, NOW + later, RULES)
        assert reading.change is None
        one = reading.upload
        assert one.due_at > NOW + later
    reading = denied(one, NOW + 600, RULES)
    assert (reading.change, reading.upload.due_at) == (None, None)
    assert sighted(reading.upload, seen(complete=False), LIST, NOW + 630, RULES) == Reading(reading.upload)


def test_what_is_gone_and_still_listed_is_asked_for_seldom():
    one = upload(seen(S.GONE, None))
    listed = sighted(one, seen(S.PROCESSING, complete=False, updated_at=NOW), LIST, NOW, RULES).upload
    assert listed == replace(one, due_at=NOW + 21600)
    assert sighted(listed, seen(S.PROCESSING, complete=False, updated_at=NOW), LIST, NOW + 30, RULES).upload == listed


@pytest.mark.parametrize("status", [S.COMPLETED, S.FAILED, S.PARTIAL])
def test_an_expired_answer_about_a_settled_upload_is_nothing_and_it_stays_followed(status):
    """Were it forgotten, a row of the history would announce it anew as the first sight of it."""
    one = upload(seen(status), changed_at=NOW - HOUR, sequence=3)
    for _ in range(10):
        reading = denied(one, NOW, EXPIRING)
        assert reading == Reading(replace(one, due_at=NOW + HOUR))
    assert denied(one, NOW + 2 * DAY, EXPIRING) == Reading(replace(one, due_at=None))


def test_a_settled_upload_is_gone_where_answers_do_not_expire():
    _, told = follow(upload(seen(S.COMPLETED)), [(0, None, GET), (300, None, GET), (300, None, GET)])
    assert statuses(told) == [S.GONE]
    assert told[0].seen.reason == NOT_FOUND


def test_a_job_that_left_the_schedule_is_cancelled_once_that_is_confirmed():
    job = seen(S.SCHEDULED, None, scheduled_at=NOW + DAY)
    one, told = follow(upload(job), [(0, None, GET), (300, None, GET), (300, None, GET), (360, None, GET)], EXPIRING)
    assert statuses(told) == [S.CANCELLED]
    assert (told[0].seen.reason, one.misses) == (None, 0)


# --- missed by a sweep, where there is nothing else to ask


@pytest.mark.parametrize("one", [upload(seen(S.PROCESSING)), upload(registered=True)])
def test_what_is_open_and_missed_by_a_sweep_is_due_as_if_denied(one):
    assert missed(one, NOW, NOW + DAY, RULES) == denied(one, NOW, RULES)


def test_what_had_settled_and_is_missed_is_due_when_it_is_compared_again():
    one = upload(seen(S.FAILED))
    at_once = denied(one, NOW, RULES).upload
    assert missed(one, NOW, NOW + DAY, RULES) == Reading(replace(at_once, due_at=NOW + DAY))


def test_what_had_settled_and_is_missed_for_the_last_time_is_gone():
    one = upload(seen(S.FAILED), misses=CADENCE.grace_looks - 1, missing_since=NOW - CADENCE.grace)
    gone = missed(one, NOW, NOW + DAY, RULES)
    assert gone.change.seen.status is S.GONE
    assert gone == denied(one, NOW, RULES)


# --- of whom an answer speaks


@pytest.mark.parametrize(
    ("kinds", "spoken"),
    [(["video"], None), (["video", "post"], "post"), (["video", ""], ""), (["", "post"], "")],
    ids=["of another kind", "of its kind", "of a kind that is not known yet", "of whichever comes first"],
)
def test_a_row_speaks_of_an_upload_of_its_kind_or_of_one_whose_kind_nobody_knows(kinds, spoken):
    known = {"u1": [replace(upload(), kind=kind) for kind in kinds]}
    found = spoken_of(seen(kind="post", id="u1"), known)
    assert (None if found is None else found.kind) == spoken
    assert spoken_of(seen(kind="post", id="x", alias="u1"), known) is found
    assert spoken_of(seen(kind="post", id="x"), known) is None
