"""What is watched at a source, and how long its uploads take."""

from dataclasses import replace

import pytest
from things import CADENCE, DAY, HOUR, NOW, flat, seen, survival, upload

from notifier.core.book import MORE, PAGE_SIZE, Book, class_of
from notifier.core.lives import BINS, LONGEST, Estimated, Hazard, Lives, bin_of, one_life, presumed, together
from notifier.core.model import SETTLED, Change, ChangeReason, Observation, Status, Target, TargetStatus
from notifier.core.pace import Pace, due
from notifier.core.sweep import DEEPEST

S = Status
PRIOR = presumed(60, 1.1)
X = Target("x", TargetStatus.PROCESSING)


def book(lives=(), *uploads, now=NOW):
    one = Book(CADENCE, PRIOR, dict(lives))
    for each in uploads:
        one.note(each, now, shown=False, whole=False)
    return one


def watched(one: Book):
    (only,) = one
    return only


def settle(upload_, status=S.COMPLETED, at=NOW, **more):
    now = seen(status, **more)
    return Change(upload_, now, ChangeReason.STATUS, (), reopened=False, observed_at=at)


def learn(one, change):
    """The class that a change has taught, and its lives; None where it has taught nothing."""
    one.learn(change)
    return next(iter(one.learned().items()), None)


def number(count, status=S.PROCESSING):
    """An upload of that number, with an id of its own."""
    return replace(upload(Observation("post", f"u{count}", status)), media_id=count, id=f"u{count}")


# --- what is watched


def test_what_the_store_remembers_was_seen_when_it_last_changed():
    never, changed = number(1), replace(number(2), changed_at=NOW - 60)
    one = book((), never, changed)
    assert [(each.seen, each.asked) for each in one] == [(NOW - HOUR, NOW - HOUR), (NOW - 60, NOW - 60)]
    assert (len(one), bool(one), bool(book())) == (2, True, False)


def test_a_clock_that_was_put_back_lets_nothing_be_seen_later_than_now():
    assert watched(book((), upload(seen(), changed_at=NOW + DAY))).seen == NOW


@pytest.mark.parametrize(
    ("shown", "whole", "seen_at", "asked_at"),
    [(True, True, NOW + 9, NOW + 9), (True, False, NOW + 9, NOW - HOUR), (False, False, NOW - HOUR, NOW - HOUR)],
)
def test_an_answer_proves_what_it_shows(shown, whole, seen_at, asked_at):
    one = book((), upload(seen()))
    one.note(upload(seen(title="new")), NOW + 9, shown=shown, whole=whole)
    only = watched(one)
    assert (only.seen, only.asked, only.upload.snapshot.title) == (seen_at, asked_at, "new")


def test_what_another_s_answer_tells_proves_nothing_of_it():
    one = book((), upload(seen()))
    one.unchanged(one, NOW + 5, whole=True)
    one.note(upload(seen(title="new")), NOW + 9, shown=False, whole=False)
    assert (watched(one).seen, watched(one).asked) == (NOW + 5, NOW + 5)


@pytest.mark.parametrize("status", [*sorted(SETTLED), S.DRAFT])
def test_what_settles_or_rests_is_watched_no_longer(status):
    one = book((), upload(seen()))
    one.note(upload(seen(status)), NOW, shown=True, whole=True)
    assert (len(one), one.of(["u1"])) == (0, [])
    one.note(upload(seen(status)), NOW, shown=True, whole=True)
    assert len(one) == 0


def test_uploads_are_found_by_their_ids_of_whatever_kind():
    video, image, other = (replace(number(n), kind=kind) for n, kind in ((1, "video"), (2, "image"), (3, "image")))
    image = replace(image, id="u1")
    one = book((), video, image, other)
    one.due("page 1", list(one), Pace(price=1.0))
    assert [each.upload for each in one.of(["u1", "no", "u3"])] == [video, image, other]
    one.drop(video)
    assert [each.upload for each in one.of(["u1"])] == [image]
    one.drop(image)
    one.drop(image)
    assert (one.of(["u1"]), len(one)) == ([], 1)
    assert one._ids == {"u3": {3}}  # or it would grow for as long as the daemon runs
    assert one._waits
    one.drop(other)
    assert one._waits == {}


def test_an_answer_without_news_proves_that_an_upload_is_open():
    one = book((), upload(seen()))
    only = watched(one)
    only.due = NOW + 99
    one.unchanged([only], NOW + 9, whole=False)
    assert (only.seen, only.asked, only.due) == (NOW + 9, NOW - HOUR, None)
    one.unchanged([only], NOW + 10, whole=True)
    assert (only.seen, only.asked) == (NOW + 10, NOW + 10)


def test_one_that_was_never_seen_is_watched_where_a_person_named_it():
    assert len(book((), upload(), replace(number(2), snapshot=None, registered=True))) == 1


def test_of_the_rows_of_a_page_those_count_that_speak_of_what_is_watched_by_id_and_kind_the_last_of_several():
    one = book((), number(1), number(2))
    first, second = one
    rows = [seen(id="x"), seen(id="u2"), seen(id="u1"), seen(id="u1", kind="other"), seen(id="u2", title="T")]
    assert one.among(rows) == [(second, rows[4], 4), (first, rows[2], 2)]
    assert one.among([]) == []


# --- when a look is due


@pytest.mark.parametrize("what", ["nothing", "seen", "born", "life", "pace", "looked", "joined", "left"])
def test_a_look_is_due_when_it_is_however_long_the_one_before_was_waited_for(what):
    one, pace, name = book((), number(1), number(2)), Pace(price=1.0, floor=40.0), "list posts"
    first, second = one
    first.life = second.life = flat(60)
    reach = [first, second]
    one.due(name, reach, pace)
    match what:
        case "seen" | "born":
            setattr(first, what, getattr(first, what) + 5)
        case "life":
            first.life = flat(30)
        case "pace":
            pace = replace(pace, price=2.0)
        case "looked":
            one.looked[name] = NOW
        case "joined":
            reach = [first, second, replace(first, seen=NOW)]
        case "left":
            reach = [first]
    at, why = due(reach, pace, one.looked.get(name, 0.0))
    assert one.due(name, reach, pace) == (pytest.approx(at, abs=2e-3), why)


# --- where it stands in its list

LIST = "videos"


def placed(row, size=10):
    """A book with one upload, in this row of a list whose pages hold so many."""
    one = book((), number(1))
    one.fill(LIST, size)
    one.place(watched(one), row)
    return one, watched(one)


def more_come(one, *numbers, kind="post"):
    for count in numbers:
        one.note(replace(number(count), kind=kind), NOW, shown=True, whole=True)


def pages(one, watch, *strays):
    """Where it is looked for, after it was not on each of these pages, the last of which may be the last of all."""
    found = []
    for page, more in strays:
        one.stray(watch, LIST, page, more=more)
        found.append(one.page_of(watch, LIST))
    return found


def test_a_new_upload_stands_first_in_its_list_and_each_later_one_pushes_it_a_row_down():
    one = book((), number(1))
    one.fill(LIST, 3)
    first = watched(one)
    more_come(one, 2, 3)
    assert one.page_of(first, LIST) == 1
    more_come(one, 4)
    assert [one.page_of(each, LIST) for each in one] == [2, 1, 1, 1]


def test_only_uploads_of_its_kind_push_an_upload_down():
    one, only = placed(9)
    more_come(one, 2, kind="video")
    assert one.page_of(only, LIST) == 1
    more_come(one, 3)
    assert one.page_of(only, LIST) == 2


def test_an_upload_whose_kind_is_told_at_last_is_new_among_its_like():
    one = book((), number(1))
    one.fill(LIST, 2)
    more_come(one, 1, 2, 3, kind="video")
    assert [one.page_of(each, LIST) for each in one] == [2, 1, 1]
    assert one.known == {"post": 1, "video": 3}


def test_what_has_settled_keeps_its_row_and_those_below_it_theirs():
    one, only = placed(9)
    more_come(one, 2)
    one.note(number(2, S.COMPLETED), NOW, shown=True, whole=True)
    assert (len(one), one.page_of(only, LIST)) == (1, 2)


def test_an_upload_stays_where_it_was_seen_until_it_is_seen_elsewhere():
    one, only = placed(25)
    more_come(one, 2, 1)
    only = one.of(["u1"])[0]
    assert (only.row, one.page_of(only, LIST)) == (25, 3)
    more_come(one, 3, 4, 5, 6)
    assert one.page_of(only, LIST) == 4
    one.unchanged([only], NOW, whole=True)
    assert one.page_of(only, LIST) == 4
    one.place(only, 25)
    assert one.page_of(only, LIST) == 3


def test_where_nobody_knows_it_stands_on_no_page_whatever_comes():
    one, _ = placed(None)
    more_come(one, 1, 2)
    assert one.page_of(one.of(["u1"])[0], LIST) == 0


@pytest.mark.parametrize(("size", "rows", "page"), [(None, PAGE_SIZE - 1, 1), (None, PAGE_SIZE, 2), (20, 20, 2)])
def test_a_page_holds_as_many_rows_as_the_last_full_one_did(size, rows, page):
    one, only = placed(rows, size or 0)
    assert (one.size(LIST), one.page_of(only, LIST)) == (size or PAGE_SIZE, page)
    assert one.page_of(only, "another") == 1 + rows // PAGE_SIZE


def test_a_page_without_any_row_tells_nothing_of_how_many_there_are():
    one, only = placed(10)
    one.fill(LIST, 0)
    assert (one.size(LIST), one.page_of(only, LIST)) == (10, 2)


@pytest.mark.parametrize(
    ("row", "strays", "found"),
    [
        (14, [(2, True), (1, True)], [1, 3]),
        (15, [(2, True), (3, True)], [3, 1]),
        (3, [(1, True)], [2]),
        (3, [(1, False)], [0]),
        (15, [(2, False), (1, True)], [1, 3]),
        (25, [(3, False), (2, True)], [2, 4]),
    ],
)
def test_what_is_not_on_its_page_is_looked_for_on_those_beside_it_the_nearer_first(row, strays, found):
    one, only = placed(row)
    assert pages(one, only, *strays) == found
    assert only.tried == tuple(page for page, _ in strays)


@pytest.mark.parametrize(
    ("row", "strays", "found"),
    [
        (14, [(2, True), (1, True), (3, True)], [1, 3, 1]),
        (15, [(2, True), (3, True), (1, True)], [3, 1, 2]),
        (7, [(1, True), (2, False)], [2, 1]),
        (3, [(1, True), (2, True)], [2, 1]),
        (15, [(2, False), (1, True), (3, True)], [1, 3, 1]),
    ],
)
def test_what_is_on_neither_page_is_sought_on_each_from_the_first_on(row, strays, found):
    one, only = placed(row)
    assert pages(one, only, *strays) == found
    assert only.is_sought
    page = found[-1]
    assert pages(one, only, *((more, True) for more in range(page, 6)), (6, False)) == [*range(page + 1, 7), 0]


def test_what_is_to_be_found_anywhere_is_sought_from_the_first_page_on():
    """What was never seen, but named by a person, may be as old as can be."""
    one = book((), replace(number(1), snapshot=None, registered=True))
    assert pages(one, watched(one), (1, True), (2, True), (3, True), (4, False)) == [2, 3, 4, 0]
    one.place(watched(one), 3 * PAGE_SIZE)
    assert pages(one, watched(one), (4, True), (1, True)) == [1, 2]


def test_no_list_is_searched_deeper_than_a_sweep_goes():
    """Where a provider names no last page, the search for one upload never came to an end."""
    one = book((), replace(number(1), snapshot=None, registered=True))
    every = [(page, True) for page in range(1, DEEPEST + 1)]
    assert pages(one, watched(one), *every)[-2:] == [DEEPEST, 0]


def test_nobody_knows_where_on_a_page_an_upload_is_sought_so_that_later_ones_may_push_it_a_little():
    one, only = placed(14)
    one.stray(only, LIST, 2, more=True)
    more_come(one, 2, 3, 4, 5)
    assert (only.row, one.page_of(only, LIST)) == (5, 1)
    more_come(one, 6)
    assert one.page_of(only, LIST) == 2


def test_which_page_is_the_nearer_goes_by_where_it_ought_to_be_by_now():
    one, only = placed(14)
    more_come(one, 2)
    assert pages(one, only, (2, True)) == [3]
    one, first = placed(0)
    more_come(one, *range(2, 16))
    assert pages(one, first, (2, True)) == [1]


def test_what_stands_nobody_knows_where_is_looked_for_beside_the_page_that_lacks_it():
    one, only = placed(None)
    assert pages(one, only, (1, True)) == [2]


def test_what_was_looked_for_is_looked_for_anew_once_it_was_seen():
    one, only = placed(14)
    assert pages(one, only, (2, True)) == [1]
    one.place(only, 14)
    assert only.tried == ()
    assert pages(one, only, (2, True), (1, True), (3, True)) == [1, 3, 1]
    one.place(only, 14)
    assert not only.is_sought
    assert pages(one, only, (2, True), (1, True)) == [1, 3]


def test_an_answer_that_tells_something_else_does_not_begin_the_search_anew():
    """Where an upload was sought in vain was forgotten with each of its details that changed."""
    one, only = placed(14)
    assert pages(one, only, (2, True)) == [1]
    more_come(one, 1)
    assert pages(one, watched(one), (1, True), (3, True)) == [3, 1]
    assert pages(one, watched(one), (1, True)) == [2]
    more_come(one, 1)
    assert pages(one, watched(one), (2, True), (3, True)) == [3, 4]


# --- what is expected


def test_an_upload_is_expected_to_take_as_long_as_its_class_does():
    one = book({"post:0": one_life(0, 9)}, upload(seen()))
    assert watched(one).life == one.hazard("post:0") != one.hazard("post:1")
    assert watched(one).stated == watched(one).born == NOW - HOUR


def test_the_provider_s_own_estimate_goes_before_what_was_learned():
    one = book((), upload(seen(time_left=40.0)))
    only = watched(one)
    assert (only.life, only.stated) == (Estimated(40.0), NOW)
    one.unchanged(one, NOW + 9, whole=True, left=30.0)
    assert (only.life, only.stated, only.born) == (Estimated(30.0), NOW + 9, NOW - HOUR)
    one.unchanged(one, NOW + 12, whole=True)
    assert (only.life, only.stated) == (Estimated(30.0), NOW + 9)


@pytest.mark.parametrize("left", [0.0, -1.0])
def test_an_estimate_of_nothing_left_is_none_and_stops_nothing(left):
    one = book((), upload(seen(time_left=left)))
    only = watched(one)
    one.unchanged(one, NOW + 9, whole=True, left=left)
    assert (only.life, only.stated) == (one.hazard("post:0"), NOW - HOUR)


def test_what_is_expected_changes_only_when_the_upload_is_shown():
    one = book((), upload(seen(time_left=40.0)))
    one.note(upload(seen()), NOW + 9, shown=False, whole=False)
    assert watched(one).life == Estimated(40.0)
    one.note(upload(seen()), NOW + 9, shown=True, whole=False)
    assert (watched(one).life, watched(one).stated) == (one.hazard("post:0"), NOW - HOUR)


@pytest.mark.parametrize(
    ("kind", "targets", "name"),
    [("video", 0, "video:0"), ("video", 1, "video:1"), ("image", 2, "image:2"), ("video", 3, "video:3"), ("", 9, ":3")],
)
def test_uploads_of_one_kind_with_as_many_targets_are_expected_to_take_equally_long(kind, targets, name):
    there = tuple(Target(str(n), TargetStatus.PROCESSING) for n in range(targets))
    assert class_of(upload(seen(targets=there), kind=kind)) == name


def test_of_an_upload_that_was_never_seen_no_targets_are_known():
    assert class_of(upload(kind="video")) == "video:0"


def test_before_anything_is_learned_a_class_is_what_was_presumed():
    assert book().hazard("post:0").rates == pytest.approx(Hazard(PRIOR).rates)


def test_a_class_without_lives_of_its_own_is_like_the_others():
    lives = {"video:1": together(one_life(0, 20) for _ in range(50)), "video:2": one_life(0, 20)}
    one = book(lives)
    pooled = together(lives.values()).hazard(PRIOR)
    assert one.hazard("image:0").rates == pytest.approx(pooled.rates)
    assert one.hazard("video:2") == lives["video:2"].hazard(pooled.rates)
    assert survival(one.hazard("video:1"), 30) < survival(one.hazard("image:0"), 30) < survival(Hazard(PRIOR), 30)


def test_a_hazard_is_worked_out_anew_only_when_a_tenth_was_learned():
    one = book({"post:0": together(one_life(0, 20) for _ in range(100))})
    first = one.hazard("post:0")
    for life in range(1, 30):
        one.lives["post:0"] = one.lives["post:0"].plus(one_life(0, 90))
        assert (one.hazard("post:0") is first) is (100 + life <= 100 * MORE), life
        if one.hazard("post:0") is not first:
            break
    assert survival(one.hazard("post:0"), 60) > survival(first, 60)
    one.lives = {}
    assert one.hazard("post:0") != first


# --- learning


def test_a_settling_teaches_its_class_a_life_from_birth_to_the_middle_between_two_looks():
    one = book((), upload(seen(created_at=NOW - 70), followed_at=NOW - 70))
    one.unchanged(one, NOW - 20, whole=True)
    name, lives = learn(one, settle(upload(seen(), followed_at=NOW - 70), at=NOW))
    assert (name, lives) == ("post:0", one_life(0, 60))
    assert one.lives == {name: lives}


@pytest.mark.parametrize(
    ("finished_at", "updated_at", "age"),
    [
        (NOW - 5, None, 65),
        (None, NOW - 5, 65),
        (NOW - 5, NOW, 65),
        (NOW - 20, NOW, 70),
        (NOW - 20, None, 60),
        (NOW + 1, None, 60),
        (None, None, 60),
    ],
)
def test_a_moment_that_is_stated_counts_where_it_can_be(finished_at, updated_at, age):
    open_ = upload(seen(), followed_at=NOW - 70)
    one = book((), open_)
    one.unchanged(one, NOW - 20, whole=True)
    _, lives = learn(one, settle(open_, finished_at=finished_at, updated_at=updated_at))
    assert lives == one_life(0, age)


def test_what_happened_before_the_first_sight_is_not_learned():
    open_ = upload(seen(created_at=NOW - 100), followed_at=NOW - 60)
    one = book((), open_)
    one.unchanged(one, NOW, whole=True)
    _, lives = learn(one, settle(open_))
    assert lives == one_life(40, 100)


def test_a_life_of_one_that_was_scheduled_counts_from_its_time():
    open_ = upload(seen(created_at=NOW - DAY, scheduled_at=NOW - 50), followed_at=NOW - DAY, changed_at=NOW - 40)
    one = book((), open_)
    one.unchanged(one, NOW, whole=True)
    assert learn(one, settle(open_))[1] == one_life(0, 50)


def test_what_is_over_before_it_was_to_begin_is_no_life():
    planned = upload(seen(S.SCHEDULED, scheduled_at=NOW + HOUR))
    one = book((), planned)
    assert learn(one, settle(planned, S.CANCELLED)) is None
    assert learn(one, settle(planned, at=NOW + 2 * HOUR, finished_at=NOW + HOUR)) is None
    assert one.lives == {}


@pytest.mark.parametrize(
    "change",
    [
        settle(upload(seen()), S.PROCESSING),
        replace(settle(upload(seen())), reason=ChangeReason.DETAIL),
        settle(upload()),
        settle(number(99)),
    ],
    ids=["not settled", "settled before", "never seen open", "not watched"],
)
def test_what_is_no_settling_of_what_was_watched_teaches_nothing(change):
    one = book((), upload(seen()))
    assert (learn(one, change), one.lives) == (None, {})


def test_what_was_reopened_teaches_nothing_and_what_follows_does():
    """It was born long before it was seen open again."""
    failed, again = upload(seen(S.FAILED)), upload(seen(), changed_at=NOW)
    one = book()
    assert learn(one, replace(settle(failed, S.PROCESSING), reopened=True)) is None
    one.note(again, NOW, shown=True, whole=True)
    one.learn(replace(settle(again, S.PROCESSING), reason=ChangeReason.DETAIL))
    assert (learn(one, settle(again, at=NOW + 60)), one.lives) == (None, {})
    one.note(again, NOW, shown=True, whole=True)
    assert learn(one, settle(again, at=NOW + 60)) is not None


def test_what_outlives_all_that_is_told_apart_teaches_for_how_long_it_has_not_settled():
    stuck = upload(seen(), followed_at=NOW - 2 * HOUR)
    one = book((), stuck, now=NOW - 60)
    one.note(stuck, NOW - 60, shown=True, whole=True)
    one.note(stuck, NOW, shown=True, whole=True)
    assert (len(one), [sum(lives.exposure) for lives in one.learned().values()]) == (0, [pytest.approx(LONGEST)])
    assert one.learned() == {}


@pytest.mark.parametrize(
    ("age", "snapshot", "teaches"),
    [
        (LONGEST, seen(), True),
        (LONGEST - 1, seen(), False),
        (LONGEST, seen(S.COMPLETED), False),
        (LONGEST, None, False),
    ],
)
@pytest.mark.parametrize("reopened", [True, False])
def test_only_what_is_open_and_was_never_reopened_teaches_that_it_has_not_settled(age, snapshot, teaches, reopened):
    open_ = upload(seen(), followed_at=NOW - age)
    one = book((), open_)
    one.unchanged(one, NOW, whole=True)
    one.learn(replace(settle(open_, S.PROCESSING), reopened=reopened))
    one.note(replace(open_, snapshot=snapshot, misses=1, missing_since=NOW), NOW, shown=True, whole=True)
    assert (len(one), bool(one.learned())) == (0, teaches and not reopened)


@pytest.mark.parametrize("status", [S.PROCESSING, S.COMPLETED])
def test_what_is_watched_no_longer_sooner_or_for_another_reason_teaches_nothing_by_it(status):
    one = book((), upload(seen(), followed_at=NOW - HOUR))
    one.note(upload(seen(status), followed_at=NOW - HOUR, misses=1, missing_since=NOW), NOW, shown=True, whole=True)
    assert (len(one), one.learned()) == (0, {})


def test_what_was_learned_is_added_to_what_was_known_and_fades():
    many = Lives((0.0, 4000.0) + (0.0,) * (BINS - 2), (100.0,) * BINS)
    open_ = upload(seen(), followed_at=NOW - 60)
    one = book({"post:0": many}, open_)
    one.unchanged(one, NOW, whole=True)
    _, lives = learn(one, settle(open_))
    assert (lives.events[1], lives.events[bin_of(60)], lives.count) == (2000, 0.5, 2000.5)


def test_a_class_is_told_by_what_was_known_before_the_end():
    open_ = upload(seen(targets=(X,)), followed_at=NOW - 60)
    one = book((), open_)
    one.unchanged(one, NOW, whole=True)
    name, _ = learn(one, settle(open_, targets=(X, Target("y", TargetStatus.COMPLETED))))
    assert name == "post:1"


def test_what_is_learned_moves_the_looks_to_where_uploads_settle():
    one = book()
    for _ in range(200):
        open_ = upload(seen(), followed_at=NOW - 30)
        one.note(open_, NOW - 1, shown=True, whole=True)
        learn(one, settle(open_, at=NOW + 1))
        one.drop(open_)
    early, late = one.hazard("post:0").hazard(10), one.hazard("post:0").hazard(30)
    assert late > 10 * early
    assert late > 3 * flat(60).hazard(30)
